//! Waiting for a message that looks like something: it goes to the task that waits, and to nobody
//! else.
//!
//! It looks at no message itself: the session does.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::task::Waker;
use core::time::Duration;

use thiserror::Error;

use super::super::runtime::Runtime;
use super::slots::{Slots, Ticket, Waiting};
use super::{Client, Inner};
use crate::error::Explanation;
use crate::message::Message;
use crate::session::{Dialect, Event, Payload, WaitError, WaitId, correlate};

/// The message that was waited for has not come.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum WaitFailed {
    /// The wait is over.
    #[error("no such message: {}", match why {
        correlate::End::TimedOut => "none in time",
        correlate::End::Disconnected => "the connection was lost",
        _ => "the session is over",
    })]
    Ended {
        /// Why.
        why: correlate::End,
    },
    /// It could not be waited for.
    #[error(transparent)]
    Refused(#[from] WaitError),
}

impl WaitFailed {
    /// What happened and what to do about it.
    #[must_use]
    pub const fn explain(&self) -> Explanation {
        match self {
            Self::Ended { .. } => Explanation::new(
                "No message came that looks like this, and none will on this connection",
                "Check what is waited for, or wait longer; after a loss, begin anew",
            ),
            Self::Refused(error) => error.explain(),
        }
    }
}

impl<D: Dialect, R: Runtime> Client<D, R> {
    /// Waits for the first message from now on that `matches`, at most so long. Nobody else is told
    /// of that message. See [`Session::wait_for`](crate::session::Session::wait_for).
    ///
    /// `matches` is called under the lock that the handles share, for each message: it must be quick,
    /// and may neither use nor own a handle of the same session.
    ///
    /// # Errors
    /// None came, or too many wait already.
    ///
    /// # Cancel safety
    /// If the future is dropped, nobody waits any more. A message that had come is then lost.
    pub async fn wait_for(
        &self,
        matches: impl FnMut(&Message<'_>) -> bool + Send + 'static,
        timeout: Duration,
    ) -> Result<Payload, WaitFailed> {
        let id = self.command(|inner| {
            let now = inner.clock.now();
            let id = inner.session.wait_for(matches, timeout, now)?;
            inner.awaited.open(id);
            Ok::<_, WaitError>(id)
        })?;
        let message = Waiting::new(id, Arc::clone(&self.shared)).result().await;
        message.unwrap_or(Err(WaitFailed::Ended {
            why: correlate::End::Closed,
        }))
    }
}

impl Ticket for WaitId {
    type Result = Result<Payload, WaitFailed>;

    fn slots<D, R>(inner: &mut Inner<D, R>) -> &mut Slots<Self, Self::Result> {
        &mut inner.awaited
    }

    fn give_up<D: Dialect, R: Runtime>(self, inner: &mut Inner<D, R>) {
        inner.session.stop_waiting(self);
    }
}

impl<D, R> Inner<D, R> {
    /// Hands an event to the task that waits for it; otherwise gives it back.
    pub(super) fn awaited(&mut self, event: Event, wake: &mut Vec<Waker>) -> Option<Event> {
        let id = match &event {
            Event::Awaited { id, .. } | Event::WaitEnded { id, .. } => *id,
            _ => return Some(event),
        };
        if !self.awaited.has(&id) {
            return Some(event);
        }
        let result = match event {
            Event::Awaited { message, .. } => Ok(message),
            Event::WaitEnded { why, .. } => Err(WaitFailed::Ended { why }),
            event => return Some(event),
        };
        self.awaited.fill(&id, result, wake);
        None
    }
}
