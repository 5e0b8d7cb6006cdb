//! How requests end, and what answers turn out to be.
//!
//! Nothing is decided here.

use core::time::Duration;

use thiserror::Error;

use super::RequestId;

/// How much of a request has left this process; its owner knows.
///
/// Exhaustive on purpose: nothing, something, all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sent {
    /// Nothing: it was certainly not executed.
    No,
    /// Some bytes of its message.
    Partial,
    /// All of it.
    Full,
}

/// Why a request ended without an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum End {
    /// It was taken back.
    Cancelled,
    /// The session is over.
    Closed,
    /// Its connection was lost.
    Disconnected,
    /// It waited to be sent, and others had to be let in, or the connection did not take it.
    Displaced,
    /// No answer in time.
    TimedOut,
}

/// A request that ended without an answer.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Ended<T> {
    /// The request.
    pub id: RequestId,
    /// Its owner's tag.
    pub tag: T,
    /// Why.
    pub why: End,
    /// How much of it had left.
    pub sent: Sent,
}

/// Whose answer it is.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub enum Answer<T> {
    /// That of a request that waited for it.
    Matched(Answered<T>),
    /// Nobody's.
    Unmatched(Unmatched),
}

/// A request with its answer.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Answered<T> {
    /// The request.
    pub id: RequestId,
    /// Its owner's tag.
    pub tag: T,
    /// Since it was sent, or since it began if its owner did not say when that was.
    pub round_trip: Duration,
}

/// An answer that no request waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Unmatched {
    /// The request has been answered before.
    Duplicate {
        /// The request.
        id: RequestId,
    },
    /// The request ended before its answer came.
    Late {
        /// The request.
        id: RequestId,
        /// How long before.
        by: Duration,
    },
    /// It names no request, and more than one is under way, or none.
    Unattributed,
    /// No such request is remembered.
    Unknown,
}

/// How many answers found no request, by kind.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Strays {
    /// To requests that were answered before.
    pub duplicate: u64,
    /// To requests that had ended.
    pub late: u64,
    /// To none that is remembered, or to none in particular.
    pub unknown: u64,
}

/// Why a request was not accepted. Nothing of it may be sent.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum RequestError {
    /// Its id is that of a request without an answer.
    #[error("a request with this id is still waiting for its answer")]
    DuplicateId,
    /// All numbers that fit into a JSON number were given out.
    #[error("this session has no request numbers left")]
    Exhausted,
    /// Too many are waiting.
    #[error("more than {0} requests are waiting for their answers")]
    TooMany(usize),
}

impl<T> Ended<T> {
    /// Is it certain that nobody has seen the request? Then it can be made again without risk.
    #[must_use]
    pub fn definitely_not_executed(&self) -> bool {
        self.sent == Sent::No
    }
}

impl Strays {
    pub(super) fn count(&mut self, stray: Unmatched) {
        let counter = match stray {
            Unmatched::Duplicate { .. } => &mut self.duplicate,
            Unmatched::Late { .. } => &mut self.late,
            Unmatched::Unattributed | Unmatched::Unknown => &mut self.unknown,
        };
        *counter = counter.saturating_add(1);
    }
}
