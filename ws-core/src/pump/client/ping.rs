//! Pings through a handle: each round trip goes to the task that measures it.
//!
//! It decides nothing about the connection: a ping that is lost is one that was not answered.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::future::poll_fn;
use core::task::{Poll, Waker};
use core::time::Duration;

use thiserror::Error;

use super::super::runtime::Runtime;
use super::{Client, Inner, Shared};
use crate::error::Explanation;
use crate::session::{Dialect, Event, PingId, SendError};

/// A ping that a task waits for.
#[derive(Debug, Default)]
pub(super) struct Pinged {
    result: Option<Result<Duration, PingFailed>>,
    waker: Option<Waker>,
}

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
            inner.pinged.insert(id, Pinged::default());
            Ok::<_, SendError>(id)
        })?;
        let waiting = Waiting {
            id,
            shared: Arc::clone(&self.shared),
        };
        poll_fn(|cx| {
            let mut inner = waiting.shared.lock();
            let over = inner.end.is_some();
            let Some(pinged) = inner.pinged.get_mut(&waiting.id) else {
                return Poll::Ready(Err(PingFailed::Lost));
            };
            if let Some(result) = pinged.result.take() {
                return Poll::Ready(result);
            }
            if over {
                return Poll::Ready(Err(PingFailed::Lost));
            }
            pinged.waker = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}

/// A ping under way; dropping it stops the wait.
struct Waiting<D: Dialect, R: Runtime> {
    id: PingId,
    shared: Arc<Shared<D, R>>,
}

impl<D: Dialect, R: Runtime> Drop for Waiting<D, R> {
    fn drop(&mut self) {
        self.shared.lock().pinged.remove(&self.id);
    }
}

impl<D, R> Inner<D, R> {
    /// Hands an event to the task that measures; otherwise gives it back.
    pub(super) fn pong(&mut self, event: Event, wake: &mut Vec<Waker>) -> Option<Event> {
        let (id, result) = match &event {
            Event::PingAnswered { id, round_trip } => (id, Ok(*round_trip)),
            Event::PingLost { id } => (id, Err(PingFailed::Lost)),
            _ => return Some(event),
        };
        let Some(pinged) = self.pinged.get_mut(id) else {
            return Some(event);
        };
        pinged.result = Some(result);
        wake.extend(pinged.waker.take());
        None
    }

    /// The session is over: nobody measures any more.
    pub(super) fn stop_pings(&mut self, wake: &mut Vec<Waker>) {
        for pinged in self.pinged.values_mut() {
            wake.extend(pinged.waker.take());
        }
    }
}
