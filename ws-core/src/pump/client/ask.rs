//! Requests through a handle: each answer goes to the task that asked.
//!
//! It never asks twice: a request whose answer is lost fails.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::task::Waker;

use thiserror::Error;

use super::super::runtime::Runtime;
use super::slots::{Slots, Ticket, Waiting};
use super::{Client, Inner};
use crate::error::Explanation;
use crate::session::correlate::{End, RequestId, Sent};
use crate::session::{Dialect, Event, Payload, RequestError, RequestOptions};

/// A request got no answer.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum RequestFailed {
    /// It was made, and ended without one.
    #[error("{}", match .why {
        End::Cancelled => "the request was cancelled",
        End::Closed => "the session is over",
        End::Disconnected => "the connection was lost before the answer came",
        End::Displaced => "it was not sent, to make room for others",
        End::TimedOut => "no answer came in time",
    })]
    Ended {
        /// Why.
        why: End,
        /// How much of it had left: if nothing had, it was certainly not executed.
        sent: Sent,
    },
    /// It was not accepted; nothing of it was sent.
    #[error(transparent)]
    Refused(#[from] RequestError),
}

impl RequestFailed {
    /// Is it certain that the server has not seen the request? Then it can be made again without
    /// risk.
    #[must_use]
    pub const fn definitely_not_executed(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Ended { sent: Sent::No, .. })
    }

    /// What happened and what to do about it.
    #[must_use]
    pub const fn explain(&self) -> Explanation {
        match self {
            Self::Refused(error) => error.explain(),
            Self::Ended { sent: Sent::No, .. } => {
                Explanation::new("The request had not left when it ended", "Make it again")
            }
            Self::Ended { .. } => Explanation::new(
                "The server may have executed the request, and its answer is lost",
                "Ask the server what became of it before making it again",
            ),
        }
    }
}

impl<D: Dialect, R: Runtime> Client<D, R> {
    /// Asks the server something and waits for the answer, up to the timeout of the configuration.
    ///
    /// # Errors
    /// It was not accepted, or got no answer; the error says whether it may have been executed.
    ///
    /// # Cancel safety
    /// If the future is dropped, the request is cancelled: what had been queued still leaves, and
    /// its answer becomes [`Event::Unmatched`].
    pub async fn request(&self, request: &D::Request) -> Result<Payload, RequestFailed> {
        self.request_with(request, &RequestOptions::default()).await
    }

    /// Asks the server something and says how: with a place in the queue, a timeout, a cost of its
    /// own.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    ///
    /// # Cancel safety
    /// As [`request`](Self::request).
    pub async fn request_with(
        &self,
        request: &D::Request,
        options: &RequestOptions,
    ) -> Result<Payload, RequestFailed> {
        let id = self.begin(request, options)?;
        let answer = Waiting::new(id, Arc::clone(&self.shared)).result().await;
        // Without one the driver is gone, and the session with it.
        answer.unwrap_or(Err(RequestFailed::Ended {
            why: End::Closed,
            sent: Sent::Partial,
        }))
    }

    fn begin(
        &self,
        request: &D::Request,
        options: &RequestOptions,
    ) -> Result<RequestId, RequestError> {
        self.command(|inner| {
            let Inner { session, clock, .. } = inner;
            let id = session.request_with(request, options, clock.now())?;
            inner.asked.open(id);
            Ok(id)
        })
    }
}

impl Ticket for RequestId {
    type Result = Result<Payload, RequestFailed>;

    fn slots<D, R>(inner: &mut Inner<D, R>) -> &mut Slots<Self, Self::Result> {
        &mut inner.asked
    }

    fn give_up<D: Dialect, R: Runtime>(self, inner: &mut Inner<D, R>) {
        let Inner { session, clock, .. } = inner;
        let _ = session.cancel(self, clock.now());
    }
}

impl<D, R> Inner<D, R> {
    /// Hands an event to the task that waits for it; otherwise gives it back.
    pub(super) fn answer(&mut self, event: Event, wake: &mut Vec<Waker>) -> Option<Event> {
        let id = match &event {
            Event::Response { id, .. } | Event::RequestEnded { id, .. } => *id,
            _ => return Some(event),
        };
        if !self.asked.has(&id) {
            return Some(event);
        }
        let result = match event {
            Event::Response { message, .. } => Ok(message),
            Event::RequestEnded { why, sent, .. } => Err(RequestFailed::Ended { why, sent }),
            event => return Some(event),
        };
        self.asked.fill(&id, result, wake);
        None
    }
}
