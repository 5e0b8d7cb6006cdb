//! When to dial again: delays that grow, spread and end, and that start over only after a connection
//! has proved itself.
//!
//! A server that accepts a connection and closes it at once is failing, however well its handshakes
//! go: the count of failures survives any connection that was ready for less than
//! [`stable_after`](BackoffPolicy#structfield.stable_after). A backoff arms no timer and dials
//! nothing; it answers when the next dial may start.

mod config;
mod delay;

use core::time::Duration;

pub use config::{BackoffPolicy, Growth, Jitter, RetryAfter};

use crate::rng::Rng;
use crate::time::Instant;

/// The count of failures of one endless series of connections, and the delays they earn.
///
/// An *episode* is what lies between two stable connections: it begins with the first dial or the
/// loss of a stable connection and lasts until another has been ready for `stable_after`.
///
/// ```
/// use core::time::Duration;
/// use ws_core::policy::{Backoff, BackoffPolicy, Jitter, Next, Wait};
/// use ws_core::{Instant, Rng, Seed};
///
/// let policy = BackoffPolicy::default().first(None).jitter(Jitter::None).max_attempts(Some(2));
/// let (mut backoff, mut rng) = (Backoff::new(policy), Rng::new(&Seed::new([0; 32])));
/// let mut now = Instant::ORIGIN;
///
/// // The loss of a connection begins an episode; each dial is announced.
/// let mut delays = [Duration::ZERO; 2];
/// for slot in &mut delays {
///     let Next::Dial { at, delay, .. } = backoff.failed(Wait::default(), &mut rng, now) else {
///         panic!("two dials are allowed");
///     };
///     (*slot, now) = (delay, at);
///     backoff.dialing(now);
/// }
/// assert_eq!(delays, [Duration::from_millis(500), Duration::from_millis(800)]);
/// assert!(matches!(backoff.failed(Wait::default(), &mut rng, now), Next::Exhausted(_)));
/// ```
#[derive(Clone, Debug)]
pub struct Backoff {
    policy: BackoffPolicy,
    /// Failures of this episode that the growth counts.
    failures: u32,
    /// Dials of this episode.
    dials: u32,
    began: Option<Instant>,
    ready_since: Option<Instant>,
    /// The one immediate retry of an episode was granted.
    hurried: bool,
    /// The last delay, for decorrelated jitter.
    before: Duration,
}

/// What to do after a failure.
///
/// Exhaustive on purpose: to dial or not to dial.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Next {
    /// Dial at a time.
    Dial {
        /// When; now plus `delay`.
        at: Instant,
        /// How long after the failure.
        delay: Duration,
        /// Which dial of its episode this will be, counted from 1.
        attempt: u32,
    },
    /// Do not dial again.
    Exhausted(Exhausted),
}

/// Which limit ended an episode.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Exhausted {
    /// As many dials as `max_attempts` allows have failed.
    Attempts(u32),
    /// The next dial would have started later than `max_elapsed` allows, which is this.
    Elapsed(Duration),
}

/// What a failure asks for beyond the policy; the longest wait wins.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Wait {
    /// Do not wait as long as the policy would: draw from `first`, or dial at once. Granted once in
    /// an episode, and not counted by the growth.
    pub immediate: bool,
    /// What the verdict on the failure imposes.
    pub penalty: Option<Penalty>,
    /// What the server asked for.
    pub retry_after: Option<Duration>,
}

/// A wait that a failure costs whatever the count of failures, spread by `wait_jitter`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Penalty {
    /// As long as the policy's `base`.
    Base,
    /// A duration of its own, even above the cap.
    Fixed(Duration),
    /// Half the policy's `cap`.
    HalfCap,
}

impl Wait {
    /// Sets [`immediate`](Self#structfield.immediate).
    #[must_use]
    pub const fn immediate(mut self) -> Self {
        self.immediate = true;
        self
    }

    /// Sets [`penalty`](Self#structfield.penalty).
    #[must_use]
    pub const fn penalty(mut self, penalty: Penalty) -> Self {
        self.penalty = Some(penalty);
        self
    }

