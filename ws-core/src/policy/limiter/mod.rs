//! How fast to send: buckets that a message must all agree with before it leaves.
//!
//! Nothing is taken when a message is submitted or queued. [`ready_at`](Limiter::ready_at) only
//! looks; [`commit`](Limiter::commit) takes from all buckets or from none, at the moment the message
//! is handed to the transport. So nothing is spent while offline, and a message that is cancelled in
//! the queue costs nothing. What must not wait, a heartbeat or a Close, is still counted.
//!
//! A limiter queues nothing and arms no timer. It knows no connections: several of them share an
//! account's limits by sharing one limiter, lent as `&mut` to whoever sends.

mod config;
mod cost;
mod flow;
mod meter;
#[cfg(feature = "std")]
mod shared;
mod window;

pub use config::{Bucket, LimiterPolicy, Mode, Scope, Shape};
pub use cost::{BucketId, Cost, Pricing};
use meter::Meter;
#[cfg(feature = "std")]
pub use shared::SharedLimiter;
use thiserror::Error;

use crate::policy::Lane;
use crate::time::Instant;

/// Up to four buckets, and what they still hold.
///
/// ```
/// use core::time::Duration;
/// use ws_core::Instant;
/// use ws_core::policy::{Cost, Lane, Limiter, LimiterPolicy};
///
/// // 120 units, 10 more each second: twelve orders of 10 units leave at once.
/// let now = Instant::ORIGIN;
/// let mut limiter = Limiter::new(&LimiterPolicy::deribit(), now);
/// let order = Cost::new(10);
/// let sent = (0..13).filter(|_| limiter.commit(&order, Lane::Request, now));
/// assert_eq!(sent.count(), 12);
///
/// // The thirteenth has to wait for a second.
/// let ready = limiter.ready_at(&order, Lane::Request, now);
/// assert_eq!(ready, Some(now + Duration::from_secs(1)));
/// ```
#[derive(Clone, Debug)]
pub struct Limiter {
    meters: [Option<Meter>; 4],
    mode: Mode,
}

/// Why a message can never be sent.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum LimitError {
    /// It costs more than a bucket holds when it is full.
    #[error("a message that costs {units} is over the {capacity} that bucket {bucket:?} holds")]
    CostTooHigh {
        /// The bucket.
        bucket: BucketId,
        /// What the message costs.
        units: u32,
        /// What the bucket holds.
        capacity: u32,
    },
    /// The limiter is in [`Mode::Refuse`].
    #[error("the limiter refuses everything")]
    Refused,
}

impl Limiter {
    /// A limiter whose buckets hold what they start with.
    #[must_use]
    pub fn new(policy: &LimiterPolicy, now: Instant) -> Self {
        let meter = |bucket: Option<Bucket>| bucket.map(|bucket| Meter::new(bucket, now));
        Self {
            meters: policy.buckets.map(meter),
            mode: policy.mode,
        }
    }

    /// Can a message of that cost ever be sent? To be asked where it is submitted.
    ///
    /// # Errors
    /// It costs more than a bucket can hold, or the mode refuses everything.
    pub fn check(&self, cost: &Cost) -> Result<(), LimitError> {
        match self.mode {
            Mode::Refuse => return Err(LimitError::Refused),
            Mode::Allow => return Ok(()),
            Mode::Hold | Mode::Normal => {}
        }
        for (bucket, meter) in self.meters() {
            let (units, capacity) = (cost.units(bucket), meter.capacity());
            if units > capacity {
                return Err(LimitError::CostTooHigh {
                    bucket,
                    units,
                    capacity,
                });
            }
        }
        Ok(())
    }

    /// When a message of that cost and lane may leave: `now`, later, or `None` if that depends on
    /// more than time. Takes nothing.
    #[must_use]
    pub fn ready_at(&self, cost: &Cost, lane: Lane, now: Instant) -> Option<Instant> {
        match self.mode {
            _ if lane == Lane::Control => return Some(now),
            Mode::Allow => return Some(now),
            Mode::Hold | Mode::Refuse => return None,
            Mode::Normal => {}
        }
        let mut ready = now;
        for (bucket, meter) in self.meters() {
            ready = ready.max(meter.ready_at(cost.units(bucket), lane, now)?);
        }
        Some(ready)
    }

    /// Takes the cost out of all buckets if the message may leave now; otherwise out of none.
    #[must_use]
    pub fn commit(&mut self, cost: &Cost, lane: Lane, now: Instant) -> bool {
        let ready = self.ready_at(cost, lane, now) == Some(now);
        if ready {
            self.debit(cost, now);
        }
        ready
    }

    /// Takes the cost whether it is there or not: what was sent without asking. Others wait longer
    /// for it.
    pub fn debit(&mut self, cost: &Cost, now: Instant) {
        if self.mode == Mode::Allow {
            return;
        }
        for (bucket, meter) in self.meters_mut() {
            meter.take(cost.units(bucket), now);
        }
    }

    /// A message of that cost has come to its end, whichever: its in-flight units are free again.
    pub fn release(&mut self, cost: &Cost) {
        for (bucket, meter) in self.meters_mut() {
            meter.release(cost.units(bucket));
        }
    }

    /// Nothing is taken from a bucket before `until`: the server said that it had enough.
    pub fn freeze(&mut self, bucket: BucketId, until: Instant) {
        if let Some(meter) = &mut self.meters[bucket.index()] {
            meter.freeze(until);
        }
    }

    /// The server reports what it has counted itself. The bucket then holds no more than the
    /// server's remainder; it never gains by a report.
    pub fn observe(&mut self, bucket: BucketId, used: u64, limit: u64, now: Instant) {
        let left = u32::try_from(limit.saturating_sub(used)).unwrap_or(u32::MAX);
        if let Some(meter) = &mut self.meters[bucket.index()] {
            meter.leave(left, now);
        }
    }

    /// A new connection begins: buckets of [`Scope::Connection`] start over, the others go on.
    pub fn on_new_epoch(&mut self, now: Instant) {
        for (_, meter) in self.meters_mut() {
            if meter.bucket.scope == Scope::Connection {
                *meter = Meter::new(meter.bucket, now);
            }
        }
    }

    /// Whole units that a bucket holds, or `None` if there is no such bucket.
    #[must_use]
    pub fn available(&self, bucket: BucketId, now: Instant) -> Option<u32> {
        let meter = self.meters[bucket.index()].as_ref();
        meter.map(|meter| meter.available(now))
    }

    /// Whether it limits.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Limits from now on, or not.
    pub fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    fn meters(&self) -> impl Iterator<Item = (BucketId, &Meter)> {
        let meters = BucketId::ALL.into_iter().zip(&self.meters);
        meters.filter_map(|(id, meter)| Some((id, meter.as_ref()?)))
    }

    fn meters_mut(&mut self) -> impl Iterator<Item = (BucketId, &mut Meter)> {
        let meters = BucketId::ALL.into_iter().zip(&mut self.meters);
        meters.filter_map(|(id, meter)| Some((id, meter.as_mut()?)))
    }
}

#[cfg(test)]
mod props;
#[cfg(test)]
mod tests;
