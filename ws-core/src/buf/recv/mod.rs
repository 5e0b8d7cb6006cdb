//! The receive buffer: the transport writes into it, the decoder reads and lends from it.
//!
//! Never parses and never performs a read. Most frames wait in it until they are whole; what is still
//! to come of a long one goes straight to where its message is put together, and several long ones that
//! are taken away leave with the storage that they are in.

mod given;
mod storage;
mod stride;

use alloc::boxed::Box;
use core::fmt;
use core::ops::Range;

use bytes::{Bytes, BytesMut};

use self::given::Given;
use self::stride::Stride;
use super::Room;

/// Size of the storage that [`RecvBuf::spare`] allocates when none was lent.
const CHUNK: usize = 16 * 1024;

/// A partial frame of at most this many bytes moves out of the way when storage is given back.
const MOVE_MAX: usize = 4 * 1024;

/// Unread bytes up to this many are moved to the front at every read, for the sake of a long tail.
const COMPACT_MAX: usize = 4 * 1024;

/// The most that may be unread: more can only be copied in, or read without ever being looked at.
const LEN_MAX: usize = u32::MAX as usize;

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
    /// Where the unread bytes begin.
    start: u32,
    end: u32,
    /// Bytes committed since the beginning.
    received: u64,
    /// What there is only around long messages.
    aside: Option<Box<Aside>>,
    /// Was something committed since it was last asked? How the keepalive sees that the peer is alive.
    fresh: bool,
    stride: Stride,
    /// The logarithm of what it may hold ahead of what arrives: twice the longest message so far that was
    /// put together, rounded up.
    trust: u8,
}

/// Beside the buffer: where the rest of a long frame goes, and what the last long message was in.
#[derive(Default)]
struct Aside {
    room: Option<Room>,
    kept: Bytes,
    /// What left the buffer with its storage.
    given: Option<Given>,
    /// The storage that the last message left in: it is used again if nobody has kept that.
    left: Bytes,
}

impl RecvBuf {
    /// An empty buffer without storage.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Room for received bytes: initialised, never empty.
    ///
    /// Allocates at least 16 KiB if no storage was lent. If a long frame is under way it is the room for the
    /// rest of that frame, and grows by doubling as its bytes arrive: what is held stays within twice
    /// what came, or four times where a pool had it. A connection on which a longer message has come
    /// before may also hold up to four times what that was.
    pub fn spare(&mut self) -> &mut [u8] {
        if self.reads_aside() {
            return self.room().map_or(&mut [], Room::spare);
        }
        self.make_room();
        let end = self.end();
        let most = self.stride.most(self.held(), self.bytes.len() - end);
        &mut self.bytes[end..end + most]
    }

    /// [`spare`](Self::spare) for a transport that does not block: where long frames of one length follow
    /// each other it is no more than stays in the processor's first cache until it is decoded, which takes
    /// a third less time then.
    ///
    /// What is decoded is answered more often than with `spare`, so before it writes a driver should read
    /// once more while [`in_burst`](Self::in_burst) says so.
    pub fn spare_hot(&mut self) -> &mut [u8] {
        if self.reads_aside() {
            return self.room().map_or(&mut [], Room::spare);
        }
        self.stride.want_hot();
        self.make_room();
        let end = self.end();
        let most = self.stride.most_hot(self.held(), self.bytes.len() - end);
        &mut self.bytes[end..end + most]
    }

    /// Did the last read take in all of [`spare_hot`](Self::spare_hot), where long frames are read for the
    /// cache? Then the next one most likely brings more, and the answers to both fit into one write. No
    /// longer once such reads have brought 64 KiB: then it is time to write.
    #[must_use]
    #[inline]
    pub fn in_burst(&self) -> bool {
        self.stride.in_burst()
    }

    /// Makes room behind what is unread, if there is none.
    #[inline]
    fn make_room(&mut self) {
        let held = self.held();
        if held == 0 {
            self.hold(0);
        } else if self.start > 0 && (held <= COMPACT_MAX || self.end() == self.bytes.len()) {
            let unread = self.unread();
            self.bytes.copy_within(unread, 0);
            self.hold(held);
        }
        if self.end() == self.bytes.len() {
            self.grow();
        }
    }

    /// More storage: the tail is used up.
    fn grow(&mut self) {
        let held = self.held();
        let mut larger = fresh((2 * held).max(CHUNK));
        larger[..held].copy_from_slice(self.filled());
        self.bytes = larger;
        self.hold(held);
    }

    /// Says that the first `n` bytes of [`spare`](Self::spare) now hold received data.
    ///
    /// # Panics
    /// If `n` is more than `spare` returned.
    pub fn commit(&mut self, n: usize) {
        self.note(n);
        if self.reads_aside() {
            self.stride.read(n);
            return self.room().map_or((), |room| room.commit(n));
        }
        let room = self.bytes.len() - self.end();
        assert!(n <= room, "committed more than the spare room");
        self.stride.count(n, self.held(), room);
        self.stride.read(n);
        self.stride.end_here(self.bytes.len());
        self.put_end(self.end() + n);
    }

