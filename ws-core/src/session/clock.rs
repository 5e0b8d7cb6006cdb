//! Noticing that the computer was asleep, by two clocks.
//!
//! On many systems the clock behind timers stops while the computer sleeps, so that a connection
//! which died hours ago looks seconds old. The time of day goes on. Where the two disagree, a
//! connection is probed, or given up if the server must have given it up as well. A clock that was
//! merely set costs one ping and never a connection.

use core::time::Duration;

use crate::time::Instant;
use crate::wall::UnixTime;

/// What a [`ClockWatch`] takes for a sleep.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ClockConfig {
    /// Clocks may disagree by this much, and timers be late by this much. Default 5 s.
    pub tolerance: Duration,
    /// After a gap this long the server has given up. Default 60 s.
    pub dead_after: Duration,
}

impl Default for ClockConfig {
    fn default() -> Self {
        Self {
            tolerance: Duration::from_secs(5),
            dead_after: Duration::from_secs(60),
        }
    }
}

impl ClockConfig {
    /// Sets [`tolerance`](Self#structfield.tolerance).
    #[must_use]
    pub const fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Sets [`dead_after`](Self#structfield.dead_after).
    #[must_use]
    pub const fn dead_after(mut self, gap: Duration) -> Self {
        self.dead_after = gap;
        self
    }
}

/// Compares the two clocks at each wake-up.
///
/// ```
/// use core::time::Duration;
/// use ws_core::session::clock::{ClockConfig, ClockJump, ClockWatch};
/// use ws_core::{Instant, UnixTime};
///
/// let mut watch = ClockWatch::new(ClockConfig::default());
/// let hour = Duration::from_secs(3600);
/// assert_eq!(watch.observe(UnixTime::from_nanos(0), Instant::ORIGIN), None);
///
/// // An hour of the day has passed, and no time at all for the timers.
/// let woken = UnixTime::from_nanos(3_600_000_000_000);
/// let jump = watch.observe(woken, Instant::ORIGIN);
/// assert_eq!(jump, Some(ClockJump::Reconnect { gap: hour }));
/// ```
#[derive(Clone, Debug)]
pub struct ClockWatch {
    config: ClockConfig,
    last: Option<(UnixTime, Instant)>,
}

/// The clocks disagree, or a timer was late.
///
/// Exhaustive on purpose: the connection may be alive, or cannot be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClockJump {
    /// Ask the server at once whether it is still there, and do not wait long for the answer.
    Probe {
        /// By how much.
        gap: Duration,
    },
    /// Give the connection up and dial.
    Reconnect {
        /// By how much.
        gap: Duration,
    },
}

impl ClockWatch {
    /// What was read last, if anything.
    #[cfg(feature = "testing")]
    pub(super) const fn last(&self) -> Option<(UnixTime, Instant)> {
        self.last
    }

    /// A watch that has seen no clock yet.
    #[must_use]
    pub const fn new(config: ClockConfig) -> Self {
        Self { config, last: None }
    }

    /// Both clocks, read at the same time. A time of day that goes back says nothing.
    pub fn observe(&mut self, wall: UnixTime, now: Instant) -> Option<ClockJump> {
        let (wall_before, before) = self.last.replace((wall, now))?;
        let passed = wall.saturating_duration_since(wall_before);
        self.judge(passed.saturating_sub(now - before))
    }

    /// The time of day, as far as the clocks were seen to go together; `None` before the second was
    /// seen.
    #[must_use]
    pub fn time_of_day(&self, now: Instant) -> Option<UnixTime> {
        let (wall, at) = self.last?;
        let passed = u64::try_from((now - at).as_nanos()).unwrap_or(u64::MAX);
        Some(UnixTime::from_nanos(wall.as_nanos().saturating_add(passed)))
    }

