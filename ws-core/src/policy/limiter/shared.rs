//! One limiter for several connections, in however many threads: the limits of an account or an
//! address.

#![allow(
    clippy::disallowed_types,
    reason = "sharing is what it is for; the lock is held for a few comparisons"
)]

use alloc::sync::Arc;
use std::sync::{Mutex, PoisonError};

use super::{Limiter, LimiterPolicy};
use crate::time::Instant;

/// A handle on a limiter that others hold as well; a clone is another handle on the same one. All of
/// them must read the same clock.
///
/// ```
/// use ws_core::Instant;
/// use ws_core::policy::{Cost, Lane, LimiterPolicy, SharedLimiter};
///
/// let now = Instant::ORIGIN;
/// let account = SharedLimiter::new(&LimiterPolicy::coinbase(), now);
/// let other = account.clone();
/// let ten = Cost::new(10);
/// assert!(account.lend(|limiter| limiter.commit(&ten, Lane::Request, now)));
/// assert!(!other.lend(|limiter| limiter.commit(&ten, Lane::Request, now)));
/// ```
#[derive(Clone, Debug)]
pub struct SharedLimiter(Arc<Mutex<Limiter>>);

impl SharedLimiter {
    /// A limiter whose buckets hold what they start with.
    #[must_use]
    pub fn new(policy: &LimiterPolicy, now: Instant) -> Self {
        Self(Arc::new(Mutex::new(Limiter::new(policy, now))))
    }

    /// Lends the limiter. Nobody else has it meanwhile: no update is lost.
    pub fn lend<T>(&self, act: impl FnOnce(&mut Limiter) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
