//! What a failure means for the session: the answer that a row of the table holds.
//!
//! It carries nothing out.

use crate::policy::{Penalty, Wait};

/// What to do about a failure.
///
/// ```
/// use ws_core::policy::{Penalty, Verdict};
///
/// // Wait for half the backoff's cap; give up at the fifth in a row.
/// let verdict = Verdict::RETRY.penalty(Penalty::HalfCap).fatal_after(5);
/// assert_eq!(verdict.fatal_after, Some(5));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Verdict {
    /// Dial again, or end, and how.
    pub then: Then,
    /// What it adds to the wait before the next dial.
    pub wait: Wait,
    /// Ends the session at the so-many-th failure of the same class in a row at one endpoint.
    pub fatal_after: Option<u32>,
    /// Another endpoint, if there is one, should be tried first.
    pub next_endpoint: bool,
    /// The credentials were refused: the next dial needs fresh ones, and a second refusal of the
    /// same class ends the session.
    pub refresh: bool,
}

/// Whether a session goes on after a failure.
///
/// Exhaustive on purpose: on, over, or over and out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Then {
    /// It ends with an error.
    Fail,
    /// It ends as intended.
    Finish,
    /// It dials again.
    Retry,
}

impl Verdict {
    /// Dial again, as the backoff says.
    pub const RETRY: Self = Self::then(Then::Retry);
    /// End with an error, at once.
    pub const FATAL: Self = Self::then(Then::Fail);
    /// End as intended.
    pub const FINISH: Self = Self::then(Then::Finish);
    /// Dial again with fresh credentials, once.
    pub const REFRESH: Self = Self {
        refresh: true,
        ..Self::RETRY
    };

    const fn then(then: Then) -> Self {
        Self {
            then,
            wait: Wait {
                immediate: false,
                penalty: None,
                retry_after: None,
            },
            fatal_after: None,
            next_endpoint: false,
            refresh: false,
        }
    }

    /// Sets [`fatal_after`](Self#structfield.fatal_after); 1 is as good as fatal.
    #[must_use]
    pub const fn fatal_after(mut self, times: u32) -> Self {
        self.fatal_after = Some(times);
        self
    }

    /// Sets [`next_endpoint`](Self#structfield.next_endpoint).
    #[must_use]
    pub const fn next_endpoint(mut self) -> Self {
        self.next_endpoint = true;
        self
    }

    /// Adds a penalty to the wait.
    #[must_use]
    pub const fn penalty(mut self, penalty: Penalty) -> Self {
        self.wait = self.wait.penalty(penalty);
        self
    }

    /// Makes the first such retry of an episode an immediate one.
    #[must_use]
    pub const fn immediate(mut self) -> Self {
        self.wait = self.wait.immediate();
        self
    }
}
