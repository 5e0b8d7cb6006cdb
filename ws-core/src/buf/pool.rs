//! Storage that connections share: lent for the time of one burst, given back when it is over.
//!
//! A pool belongs to one thread and its driver; the core keeps none of its own.

use alloc::vec::Vec;

use bytes::BytesMut;

/// Size of the storage in a pool: what one read can take in at most.
const CHUNK: usize = 64 * 1024;

/// How many pieces of each kind are kept.
const KEEP: usize = 16;

/// Spare storage for receiving and sending. One per thread serves any number of connections: those
/// that are busy hold a piece, those that are idle hold nothing.
///
/// Keeps at most 16 pieces of 64 KiB of each kind; what comes back beyond that is freed.
#[derive(Debug, Default)]
pub struct Pool {
    receiving: Vec<BytesMut>,
    sending: Vec<Vec<u8>>,
}

impl Pool {
    /// An empty pool, without any allocation.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            receiving: Vec::new(),
            sending: Vec::new(),
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

    /// The size of the storage it lends.
    #[must_use]
    pub const fn chunk() -> usize {
        CHUNK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
