//! The storage of one message that does not stay in the receive buffer: pieces are copied to its end,
//! and what is still to come of a long frame is read straight into it.
//!
//! It grows with what has arrived, not with what was announced, and never changes what it holds.

use alloc::sync::Arc;
use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

/// The first reservation for a message of unknown or great length.
const FIRST: usize = 64 * 1024;

/// The least that is reserved: where the first fragment is tiny, so are those behind it.
const LEAST: usize = 128;

/// One read takes in no more than this, so that what it brought is looked at while it is in the cache.
const READ: usize = 128 * 1024;

/// What is less than this is moved when it grows.
const MOVE_MAX: usize = 4 * 1024;

/// With less room than this, and more to come, it grows.
const LOW: usize = 16 * 1024;

/// As in the receive buffer, all of `bytes` is initialised: storage is zeroed once, also if several
/// messages use it one after the other.
#[derive(Debug, Default)]
pub(crate) struct Room {
    bytes: BytesMut,
    filled: usize,
    /// How many bytes more may be read into it.
    due: usize,
    /// Whose it is, while somebody else reads into it.
    owner: Option<Arc<()>>,
}

impl Room {
    /// No bytes, in storage that others were in, or in none.
    pub(crate) fn new(storage: BytesMut) -> Self {
        Self {
            bytes: storage,
            ..Self::default()
        }
    }

