//! What the owner of a [`Queue`](super::Queue) may choose.
//!
//! Nothing is queued here.

use core::time::Duration;

use crate::policy::{Cost, Lane, Percent};

/// Bounds of a queue, and what happens at them.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct QueueConfig {
    /// Items that may wait, the control lane aside. Default 1024.
    pub max_items: usize,
    /// Bytes that may wait, the control lane aside. Default 1 MiB.
    pub max_bytes: usize,
    /// Items that may wait in the control lane, which nothing else can fill. Default 64.
    pub control_items: usize,
    /// What happens to an item that no longer fits. Default [`Overflow::Reject`].
    pub overflow: Overflow,
    /// The share of either bound from which the queue counts as blocked. Default 75 %.
    pub high: Percent,
    /// The share to which it must fall to be writable again. Default 50 %.
    pub low: Percent,
    /// A lane that has waited this long is served once ahead of its turn, and without leaving a
    /// reserve. `None`: never. Default 5 s.
    pub age_after: Option<Duration>,
}

/// What happens to an item that no longer fits.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Overflow {
    /// The newest items of the lowest lane below its own make room; if there are too few, it is
    /// refused.
    DropLowestLane,
    /// The new item is accepted and dropped.
    DropNewest,
    /// The oldest items make room, except those of the control and the auth lane.
    DropOldest,
    /// It is refused and handed back.
    #[default]
    Reject,
}

/// Where and how an item waits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Place {
    /// Its lane. Default [`Lane::Request`].
    pub lane: Lane,
    /// Within its lane, higher ones go first. Default 0.
    pub priority: u8,
    /// What it takes of the queue's bytes. Default 0.
    pub bytes: usize,
    /// What it costs at the limiter. Default nothing.
    pub cost: Cost,
    /// How long it may wait. Default `None`: for ever.
    pub ttl: Option<Duration>,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self {
            max_items: 1024,
            max_bytes: 1 << 20,
            control_items: 64,
            overflow: Overflow::Reject,
            high: Percent(75),
            low: Percent(50),
            age_after: Some(Duration::from_secs(5)),
        }
    }
}

impl QueueConfig {
    /// Sets [`max_items`](Self#structfield.max_items).
    #[must_use]
    pub const fn max_items(mut self, items: usize) -> Self {
        self.max_items = items;
        self
    }

    /// Sets [`max_bytes`](Self#structfield.max_bytes).
    #[must_use]
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets [`control_items`](Self#structfield.control_items).
    #[must_use]
    pub const fn control_items(mut self, items: usize) -> Self {
        self.control_items = items;
        self
    }

    /// Sets [`overflow`](Self#structfield.overflow).
    #[must_use]
    pub const fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// Sets [`high`](Self#structfield.high) and [`low`](Self#structfield.low).
    #[must_use]
    pub const fn watermarks(mut self, high: Percent, low: Percent) -> Self {
        self.high = high;
        self.low = low;
        self
    }

    /// Sets [`age_after`](Self#structfield.age_after).
    #[must_use]
    pub const fn age_after(mut self, age: Option<Duration>) -> Self {
        self.age_after = age;
        self
    }
}

impl Default for Place {
    fn default() -> Self {
        Self {
            lane: Lane::Request,
            priority: 0,
            bytes: 0,
            cost: Cost::FREE,
            ttl: None,
        }
    }
}

impl Place {
    /// Sets [`lane`](Self#structfield.lane).
    #[must_use]
    pub const fn lane(mut self, lane: Lane) -> Self {
        self.lane = lane;
        self
    }

    /// Sets [`priority`](Self#structfield.priority).
    #[must_use]
    pub const fn priority(mut self, priority: u8) -> Self {
        self.priority = priority;
        self
    }

    /// Sets [`bytes`](Self#structfield.bytes).
    #[must_use]
    pub const fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Sets [`cost`](Self#structfield.cost).
    #[must_use]
    pub const fn cost(mut self, cost: Cost) -> Self {
        self.cost = cost;
        self
    }

    /// Sets [`ttl`](Self#structfield.ttl).
    #[must_use]
    pub const fn ttl(mut self, ttl: Option<Duration>) -> Self {
        self.ttl = ttl;
        self
    }
}

/// A set of lanes: those that may send now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lanes(u8);

impl Lanes {
    /// Every lane.
    pub const ALL: Self = Self(u8::MAX);
    /// None.
    pub const NONE: Self = Self(0);

    /// These and one more.
    #[must_use]
    pub const fn with(self, lane: Lane) -> Self {
        Self(self.0 | 1 << lane as u8)
    }

    /// These but one.
    #[must_use]
    pub const fn without(self, lane: Lane) -> Self {
        Self(self.0 & !(1 << lane as u8))
    }

    /// Is it one of them?
    #[must_use]
    pub const fn contains(self, lane: Lane) -> bool {
        self.0 & 1 << lane as u8 != 0
    }
}
