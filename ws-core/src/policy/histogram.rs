//! Distributions in constant memory: log-linear buckets, 64 for each power of two.
//!
//! A value is known to a 64th of itself, from a nanosecond to centuries, in 15 KiB that are only
//! allocated once something is recorded. Histograms of many connections add up. A histogram reads
//! no clock: what it counts is handed in.

use alloc::vec::Vec;
use core::time::Duration;

use super::Percent;
use crate::time::{Instant, saturating_nanos};

/// Buckets for each power of two, as a power of two.
const BITS: u32 = 6;
const SUB: usize = 1 << BITS;
const BUCKETS: usize = SUB * (u64::BITS - BITS + 1) as usize;

/// How often each value was seen, to within 1.6 % of the value.
///
/// ```
/// use core::time::Duration;
/// use ws_core::policy::{Histogram, Percent};
///
/// let mut histogram = Histogram::default();
/// for ms in 1..=1000 {
///     histogram.record_duration(Duration::from_millis(ms));
/// }
/// let p99 = Duration::from_nanos(histogram.percentile(Percent(99)).unwrap());
/// assert!(p99 >= Duration::from_millis(990) && p99 <= Duration::from_millis(1006));
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Histogram {
    /// Empty until something is recorded.
    buckets: Vec<u32>,
    count: u64,
    max: u64,
}

impl Histogram {
    /// Adds a value.
    pub fn record(&mut self, value: u64) {
        if self.buckets.is_empty() {
            self.buckets.resize(BUCKETS, 0);
        }
        let bucket = &mut self.buckets[index(value)];
        *bucket = bucket.saturating_add(1);
        self.count = self.count.saturating_add(1);
        self.max = self.max.max(value);
    }

    /// Adds a duration, in nanoseconds.
    pub fn record_duration(&mut self, duration: Duration) {
        self.record(saturating_nanos(duration));
    }

    /// Adds all that another has seen.
    pub fn merge(&mut self, other: &Self) {
        if self.buckets.is_empty() {
            self.buckets.clone_from(&other.buckets);
        } else {
            for (own, other) in self.buckets.iter_mut().zip(&other.buckets) {
                *own = own.saturating_add(*other);
            }
        }
        self.count = self.count.saturating_add(other.count);
        self.max = self.max.max(other.max);
    }

    /// A value that `percent` of all values are not above; `None` while nothing was recorded. It is
    /// never below the exact one, and at most 1.6 % above it.
    #[must_use]
    pub fn percentile(&self, percent: Percent) -> Option<u64> {
        let share = u128::from(self.count) * u128::from(percent.0.min(100));
        let wanted = share.div_ceil(100).max(1);
        let mut seen = 0;
        for (at, times) in self.buckets.iter().enumerate() {
            seen += u128::from(*times);
            if seen >= wanted {
                return Some(highest(at).min(self.max));
            }
        }
        None
    }

    /// The greatest value, exactly; `None` while nothing was recorded.
    #[must_use]
    pub fn max(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max)
    }

    /// How many values were recorded.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }
}

/// The bucket of a value: small values have one each; above, the leading bits choose.
fn index(value: u64) -> usize {
    let power = (u64::BITS - 1).saturating_sub(value.leading_zeros());
    let shift = power.saturating_sub(BITS);
    // Less than two times SUB after the shift.
    let leading = usize::try_from(value >> shift).unwrap_or(SUB);
    shift as usize * SUB + leading
}

/// The greatest value of a bucket.
fn highest(index: usize) -> u64 {
    let (shift, leading) = match index / SUB {
        0 | 1 => (0, index),
        octave => (octave - 1, index % SUB + SUB),
    };
    let next = (leading as u128 + 1) << shift;
    u64::try_from(next - 1).unwrap_or(u64::MAX)
}

