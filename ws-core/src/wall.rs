//! The time of day, where a machine cannot do without: a second clock, handed in like the first.
//!
//! It dates records, shows that a computer was asleep, and reads the dates of servers. It may be set
//! forwards or back at any time: no deadline is computed from it but those that a server gives as a
//! date.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use thiserror::Error;

/// Nanoseconds since the beginning of 1970, UTC, without leap seconds; up to the year 2554.
///
/// Shown and read in the form of ISO 8601, to the microsecond.
///
/// ```
/// use ws_core::UnixTime;
///
/// let time = UnixTime::from_nanos(1_000_000_000_123_456_000);
/// assert_eq!(time.to_string(), "2001-09-09T01:46:40.123456Z");
/// assert_eq!("2001-09-09T01:46:40.123456Z".parse(), Ok(time));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UnixTime(u64);

/// A text that is not a time in UTC after 1970.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not a time of the form 2001-09-09T01:46:40.123456Z")]
pub struct ParseTimeError;

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400;
/// Days in 400 years.
const ERA: u64 = 146_097;
/// Days from the first of March of year 0 to 1970.
const TO_1970: u64 = 719_468;

impl UnixTime {
    /// So many nanoseconds after the beginning of 1970.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the beginning of 1970.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// A date as HTTP writes it, in any of its three forms (RFC 9110 §5.6.7); `None` for anything
    /// else, and before 1970. The day of the week is not looked at, and two digits of a year are those
    /// of 1970 to 2069.
    ///
    /// ```
    /// use ws_core::UnixTime;
    ///
    /// let time = UnixTime::from_http("Sun, 09 Sep 2001 01:46:40 GMT");
    /// assert_eq!(time, Some(UnixTime::from_nanos(1_000_000_000_000_000_000)));
    /// ```
    #[must_use]
    pub fn from_http(date: &str) -> Option<Self> {
        parse_http(date)
    }

    /// The time from `earlier` to `self`, or zero if `earlier` is later.
    #[must_use]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.0 / SECOND, self.0 % SECOND / 1000);
        let (year, month, day) = date(seconds / DAY);
        let time = seconds % DAY;
        let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z"
        )
    }
}

impl FromStr for UnixTime {
    type Err = ParseTimeError;

    fn from_str(text: &str) -> Result<Self, ParseTimeError> {
        parse(text).ok_or(ParseTimeError)
    }
}

/// Year, month and day so many days after the beginning of 1970. Years are counted from March, so
/// that the leap day is the last of its year.
const fn date(days: u64) -> (u64, u64, u64) {
    let days = days + TO_1970;
    let (era, day_of_era) = (days / ERA, days % ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = (march_month + 2) % 12 + 1;
    let year = era * 400 + year_of_era + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// Days from the beginning of 1970 to a date; `None` before that.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1..=31).contains(&day) {
        return None;
    }
    let year = year.checked_sub(u64::from(month <= 2))?;
    let march_month = (month + 9) % 12;
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * ERA + day_of_era).checked_sub(TO_1970)
}

