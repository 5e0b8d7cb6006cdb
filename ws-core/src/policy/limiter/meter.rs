//! One bucket at work, whatever its shape.
//!
//! It knows nothing of the other buckets.

use super::config::{Bucket, Shape};
use super::flow::{Gcra, Tokens};
use super::window::Window;
use crate::policy::Lane;
use crate::time::Instant;

/// A bucket, what it holds, and how long the server wants it left alone.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    pub(super) bucket: Bucket,
    count: Count,
    frozen_until: Instant,
}

#[derive(Clone, Debug)]
enum Count {
    Gcra(Gcra),
    InFlight { max: u32, out: u64 },
    Tokens(Tokens),
    Window(Window),
}

impl Meter {
    pub(super) fn new(bucket: Bucket, now: Instant) -> Self {
        let count = match bucket.shape {
            Shape::Bucket {
                capacity,
                rate,
                interval,
            } => Count::Tokens(Tokens::new(capacity, rate, interval, now)),
            Shape::Gcra {
                rate,
                interval,
                burst,
            } => Count::Gcra(Gcra::new(rate, interval, burst)),
            Shape::InFlight { max } => Count::InFlight { max, out: 0 },
            Shape::Window { limit, per, guard } => Count::Window(Window::new(limit, per, guard)),
        };
        let mut meter = Self {
            bucket,
            count,
            frozen_until: Instant::ORIGIN,
        };
        match (bucket.initial, &meter.count) {
            (None, _) | (_, Count::InFlight { .. }) => {}
            (Some(units), _) => meter.leave(units, now),
        }
        meter
    }

    pub(super) const fn capacity(&self) -> u32 {
        self.bucket.shape.capacity()
    }

    /// When `units` can be taken from that lane, as far as is known now. `None`: not before something
    /// else happens.
    pub(super) fn ready_at(&self, units: u32, lane: Lane, now: Instant) -> Option<Instant> {
        if units == 0 {
            return Some(now);
        }
        let capacity = self.capacity();
        if units > capacity {
            return None;
        }
        let reserve = match lane.leaves_reserve() {
            true => self.bucket.reserve.of(u64::from(capacity)),
            false => 0,
        };
        // Whatever leaves less than the reserve at best may leave when the bucket is full.
        let need = u64::from(units).saturating_add(reserve);
        let need = u32::try_from(need).map_or(capacity, |need| need.min(capacity));
        let ready = match &self.count {
            Count::Gcra(gcra) => gcra.ready_at(need, now),
            Count::InFlight { max, out } => {
                (out.saturating_add(u64::from(need)) <= u64::from(*max)).then_some(now)
            }
            Count::Tokens(tokens) => tokens.ready_at(need, now),
            Count::Window(window) => window.ready_at(need, now),
        };
        ready.map(|at| at.max(self.frozen_until))
    }

    /// Takes units whether they are there or not.
    pub(super) fn take(&mut self, units: u32, now: Instant) {
        match &mut self.count {
            Count::Gcra(gcra) => gcra.take(units, now),
            Count::InFlight { out, .. } => *out = out.saturating_add(u64::from(units)),
            Count::Tokens(tokens) => tokens.take(units, now),
            Count::Window(window) => window.take(units, now),
        }
    }

    /// Gives back what counts until it is given back.
    pub(super) fn release(&mut self, units: u32) {
        if let Count::InFlight { out, .. } = &mut self.count {
            *out = out.saturating_sub(u64::from(units));
        }
    }

    /// Keeps at most so many units available.
    pub(super) fn leave(&mut self, units: u32, now: Instant) {
        match &mut self.count {
            Count::Gcra(gcra) => gcra.leave(units, now),
            Count::InFlight { max, out } => *out = (*out).max(u64::from(max.saturating_sub(units))),
            Count::Tokens(tokens) => tokens.leave(units, now),
            Count::Window(window) => window.leave(units, now),
        }
    }

    pub(super) fn freeze(&mut self, until: Instant) {
        self.frozen_until = self.frozen_until.max(until);
    }

    pub(super) fn available(&self, now: Instant) -> u32 {
        match &self.count {
            _ if now < self.frozen_until => 0,
            Count::Gcra(gcra) => gcra.available(now),
            Count::InFlight { max, out } => {
                max.saturating_sub(u32::try_from(*out).unwrap_or(u32::MAX))
            }
            Count::Tokens(tokens) => tokens.available(now),
            Count::Window(window) => window.available(now),
        }
    }
}
