//! A counting allocator: how many bytes of heap the thread of a test holds, the most it ever held,
//! and how often it asked. Only for the binaries that declare it as their allocator.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use std::alloc::System;

pub(crate) struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

fn count(change: isize, calls: usize) {
    HELD.set(HELD.get() + change);
    PEAK.set(PEAK.get().max(HELD.get()));
    CALLS.set(CALLS.get() + calls);
}

fn size(bytes: usize) -> isize {
    isize::try_from(bytes).expect("no layout is larger")
}

// SAFETY: every call goes on to the system's allocator as it is; counting touches plain cells of
// the thread, which need no allocation and no destructor.
#[allow(unsafe_code, reason = "an allocator can't be written without")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(size(layout.size()), 1);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(size(layout.size()), 1);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-size(layout.size()), 0);
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, new: usize) -> *mut u8 {
        count(size(new) - size(layout.size()), 1);
        unsafe { System.realloc(at, layout, new) }
    }
}

/// What `work` did to the heap of this thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Use {
    /// Bytes held afterwards that were not held before.
    pub(crate) held: isize,
    /// The most bytes held at any time on top of what was held before.
    pub(crate) peak: isize,
    /// How often memory was asked for.
    pub(crate) calls: usize,
}

pub(crate) fn measure<T>(work: impl FnOnce() -> T) -> (Use, T) {
    let (before, calls) = (HELD.get(), CALLS.get());
    PEAK.set(before);
    let out = work();
    let used = Use {
        held: HELD.get() - before,
        peak: PEAK.get() - before,
        calls: CALLS.get() - calls,
    };
    (used, out)
}
