//! How many dials may start in a stretch of time, whatever else is configured or goes wrong.
//!
//! The backoff decides when a dial should start; the budget is the bound that holds even if the
//! backoff is misconfigured, the server accepts and closes, or the application asks for one
//! reconnect after another. It dials nothing and arms no timer.

use alloc::collections::VecDeque;
use core::num::NonZeroU32;
use core::time::Duration;

use crate::time::Instant;

/// The bound of a [`DialBudget`]: no stretch of time as long as `per` holds more than `limit` starts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DialLimit {
    /// Dials that may start. Default 20.
    pub limit: NonZeroU32,
    /// In any stretch of this length. Default 60 s.
    pub per: Duration,
}

impl Default for DialLimit {
    fn default() -> Self {
        Self {
            limit: NonZeroU32::new(20).unwrap_or(NonZeroU32::MIN),
            per: Duration::from_secs(60),
        }
    }
}

impl DialLimit {
    /// Sets [`limit`](Self#structfield.limit).
    #[must_use]
    pub const fn limit(mut self, limit: NonZeroU32) -> Self {
        self.limit = limit;
        self
    }

    /// Sets [`per`](Self#structfield.per).
    #[must_use]
    pub const fn per(mut self, per: Duration) -> Self {
        self.per = per;
        self
    }
}

/// Remembers the starts of dials, and says when the next one fits. Several sessions can share one.
///
/// ```
/// use core::num::NonZeroU32;
/// use core::time::Duration;
/// use ws_core::Instant;
/// use ws_core::policy::{DialBudget, DialLimit};
///
/// let twice_a_minute = DialLimit::default().limit(NonZeroU32::new(2).unwrap());
/// let mut budget = DialBudget::new(twice_a_minute);
/// let start = Instant::ORIGIN;
/// assert!(budget.try_dial(start) && budget.try_dial(start));
/// assert!(!budget.try_dial(start));
/// assert_eq!(budget.ready_at(start), start + Duration::from_secs(60));
/// ```
#[derive(Clone, Debug)]
pub struct DialBudget {
    limit: DialLimit,
    /// The last starts, at most `limit` of them, oldest first.
    starts: VecDeque<Instant>,
}

impl DialBudget {
    /// A budget that nothing was taken from.
    #[must_use]
    pub const fn new(limit: DialLimit) -> Self {
        Self {
            limit,
            starts: VecDeque::new(),
        }
    }

    /// When the next dial may start: `now`, or later.
    #[must_use]
    pub fn ready_at(&self, now: Instant) -> Instant {
        match self.starts.front() {
            Some(&oldest) if self.is_full() => now.max(oldest + self.limit.per),
            _ => now,
        }
    }

    /// Takes one dial out of the budget if it may start now; otherwise changes nothing.
    #[must_use]
    pub fn try_dial(&mut self, now: Instant) -> bool {
        if self.ready_at(now) > now {
            return false;
        }
        if self.is_full() {
            self.starts.pop_front();
        }
        self.starts.push_back(now);
        true
    }

    fn is_full(&self) -> bool {
        let limit = usize::try_from(self.limit.limit.get()).unwrap_or(usize::MAX);
        self.starts.len() >= limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn at(millis: u64) -> Instant {
        Instant::ORIGIN + Duration::from_millis(millis)
    }

    #[test]
    fn accept_then_close_is_dialled_twenty_times_a_minute() {
        let mut budget = DialBudget::new(DialLimit::default());
        let mut dials = Vec::new();
        for millis in 0..60_000 {
            if budget.try_dial(at(millis)) {
                dials.push(millis);
            }
        }
        assert_eq!(dials, (0..20).collect::<Vec<_>>());
        assert_eq!(budget.ready_at(at(60_000)), at(60_000));
        assert_eq!(budget.ready_at(at(59_999)), at(60_000));
    }

    #[test]
    fn the_length_of_the_stretch_counts() {
        let limit = NonZeroU32::new(3).unwrap();
        let per = Duration::from_secs(1);
        let mut budget = DialBudget::new(DialLimit::default().limit(limit).per(per));
        let dials = (0..5000).filter(|&millis| budget.try_dial(at(millis)));
        assert_eq!(dials.count(), 15);
    }

    proptest! {
        #[test]
        fn no_stretch_of_time_holds_more_than_the_limit(
            limit in 1..6u32,
            per in 1..50u64,
            asked in prop::collection::vec(0..20u64, 0..200),
        ) {
            let limits = DialLimit::default()
                .limit(NonZeroU32::new(limit).unwrap())
                .per(Duration::from_millis(per));
            let mut budget = DialBudget::new(limits);
            let (mut now, mut starts) = (0, Vec::new());
            for step in asked {
                now += step;
                let ready = budget.ready_at(at(now));
                if budget.try_dial(at(now)) {
                    prop_assert_eq!(ready, at(now));
                    starts.push(now);
                } else {
                    prop_assert!(ready > at(now));
                    prop_assert!(budget.clone().try_dial(ready));
                }
            }
            for window in starts.windows(limit as usize + 1) {
                prop_assert!(window[limit as usize] - window[0] >= per);
            }
            prop_assert!(budget.starts.len() <= limit as usize);
        }
    }
}
