//! The latency of the last answers: a window of samples and its percentiles.
//!
//! It measures nothing itself: a sample is handed in.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use super::Percent;

/// The last so many durations.
///
/// ```
/// use core::time::Duration;
/// use ws_core::policy::LatencyWindow;
///
/// let mut window = LatencyWindow::default();
/// for ms in 1..=100 {
///     window.record(Duration::from_millis(ms));
/// }
/// let stats = window.stats().unwrap();
/// assert_eq!(stats.p50, Duration::from_millis(51));
/// assert_eq!(stats.p99, Duration::from_millis(99));
/// ```
#[derive(Clone, Debug)]
pub struct LatencyWindow {
    samples: VecDeque<Duration>,
    size: usize,
}

/// What a window holds, in numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct LatencyStats {
    /// Half of the samples are not above this one.
    pub p50: Duration,
    /// 99 of 100 are not above this one.
    pub p99: Duration,
    /// The newest sample.
    pub last: Duration,
    /// Samples in the window.
    pub count: usize,
}

impl Default for LatencyWindow {
    /// A window of 100 samples.
    fn default() -> Self {
        Self::new(100)
    }
}

impl LatencyWindow {
    /// A window of `size` samples, at least one.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self {
            samples: VecDeque::new(),
            size: size.max(1),
        }
    }

    /// Adds a sample; the oldest leaves a full window.
    pub fn record(&mut self, sample: Duration) {
        if self.samples.len() >= self.size {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    /// The numbers of the window, or `None` while it is empty.
    #[must_use]
    pub fn stats(&self) -> Option<LatencyStats> {
        let last = *self.samples.back()?;
        let mut sorted: Vec<Duration> = self.samples.iter().copied().collect();
        sorted.sort_unstable();
        Some(LatencyStats {
            p50: ranked(&sorted, Percent(50))?,
            p99: ranked(&sorted, Percent(99))?,
            last,
            count: sorted.len(),
        })
    }
}

/// The sample at the index `p/100 · (n-1)`, rounded to the nearest, halves upwards.
fn ranked(sorted: &[Duration], percent: Percent) -> Option<Duration> {
    let last = sorted.len().checked_sub(1)? as u128;
    let index = (last * u128::from(percent.0) + 50) / 100;
    sorted.get(usize::try_from(index).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn s08_percentiles_of_one_to_a_hundred_and_a_window_that_slides() {
        let mut window = LatencyWindow::default();
        assert_eq!(window.stats(), None);
        for sample in 1..=100 {
            window.record(ms(sample));
        }
        let stats = window.stats().unwrap();
        assert_eq!((stats.p50, stats.p99), (ms(51), ms(99)));
        assert_eq!((stats.last, stats.count), (ms(100), 100));
        window.record(ms(101));
        let stats = window.stats().unwrap();
        assert_eq!((stats.p50, stats.p99), (ms(52), ms(100)));
        assert_eq!((stats.last, stats.count), (ms(101), 100));
    }

    #[test]
    fn a_window_holds_at_least_one() {
        let mut window = LatencyWindow::new(0);
        window.record(ms(1));
        window.record(ms(2));
        let stats = window.stats().unwrap();
        assert_eq!((stats.p50, stats.p99, stats.count), (ms(2), ms(2), 1));
    }

    proptest! {
        #[test]
        fn percentiles_are_samples_in_order(samples: Vec<u32>, size in 1..50usize) {
            let mut window = LatencyWindow::new(size);
            for sample in &samples {
                window.record(ms(u64::from(*sample)));
            }
            if let Some(stats) = window.stats() {
                prop_assert!(stats.p50 <= stats.p99);
                prop_assert_eq!(stats.count, samples.len().min(size));
                let recent = &samples[samples.len() - stats.count..];
                let is_sample = |d: Duration| recent.iter().any(|s| ms(u64::from(*s)) == d);
                prop_assert!(is_sample(stats.p50) && is_sample(stats.p99));
            }
        }
    }
}
