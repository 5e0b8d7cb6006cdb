//! Where events are taken: in order, by the one who was first, and by any number of others who
//! listen for as long as they like.
//!
//! Nothing is decided here about the connection.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::future::poll_fn;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use futures_core::Stream;

use super::queue::Queue;
use super::{Client, Inner, Shared, release};
use crate::options::Inbox;
#[cfg(doc)]
use crate::options::Overflow;
use crate::session::Event;

/// What happened to a session, in order: one event at a time, or as a `Stream`.
///
/// What waits here is bounded by an [`Inbox`], which also says what becomes of a consumer that is
/// slower than the peer. By default the peer is slowed down, and nothing is lost. Once the session is
/// closing, what finds no room is dropped and [`Event::Lagged`] tells how much, so that the end comes
/// in any case.
pub struct Events<D, R> {
    pub(super) shared: Arc<Shared<D, R>>,
    /// Does it keep the session alive?
    pub(super) handle: bool,
}

/// Another look at what happens to a session, from the moment at which it was made by
/// [`Client::listen`] until it is dropped.
///
/// A listener never slows anything down: where there is no room, the oldest event is dropped, and
/// [`Event::Lagged`] tells how many were. It is not a handle: it does not keep the session alive.
pub struct Listener<D, R> {
    id: u64,
    shared: Arc<Shared<D, R>>,
}

/// What one listener has not taken yet.
#[derive(Debug)]
pub(super) struct Listening {
    id: u64,
    queue: Queue,
    waker: Option<Waker>,
}

impl<D, R> Client<D, R> {
    /// Listens to what happens from now on, beside the [`Events`] and all other listeners. The inbox
    /// bounds what may wait; its policy is [`Overflow::DropOldest`], or [`Overflow::DropNewest`] if it
    /// says so: a listener that is slow never holds the session up.
    #[must_use = "it listens until it is dropped"]
    pub fn listen(&self, inbox: Inbox) -> Listener<D, R> {
        let mut inner = self.shared.lock();
        inner.listeners_made += 1;
        let id = inner.listeners_made;
        inner.listeners.push(Listening {
            id,
            queue: Queue::new(inbox.lossy()),
            waker: None,
        });
        Listener {
            id,
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<D, R> Inner<D, R> {
    /// Hands an event out to all who want it.
    pub(super) fn tell(&mut self, event: Event, wake: &mut Vec<Waker>) {
        for listening in &mut self.listeners {
            listening.queue.push(event.clone());
            wake.extend(listening.waker.take());
        }
        if !self.unread {
            self.queue.push(event);
            wake.extend(self.reader.take());
        }
    }

    /// Everyone learns that nothing more will come.
    pub(super) fn wake_readers(&mut self, wake: &mut Vec<Waker>) {
        wake.extend(self.reader.take());
        for listening in &mut self.listeners {
            wake.extend(listening.waker.take());
        }
    }
}

impl<D, R> Events<D, R> {
    /// The next event; `None` after [`Event::Terminated`].
    ///
    /// # Cancel safety
    /// An event is returned or stays where it was.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// The next event if there is one now.
    pub fn try_next(&mut self) -> Option<Event> {
        match self.poll_event(&Context::from_waker(Waker::noop())) {
            Poll::Ready(event) => event,
            Poll::Pending => None,
        }
    }

    /// Keeps the session alive no longer.
    pub(super) fn let_go(&mut self) {
        if mem::take(&mut self.handle) {
            release(&self.shared);
        }
    }

    pub(super) fn poll_event(&self, cx: &Context<'_>) -> Poll<Option<Event>> {
        let mut inner = self.shared.lock();
        let Some(event) = inner.queue.pop() else {
            if inner.end.is_some() {
                return Poll::Ready(None);
            }
            inner.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        let driver = if inner.held && inner.queue.is_low() {
            inner.held = false;
            inner.driver.take()
        } else {
            None
        };
        drop(inner);
        driver.into_iter().for_each(Waker::wake);
        Poll::Ready(Some(event))
    }
}

impl<D, R> Listener<D, R> {
    /// The next event; `None` after [`Event::Terminated`].
    ///
    /// # Cancel safety
    /// An event is returned or stays where it was.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// The next event if there is one now.
    pub fn try_next(&mut self) -> Option<Event> {
        match self.poll_event(&Context::from_waker(Waker::noop())) {
            Poll::Ready(event) => event,
            Poll::Pending => None,
        }
    }

    fn poll_event(&self, cx: &Context<'_>) -> Poll<Option<Event>> {
        let mut inner = self.shared.lock();
        let over = inner.end.is_some();
        let own = inner.listeners.iter_mut();
        let Some(own) = own.into_iter().find(|one| one.id == self.id) else {
            return Poll::Ready(None);
        };
        match own.queue.pop() {
            None if !over => {
                own.waker = Some(cx.waker().clone());
                Poll::Pending
            }
            event => Poll::Ready(event),
        }
    }
}

impl<D, R> Stream for Events<D, R> {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_event(cx)
    }
}

impl<D, R> Stream for Listener<D, R> {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_event(cx)
    }
}

impl<D, R> Drop for Events<D, R> {
    fn drop(&mut self) {
        let mut inner = self.shared.lock();
        inner.unread = true;
        let queue = mem::replace(&mut inner.queue, Queue::new(Inbox::default()));
        // What was held back need not be any more.
        let driver = inner.driver.take();
        drop(inner);
        drop(queue);
        driver.into_iter().for_each(Waker::wake);
        self.let_go();
    }
}

impl<D, R> Drop for Listener<D, R> {
    fn drop(&mut self) {
        let mut inner = self.shared.lock();
        let at = inner.listeners.iter().position(|one| one.id == self.id);
        let gone = at.map(|at| inner.listeners.remove(at));
        drop(inner);
        drop(gone);
    }
}

impl<D, R> fmt::Debug for Events<D, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("waiting", &self.shared.lock().queue.len())
            .finish_non_exhaustive()
    }
}

impl<D, R> fmt::Debug for Listener<D, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
