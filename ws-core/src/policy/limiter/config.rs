//! What the owner of a [`Limiter`](super::Limiter) may choose.
//!
//! Nothing is counted here.

use core::time::Duration;

use super::cost::BucketId;
use crate::policy::Percent;

/// The buckets of a limiter; none at all by default, which limits nothing.
///
/// ```
/// use core::time::Duration;
/// use ws_core::policy::{Bucket, BucketId, LimiterPolicy, Shape};
///
/// // Five messages in any second, and no more than ten requests without an answer.
/// let per = Duration::from_secs(1);
/// let guard = Duration::from_millis(50);
/// let policy = LimiterPolicy::default()
///     .bucket(BucketId::A, Bucket::new(Shape::Window { limit: 5, per, guard }))
///     .bucket(BucketId::B, Bucket::new(Shape::InFlight { max: 10 }));
/// assert!(policy.buckets[2].is_none());
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct LimiterPolicy {
    /// Up to four buckets, by the order of their ids.
    pub buckets: [Option<Bucket>; 4],
    /// Whether they are looked at. Default [`Mode::Normal`].
    pub mode: Mode,
}

/// One limit that a server sets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Bucket {
    /// How it counts.
    pub shape: Shape,
    /// Whom it counts for. Default [`Scope::Shared`], which is the stricter one.
    pub scope: Scope,
    /// The share that subscriptions and bulk traffic leave to the rest. Default 30 %.
    pub reserve: Percent,
    /// Units that it starts with. Default `None`: all it can hold. In-flight counts ignore it.
    pub initial: Option<u32>,
}

/// How a bucket counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Shape {
    /// A token bucket: `rate` units flow back in every `interval`, evenly, up to `capacity`; no
    /// fraction of a unit is lost. An interval of zero is one nanosecond.
    Bucket {
        /// The most it holds.
        capacity: u32,
        /// Units that flow back.
        rate: u32,
        /// In this time.
        interval: Duration,
    },
    /// The generic cell rate algorithm: after a pause `burst` units at once, exactly, then one every
    /// `interval / rate`. It lets through what a token bucket of that capacity does, and keeps a
    /// single number.
    Gcra {
        /// Units.
        rate: u32,
        /// In this time.
        interval: Duration,
        /// Units at once after a pause.
        burst: u32,
    },
    /// Units that are out until they are given back with
    /// [`release`](super::Limiter::release): requests without an answer.
    InFlight {
        /// The most that may be out.
        max: u32,
    },
    /// A strict rolling window: no stretch of time as long as `per` holds more than `limit` units,
    /// not even at the receiving end if the delay on the way varies by no more than `guard`.
    Window {
        /// The most units.
        limit: u32,
        /// In any stretch of this length.
        per: Duration,
        /// Added to `per`; 50 ms suits most networks.
        guard: Duration,
    },
}

impl Shape {
    /// Credits as some venues count them: `per_second` flow back, up to `max`. A token bucket.
    #[must_use]
    pub const fn credits(max: u32, per_second: u32) -> Self {
        Self::Bucket {
            capacity: max,
            rate: per_second,
            interval: Duration::from_secs(1),
        }
    }

    /// The most units that one message can ever cost.
    #[must_use]
    pub const fn capacity(&self) -> u32 {
        match *self {
            Self::Bucket { capacity, .. } => capacity,
            Self::Gcra { burst, .. } => burst,
            Self::InFlight { max } => max,
            Self::Window { limit, .. } => limit,
        }
    }
}

/// Whom a bucket counts for.
///
/// Exhaustive on purpose: a server counts connections, or something that outlives them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Scope {
    /// One connection: the next one starts afresh.
    Connection,
    /// An account or an address: what was used up stays used up through a reconnect.
    #[default]
    Shared,
}

/// Whether a limiter limits.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Mode {
    /// Everything may leave at once, and nothing is counted.
    Allow,
    /// Nothing may leave until the mode changes.
    Hold,
    /// As the buckets say.
    #[default]
    Normal,
    /// Everything is refused where it is submitted.
    Refuse,
}

impl LimiterPolicy {
    /// Deribit's default for accounts: 120 units, 10 more each second.
    #[must_use]
    pub fn deribit() -> Self {
        Self::default().bucket(BucketId::A, Bucket::new(Shape::credits(120, 10)))
    }

    /// Binance: 1200 units, 20 more each second.
    #[must_use]
    pub fn binance() -> Self {
        Self::default().bucket(BucketId::A, Bucket::new(Shape::credits(1200, 20)))
    }

    /// Coinbase: 10 units, 10 more each second.
    #[must_use]
    pub fn coinbase() -> Self {
        Self::default().bucket(BucketId::A, Bucket::new(Shape::credits(10, 10)))
    }

    /// Adds a bucket, or replaces the one of that id.
    #[must_use]
    pub fn bucket(mut self, id: BucketId, bucket: Bucket) -> Self {
        self.buckets[id.index()] = Some(bucket);
        self
    }

    /// Sets [`mode`](Self#structfield.mode).
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }
}

impl Bucket {
    /// A bucket of that shape that starts full.
    #[must_use]
    pub const fn new(shape: Shape) -> Self {
        Self {
            shape,
            scope: Scope::Shared,
            reserve: Percent(30),
            initial: None,
        }
    }

    /// Sets [`scope`](Self#structfield.scope).
    #[must_use]
    pub const fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Sets [`reserve`](Self#structfield.reserve).
    #[must_use]
    pub const fn reserve(mut self, reserve: Percent) -> Self {
        self.reserve = reserve;
        self
    }

    /// Sets [`initial`](Self#structfield.initial).
    #[must_use]
    pub const fn initial(mut self, units: Option<u32>) -> Self {
        self.initial = units;
        self
    }
}
