//! The receive buffer: the transport writes into it, the decoder reads and lends from it.
//!
//! Never parses and never performs a read. Grows only for a frame that the decoder asked it to wait
//! for, and then with the bytes that came, not with the length that was announced.

use core::fmt;

use bytes::{Bytes, BytesMut};

/// Size of the storage that [`RecvBuf::spare`] allocates when none was lent.
const CHUNK: usize = 16 * 1024;

/// A partial frame of at most this many bytes moves out of the way when storage is given back.
const MOVE_MAX: usize = 4 * 1024;

/// Fewer unread bytes than this are moved to the front at every read, for the sake of a long tail.
const COMPACT_MAX: usize = 1024;

/// Received bytes that no event has consumed yet, and room for more.
///
/// The length of `bytes` is the initialised extent: storage is zeroed once when it is allocated and
/// never per read, and [`spare`](Self::spare) is a plain `&mut [u8]` that any transport can fill.
///
/// ```
/// use ws_core::buf::RecvBuf;
///
/// let mut buf = RecvBuf::new();
/// let room = buf.spare(); // hand this to read()
/// room[..2].copy_from_slice(b"hi");
/// buf.commit(2);
/// assert_eq!(buf.filled(), b"hi");
/// ```
#[derive(Default)]
pub struct RecvBuf {
    bytes: BytesMut,
    start: usize,
    end: usize,
    /// Bytes committed since the beginning.
    received: u64,
    /// How many bytes from `start` on the frame under way needs in one piece.
    want: u32,
    /// Was something committed since it was last asked? How the keepalive sees that the peer is alive.
    fresh: bool,
}

impl RecvBuf {
    /// An empty buffer without storage.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Room for received bytes: initialised, never empty.
    ///
    /// Allocates at least 16 KiB if no storage was lent. If a frame is under way the room grows towards what
    /// that frame needs, doubling as its bytes arrive: what is held stays within twice what came.
    pub fn spare(&mut self) -> &mut [u8] {
        let held = self.end - self.start;
        if held == 0 {
            self.start = 0;
            self.end = 0;
        } else if self.start > 0
            && (held <= COMPACT_MAX || self.start + self.wanted().max(held + 1) > self.bytes.len())
        {
            self.bytes.copy_within(self.start..self.end, 0);
            self.start = 0;
            self.end = held;
        }
        if self.end == self.bytes.len() {
            self.grow();
        }
        &mut self.bytes[self.end..]
    }

    /// More storage: the tail is used up.
    fn grow(&mut self) {
        let held = self.end;
        let target = if self.wanted() > held {
            self.wanted().min(2 * held)
        } else {
            2 * held
        };
        let mut larger = BytesMut::zeroed(target.max(CHUNK));
        larger[..held].copy_from_slice(&self.bytes[self.start..self.end]);
        self.bytes = larger;
    }

    /// Says that the first `n` bytes of [`spare`](Self::spare) now hold received data.
    ///
    /// # Panics
    /// If `n` is more than `spare` returned.
    pub fn commit(&mut self, n: usize) {
        assert!(
            n <= self.bytes.len() - self.end,
            "committed more than the spare room"
        );
        self.end += n;
        self.note(n);
    }

    #[inline]
    fn note(&mut self, n: usize) {
        self.received += n as u64;
        self.fresh |= n > 0;
    }

    /// Copies `data` in, growing as needed: for tests, fuzzing and buffers that the kernel provides.
    pub fn extend_from_slice(&mut self, data: &[u8]) {
        let held = self.end - self.start;
        if self.bytes.len() - self.end < data.len() {
            if self.bytes.len() - held < data.len() {
                let mut larger = BytesMut::zeroed((held + data.len()).max(CHUNK));
                larger[..held].copy_from_slice(&self.bytes[self.start..self.end]);
                self.bytes = larger;
            } else {
                self.bytes.copy_within(self.start..self.end, 0);
            }
            self.start = 0;
            self.end = held;
        }
        self.bytes[self.end..self.end + data.len()].copy_from_slice(data);
        self.end += data.len();
        self.note(data.len());
    }