    /// Would [`observe`](Self::observe) learn nothing from these readings? Then it need not be asked.
    /// Clocks drift and are slewed, so at least every minute it does.
    #[must_use]
    pub fn is_old_news(&self, wall: UnixTime, now: Instant) -> bool {
        const ANCHOR: Duration = Duration::from_secs(60);
        self.last.is_some_and(|(wall_before, before)| {
            let passed = wall.saturating_duration_since(wall_before);
            let gap = passed.saturating_sub(now - before);
            wall >= wall_before && now - before < ANCHOR && gap <= self.config.tolerance
        })
    }

    /// A timer that was to fire at `due` fired now, where there is no second clock: a process that
    /// was stopped, or a clock that goes on during sleep. How late is usual is the caller's to add to
    /// `due`.
    #[must_use]
    pub fn late(&self, due: Instant, now: Instant) -> Option<ClockJump> {
        self.judge(now - due)
    }

    fn judge(&self, gap: Duration) -> Option<ClockJump> {
        if gap <= self.config.tolerance {
            None
        } else if gap >= self.config.dead_after {
            Some(ClockJump::Reconnect { gap })
        } else {
            Some(ClockJump::Probe { gap })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn at(seconds: u64) -> Instant {
        Instant::ORIGIN + secs(seconds)
    }

    fn wall(seconds: u64) -> UnixTime {
        UnixTime::from_nanos(1_800_000_000_000_000_000 + seconds * 1_000_000_000)
    }

    #[test]
    fn a_sleep_is_probed_or_given_up() {
        let probe = |gap| Some(ClockJump::Probe { gap: secs(gap) });
        let reconnect = |gap| Some(ClockJump::Reconnect { gap: secs(gap) });
        for (wall_passed, passed, expected) in [
            (10, 10, None),
            (15, 10, None),
            (16, 10, probe(6)),
            (69, 10, probe(59)),
            (70, 10, reconnect(60)),
            (28_800, 30, reconnect(28_770)),
        ] {
            let mut watch = ClockWatch::new(ClockConfig::default());
            assert_eq!(watch.observe(wall(0), at(0)), None);
            assert_eq!(watch.observe(wall(wall_passed), at(passed)), expected);
            let (day, now) = (wall(wall_passed + 1), at(passed + 1));
            assert_eq!(watch.observe(day, now), None, "once");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_or_slewed_is_no_sleep() {
        let mut watch = ClockWatch::new(ClockConfig::default());
        watch.observe(wall(1000), at(0));
        assert_eq!(watch.observe(wall(0), at(10)), None);
        assert_eq!(watch.observe(wall(10), at(20)), None);
        for step in 0..100 {
            let slewed = wall(20 + step * 13);
            assert_eq!(watch.observe(slewed, at(30 + step * 10)), None);
        }
    }

    #[test]
    fn readings_that_agree_are_old_news_for_a_minute() {
        let mut watch = ClockWatch::new(ClockConfig::default());
        assert!(!watch.is_old_news(wall(0), at(0)), "the first");
        watch.observe(wall(100), at(0));
        for (passed, day, old) in [
            (0, 100, true),
            (59, 159, true),
            (30, 135, true),
            (30, 136, false),
            (0, 99, false),
            (60, 160, false),
        ] {
            assert_eq!(watch.is_old_news(wall(day), at(passed)), old, "{passed}");
            let mut asked = watch.clone();
            let jump = asked.observe(wall(day), at(passed));
            assert!(!old || jump.is_none(), "nothing is passed over");
        }
    }

    #[test]
    fn a_timer_that_is_very_late_was_asleep_too() {
        let config = ClockConfig::default()
            .tolerance(secs(1))
            .dead_after(secs(10));
        let watch = ClockWatch::new(config);
        assert_eq!(watch.late(at(10), at(11)), None);
        assert_eq!(watch.late(at(10), at(9)), None);
        let gap = secs(2);
        assert_eq!(watch.late(at(10), at(12)), Some(ClockJump::Probe { gap }));
        let gap = secs(10);
        assert_eq!(
            watch.late(at(10), at(20)),
            Some(ClockJump::Reconnect { gap })
        );
    }
}