fn parse(text: &str) -> Option<UnixTime> {
    let text = text
        .strip_suffix('Z')
        .or_else(|| text.strip_suffix("+00:00"))?;
    let (date_text, time) = text.split_once('T')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut fields = date_text.split('-').map(number);
    let mut next = |low, high| fields.next()?.filter(|n| (low..=high).contains(n));
    let (year, month, day) = (next(1970, 2554)?, next(1, 12)?, next(1, 31)?);
    let mut fields = time.split(':').map(number);
    let mut next = |high| fields.next()?.filter(|n| *n <= high);
    let (hour, minute, second) = (next(23)?, next(59)?, next(59)?);
    let days = days(year, month, day).filter(|days| date(*days) == (year, month, day))?;
    let digits = u32::try_from(fraction.len()).ok().filter(|len| *len <= 9)?;
    let nanos = number(fraction)? * 10u64.pow(9 - digits);
    let seconds = days * DAY + hour * 3600 + minute * 60 + second;
    let nanos = seconds.checked_mul(SECOND)?.checked_add(nanos)?;
    Some(UnixTime(nanos))
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

fn parse_http(text: &str) -> Option<UnixTime> {
    let mut words = text.trim().split([' ', ',', '-']);
    let mut next = || words.find(|word| !word.is_empty());
    let (_, first, second, third, fourth) = (next()?, next()?, next()?, next()?, next()?);
    // `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`
    let (day, month, year, time) = match next() {
        Some("GMT") => (first, second, third, fourth),
        None => (second, first, fourth, third),
        Some(_) => return None,
    };
    if next().is_some() {
        return None;
    }
    let month = (1..).zip(MONTHS).find(|(_, name)| *name == month)?.0;
    let year = match (year.len(), number(year)?) {
        (2, year @ 70..) => 1900 + year,
        (2, year) => 2000 + year,
        (4, year @ 1970..=2554) => year,
        _ => return None,
    };
    let day = number(day)?;
    let days = days(year, month, day).filter(|days| date(*days) == (year, month, day))?;
    let mut fields = time.split(':').map(number);
    let mut next = |high| fields.next()?.filter(|n| *n <= high);
    // The last second of a day may be its sixty-first.
    let (hour, minute, second) = (next(23)?, next(59)?, next(60)?);
    if fields.next().is_some() {
        return None;
    }
    let seconds = days * DAY + hour * 3600 + minute * 60 + second;
    Some(UnixTime(seconds.checked_mul(SECOND)?))
}

/// Digits only: no sign and no space.
fn number(digits: &str) -> Option<u64> {
    let all = digits.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn a_date_of_http_is_read_in_each_of_its_forms() {
        let expected = "1994-11-06T08:49:37Z".parse().ok();
        for date in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            " Sunday, 06-Nov-94 08:49:37 GMT ",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(UnixTime::from_http(date), expected, "{date}");
        }
        let later = UnixTime::from_http("Sunday, 06-Nov-33 08:49:60 GMT");
        assert_eq!(later, "2033-11-06T08:50:00Z".parse().ok());
        for date in [
            "",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Nov 1994 08:49:37 GMT and so on",
            "Sun, 06 Nov 1969 08:49:37 GMT",
            "Sun, 06 Nov 194 08:49:37 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 00 Mar 1994 08:49:37 GMT",
            "Sun, 18446744073709551615 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 18446744073709551615 08:49:37 GMT",
            "Sun, 06 November 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 1994 08:49:37:1 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
        ] {
            assert_eq!(UnixTime::from_http(date), None, "{date}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange_for_a_date(text in ".{0,60}") {
            let _ = UnixTime::from_http(&text);
        }
    }

    #[test]
    fn known_days_have_their_dates() {
        for (days, expected) in [
            (0, (1970, 1, 1)),
            (59, (1970, 3, 1)),
            (789, (1972, 2, 29)),
            (11_016, (2000, 2, 29)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(date(days), expected);
        }
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        for text in [
            "",
            "Z",
            "1969-12-31T23:59:59Z",
            "2001-02-29T00:00:00Z",
            "2001-13-01T00:00:00Z",
            "2001-01-01T24:00:00Z",
            "2001-01-01T00:00:00",
            "2001-01-01T00:00:00.+12Z",
            "2001-01-01T00:00:00.1234567890Z",
            "2001-01-01 00:00:00Z",
            "2554-12-31T00:00:00Z",
        ] {
            assert_eq!(text.parse::<UnixTime>(), Err(ParseTimeError), "{text}");
        }
        let short: UnixTime = "1970-01-01T00:00:01.5+00:00".parse().unwrap();
        assert_eq!(short.as_nanos(), 1_500_000_000);
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_to_the_microsecond(nanos: u64) {
            let time = UnixTime::from_nanos(nanos / 1000 * 1000);
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }

        #[test]
        fn no_text_panics(text in "[0-9TZ:.+-]{0,40}") {
            if let Ok(time) = text.parse::<UnixTime>() {
                prop_assert_eq!(format!("{time}").len(), 27);
            }
        }

        #[test]
        fn days_follow_one_another(day in 0..213_000u64) {
            let (year, month, of_month) = date(day);
            prop_assert_eq!(days(year, month, of_month), Some(day));
            let (next_year, next_month, next) = date(day + 1);
            let same_month = (next_year, next_month, next) == (year, month, of_month + 1);
            prop_assert!(same_month || next == 1 && of_month >= 28);
        }
    }
}
