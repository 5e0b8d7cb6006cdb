//! Policies: when to dial again, and how fast to send. Small machines, each usable alone.
//!
//! | item | decides |
//! |---|---|
//! | [`Backoff`] | how long to wait before the next dial, and when to stop |
//! | [`DialBudget`] | how many dials may start in a stretch of time, whatever happens |
//! | [`Classifier`], [`Judge`] | what a failure means: retry, wait longer, fresh credentials, the end |
//! | [`Heartbeat`] | which signs of life are given and expected |
//! | [`Limiter`], [`Pricing`] | when a message may leave, by what it costs |
//! | [`LatencyWindow`], [`Histogram`], [`RecentHistogram`] | how long things take |
//! | [`Backlog`] | what waits for one receiver of many, and who loses when it is too slow |
//! | [`Lane`] | what a message is for |
//!
//! They know time only as the `now` they are handed and randomness only as a [`Rng`](crate::Rng).
//! They know nothing of connections, sockets or messages: a caller of their own kind can use them
//! for HTTP requests as well.
//!
//! ```
//! use core::time::Duration;
//! use ws_core::policy::{Backoff, BackoffPolicy, Next, Wait};
//! use ws_core::{Instant, Rng, Seed};
//!
//! let mut rng = Rng::new(&Seed::new([1; 32]));
//! let mut backoff = Backoff::new(BackoffPolicy::default());
//! let now = Instant::ORIGIN;
//! let Next::Dial { delay, attempt, .. } = backoff.failed(Wait::default(), &mut rng, now) else {
//!     panic!("there is no limit to attempts by default");
//! };
//! assert!(delay <= Duration::from_millis(500) && attempt == 1);
//! ```

mod backlog;
mod backoff;
mod budget;
mod classify;
mod heartbeat;
mod histogram;
mod lane;
mod latency;
mod limiter;
mod percent;

pub use backlog::{Backlog, BacklogCounts, BacklogPolicy, Offered, SlowConsumer, Taken};
pub use backoff::{
    Backoff, BackoffPolicy, Exhausted, Growth, Jitter, Next, Penalty, RetryAfter, Wait,
};
pub use budget::{DialBudget, DialLimit};
pub use classify::{
    Classifier, Classify, Credentials, Decision, Failure, FailureKind, IoClass, Judge, Phase, Row,
    Stage, Stop, Then, Verdict, When,
};
pub use heartbeat::Heartbeat;
pub use histogram::{Histogram, RecentHistogram};
pub use lane::Lane;
pub use latency::{LatencyStats, LatencyWindow};
#[cfg(feature = "std")]
pub use limiter::SharedLimiter;
pub use limiter::{
    Bucket, BucketId, Cost, LimitError, Limiter, LimiterPolicy, Mode, Pricing, Scope, Shape,
};
pub use percent::Percent;
