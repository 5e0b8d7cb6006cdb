//! Pings through a handle: each round trip goes to the task that measures it.
//!
//! It decides nothing about the connection: a ping that is lost is one that was not answered.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::task::Waker;
use core::time::Duration;

use thiserror::Error;

use super::super::runtime::Runtime;
use super::slots::{Slots, Ticket, Waiting};
use super::{Client, Inner};
use crate::error::Explanation;
use crate::session::{Dialect, Event, PingId, SendError};

/// A ping got no pong.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum PingFailed {
    /// None came in time, or the connection is gone.
    #[error("the ping was not answered in time, or its connection was lost")]
    Lost,
    /// It could not be sent.
    #[error(transparent)]
    Refused(#[from] SendError),
}

impl PingFailed {
    /// What happened and what to do about it.
    #[must_use]
    pub const fn explain(&self) -> Explanation {
        match self {
            Self::Lost => Explanation::new(
                "The peer is slow, or not there any more",
                "Wait for the keepalive to find out, or ask for another connection",
            ),
            Self::Refused(error) => error.explain(),
        }
    }
}

impl<D: Dialect, R: Runtime> Client<D, R> {
    /// Pings the peer and waits for its pong, at most so long; returns the time from queueing the
    /// one to the other. RFC 6455 §5.5.2.
    ///
    /// # Errors
    /// There is no connection, or no pong.
    ///
    /// # Cancel safety
    /// If the future is dropped, the ping leaves all the same, and what becomes of it is an event.
    pub async fn ping(&self, timeout: Duration) -> Result<Duration, PingFailed> {
        let id = self.command(|inner| {
            let now = inner.clock.now();
            let id = inner.session.ping(timeout, now)?;
            inner.pinged.open(id);
            Ok::<_, SendError>(id)
        })?;
        let pong = Waiting::new(id, Arc::clone(&self.shared)).result().await;
        pong.unwrap_or(Err(PingFailed::Lost))
    }
}

impl Ticket for PingId {
    type Result = Result<Duration, PingFailed>;

    fn slots<D, R>(inner: &mut Inner<D, R>) -> &mut Slots<Self, Self::Result> {
        &mut inner.pinged
    }

    /// It has left, or leaves all the same.
    fn give_up<D: Dialect, R: Runtime>(self, _: &mut Inner<D, R>) {}
}

impl<D, R> Inner<D, R> {
    /// Hands an event to the task that measures; otherwise gives it back.
    pub(super) fn pong(&mut self, event: Event, wake: &mut Vec<Waker>) -> Option<Event> {
        let (id, result) = match &event {
            Event::PingAnswered { id, round_trip } => (id, Ok(*round_trip)),
            Event::PingLost { id } => (id, Err(PingFailed::Lost)),
            _ => return Some(event),
        };
        if !self.pinged.has(id) {
            return Some(event);
        }
        self.pinged.fill(id, result, wake);
        None
    }
}
