//! What compresses and decompresses, shared by the connections of a thread.
//!
//! A compressor is a third of a megabyte; a connection that is idle has none. When one is needed it
//! comes from here and begins with the connection's window. A compressor that goes back remembers
//! whose it was, by a stamp, so that a connection that is busy finds its own and goes on where it
//! stopped. At most [`KEEP`] of each kind stay, those that were used last.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::sync::atomic::{AtomicUsize, Ordering};

use zlib_rs::{Deflate, DeflateConfig, Inflate};

use super::window::Window;

/// How many of each kind are kept by a thread.
const KEEP: usize = 8;

/// The most that is decompressed in one step, in bytes.
pub(super) const BLOCK: usize = 16 * 1024;

/// Room for output that a compressor keeps when it goes back.
const KEEP_OUT: usize = 64 * 1024;

/// What can't be changed of a compressor that exists.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Shape {
    pub(super) level: u8,
    pub(super) mem_level: u8,
    pub(super) bits: u8,
}

/// The state in which a compressor went back; there is never another one like it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Stamp {
    thread: usize,
    count: u64,
}

/// A compressor.
pub(super) struct Packer {
    pub(super) deflate: Deflate,
    shape: Shape,
    /// Whose state it is in. `None`: it has to be reset.
    pub(super) stamp: Option<Stamp>,
    /// Where it writes; all of it is initialised.
    pub(super) out: Vec<u8>,
}

impl Packer {
    fn new(shape: Shape) -> Self {
        let config = DeflateConfig {
            level: shape.level.into(),
            window_bits: -i32::from(shape.bits), // no zlib header
            mem_level: shape.mem_level.into(),
            ..DeflateConfig::default()
        };
        Self {
            deflate: Deflate::new_with_config(config),
            shape,
            stamp: None,
            out: Vec::new(),
        }
    }
}

/// A decompressor.
pub(super) struct Unpacker {
    pub(super) inflate: Inflate,
    /// Is it in the middle of a stream? Otherwise it has to be reset.
    pub(super) running: bool,
    /// Where it writes.
    pub(super) out: Box<[u8]>,
    /// The window of a connection that keeps none between messages.
    pub(super) window: Window,
}

impl Unpacker {
    fn new() -> Self {
        Self {
            inflate: Inflate::new(false, 15),
            running: false,
            out: alloc::vec![0; BLOCK].into(),
            window: Window::default(),
        }
    }
}

struct Pool {
    /// The one that was used last is at the end.
    packers: Vec<Packer>,
    unpackers: Vec<Unpacker>,
    next: Stamp,
}

static THREADS: AtomicUsize = AtomicUsize::new(0);

std::thread_local! {
    static POOL: RefCell<Pool> = RefCell::new(Pool {
        packers: Vec::new(),
        unpackers: Vec::new(),
        next: Stamp { thread: THREADS.fetch_add(1, Ordering::Relaxed), count: 0 },
    });
}

/// Asks the pool of this thread; `None` while the thread ends, when there is none any more.
fn with<T>(f: impl FnOnce(&mut Pool) -> T) -> Option<T> {
    POOL.try_with(|pool| f(&mut pool.borrow_mut())).ok()
}

/// A compressor of this shape: the one with the stamp if it is still there, otherwise one without
/// any.
pub(super) fn packer(shape: Shape, stamp: Option<Stamp>) -> Packer {
    let found = with(|pool| {
        let packers = &mut pool.packers;
        let find = |f: &dyn Fn(&Packer) -> bool| packers.iter().position(f);
        let own = stamp.and_then(|_| find(&|packer| packer.stamp == stamp));
        let at = own
            .or_else(|| find(&|packer| packer.shape == shape && packer.stamp.is_none()))
            .or_else(|| {
                let full = packers.len() == KEEP;
                find(&|packer| full && packer.shape == shape)
            })?;
        let mut packer = packers.remove(at);
        if own.is_none() {
            packer.stamp = None;
        }
        Some(packer)
    });
    found.flatten().unwrap_or_else(|| Packer::new(shape))
}

/// Takes a compressor back.
pub(super) fn reclaim_packer(mut packer: Packer) {
    if packer.out.len() > KEEP_OUT {
        packer.out = Vec::new();
    }
    with(|pool| {
        if pool.packers.len() == KEEP {
            pool.packers.remove(0);
        }
        pool.packers.push(packer);
    });
}

/// A stamp for a compressor that goes back; `None` while the thread ends.
pub(super) fn stamp() -> Option<Stamp> {
    with(|pool| {
        pool.next.count += 1;
        pool.next
    })
}

/// A decompressor.
pub(super) fn unpacker() -> Unpacker {
    with(|pool| pool.unpackers.pop())
        .flatten()
        .unwrap_or_else(Unpacker::new)
}

/// Takes a decompressor back.
pub(super) fn reclaim_unpacker(mut unpacker: Unpacker) {
    unpacker.running = false;
    unpacker.window.clear();
    with(|pool| {
        if pool.unpackers.len() < KEEP {
            pool.unpackers.push(unpacker);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape {
        level: 1,
        mem_level: 8,
        bits: 15,
    };

    fn kept() -> (usize, usize) {
        with(|pool| (pool.packers.len(), pool.unpackers.len())).unwrap()
    }

    #[test]
    fn the_pool_stays_bounded() {
        let packers: Vec<Packer> = (0..20).map(|_| packer(SHAPE, None)).collect();
        let unpackers: Vec<Unpacker> = (0..20).map(|_| unpacker()).collect();
        assert_eq!(kept(), (0, 0));
        packers.into_iter().for_each(reclaim_packer);
        unpackers.into_iter().for_each(reclaim_unpacker);
        assert_eq!(kept(), (KEEP, KEEP));
        let mut large = packer(SHAPE, None);
        large.out = alloc::vec![0; KEEP_OUT + 1];
        reclaim_packer(large);
        let held = with(|pool| pool.packers.iter().map(|packer| packer.out.len()).max());
        assert_eq!(held.flatten(), Some(0));
    }

    #[test]
    fn a_compressor_finds_its_owner_until_others_needed_the_place() {
        let give_back = |mut packer: Packer| {
            let stamp = stamp();
            packer.stamp = stamp;
            reclaim_packer(packer);
            stamp
        };
        let mine = give_back(packer(SHAPE, None));
        let other = give_back(packer(SHAPE, None));
        assert_ne!(mine, other);
        let found = packer(SHAPE, mine);
        assert_eq!(found.stamp, mine, "not the one that was used last");
        let mine = give_back(found);
        assert_eq!(packer(SHAPE, None).stamp, None, "another one is not mine");

        let crowd: Vec<Packer> = (0..KEEP).map(|_| packer(SHAPE, None)).collect();
        crowd.into_iter().for_each(|packer| {
            give_back(packer);
        });
        assert_eq!(packer(SHAPE, mine).stamp, None);
    }

    #[test]
    fn shapes_are_not_mixed_up() {
        reclaim_packer(packer(SHAPE, None));
        let small = Shape { bits: 9, ..SHAPE };
        assert_eq!(packer(small, None).shape, small);
        assert_eq!(kept().0, 1);
        assert_eq!(packer(SHAPE, None).shape, SHAPE);
        assert_eq!(kept().0, 0);
    }

    #[test]
    fn a_stamp_of_another_thread_fits_nowhere() {
        let there = std::thread::scope(|scope| scope.spawn(stamp).join()).unwrap();
        assert!(there.is_some() && there != stamp());
    }
}
