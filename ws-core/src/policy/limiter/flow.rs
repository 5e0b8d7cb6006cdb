//! The two shapes whose units flow back evenly, in exact integers: a unit is counted as the
//! nanoseconds of an interval, so that `rate` units per interval are `rate` per nanosecond.
//!
//! They read no clock and hold nothing back.

use core::time::Duration;

use crate::time::{Instant, saturating_nanos};

/// A token bucket.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    capacity: u32,
    rate: u32,
    /// Nanoseconds, at least one: the size of a unit.
    unit: u64,
    /// What is in it at `at`, below zero after a debit that nobody waited for.
    level: i128,
    at: Instant,
}

impl Tokens {
    pub(super) fn new(capacity: u32, rate: u32, interval: Duration, now: Instant) -> Self {
        let unit = saturating_nanos(interval).max(1);
        Self {
            capacity,
            rate,
            unit,
            level: i128::from(capacity) * i128::from(unit),
            at: now,
        }
    }

    /// Less than 2^96: a capacity of 32 bits times a unit of 64.
    fn sized(&self, units: u32) -> i128 {
        i128::from(units) * i128::from(self.unit)
    }

    fn level(&self, now: Instant) -> i128 {
        let elapsed = i128::from(saturating_nanos(now - self.at));
        let level = self.level.saturating_add(elapsed * i128::from(self.rate));
        level.min(self.sized(self.capacity))
    }

    pub(super) fn ready_at(&self, need: u32, now: Instant) -> Option<Instant> {
        let missing = self.sized(need).saturating_sub(self.level(now));
        match u128::try_from(missing) {
            Err(_) | Ok(0) => Some(now),
            Ok(_) if self.rate == 0 => None,
            Ok(missing) => Some(after(now, missing, self.rate)),
        }
    }

    pub(super) fn take(&mut self, units: u32, now: Instant) {
        self.level = self.level(now).saturating_sub(self.sized(units));
        self.at = now;
    }

    pub(super) fn leave(&mut self, units: u32, now: Instant) {
        self.level = self.level(now).min(self.sized(units));
        self.at = now;
    }

    pub(super) fn available(&self, now: Instant) -> u32 {
        whole(self.level(now), self.unit)
    }
}

/// The generic cell rate algorithm. Its only state is the time at which it will be full again,
/// multiplied by the rate so that no division loses a fraction.
#[derive(Clone, Debug)]
pub(super) struct Gcra {
    rate: u32,
    unit: u64,
    burst: u32,
    full_at: u128,
}

impl Gcra {
    pub(super) fn new(rate: u32, interval: Duration, burst: u32) -> Self {
        Self {
            rate,
            unit: saturating_nanos(interval).max(1),
            burst,
            full_at: 0,
        }
    }

    fn sized(&self, units: u32) -> u128 {
        u128::from(units) * u128::from(self.unit)
    }

    fn scaled(&self, now: Instant) -> u128 {
        u128::from(now.as_nanos()) * u128::from(self.rate)
    }

    pub(super) fn ready_at(&self, need: u32, now: Instant) -> Option<Instant> {
        // Full at `full_at`, so there is room for `need` once no more than the others are missing.
        let missing_then = self.sized(self.burst.saturating_sub(need));
        let ready = self.full_at.saturating_sub(missing_then);
        match ready.checked_sub(self.scaled(now)) {
            None | Some(0) => Some(now),
            Some(_) if self.rate == 0 => None,
            Some(missing) => Some(after(now, missing, self.rate)),
        }
    }

    pub(super) fn take(&mut self, units: u32, now: Instant) {
        let from = self.full_at.max(self.scaled(now));
        self.full_at = from.saturating_add(self.sized(units));
    }

    pub(super) fn leave(&mut self, units: u32, now: Instant) {
        let missing = self.sized(self.burst.saturating_sub(units));
        self.full_at = self.full_at.max(self.scaled(now).saturating_add(missing));
    }

    pub(super) fn available(&self, now: Instant) -> u32 {
        let missing = self.full_at.saturating_sub(self.scaled(now));
        let missing = i128::try_from(missing).unwrap_or(i128::MAX);
        let full = i128::from(self.burst) * i128::from(self.unit);
        whole(full.saturating_sub(missing), self.unit)
    }
}

/// When `missing` will have flowed in.
fn after(now: Instant, missing: u128, rate: u32) -> Instant {
    let nanos = missing.div_ceil(u128::from(rate));
    now + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

fn whole(level: i128, unit: u64) -> u32 {
    u32::try_from(level.max(0) / i128::from(unit)).unwrap_or(u32::MAX)
}
