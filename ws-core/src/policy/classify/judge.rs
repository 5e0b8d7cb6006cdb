//! The classifier with a memory: what repeats, and whether fresh credentials were tried.
//!
//! It knows no time: counts are all that it remembers.

use alloc::vec::Vec;

use super::failure::{Class, Failure};
use super::{Classifier, Then, Wait};

/// How many endpoints the judge remembers; beyond that it forgets the one it heard of first.
const MAX_ENDPOINTS: usize = 64;

/// Turns verdicts into decisions, by counting what repeats at each endpoint.
///
/// ```
/// use ws_core::policy::{Classifier, Credentials, Decision, Failure, FailureKind, Judge, Stage, Stop};
///
/// let mut judge = Judge::new(Classifier::default(), Credentials::Renewable);
/// let refused = Failure::new(Stage::Auth, FailureKind::AuthRejected { code: 7 });
///
/// // Fresh credentials once; the same answer to those is final.
/// assert!(matches!(judge.judge(&refused), Decision::Retry { refresh: true, .. }));
/// assert_eq!(judge.judge(&refused), Decision::Stop(Stop::Rejected));
/// ```
#[derive(Clone, Debug)]
pub struct Judge {
    classifier: Classifier,
    credentials: Credentials,
    seen: Vec<Seen>,
}

/// What an endpoint answered lately.
#[derive(Clone, Debug)]
struct Seen {
    endpoint: u32,
    class: Class,
    times: u32,
    /// The class of the last refusal of credentials that nothing has answered since.
    rejected: Option<Class>,
}

/// Whether there is more than one set of credentials to try.
///
/// Exhaustive on purpose: asking again gives new ones, or it does not.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Credentials {
    /// There are none, or always the same: the first rejection is final.
    #[default]
    Fixed,
    /// A provider is asked for every attempt: one rejection is forgiven.
    Renewable,
}

/// What happens after a failure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Decision {
    /// Dial again.
    Retry {
        /// For the backoff.
        wait: Wait,
        /// Try another endpoint, if there is one.
        next_endpoint: bool,
        /// The next attempt needs fresh credentials.
        refresh: bool,
    },
    /// Do not.
    Stop(Stop),
}

/// Why a session ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Stop {
    /// A failure that the table calls final.
    Fatal,
    /// The end was wanted.
    Finished,
    /// The credentials were refused, and there are no better ones.
    Rejected,
    /// The same failure happened this often in a row.
    Repeated(u32),
}

impl Judge {
    /// A judge that has seen nothing yet.
    #[must_use]
    pub const fn new(classifier: Classifier, credentials: Credentials) -> Self {
        Self {
            classifier,
            credentials,
            seen: Vec::new(),
        }
    }

    /// Decides on a failure and remembers it.
    pub fn judge(&mut self, failure: &Failure<'_>) -> Decision {
        let verdict = self.classifier.classify(failure);
        let seen = self.note(failure.endpoint, failure.class(), verdict.refresh);
        match verdict.then {
            Then::Fail => return Decision::Stop(Stop::Fatal),
            Then::Finish => return Decision::Stop(Stop::Finished),
            Then::Retry => {}
        }
        if verdict.refresh && (seen.again || self.credentials == Credentials::Fixed) {
            return Decision::Stop(Stop::Rejected);
        }
        if verdict.fatal_after.is_some_and(|limit| seen.times >= limit) {
            return Decision::Stop(Stop::Repeated(seen.times));
        }
        Decision::Retry {
            wait: verdict.wait,
            next_endpoint: verdict.next_endpoint,
            refresh: verdict.refresh,
        }
    }

    /// The credentials were accepted at `endpoint`: a later rejection is a new one.
    pub fn accepted(&mut self, endpoint: u32) {
        for seen in &mut self.seen {
            if seen.endpoint == endpoint {
                seen.rejected = None;
            }
        }
    }

    /// A connection proved stable: nothing counts as a repetition any more.
    pub fn stable(&mut self) {
        self.seen.clear();
    }

    fn note(&mut self, endpoint: u32, class: Class, refresh: bool) -> Noted {
        let seen = match self.seen.iter().position(|seen| seen.endpoint == endpoint) {
            Some(at) => &mut self.seen[at],
            None => {
                if self.seen.len() == MAX_ENDPOINTS {
                    self.seen.remove(0);
                }
                self.seen.push(Seen {
                    endpoint,
                    class,
                    times: 0,
                    rejected: None,
                });
                let last = self.seen.len() - 1;
                &mut self.seen[last]
            }
        };
        if seen.class != class {
            (seen.class, seen.times) = (class, 0);
        }
        seen.times = seen.times.saturating_add(1);
        // A rejection is remembered through other failures: they do not make credentials good.
        let again = refresh && seen.rejected == Some(class);
        if refresh {
            seen.rejected = Some(class);
        }
        Noted {
            times: seen.times,
            again,
        }
    }
}

struct Noted {
    times: u32,
    /// These credentials are not the first that were refused like this.
    again: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{FailureKind, Stage};

    #[test]
    fn the_oldest_of_very_many_endpoints_is_forgotten() {
        let mut judge = Judge::new(Classifier::default(), Credentials::Fixed);
        for endpoint in 0..1000 {
            judge.judge(&Failure::new(Stage::Ready, FailureKind::Eof).endpoint(endpoint));
        }
        assert_eq!(judge.seen.len(), MAX_ENDPOINTS);
        assert_eq!(judge.seen[0].endpoint, 936);
    }
}
