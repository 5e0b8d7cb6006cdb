//! The arithmetic of delays: growth, cap and jitter as functions of a policy and a number. Integer
//! nanoseconds, saturating: no count of failures overflows.

use core::time::Duration;

use super::config::{BackoffPolicy, Growth, Jitter, RetryAfter};
use crate::policy::Percent;
use crate::rng::Rng;
use crate::time::saturating_nanos;

impl BackoffPolicy {
    /// The delay after failure `n` (from 0) of an episode, before jitter: grown and capped. The range
    /// `first` is not looked at.
    #[must_use]
    pub fn grown(&self, n: u32) -> Duration {
        let grown = match &self.growth {
            Growth::Constant => self.base,
            Growth::Exponential { factor } => self.power(*factor, n),
            Growth::Linear { step } => self.base.saturating_add(step.saturating_mul(n)),
            Growth::Table(table) => {
                let at = usize::try_from(n).unwrap_or(usize::MAX);
                let entry = table.get(at).or_else(|| table.last());
                entry.copied().unwrap_or(self.base)
            }
        };
        grown.max(self.floor).min(self.cap)
    }

    /// `base` times `factor` to the power of `n`, up to about `cap`.
    fn power(&self, factor: Percent, n: u32) -> Duration {
        let cap = saturating_nanos(self.cap);
        let mut value = saturating_nanos(self.base);
        for _ in 0..n {
            let next = factor.of(value);
            // Beyond the cap or at a fixed point, the rest of a large `n` changes nothing.
            if value >= cap && next >= value || next == value {
                break;
            }
            value = next;
        }
        Duration::from_nanos(value)
    }

    /// `grown`, spread by the jitter; `before` is the last delay of a decorrelated series.
    pub(super) fn spread(&self, grown: Duration, before: Duration, rng: &mut Rng) -> Duration {
        let least = self.floor.min(self.cap);
        let (low, high) = match self.jitter {
            Jitter::Decorrelated => {
                let high = before.max(self.base).saturating_mul(3).min(self.cap);
                (self.base, high)
            }
            Jitter::Equal => (grown / 2, grown),
            Jitter::Full => (least, grown),
            Jitter::None => (grown, grown),
            Jitter::Proportional { spread, floor } => {
                let middle = grown.min(spread.room_below(self.cap));
                let reach = spread.of_duration(middle);
                let low = middle.saturating_sub(reach).max(floor.of_duration(middle));
                (low, middle.saturating_add(reach))
            }
        };
        let low = low.max(least).min(self.cap);
        rng.between(low, high.min(self.cap))
    }

    /// How long to wait because the server said so: at least `asked` where that is allowed.
    pub(super) fn asked(&self, asked: Duration, rng: &mut Rng) -> Duration {
        match self.retry_after {
            RetryAfter::Honor { max } => {
                let most = self.longer(asked).min(max);
                // At the maximum the spread goes downwards: it must not die there.
                let low = if asked < max {
                    asked
                } else {
                    self.wait_jitter.room_below(max)
                };
                rng.between(low, most)
            }
            RetryAfter::Ignore => Duration::ZERO,
        }
    }

    /// A wait that a verdict imposes.
    pub(super) fn imposed(&self, wait: Duration, rng: &mut Rng) -> Duration {
        rng.between(wait, self.longer(wait))
    }