    /// Does what is received belong to a long frame?
    #[inline]
    fn reads_aside(&self) -> bool {
        let room = self.aside.as_ref().and_then(|aside| aside.room.as_ref());
        room.is_some_and(|room| !room.is_full())
    }

    /// What the rest of a long frame is read into.
    #[inline]
    pub(crate) fn room(&mut self) -> Option<&mut Room> {
        self.aside.as_mut()?.room.as_mut()
    }

    #[inline]
    fn note(&mut self, n: usize) {
        self.received += n as u64;
        self.fresh |= n > 0;
    }

    /// Copies `data` in, growing as needed: for tests, fuzzing and buffers that the kernel provides.
    ///
    /// # Panics
    /// With more than 4 GiB unread.
    pub fn extend_from_slice(&mut self, mut data: &[u8]) {
        while self.reads_aside() && !data.is_empty() {
            let room = self.spare();
            let (now, rest) = data.split_at(room.len().min(data.len()));
            room[..now.len()].copy_from_slice(now);
            self.commit(now.len());
            data = rest;
        }
        let held = self.held();
        if self.bytes.len() - self.end() < data.len() {
            if self.bytes.len() - held < data.len() {
                let mut larger = fresh((held + data.len()).max(CHUNK));
                larger[..held].copy_from_slice(self.filled());
                self.bytes = larger;
            } else {
                let unread = self.unread();
                self.bytes.copy_within(unread, 0);
            }
            self.hold(held);
        }
        let end = self.end();
        self.bytes[end..end + data.len()].copy_from_slice(data);
        self.put_end(end + data.len());
        self.note(data.len());
    }

    /// The bytes received and not yet consumed, but for those that have gone where they belong: of a long
    /// frame under way, and of several long messages that are taken away as they are.
    #[must_use]
    #[inline]
    pub fn filled(&self) -> &[u8] {
        &self.bytes[self.unread()]
    }

    /// Bytes of storage held, used or not, but for that of a long message.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
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
        let unread = self.unread();
        &mut self.bytes[unread]
    }

    /// Drops the first `n` unread bytes, or all if that is more than there are: the buffer may have been
    /// exchanged for another since they were counted.
    #[inline]
    pub(crate) fn consume(&mut self, n: usize) {
        let n = n.min(self.held());
        #[allow(
            clippy::cast_possible_truncation,
            reason = "nothing is longer than LEN_MAX"
        )]
        let n = n as u32;
        self.start += n;
    }

    /// Where the unread bytes are.
    #[inline(always)]
    fn unread(&self) -> Range<usize> {
        self.start as usize..self.end()
    }

    #[inline(always)]
    fn end(&self) -> usize {
        self.end as usize
    }

    #[inline(always)]
    fn held(&self) -> usize {
        (self.end - self.start) as usize
    }

    /// The unread bytes are the first `held`.
    fn hold(&mut self, held: usize) {
        self.start = 0;
        self.put_end(held);
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "nothing is longer than LEN_MAX"
    )]
    #[inline]
    fn put_end(&mut self, end: usize) {
        self.end = end as u32;
    }

    /// A frame of `each` bytes is not all there, `due` are missing: reads end where the next ones like
    /// it do. With `each` 0 they take in all they can.
    pub(crate) fn cut_off(&mut self, each: usize, due: usize) {
        self.stride.cut_off(each, due);
    }

    /// Are long messages taken away from now on, rather than lent?
    #[inline]
    pub(crate) fn expect_taken(&mut self, taken: bool) {
        self.stride.taken = taken;
    }

    /// The last answer to that.
    #[inline]
    pub(crate) fn expects_taken(&self) -> bool {
        self.stride.taken
    }

    /// Drops everything unread and says how much that was.
    pub(crate) fn clear(&mut self) -> usize {
        self.aside = None;
        let held = self.held();
        self.consume(held);
        held
    }

    /// What is received from now on goes to `room`, until that is full. Nothing may be unread.
    pub(crate) fn read_aside(&mut self, room: Room) {
        debug_assert!(self.filled().is_empty(), "what is unread belongs there");
        self.aside.get_or_insert_default().room = Some(room);
    }

    /// The room that was read into, with what has arrived there.
    #[inline]
    pub(crate) fn take_aside(&mut self) -> Option<Room> {
        self.aside.as_mut()?.room.take()
    }

    /// The last `n` received bytes, as they lie in at most two places.
    pub(crate) fn latest(&self, n: usize) -> [&[u8]; 2] {
        let room = self.aside.as_ref().and_then(|aside| aside.room.as_ref());
        let (aside, here) = (room.map_or(&[][..], Room::filled), self.filled());
        let here = &here[here.len().saturating_sub(n)..];
        let before = n - here.len();
        [&aside[aside.len().saturating_sub(before)..], here]
    }
}

/// Storage of a buffer's own.
fn fresh(len: usize) -> BytesMut {
    assert!(len <= LEN_MAX, "4 GiB are unread");
    BytesMut::zeroed(len)
}

impl fmt::Debug for RecvBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvBuf")
            .field("filled", &self.held())
            .field("capacity", &self.bytes.capacity())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
