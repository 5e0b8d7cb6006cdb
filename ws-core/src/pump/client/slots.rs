//! What tasks wait for, each by a number of its own: a result is put where its task finds it.
//!
//! Nothing is asked here, and no result is made.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::future::poll_fn;
use core::task::{Context, Poll, Waker};

use super::{Inner, Shared};
use crate::pump::Runtime;
use crate::session::Dialect;

/// Places for results, by number.
#[derive(Debug)]
pub(super) struct Slots<K, T>(BTreeMap<K, Slot<T>>);

#[derive(Debug)]
struct Slot<T> {
    result: Option<T>,
    waker: Option<Waker>,
}

/// A number that a task waits for the result of.
pub(super) trait Ticket: Copy + Ord {
    /// What comes of it.
    type Result;

    /// Where that is put.
    fn slots<D, R>(inner: &mut Inner<D, R>) -> &mut Slots<Self, Self::Result>;

    /// The task does not wait any more, whether it has the result or not.
    fn give_up<D: Dialect, R: Runtime>(self, inner: &mut Inner<D, R>);
}

/// A task that waits; dropping it stops the wait.
pub(super) struct Waiting<K: Ticket, D: Dialect, R: Runtime> {
    id: K,
    shared: Arc<Shared<D, R>>,
}

impl<K: Ord, T> Slots<K, T> {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Makes a place for the result of this number.
    pub(super) fn open(&mut self, id: K) {
        let (result, waker) = (None, None);
        self.0.insert(id, Slot { result, waker });
    }

    /// Does a task wait for this?
    pub(super) fn has(&self, id: &K) -> bool {
        self.0.contains_key(id)
    }

    /// Puts a result where its task finds it, if there is one.
    pub(super) fn fill(&mut self, id: &K, result: T, wake: &mut Vec<Waker>) {
        if let Some(slot) = self.0.get_mut(id) {
            slot.result = Some(result);
            wake.extend(slot.waker.take());
        }
    }

    /// Nothing more will come: only results that are there are kept for their tasks.
    pub(super) fn end(&mut self, wake: &mut Vec<Waker>) {
        self.0.retain(|_, slot| {
            wake.extend(slot.waker.take());
            slot.result.is_some()
        });
    }

    /// The result; `None` if nothing will come.
    fn poll(&mut self, id: &K, cx: &Context<'_>) -> Poll<Option<T>> {
        let Some(slot) = self.0.get_mut(id) else {
            return Poll::Ready(None);
        };
        if let Some(result) = slot.result.take() {
            return Poll::Ready(Some(result));
        }
        slot.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl<K: Ticket, D: Dialect, R: Runtime> Waiting<K, D, R> {
    /// Waits for what has an open place.
    pub(super) const fn new(id: K, shared: Arc<Shared<D, R>>) -> Self {
        Self { id, shared }
    }

    /// The result; `None` if nothing will come any more. Once.
    pub(super) async fn result(self) -> Option<K::Result> {
        poll_fn(|cx| K::slots(&mut *self.shared.lock()).poll(&self.id, cx)).await
    }
}

impl<K: Ticket, D: Dialect, R: Runtime> Drop for Waiting<K, D, R> {
    fn drop(&mut self) {
        let mut inner = self.shared.lock();
        let slot = K::slots(&mut *inner).0.remove(&self.id);
        self.id.give_up(&mut *inner);
        drop(inner);
        // What its waker does when it is dropped is not done under the lock.
        drop(slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_found_once_and_the_end_leaves_what_is_there() {
        let (mut slots, mut wake) = (Slots::new(), Vec::new());
        let cx = Context::from_waker(Waker::noop());
        for id in 0..3 {
            slots.open(id);
        }
        assert_eq!(slots.poll(&0, &cx), Poll::Pending);
        assert_eq!(slots.poll(&2, &cx), Poll::Pending);
        slots.fill(&0, "zero", &mut wake);
        slots.fill(&9, "nobody", &mut wake);
        assert_eq!((wake.len(), slots.has(&9)), (1, false));
        slots.fill(&1, "one", &mut wake);
        slots.end(&mut wake);
        assert_eq!(wake.len(), 2, "of the task that waits for nothing");
        assert_eq!(slots.poll(&0, &cx), Poll::Ready(Some("zero")));
        assert_eq!(slots.poll(&1, &cx), Poll::Ready(Some("one")));
        assert_eq!(slots.poll(&2, &cx), Poll::Ready(None));
    }
}
