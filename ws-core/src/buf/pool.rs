//! Storage that connections share: lent for the time of one burst, given back when it is over.
//!
//! A pool belongs to one thread and its driver; the core keeps none of its own.

use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

use super::RecvBuf;

/// Size of the storage in a pool: what one read can take in at most.
const CHUNK: usize = 64 * 1024;

/// How many pieces of each kind are kept.
const KEEP: usize = 16;

/// The longest message whose storage is kept.
const LONG_MAX: usize = 4 * 1024 * 1024;

/// Spare storage for receiving and sending. One per thread serves any number of connections: those
/// that are busy hold a piece, those that are idle hold nothing.
///
/// Keeps at most 16 pieces of 64 KiB of each kind, and one that a long message of up to 4 MiB was put
/// together in, which may be twice as large; what comes back beyond that is freed.
#[derive(Debug, Default)]
pub struct Pool {
    receiving: Vec<BytesMut>,
    sending: Vec<Vec<u8>>,
    long: Bytes,
}

impl Pool {
    /// An empty pool, without any allocation.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            receiving: Vec::new(),
            sending: Vec::new(),
            long: Bytes::new(),
        }
    }

    /// Storage to receive into, for `RecvBuf::put_storage`.
    #[must_use]
    pub fn lend_receiving(&mut self) -> BytesMut {
        self.receiving
            .pop()
            .unwrap_or_else(|| BytesMut::zeroed(CHUNK))
    }

    /// Takes storage back; it is freed if it is of another size or the pool has enough.
    pub fn reclaim_receiving(&mut self, storage: BytesMut) {
        if storage.len() == CHUNK && self.receiving.len() < KEEP {
            self.receiving.push(storage);
        }
    }

    /// Before a read: lends `recv` what it is to go into, if it has less than that. Where the next message
    /// will leave with its storage, that is no piece of the pool's but one of just its size.
    pub fn supply(&mut self, recv: &mut RecvBuf) {
        if recv.wants_storage() {
            let unused = if recv.expects_leaving() {
                recv.fit()
            } else {
                recv.put_storage(self.lend_receiving(), 0)
            };
            if let Some(unused) = unused {
                self.reclaim_receiving(unused);
            }
        }
        if recv.wants_long() {
            let unused = recv.put_long(self.lend_long());
            self.reclaim_long(unused.freeze());
        }
    }

    /// When a connection is about to wait: takes back what it does not need meanwhile.
    pub fn settle(&mut self, recv: &mut RecvBuf) {
        if let Some(long) = recv.take_long() {
            self.reclaim_long(long);
        }
        if let Some(storage) = recv.take_storage() {
            self.reclaim_receiving(storage);
        }
    }

    /// Storage to encode into, for `SendBuf::put_storage`.
    #[must_use]
    pub fn lend_sending(&mut self) -> Vec<u8> {
        self.sending
            .pop()
            .unwrap_or_else(|| Vec::with_capacity(CHUNK))
    }

    /// Takes storage back; it is freed if it is of another size or the pool has enough.
    pub fn reclaim_sending(&mut self, storage: Vec<u8>) {
        if storage.capacity() == CHUNK && self.sending.len() < KEEP {
            self.sending.push(storage);
        }
    }

    /// Storage for a long message, for `RecvBuf::put_long`; empty if there is none that nobody uses.
    #[must_use]
    pub fn lend_long(&mut self) -> BytesMut {
        let long = core::mem::take(&mut self.long);
        long.try_into_mut().unwrap_or_default()
    }

    /// Takes storage of a long message back; the larger of two is kept.
    pub fn reclaim_long(&mut self, storage: Bytes) {
        if (self.long.len()..=LONG_MAX).contains(&storage.len()) {
            self.long = storage;
        }
    }

    /// The size of the storage it lends for reads and writes.
    #[must_use]
    pub const fn chunk() -> usize {
        CHUNK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_long_storage_is_kept_unless_somebody_has_it() {
        let mut pool = Pool::new();
        assert!(pool.lend_long().is_empty());
        for size in [1000, 100_000, 50_000, LONG_MAX + 1] {
            pool.reclaim_long(alloc::vec![7; size].into());
        }
        let long = pool.lend_long().freeze();
        assert_eq!(long.len(), 100_000);
        pool.reclaim_long(long.clone());
        assert!(pool.lend_long().is_empty(), "it is somebody's message");
        assert_eq!(long, [7; 100_000][..]);
    }

    #[test]
    fn a_connection_is_supplied_before_it_reads_and_settled_before_it_waits() {
        let (mut pool, mut recv) = (Pool::new(), RecvBuf::new());
        pool.supply(&mut recv);
        let at = recv.spare().as_ptr();
        assert_eq!(recv.spare().len(), CHUNK);
        pool.supply(&mut recv);
        pool.settle(&mut recv);
        assert_eq!((recv.capacity(), pool.receiving.len()), (0, 1));
        recv.keep(alloc::vec![7; 100_000].into());
        pool.supply(&mut recv);
        assert_eq!(recv.spare().as_ptr(), at);
        pool.settle(&mut recv);
        assert_eq!(pool.long.len(), 100_000);
        let mut room = super::super::Room::default();
        room.append(3, 100_000, 1 << 20);
        room.expect(99_997);
        recv.keep(alloc::vec![7; 100_000].into());
        drop(recv.take_long());
        recv.read_aside(room);
        for _ in 0..2 {
            pool.supply(&mut recv);
            let n = recv.spare().len();
            recv.commit(n);
        }
        assert_eq!((pool.long.len(), recv.wants_long()), (64 * 1024, false));
        assert_eq!(recv.take_aside().map(|room| room.capacity()), Some(100_000));
    }

    #[test]
    fn storage_goes_round_and_the_pool_stays_bounded() {
        let mut pool = Pool::new();
        let first = pool.lend_receiving();
        let address = first.as_ptr();
        pool.reclaim_receiving(first);
        assert_eq!(pool.lend_receiving().as_ptr(), address);
        for _ in 0..100 {
            pool.reclaim_receiving(BytesMut::zeroed(CHUNK));
            pool.reclaim_receiving(BytesMut::zeroed(10));
            pool.reclaim_sending(Vec::with_capacity(CHUNK));
            pool.reclaim_sending(Vec::with_capacity(10));
        }
        assert_eq!((pool.receiving.len(), pool.sending.len()), (KEEP, KEEP));
        assert_eq!(pool.lend_sending().capacity(), CHUNK);
    }
}