    /// The bytes received and not yet consumed.
    #[must_use]
    #[inline]
    pub fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Bytes of storage held, used or not.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Takes the storage away while nothing needs it: for pools shared by many connections, and for
    /// completion-based I/O that wants to own what it reads into.
    ///
    /// A partial frame of up to 4 KiB moves to a buffer of its own size; with more than that under
    /// way, or without storage worth taking, the answer is `None`.
    pub fn take_storage(&mut self) -> Option<BytesMut> {
        let held = self.end - self.start;
        if self.bytes.is_empty() || held > MOVE_MAX || 2 * held > self.bytes.len() {
            return None;
        }
        let mut own = BytesMut::zeroed(held);
        own.copy_from_slice(self.filled());
        self.start = 0;
        self.end = held;
        Some(core::mem::replace(&mut self.bytes, own))
    }

    /// Lends storage whose first `filled` bytes are received data, and the rest room.
    ///
    /// Bytes of a partial frame are moved to its front, or, if `filled` is not zero, the data is
    /// copied behind them. Storage that is not needed comes straight back.
    ///
    /// # Panics
    /// If `filled` is more than the length of `storage`.
    pub fn put_storage(&mut self, mut storage: BytesMut, filled: usize) -> Option<BytesMut> {
        assert!(filled <= storage.len(), "more data than storage");
        let held = self.end - self.start;
        if held == 0 {
            let old = core::mem::replace(&mut self.bytes, storage);
            self.start = 0;
            self.end = filled;
            self.note(filled);
            return (!old.is_empty()).then_some(old);
        }
        if filled > 0 {
            self.extend_from_slice(&storage[..filled]);
            return Some(storage);
        }
        if storage.len() < 2 * held || self.bytes.len() > storage.len() {
            return Some(storage);
        }
        storage[..held].copy_from_slice(&self.bytes[self.start..self.end]);
        self.bytes = storage;
        self.start = 0;
        self.end = held;
        None
    }

    /// Bytes committed since the beginning.
    #[inline]
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// Was something committed since [`stale`](Self::stale)?
    #[inline]
    pub(crate) fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// What was committed so far is known.
    #[inline]
    pub(crate) fn stale(&mut self) {
        self.fresh = false;
    }

    #[inline]
    pub(crate) fn filled_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.end]
    }

    /// Drops the first `n` unread bytes.
    #[inline]
    pub(crate) fn consume(&mut self, n: usize) {
        debug_assert!(n <= self.end - self.start);
        self.start += n;
    }

    /// Drops everything unread and says how much that was.
    pub(crate) fn clear(&mut self) -> usize {
        let held = self.end - self.start;
        self.consume(held);
        held
    }

    /// The next `total` bytes are needed in one piece.
    #[inline]
    pub(crate) fn want(&mut self, total: usize) {
        self.want = u32::try_from(total).unwrap_or(u32::MAX);
    }

    #[inline]
    fn wanted(&self) -> usize {
        self.want as usize
    }

    /// The bytes `at..at + len` of [`filled`](Self::filled), owned: without a copy if they are at
    /// least half of the storage, which would otherwise be pinned for the sake of a few bytes.
    pub(crate) fn take(&mut self, at: usize, len: usize) -> Bytes {
        let from = self.start + at;
        if len < MOVE_MAX || 2 * len < self.bytes.len() {
            return Bytes::copy_from_slice(&self.bytes[from..from + len]);
        }
        let tail = self.bytes.split_off(from + len);
        let mut head = core::mem::replace(&mut self.bytes, tail);
        self.end -= from + len;
        self.start = 0;
        if self.bytes.len() < MOVE_MAX {
            // Too little to read into: reads of a few bytes each would follow.
            let mut fresh = BytesMut::zeroed(if self.end == 0 { 0 } else { CHUNK });
            fresh[..self.end].copy_from_slice(self.filled());
            self.bytes = fresh;
        }
        head.split_off(from).freeze()
    }
}

