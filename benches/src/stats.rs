//! Samples of one cell, taken in interleaved rounds, and what is said about them.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// What one cell measured, one value per round.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// Wraps values in the order of their rounds.
    #[must_use]
    pub fn new(values: Vec<f64>) -> Self {
        Self(values)
    }

    /// Adds the value of the next round.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The values, in the order of their rounds.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// The middle value; between the two middle ones if there are two. Zero without values.
    #[must_use]
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The value below which the share `q` of all values lies, interpolated.
    #[must_use]
    pub fn quantile(&self, q: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let Some(last) = sorted.len().checked_sub(1) else {
            return 0.0;
        };
        let place = q.clamp(0.0, 1.0) * last as f64;
        #[allow(clippy::cast_possible_truncation, reason = "at most the last index")]
        #[allow(clippy::cast_sign_loss, reason = "clamped to zero and more")]
        let below = place as usize;
        let above = (below + 1).min(last);
        sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
    }

    /// The distance between the quartiles, as a share of the median: how far to trust it.
    #[must_use]
    pub fn spread(&self) -> f64 {
        let median = self.median();
        if median == 0.0 {
            return 0.0;
        }
        (self.quantile(0.75) - self.quantile(0.25)) / median
    }

    /// The median of the ratios round by round. Both values of a round were taken within moments
    /// of each other, so the wandering of the machine's speed cancels out.
    #[must_use]
    pub fn ratio(&self, to: &Self) -> Self {
        let pairs = self.0.iter().zip(&to.0);
        Self(
            pairs
                .filter(|(_, b)| **b > 0.0)
                .map(|(a, b)| a / b)
                .collect(),
        )
    }
}

/// Runs every job once per round, in turn, and hands out the samples per job. Each round begins with
/// another one (A B C B C A ...), so that nobody always comes behind the same: what the one before left
/// in the caches is not there for the next.
pub fn interleave<J>(
    rounds: usize,
    jobs: &mut [J],
    mut measure: impl FnMut(&mut J) -> f64,
) -> Vec<Samples> {
    let mut samples = vec![Samples::default(); jobs.len()];
    for round in 0..rounds {
        for i in 0..jobs.len() {
            let next = (round + i) % jobs.len();
            samples[next].push(measure(&mut jobs[next]));
        }
    }
    samples
}

/// CPU time that this thread has used so far. What other processes take does not count.
#[must_use]
pub fn thread_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let nanos = u32::try_from(now.tv_nsec).unwrap_or(0);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(Samples::new(vec![9.0, 1.0, 5.0]).median(), 5.0);
        assert_eq!(Samples::new(vec![4.0, 1.0, 2.0, 9.0]).median(), 3.0);
        assert_eq!(Samples::default().median(), 0.0);
    }

    #[test]
    fn the_spread_is_relative_and_ignores_outliers() {
        let calm = Samples::new(vec![100.0, 100.0, 100.0, 100.0, 5000.0]);
        assert_eq!((calm.spread(), calm.quantile(1.0)), (0.0, 5000.0));
        assert_eq!(Samples::new(vec![90.0, 100.0, 110.0]).spread(), 0.1);
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        // The machine runs at half speed in the second round.
        let ours = Samples::new(vec![10.0, 20.0, 10.0]);
        let peer = Samples::new(vec![20.0, 40.0, 22.0]);
        assert_eq!(ours.ratio(&peer).median(), 0.5);
    }

    #[test]
    fn rounds_are_interleaved() {
        let mut log = Vec::new();
        let samples = interleave(2, &mut ["a", "b"], |job| {
            log.push(*job);
            log.len() as f64
        });
        assert_eq!(log, ["a", "b", "b", "a"]);
        assert_eq!(samples[1].values(), [2.0, 3.0]);
    }

    #[test]
    fn the_clock_counts_this_threads_work() {
        let before = thread_time();
        let sum: u64 = (0..200_000).map(std::hint::black_box).sum();
        assert!(sum > 0 && thread_time() > before);
    }
}
