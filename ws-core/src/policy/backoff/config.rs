//! What the owner of a [`Backoff`](super::Backoff) may choose.
//!
//! Nothing is counted here.

use alloc::borrow::Cow;
use core::ops::RangeInclusive;
use core::time::Duration;

use crate::policy::Percent;

/// How long to wait between attempts, and when to give up.
///
/// Delays count from the failure. Failure `n` of an episode waits `growth(n)`, at most `cap`, and
/// jitter is taken after that, so that it survives the cap and never passes it.
///
/// ```
/// use core::time::Duration;
/// use ws_core::policy::{BackoffPolicy, Growth, Jitter, Percent};
///
/// // 1, 2, 4, 8, 16, 30, 30 ... seconds, exactly.
/// let policy = BackoffPolicy::default()
///     .first(None)
///     .base(Duration::from_secs(1))
///     .growth(Growth::Exponential { factor: Percent(200) })
///     .jitter(Jitter::None);
/// assert_eq!(policy.cap, Duration::from_secs(30));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct BackoffPolicy {
    /// The delay after the first failure of an episode, drawn evenly from this range; growth starts
    /// at the second then. `None`: growth starts at the first. Default 0 to 500 ms.
    pub first: Option<RangeInclusive<Duration>>,
    /// Where growth starts. Default 500 ms.
    pub base: Duration,
    /// No grown delay is longer. A wait that the server or a verdict asks for may be. Default 30 s.
    pub cap: Duration,
    /// No grown delay is shorter, unless the cap is. Default 50 ms.
    pub floor: Duration,
    /// How delays grow. Default times 1.6.
    pub growth: Growth,
    /// How delays are spread. Default [`Jitter::Equal`].
    pub jitter: Jitter,
    /// Dials of one episode, the first one included; 0 never dials. Default `None`: no limit.
    pub max_attempts: Option<u32>,
    /// No dial starts later than this after its episode began. Default `None`: no limit.
    pub max_elapsed: Option<Duration>,
    /// How long a connection must have been ready before its loss begins a new episode; a shorter
    /// life is one more failure of the old one. Default 30 s.
    pub stable_after: Duration,
    /// What a server's `Retry-After` does. Default honoured up to 15 minutes.
    pub retry_after: RetryAfter,
    /// Added at random to a wait that the server or a verdict asked for, so that those who were sent
    /// away together do not come back together. Default 0 to 20 %.
    pub wait_jitter: Percent,
}

/// How delays grow from one failure of an episode to the next, `n` counted from 0.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Growth {
    /// Always `base`.
    Constant,
    /// `base` times `factor` to the power of `n`; below 100 % it shrinks.
    Exponential {
        /// 160 is times 1.6.
        factor: Percent,
    },
    /// `base` plus `n` times `step`.
    Linear {
        /// What each failure adds.
        step: Duration,
    },
    /// The `n`-th entry, and the last one from then on; `base` if there is none.
    Table(Cow<'static, [Duration]>),
}

/// How a delay `v`, already capped, is spread so that clients do not return together.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Jitter {
    /// Between `base` and three times the delay before, whatever the growth; at most `cap`.
    Decorrelated,
    /// Between `v/2` and `v`.
    #[default]
    Equal,
    /// Between `floor` and `v`.
    Full,
    /// Exactly `v`.
    None,
    /// `v` up to `spread` shorter or longer, where `v` is first reduced so that this stays below the
    /// cap; never below the share `floor` of `v`.
    Proportional {
        /// How far to both sides.
        spread: Percent,
        /// What must be left of `v`.
        floor: Percent,
    },
}

/// What a server's `Retry-After` does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RetryAfter {
    /// The next attempt waits at least that long, but never longer than `max` for that reason.
    Honor {
        /// The longest wait a server may ask for, jitter included.
        max: Duration,
    },
    /// Nothing.
    Ignore,
}

impl Default for BackoffPolicy {
    fn default() -> Self {
        Self {
            first: Some(Duration::ZERO..=Duration::from_millis(500)),
            base: Duration::from_millis(500),
            cap: Duration::from_secs(30),
            floor: Duration::from_millis(50),
            growth: Growth::Exponential {
                factor: Percent(160),
            },
            jitter: Jitter::Equal,
            max_attempts: None,
            max_elapsed: None,
            stable_after: Duration::from_secs(30),
            retry_after: RetryAfter::Honor {
                max: Duration::from_secs(15 * 60),
            },
            wait_jitter: Percent(20),
        }
    }
}

impl BackoffPolicy {
    /// Delays of `base`, twice `base`, three times `base` and so on, each up to a fifth shorter or
    /// longer, and never less than half; five attempts.
    #[must_use]
    pub fn linear_jitter(base: Duration) -> Self {
        let jitter = Jitter::Proportional {
            spread: Percent(20),
            floor: Percent(50),
        };
        Self::default()
            .first(None)
            .base(base)
            .growth(Growth::Linear { step: base })
            .jitter(jitter)
            .max_attempts(Some(5))
    }

    /// Sets [`first`](Self#structfield.first).
    #[must_use]
    pub fn first(mut self, first: Option<RangeInclusive<Duration>>) -> Self {
        self.first = first;
        self
    }

    /// Sets [`base`](Self#structfield.base).
    #[must_use]
    pub fn base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// Sets [`cap`](Self#structfield.cap).
    #[must_use]
    pub fn cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }

    /// Sets [`floor`](Self#structfield.floor).
    #[must_use]
    pub fn floor(mut self, floor: Duration) -> Self {
        self.floor = floor;
        self
    }

    /// Sets [`growth`](Self#structfield.growth).
    #[must_use]
    pub fn growth(mut self, growth: Growth) -> Self {
        self.growth = growth;
        self
    }

    /// Sets [`jitter`](Self#structfield.jitter).
    #[must_use]
    pub fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// Sets [`max_attempts`](Self#structfield.max_attempts).
    #[must_use]
    pub fn max_attempts(mut self, attempts: Option<u32>) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets [`max_elapsed`](Self#structfield.max_elapsed).
    #[must_use]
    pub fn max_elapsed(mut self, elapsed: Option<Duration>) -> Self {
        self.max_elapsed = elapsed;
        self
    }

    /// Sets [`stable_after`](Self#structfield.stable_after).
    #[must_use]
    pub fn stable_after(mut self, stable_after: Duration) -> Self {
        self.stable_after = stable_after;
        self
    }

    /// Sets [`retry_after`](Self#structfield.retry_after).
    #[must_use]
    pub fn retry_after(mut self, retry_after: RetryAfter) -> Self {
        self.retry_after = retry_after;
        self
    }

    /// Sets [`wait_jitter`](Self#structfield.wait_jitter).
    #[must_use]
    pub fn wait_jitter(mut self, jitter: Percent) -> Self {
        self.wait_jitter = jitter;
        self
    }
}
