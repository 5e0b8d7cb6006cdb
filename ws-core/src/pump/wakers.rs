//! Two tasks wait for one transport.
//!
//! A transport remembers only the waker of the last task that polled it for writing. Both halves of
//! a split connection write, so the waker they show the transport is one that wakes them both. So
//! do the stream and the sink of one that others have split (`StreamExt::split`), for reading and
//! for the timer too. It knows nothing of what they wait for.

#![allow(
    clippy::disallowed_types,
    reason = "two tasks share it; held for an instant"
)]

use alloc::sync::Arc;
use alloc::task::Wake;
use core::task::Waker;
use std::sync::{Mutex, PoisonError};

/// Which half of a split connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Half {
    Reader,
    Writer,
}

impl Half {
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Reader => Self::Writer,
            Self::Writer => Self::Reader,
        }
    }
}

/// The wakers of both halves; as a waker itself, it wakes both.
#[derive(Debug, Default)]
pub(super) struct Wakers {
    #[allow(
        clippy::disallowed_types,
        reason = "two tasks share it; held for a few instructions"
    )]
    both: Mutex<[Option<Waker>; 2]>,
}

impl Wakers {
    /// Remembers the task that polls `half`.
    pub(super) fn register(&self, half: Half, waker: &Waker) {
        let mut both = self.both.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = &mut both[half as usize];
        if slot.as_ref().is_none_or(|known| !known.will_wake(waker)) {
            *slot = Some(waker.clone());
        }
    }

    /// Forgets the task that polled `half`: it waits for nothing any more.
    pub(super) fn forget(&self, half: Half) {
        let mut both = self.both.lock().unwrap_or_else(PoisonError::into_inner);
        let known = both[half as usize].take();
        drop(both);
        drop(known);
    }

    /// Wakes the task that last polled `half`.
    pub(super) fn wake_half(&self, half: Half) {
        let waker = {
            let both = self.both.lock().unwrap_or_else(PoisonError::into_inner);
            both[half as usize].clone()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// A waker for the transport.
    pub(super) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_half(Half::Reader);
        self.wake_half(Half::Writer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_transport_wakes_both_and_each_half_can_be_woken_alone() {
        let counts = [Arc::new(Count::default()), Arc::new(Count::default())];
        let seen = || [0, 1].map(|half: usize| counts[half].0.load(Ordering::Relaxed));
        let wakers = Arc::new(Wakers::default());
        wakers.waker().wake();
        wakers.register(Half::Reader, &Waker::from(Arc::clone(&counts[0])));
        wakers.register(Half::Writer, &Waker::from(Arc::clone(&counts[1])));
        wakers.waker().wake();
        assert_eq!(seen(), [1, 1]);
        wakers.wake_half(Half::Reader);
        assert_eq!(seen(), [2, 1]);
        wakers.forget(Half::Reader);
        wakers.wake_half(Half::Writer.other());
        assert_eq!(seen(), [2, 1]);
    }
}