impl fmt::Debug for RecvBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvBuf")
            .field("filled", &(self.end - self.start))
            .field("capacity", &self.bytes.capacity())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn fill(buf: &mut RecvBuf, data: &[u8]) {
        for part in data.chunks(1000) {
            let mut part = part;
            while !part.is_empty() {
                let room = buf.spare();
                let n = room.len().min(part.len());
                room[..n].copy_from_slice(&part[..n]);
                buf.commit(n);
                part = &part[n..];
            }
        }
    }

    fn numbers(n: usize) -> Vec<u8> {
        (0..n).map(|i| u8::try_from(i % 251).unwrap()).collect()
    }

    #[test]
    fn bytes_come_out_as_they_went_in() {
        let data = numbers(100_000);
        let mut buf = RecvBuf::new();
        fill(&mut buf, &data[..70_000]);
        buf.consume(60_000);
        fill(&mut buf, &data[70_000..]);
        assert_eq!(buf.filled(), &data[60_000..]);
        assert_eq!(buf.received(), 100_000);
    }

    #[test]
    fn room_grows_with_what_arrives_and_not_with_what_is_announced() {
        let mut buf = RecvBuf::new();
        buf.want(64 << 20);
        fill(&mut buf, &numbers(20_000));
        assert!(buf.capacity() <= 2 * 20_000, "{}", buf.capacity());
        fill(&mut buf, &numbers(1_000_000));
        assert!(buf.capacity() <= 2 * 1_020_000, "{}", buf.capacity());
    }

    #[test]
    fn an_idle_buffer_gives_its_storage_back() {
        let mut buf = RecvBuf::new();
        assert!(buf.take_storage().is_none());
        fill(&mut buf, b"partial frame");
        let storage = buf.take_storage().unwrap();
        assert!(storage.len() >= CHUNK);
        assert_eq!(buf.filled(), b"partial frame");
        assert_eq!(buf.capacity(), 13);
        assert!(
            buf.put_storage(storage, 0).is_none(),
            "the partial frame moves into it"
        );
        fill(&mut buf, b", the rest");
        assert_eq!(buf.filled(), b"partial frame, the rest");
        buf.clear();
        assert!(buf.take_storage().is_some());
        assert_eq!(buf.capacity(), 0);
    }

    #[test]
    fn a_completed_read_is_adopted_or_appended() {
        let mut buf = RecvBuf::new();
        assert!(buf.put_storage(BytesMut::from(&b"abcd"[..]), 2).is_none());
        assert_eq!(buf.filled(), b"ab");
        let back = buf.put_storage(BytesMut::from(&b"cdXX"[..]), 2);
        assert!(back.is_some());
        assert_eq!(buf.filled(), b"abcd");
        assert_eq!(buf.received(), 4);
    }

    #[test]
    fn a_large_partial_frame_keeps_its_storage() {
        let mut buf = RecvBuf::new();
        fill(&mut buf, &numbers(5000));
        assert!(buf.take_storage().is_none());
    }

    #[test]
    fn small_payloads_are_copied_and_large_ones_split_off() {
        let data = numbers(16_000);
        let mut buf = RecvBuf::new();
        fill(&mut buf, &data);
        assert_eq!(buf.take(0, 10), data[..10]);
        buf.consume(10);
        let large = buf.take(0, 12_000);
        assert_eq!(large, data[10..12_010]);
        assert_eq!(buf.filled(), &data[12_010..]);
        fill(&mut buf, &[1, 2, 3]);
        assert_eq!(buf.filled().len(), 3993);
    }

    #[test]
    fn splitting_a_payload_off_does_not_leave_reads_of_a_few_bytes() {
        for rest in [&b""[..], b"next"] {
            let mut buf = RecvBuf::new();
            fill(&mut buf, &numbers(CHUNK - 100));
            let large = buf.take(0, CHUNK - 100);
            assert_eq!(large.len(), CHUNK - 100);
            fill(&mut buf, rest);
            assert!(buf.spare().len() >= CHUNK / 2, "{}", buf.spare().len());
            assert_eq!(buf.filled(), rest);
        }
        // Also if the rest came with it.
        let mut buf = RecvBuf::new();
        fill(&mut buf, &numbers(CHUNK));
        assert_eq!(buf.take(0, CHUNK - 100).len(), CHUNK - 100);
        assert_eq!(buf.filled(), &numbers(CHUNK)[CHUNK - 100..]);
        buf.consume(100);
        assert!(buf.spare().len() >= CHUNK, "{}", buf.spare().len());
    }

    #[test]
    #[should_panic(expected = "committed more than the spare room")]
    fn committing_past_the_end_panics() {
        let mut buf = RecvBuf::new();
        let n = buf.spare().len();
        buf.commit(n + 1);
    }

    #[test]
    fn debug_shows_sizes_and_no_data() {
        let mut buf = RecvBuf::new();
        buf.extend_from_slice(b"xxx");
        assert!(alloc::format!("{buf:?}").starts_with("RecvBuf { filled: 3,"));
    }
}
