//! Fractions without floating point: a policy must mean the same on every machine.

use core::time::Duration;

use crate::time::saturating_nanos;

/// A share or a factor in hundredths: `Percent(20)` is a fifth, `Percent(160)` is 1.6 times.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Percent(pub u32);

impl Percent {
    /// This share of `whole`, rounded down; saturates.
    #[must_use]
    pub fn of(self, whole: u64) -> u64 {
        let part = u128::from(whole) * u128::from(self.0) / 100;
        u64::try_from(part).unwrap_or(u64::MAX)
    }

    /// This share of a duration, in nanoseconds rounded down; saturates at 584 years.
    #[must_use]
    pub fn of_duration(self, whole: Duration) -> Duration {
        Duration::from_nanos(self.of(saturating_nanos(whole)))
    }

    /// The greatest duration of which this much more is not above `limit`.
    pub(crate) fn room_below(self, limit: Duration) -> Duration {
        let nanos = u128::from(saturating_nanos(limit)) * 100 / (100 + u128::from(self.0));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shares_and_factors() {
        assert_eq!(Percent(30).of(120), 36);
        assert_eq!(Percent(160).of(500), 800);
        assert_eq!(Percent(33).of(1), 0);
        assert_eq!(Percent(200).of(u64::MAX), u64::MAX);
        let second = Duration::from_secs(1);
        assert_eq!(Percent(5).of_duration(second), Duration::from_millis(50));
        assert_eq!(Percent(25).room_below(second), Duration::from_millis(800));
    }

    proptest! {
        #[test]
        fn what_has_room_fits(percent: u32, limit: u64) {
            let limit = Duration::from_nanos(limit);
            let room = Percent(percent).room_below(limit);
            prop_assert!(room.saturating_add(Percent(percent).of_duration(room)) <= limit);
        }
    }
}