/// A histogram of the last minute: four slices that are forgotten one after the other.
///
/// ```
/// use core::time::Duration;
/// use ws_core::Instant;
/// use ws_core::policy::RecentHistogram;
///
/// let mut recent = RecentHistogram::default();
/// let start = Instant::ORIGIN;
/// recent.record(7, start);
/// assert_eq!(recent.merged(start + Duration::from_secs(44)).count(), 1);
/// assert_eq!(recent.merged(start + Duration::from_secs(60)).count(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct RecentHistogram {
    slice: Duration,
    /// Each with the number of its slice of time.
    slices: [(u64, Histogram); 4],
}

impl Default for RecentHistogram {
    /// Four slices of 15 s.
    fn default() -> Self {
        Self::new(Duration::from_secs(15))
    }
}

impl RecentHistogram {
    /// Four slices of that length each.
    #[must_use]
    pub fn new(slice: Duration) -> Self {
        Self {
            slice,
            slices: Default::default(),
        }
    }

    /// Adds a value.
    pub fn record(&mut self, value: u64, now: Instant) {
        let number = self.number(now);
        // Less than four after the remainder.
        let at = usize::try_from(number % 4).unwrap_or_default();
        let (slice, histogram) = &mut self.slices[at];
        if *slice != number {
            (*slice, *histogram) = (number, Histogram::default());
        }
        histogram.record(value);
    }

    /// All values of the present slice and the three before it.
    #[must_use]
    pub fn merged(&self, now: Instant) -> Histogram {
        let number = self.number(now);
        let mut merged = Histogram::default();
        for (slice, histogram) in &self.slices {
            if *slice <= number && number - slice < 4 {
                merged.merge(histogram);
            }
        }
        merged
    }

    fn number(&self, now: Instant) -> u64 {
        now.as_nanos() / saturating_nanos(self.slice).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_takes_fifteen_kilobytes_and_none_before_it_is_used() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.buckets.capacity(), 0);
        assert_eq!(
            (histogram.max(), histogram.percentile(Percent(50))),
            (None, None)
        );
        histogram.record(u64::MAX);
        assert_eq!(histogram.buckets.len() * 4, 15_104);
        assert_eq!(histogram.percentile(Percent(0)), Some(u64::MAX));
    }

    #[test]
    fn every_bucket_ends_where_the_next_begins() {
        for at in 0..BUCKETS {
            let high = highest(at);
            assert_eq!(index(high), at);
            if let Some(next) = high.checked_add(1) {
                assert_eq!(index(next), at + 1);
            }
        }
    }

    #[test]
    fn slices_are_forgotten_one_after_the_other() {
        let mut recent = RecentHistogram::new(Duration::from_secs(1));
        let at = |second| Instant::ORIGIN + Duration::from_secs(second);
        for second in 0..10 {
            recent.record(second, at(second));
        }
        let merged = recent.merged(at(9));
        assert_eq!((merged.count(), merged.max()), (4, Some(9)));
        assert_eq!(recent.merged(at(11)).count(), 2);
        assert_eq!(recent.merged(at(99)).count(), 0);
    }

    proptest! {
        #[test]
        fn percentiles_are_close_and_merging_is_recording_both(
            left in prop::collection::vec(any::<u64>(), 0..60),
            right in prop::collection::vec(0..5000u64, 0..60),
            percent in 0..=100u32,
        ) {
            let record = |values: &[u64]| {
                let mut histogram = Histogram::default();
                values.iter().for_each(|value| histogram.record(*value));
                histogram
            };
            let mut all = [left.clone(), right.clone()].concat();
            let mut merged = record(&left);
            merged.merge(&record(&right));
            prop_assert_eq!(&merged, &record(&all));
            all.sort_unstable();
            if let Some(found) = merged.percentile(Percent(percent)) {
                let rank = (all.len() * percent as usize).div_ceil(100).max(1);
                let exact = all[rank - 1];
                prop_assert!(found >= exact && found - exact <= exact / 64);
            } else {
                prop_assert!(all.is_empty());
            }
        }
    }
}