    /// Bytes that are there already.
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        Self {
            filled: bytes.len(),
            bytes: Bytes::from(bytes).into(),
            ..Self::default()
        }
    }

    /// Has it neither bytes nor storage?
    pub(crate) fn is_unused(&self) -> bool {
        self.bytes.capacity() == 0
    }

    /// The bytes so far.
    pub(crate) fn filled(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    /// How many that is.
    pub(crate) fn len(&self) -> usize {
        self.filled
    }

    /// Appends `len` bytes and says where they are to be written, of a frame of which `coming` bytes,
    /// these included, are still due. There will never be more than `max`.
    pub(crate) fn append(&mut self, len: usize, coming: usize, max: usize) -> &mut [u8] {
        let from = self.filled;
        if self.bytes.len() - from < len {
            let more = from.max(coming.min(FIRST)).max(LEAST);
            self.grow(more.min(max.saturating_sub(from)).max(len));
        }
        self.filled += len;
        &mut self.bytes[from..self.filled]
    }

    /// So many bytes more may be read into it.
    pub(crate) fn expect(&mut self, due: usize) {
        self.due = due;
    }

    /// Says whose it is, so that its owner can tell it from any other.
    pub(crate) fn mark(&mut self, owner: &Arc<()>) {
        self.owner = Some(Arc::clone(owner));
    }

    /// Is it the one that was marked like that?
    pub(crate) fn is_of(&self, owner: &Arc<()>) -> bool {
        let marked = self.owner.as_ref();
        marked.is_some_and(|marked| Arc::ptr_eq(marked, owner))
    }

    /// How many bytes more that is.
    pub(crate) fn due(&self) -> usize {
        self.due
    }

    /// May nothing more be read into it?
    pub(crate) fn is_full(&self) -> bool {
        self.due == 0
    }

    /// Is it about to grow?
    pub(crate) fn is_low(&self) -> bool {
        self.bytes.len() - self.filled < self.due.min(LOW)
    }

    /// Goes on in `storage`, and gives back what is not needed: that, if it is too small to be of use,
    /// or so large that the message would hold far more than itself, or more than `trust` and what has
    /// arrived allow for.
    pub(crate) fn adopt(&mut self, mut storage: BytesMut, trust: usize) -> BytesMut {
        let most = (self.filled + self.due).saturating_mul(2);
        let most = most.min(trust.max(4 * self.filled));
        if storage.len() > self.bytes.len() && storage.capacity() <= most {
            storage[..self.filled].copy_from_slice(self.filled());
            core::mem::swap(&mut self.bytes, &mut storage);
        }
        storage
    }

    /// Where the bytes that are due go. Not empty unless it is full.
    pub(crate) fn spare(&mut self) -> &mut [u8] {
        if self.is_low() {
            let more = self.filled.max(FIRST.saturating_sub(self.filled));
            self.grow(more.min(self.due));
        }
        let end = self.bytes.len() - self.filled;
        let end = self.filled + end.min(self.due).min(READ);
        &mut self.bytes[self.filled..end]
    }

    /// The first `n` bytes of [`spare`](Self::spare) hold what was read.
    ///
    /// # Panics
    /// If `n` is more than it returned.
    pub(crate) fn commit(&mut self, n: usize) {
        assert!(
            n <= self.due && n <= self.bytes.len() - self.filled,
            "committed more than the spare room"
        );
        self.filled += n;
        self.due -= n;
    }

    /// What is behind the first `at` bytes, to be unmasked.
    pub(crate) fn since(&mut self, at: usize) -> &mut [u8] {
        &mut self.bytes[at..self.filled]
    }

    /// Drops the bytes; what they were in stays, for those of another message.
    pub(crate) fn clear(&mut self) {
        self.filled = 0;
        self.due = 0;
        self.owner = None;
    }

    /// The bytes, without what was only room.
    pub(crate) fn into_bytes(mut self) -> Bytes {
        self.bytes.truncate(self.filled);
        self.bytes.freeze()
    }

    /// Makes room for so many bytes more.
    fn grow(&mut self, more: usize) {
        if self.filled < MOVE_MAX {
            let mut larger = BytesMut::zeroed(self.filled + more);
            larger[..self.filled].copy_from_slice(self.filled());
            self.bytes = larger;
            return;
        }
        // Grown as a `Vec` it may stay where it is.
        let mut bytes = Vec::from(core::mem::take(&mut self.bytes));
        bytes.truncate(self.filled);
        bytes.reserve_exact(more);
        bytes.resize(self.filled + more, 0);
        self.bytes = Bytes::from(bytes).into();
    }

    /// Bytes of storage held, used or not.
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(room: &mut Room, most: usize, byte: u8) -> usize {
        let spare = room.spare();
        let n = spare.len().min(most);
        spare[..n].fill(byte);
        room.commit(n);
        n
    }

    #[test]
    fn it_takes_what_is_due_and_no_more_and_grows_with_what_came() {
        let mut room = Room::default();
        room.append(10, 1 << 20, 1 << 20).fill(1);
        room.expect((1 << 20) - 10);
        let mut arrived = 10;
        while !room.is_full() {
            arrived += read(&mut room, 5000, 2);
            assert!(room.capacity() <= (2 * arrived).max(FIRST), "{arrived}");
        }
        assert_eq!((arrived, room.len()), (1 << 20, 1 << 20));
        assert!(room.spare().is_empty());
        assert_eq!(room.filled()[..11], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2]);
        assert_eq!(room.since((1 << 20) - 1), [2]);
    }

    #[test]
    fn used_storage_is_used_again_and_its_old_bytes_are_not_seen() {
        let mut room = Room::new(BytesMut::from(&[7; 100_000][..]));
        let at = room.bytes.as_ptr();
        room.append(3, 3, 1000).copy_from_slice(b"abc");
        room.expect(2);
        assert_eq!(read(&mut room, 9, b'd'), 2);
        assert_eq!(room.bytes.as_ptr(), at);
        let bytes = room.into_bytes();
        assert_eq!((&bytes[..], bytes.as_ptr()), (&b"abcdd"[..], at));
    }

    #[test]
    fn it_goes_on_in_larger_storage_if_that_is_not_far_too_large() {
        let mut room = Room::default();
        room.append(3, 100_000, 1 << 20).copy_from_slice(b"abc");
        room.expect(99_997);
        assert!(!room.is_low());
        read(&mut room, 60_000, b'd');
        assert!(room.is_low());
        let (small, large) = (BytesMut::zeroed(60_000), BytesMut::zeroed(300_000));
        let trust = 1 << 20;
        assert_eq!(room.adopt(small, trust).len(), 60_000);
        assert_eq!(room.adopt(large, trust).len(), 300_000);
        let good = room.adopt(BytesMut::zeroed(150_000), trust);
        assert_eq!(good.len(), FIRST);
        assert!(!room.is_low() && room.filled().starts_with(b"abcd"));
        while !room.is_full() {
            read(&mut room, 60_000, b'e');
        }
        assert_eq!((room.len(), room.capacity()), (100_000, 150_000));
    }

    #[test]
    fn what_is_announced_and_does_not_come_holds_no_large_storage() {
        let mut room = Room::default();
        room.append(3, 4 << 20, 4 << 20);
        room.expect((4 << 20) - 3);
        read(&mut room, 60_000, b'd');
        let storage = room.adopt(BytesMut::zeroed(4 << 20), 0);
        assert_eq!((storage.len(), room.capacity()), (4 << 20, FIRST));
        assert_eq!(room.adopt(BytesMut::zeroed(200_000), 0).len(), FIRST);
    }

    #[test]
    fn nothing_is_reserved_beyond_the_limit_nor_for_a_short_last_piece() {
        let mut room = Room::default();
        room.append(900, 900, 1000);
        room.append(10, 10, 1000);
        assert_eq!(room.capacity(), 1000);
        let mut room = Room::default();
        room.append(5, 5, 64 << 20);
        assert_eq!(room.capacity(), LEAST);
    }

    #[test]
    #[should_panic(expected = "committed more than the spare room")]
    fn committing_more_than_is_due_panics() {
        let mut room = Room::new(BytesMut::zeroed(100));
        room.expect(5);
        room.commit(6);
    }
}