    fn longer(&self, wait: Duration) -> Duration {
        wait.saturating_add(self.wait_jitter.of_duration(wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use crate::seed::Seed;
    use alloc::borrow::Cow;
    use alloc::vec;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn policy(growth: Growth, jitter: Jitter) -> BackoffPolicy {
        BackoffPolicy::default()
            .base(ms(1000))
            .growth(growth)
            .jitter(jitter)
    }

    fn series(policy: &BackoffPolicy) -> Vec<u64> {
        let seconds = |n| policy.grown(n).as_secs();
        (0..7).map(seconds).collect()
    }

    #[test]
    fn each_growth_has_its_series() {
        let doubled = Growth::Exponential {
            factor: Percent(200),
        };
        let table = Cow::Owned(vec![ms(3000), ms(1000)]);
        let of = |growth| series(&policy(growth, Jitter::None));
        assert_eq!(of(doubled), [1, 2, 4, 8, 16, 30, 30], "the series of E05");
        assert_eq!(of(Growth::Constant), [1; 7]);
        assert_eq!(
            of(Growth::Linear { step: ms(10_000) }),
            [1, 11, 21, 30, 30, 30, 30]
        );
        assert_eq!(of(Growth::Table(table)), [3, 1, 1, 1, 1, 1, 1]);
        assert_eq!(of(Growth::Table(Cow::Borrowed(&[]))), [1; 7]);
    }

    #[test]
    fn a_shrinking_series_ends_at_the_floor() {
        let halved = Growth::Exponential {
            factor: Percent(50),
        };
        let policy = policy(halved, Jitter::None);
        assert_eq!(policy.grown(2), ms(250));
        assert_eq!(policy.grown(u32::MAX), ms(50));
    }

    #[test]
    fn the_default_grows_by_1_6() {
        let policy = BackoffPolicy::default();
        assert_eq!(policy.grown(0), ms(500));
        assert_eq!(policy.grown(1), ms(800));
        assert_eq!(policy.grown(2), ms(1280));
        assert_eq!(policy.grown(9), ms(30_000));
    }

    /// The least and the greatest of many delays.
    fn extremes(policy: &BackoffPolicy, n: u32) -> (Duration, Duration) {
        let mut rng = Rng::new(&Seed::new([9; 32]));
        let grown = policy.grown(n);
        let delays = (0..2000).map(|_| policy.spread(grown, grown, &mut rng));
        delays.fold((Duration::MAX, Duration::ZERO), |(low, high), delay| {
            (low.min(delay), high.max(delay))
        })
    }

    fn close(delay: Duration, to: u64) -> bool {
        delay.abs_diff(ms(to)) < ms(to / 100 + 30)
    }

    #[test]
    fn jitter_spreads_and_survives_the_cap() {
        let proportional = Jitter::Proportional {
            spread: Percent(20),
            floor: Percent(0),
        };
        let narrow = Jitter::Proportional {
            spread: Percent(80),
            floor: Percent(50),
        };
        for (jitter, early, capped) in [
            (Jitter::None, (1000, 1000), (30_000, 30_000)),
            (Jitter::Full, (50, 1000), (50, 30_000)),
            (Jitter::Equal, (500, 1000), (15_000, 30_000)),
            (Jitter::Decorrelated, (1000, 3000), (1000, 30_000)),
            (proportional, (800, 1200), (20_000, 30_000)),
            (narrow, (500, 1800), (8333, 30_000)),
        ] {
            let growth = Growth::Exponential {
                factor: Percent(200),
            };
            let policy = policy(growth, jitter);
            for (n, bounds) in [(0, early), (u32::MAX, capped)] {
                let (low, high) = extremes(&policy, n);
                assert!(close(low, bounds.0), "{jitter:?} {n}: {low:?}");
                assert!(close(high, bounds.1), "{jitter:?} {n}: {high:?}");
            }
        }
    }

    #[test]
    fn what_the_server_asks_for_is_spread_upwards_and_bounded() {
        let mut rng = Rng::new(&Seed::new([2; 32]));
        let policy = BackoffPolicy::default();
        for _ in 0..100 {
            let asked = policy.asked(ms(7000), &mut rng);
            assert!((ms(7000)..=ms(8400)).contains(&asked), "{asked:?}");
            let minute = ms(60_000);
            let much = policy.asked(15 * minute, &mut rng);
            assert!((minute * 25 / 2..=15 * minute).contains(&much), "{much:?}");
            assert!(policy.asked(Duration::MAX, &mut rng) <= 15 * minute);
            assert!(policy.imposed(30 * minute, &mut rng) >= 30 * minute);
        }
        let exact = policy.clone().wait_jitter(Percent(0));
        assert_eq!(exact.asked(ms(7000), &mut rng), ms(7000));
        let deaf = policy.retry_after(RetryAfter::Ignore);
        assert_eq!(deaf.asked(ms(7000), &mut rng), Duration::ZERO);
    }

    fn any_growth() -> impl Strategy<Value = Growth> {
        prop_oneof![
            Just(Growth::Constant),
            any::<u32>().prop_map(|factor| Growth::Exponential {
                factor: Percent(factor)
            }),
            (90..120u32).prop_map(|factor| Growth::Exponential {
                factor: Percent(factor)
            }),
            any::<Duration>().prop_map(|step| Growth::Linear { step }),
            prop::collection::vec(any::<Duration>(), 0..4)
                .prop_map(|table| Growth::Table(Cow::Owned(table))),
        ]
    }

    fn any_jitter() -> impl Strategy<Value = Jitter> {
        prop_oneof![
            Just(Jitter::Decorrelated),
            Just(Jitter::Equal),
            Just(Jitter::Full),
            Just(Jitter::None),
            (any::<u32>(), any::<u32>()).prop_map(|(spread, floor)| Jitter::Proportional {
                spread: Percent(spread),
                floor: Percent(floor),
            }),
        ]
    }

    proptest! {
        #[test]
        fn no_policy_and_no_count_overflows_or_passes_the_cap(
            growth in any_growth(),
            jitter in any_jitter(),
            base: Duration, cap: Duration, floor: Duration, before: Duration,
            n in prop_oneof![Just(u32::MAX), any::<u32>(), 0..20u32],
        ) {
            let policy = policy(growth, jitter).base(base).cap(cap).floor(floor);
            let grown = policy.grown(n);
            prop_assert!(grown <= cap && grown >= floor.min(cap));
            let delay = policy.spread(grown, before, &mut Rng::new(&Seed::new([1; 32])));
            prop_assert!(delay <= cap && delay >= floor.min(cap), "{delay:?}");
        }
    }
}