    /// Sets [`retry_after`](Self#structfield.retry_after).
    #[must_use]
    pub const fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }
}

impl Backoff {
    /// A backoff that has seen no failure.
    #[must_use]
    pub const fn new(policy: BackoffPolicy) -> Self {
        Self {
            policy,
            failures: 0,
            dials: 0,
            began: None,
            ready_since: None,
            hurried: false,
            before: Duration::ZERO,
        }
    }

    /// The policy it follows.
    #[must_use]
    pub const fn policy(&self) -> &BackoffPolicy {
        &self.policy
    }

    /// Begins an episode whose first dial needs no delay: the first connect, or one asked for.
    pub fn start(&mut self, now: Instant) -> Next {
        self.reset();
        self.began = Some(now);
        self.next(Duration::ZERO, now)
    }

    /// A dial starts.
    pub fn dialing(&mut self, now: Instant) {
        self.began.get_or_insert(now);
        self.dials = self.dials.saturating_add(1);
    }

    /// The connection is ready for use: the clock of `stable_after` starts.
    pub fn ready(&mut self, now: Instant) {
        self.ready_since = Some(now);
    }

    /// A dial failed, or a connection was lost; says when to dial again.
    pub fn failed(&mut self, wait: Wait, rng: &mut Rng, now: Instant) -> Next {
        if self.is_stable(now) {
            self.reset();
        }
        self.ready_since = None;
        self.began.get_or_insert(now);
        if let Some(why) = self.spent() {
            return Next::Exhausted(why);
        }
        let delay = self.delay(wait, rng);
        self.next(delay, now)
    }

    /// Dials of the episode so far; 0 once a connection is stable.
    #[must_use]
    pub fn attempts(&self, now: Instant) -> u32 {
        if self.is_stable(now) { 0 } else { self.dials }
    }

    /// Has the present connection been ready for long enough to end the episode?
    #[must_use]
    pub fn is_stable(&self, now: Instant) -> bool {
        self.ready_since
            .is_some_and(|since| now - since >= self.policy.stable_after)
    }

    /// Forgets the episode, as if its connection had proved stable.
    pub fn reset(&mut self) {
        self.failures = 0;
        self.dials = 0;
        self.began = None;
        self.ready_since = None;
        self.hurried = false;
        self.before = Duration::ZERO;
    }

    fn spent(&self) -> Option<Exhausted> {
        let max = self.policy.max_attempts?;
        (self.dials >= max).then_some(Exhausted::Attempts(self.dials))
    }

    fn next(&self, delay: Duration, now: Instant) -> Next {
        if let Some(why) = self.spent() {
            return Next::Exhausted(why);
        }
        let at = now + delay;
        if let (Some(max), Some(began)) = (self.policy.max_elapsed, self.began) {
            if at > began + max {
                return Next::Exhausted(Exhausted::Elapsed(max));
            }
        }
        let attempt = self.dials.saturating_add(1);
        Next::Dial { at, delay, attempt }
    }

    fn delay(&mut self, wait: Wait, rng: &mut Rng) -> Duration {
        let policy = &self.policy;
        let own = if wait.immediate && !self.hurried {
            self.hurried = true;
            let most = policy.first.as_ref().map_or(Duration::ZERO, |r| *r.end());
            rng.between(Duration::ZERO, most)
        } else {
            let n = self.failures;
            self.failures = n.saturating_add(1);
            match (&policy.first, n.checked_sub(1)) {
                (Some(first), None) => rng.between(*first.start(), *first.end()),
                (Some(_), Some(n)) => policy.spread(policy.grown(n), self.before, rng),
                (None, _) => policy.spread(policy.grown(n), self.before, rng),
            }
        };
        self.before = own;
        let asked = wait.retry_after.map(|after| policy.asked(after, rng));
        let imposed = wait.penalty.map(|penalty| {
            let wait = match penalty {
                Penalty::Base => policy.base,
                Penalty::Fixed(wait) => wait,
                Penalty::HalfCap => policy.cap / 2,
            };
            policy.imposed(wait, rng)
        });
        own.max(asked.unwrap_or_default())
            .max(imposed.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
