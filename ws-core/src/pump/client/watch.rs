//! Waiting for a session to come to another state.
//!
//! It keeps no history: states that came and went between two looks are not seen.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use futures_core::Stream;

use super::watchers::Wait;
use super::{Client, Inner, Shared};
use crate::session::{Dialect, State};

/// The states of a session, one after the other: first the present one, then each that follows, but
/// for those that did not last until someone looked. Made by [`Client::watch`]; it is not a handle.
pub struct Watch<D, R> {
    shared: Arc<Shared<D, R>>,
    /// The number of the last change that was told.
    seen: Option<u64>,
    wait: Wait,
}

impl<D: Dialect, R> Client<D, R> {
    /// Watches the state.
    #[must_use]
    pub fn watch(&self) -> Watch<D, R> {
        Watch {
            shared: Arc::clone(&self.shared),
            seen: None,
            wait: Wait::default(),
        }
    }

    pub(super) async fn until<T>(&self, look: impl Fn(&Inner<D, R>) -> Option<T>) -> T {
        let wait = Wait::default();
        poll_fn(|cx| {
            let mut inner = self.shared.lock();
            if let Some(found) = look(&inner) {
                return Poll::Ready(found);
            }
            let over = inner.watchers.add(&wait, cx);
            drop(inner);
            drop(over);
            Poll::Pending
        })
        .await
    }
}

impl<D: Dialect, R> Watch<D, R> {
    /// The state, if it is not the one that was told last; otherwise waits for another.
    /// [`State::Terminal`] is the last: after it comes `None`.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn next(&mut self) -> Option<State> {
        poll_fn(|cx| self.poll_state(cx)).await
    }

    fn poll_state(&mut self, cx: &Context<'_>) -> Poll<Option<State>> {
        let mut inner = self.shared.lock();
        let changes = inner.session.changes();
        if self.seen != Some(changes) {
            self.seen = Some(changes);
            return Poll::Ready(Some(inner.session.state()));
        }
        if matches!(inner.session.state(), State::Terminal) {
            return Poll::Ready(None);
        }
        let over = inner.watchers.add(&self.wait, cx);
        drop(inner);
        drop(over);
        Poll::Pending
    }
}

impl<D: Dialect, R> Stream for Watch<D, R> {
    type Item = State;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<State>> {
        self.get_mut().poll_state(cx)
    }
}

impl<D: Dialect, R> Inner<D, R> {
    /// Tells whoever waits for another state, if there is one.
    pub(super) fn tell_state(&mut self, wake: &mut Vec<Waker>) {
        let changes = self.session.changes();
        if changes != self.changes {
            self.changes = changes;
            wake.extend(self.watchers.take());
        }
    }
}

impl<D, R> fmt::Debug for Watch<D, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}
