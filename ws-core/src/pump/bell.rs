//! One signal that all tasks of a server wait for: how far its life has come. It wakes, and decides
//! nothing.

#![allow(
    clippy::disallowed_types,
    reason = "all tasks of a server share it; held for a few instructions"
)]

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicU8, Ordering};
use core::task::{Context, Poll, Waker};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::server::Phase;

/// What rings.
#[derive(Debug)]
pub(super) struct Bell {
    phase: AtomicU8,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    wakers: BTreeMap<u64, Waker>,
}

/// One that waits for it.
pub(super) struct Watch {
    bell: Arc<Bell>,
    id: u64,
    /// What it has left there.
    waker: Option<Waker>,
}

impl Bell {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            phase: AtomicU8::new(Phase::Serving as u8),
            waiting: Mutex::default(),
        })
    }

    /// Wakes everyone who waits, to see how far it is. It never goes back.
    pub(super) fn ring(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::SeqCst);
        let wakers: Vec<Waker> = self.lock().wakers.values().cloned().collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(super) fn is_at(&self, phase: Phase) -> bool {
        self.phase.load(Ordering::SeqCst) >= phase as u8
    }

    pub(super) fn watch(self: &Arc<Self>) -> Box<Watch> {
        let mut waiting = self.lock();
        waiting.next += 1;
        Box::new(Watch {
            bell: Arc::clone(self),
            id: waiting.next,
            waker: None,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// Ready when it is that far, or further. Until then the task is woken at every ring.
    pub(super) fn poll(&mut self, phase: Phase, cx: &Context<'_>) -> Poll<()> {
        let known = self.waker.as_ref();
        if !known.is_some_and(|known| known.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
            let waker = cx.waker().clone();
            let before = self.bell.lock().wakers.insert(self.id, waker);
            drop(before);
        }
        match self.bell.is_at(phase) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let waker = self.bell.lock().wakers.remove(&self.id);
        drop(waker);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}
