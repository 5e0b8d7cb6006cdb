//! Waiting for a message that looks like something: it goes to the task that waits, and to nobody
//! else.
//!
//! It looks at no message itself: the session does.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::future::poll_fn;
use core::task::{Poll, Waker};
use core::time::Duration;

use thiserror::Error;

use super::super::runtime::Runtime;
use super::{Client, Inner, Shared};
use crate::error::Explanation;
use crate::message::Message;
use crate::session::{Dialect, Event, Payload, WaitError, WaitId, correlate};

/// A message that a task waits for.
#[derive(Debug, Default)]
pub(super) struct Awaited {
    result: Option<Result<Payload, WaitFailed>>,
    waker: Option<Waker>,
}

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
            inner.awaited.insert(id, Awaited::default());
            Ok::<_, WaitError>(id)
        })?;
        let waiting = Waiting {
            id,
            shared: Arc::clone(&self.shared),
        };
        poll_fn(|cx| {
            let mut inner = waiting.shared.lock();
            let over = inner.end.is_some();
            let closed = Err(WaitFailed::Ended {
                why: correlate::End::Closed,
            });
            let Some(awaited) = inner.awaited.get_mut(&waiting.id) else {
                return Poll::Ready(closed);
            };
            if let Some(result) = awaited.result.take() {
                return Poll::Ready(result);
            }
            if over {
                return Poll::Ready(closed);
            }
            awaited.waker = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}

/// A wait under way; dropping it stops it.
struct Waiting<D: Dialect, R: Runtime> {
    id: WaitId,
    shared: Arc<Shared<D, R>>,
}

impl<D: Dialect, R: Runtime> Drop for Waiting<D, R> {
    fn drop(&mut self) {
        let mut inner = self.shared.lock();
        let awaited = inner.awaited.remove(&self.id);
        inner.session.stop_waiting(self.id);
        drop(inner);
        drop(awaited);
    }
}

impl<D, R> Inner<D, R> {
    /// Hands an event to the task that waits for it; otherwise gives it back.
    pub(super) fn awaited(&mut self, event: Event, wake: &mut Vec<Waker>) -> Option<Event> {
        let (Event::Awaited { id, .. } | Event::WaitEnded { id, .. }) = &event else {
            return Some(event);
        };
        let Some(awaited) = self.awaited.get_mut(id) else {
            return Some(event);
        };
        awaited.result = match event {
            Event::Awaited { message, .. } => Some(Ok(message)),
            Event::WaitEnded { why, .. } => Some(Err(WaitFailed::Ended { why })),
            event => return Some(event),
        };
        wake.extend(awaited.waker.take());
        None
    }

    /// The session is over: nothing will come any more.
    pub(super) fn stop_waits(&mut self, wake: &mut Vec<Waker>) {
        for awaited in self.awaited.values_mut() {
            wake.extend(awaited.waker.take());
        }
    }
}
