//! The send queue: encoded frames on their way out.
//!
//! Small frames are copied into one open arena so that a burst leaves in one write; large shared
//! payloads are queued as they are. Knows where a control frame may be slipped in, and nothing else
//! about frames. Never writes anything anywhere.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;

use bytes::{Buf, Bytes};

/// An arena larger than this, and larger than what was lent, is freed once it has been written out.
const KEEP: usize = 16 * 1024;

/// Bytes to be written, in order. Read it as a [`bytes::Buf`]: [`Buf::chunk`] or
/// [`Buf::chunks_vectored`] to write, then [`Buf::advance`] by what the transport took.
///
/// A completion-based transport takes whole pieces with [`pop`](Self::pop) and puts the unwritten
/// rest back with [`unpop`](Self::unpop).
pub struct SendBuf {
    /// Sealed pieces, oldest first.
    sealed: VecDeque<Piece>,
    /// The piece that new frames are copied into; behind all sealed ones.
    open: Vec<u8>,
    /// Does `open` begin at a cut (see [`Piece::cut`])?
    open_cut: bool,
    /// How much of the first piece has been written.
    head: usize,
    remaining: usize,
    limit: usize,
    /// The largest capacity that `open` keeps when it has been written out.
    keep: usize,
    /// The latest control frame that found the queue full.
    held: Option<Box<[u8]>>,
    written: u64,
    /// A copy of what is written, if somebody wants one.
    #[cfg(feature = "testing")]
    tee: Option<Vec<u8>>,
}

struct Piece {
    data: Data,
    /// A control frame may go before this piece: it starts a fragment of a longer message.
    cut: bool,
    /// Control frames in front of a cut; more may join them.
    controls: bool,
}

enum Data {
    Owned(Vec<u8>),
    Shared(Bytes),
}

impl Data {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Owned(data) => data,
            Self::Shared(data) => data,
        }
    }
}

impl SendBuf {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            sealed: VecDeque::new(),
            open: Vec::new(),
            open_cut: false,
            head: 0,
            remaining: 0,
            limit: limit.max(1), // what is empty is never full
            keep: KEEP,
            held: None,
            written: 0,
            #[cfg(feature = "testing")]
            tee: None,
        }
    }

    /// Is there nothing to write?
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.remaining == 0
    }

    /// Does the queue hold its limit or more? Then messages are refused until some of it is written.
    #[must_use]
    #[inline]
    pub fn is_full(&self) -> bool {
        self.remaining >= self.limit
    }

    /// Bytes written out since the beginning.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Bytes of storage held for frames that were copied in.
    #[must_use]
    pub fn capacity(&self) -> usize {
        let owned = |piece: &Piece| match &piece.data {
            Data::Owned(data) => data.capacity(),
            Data::Shared(_) => 0,
        };
        self.open.capacity() + self.sealed.iter().map(owned).sum::<usize>()
    }

    /// Is storage at hand to copy frames into?
    #[must_use]
    #[inline]
    pub fn has_storage(&self) -> bool {
        self.open.capacity() > 0
    }

    /// Takes the oldest piece out of the queue; it counts as written unless it comes back.
    pub fn pop(&mut self) -> Option<Bytes> {
        if self.is_empty() {
            return None;
        }
        let data = match self.sealed.pop_front() {
            Some(piece) => piece.data,
            None => {
                self.open_cut = false;
                Data::Owned(core::mem::take(&mut self.open))
            }
        };
        let mut bytes = match data {
            Data::Owned(data) => Bytes::from(data),
            Data::Shared(data) => data,
        };
        bytes.advance(core::mem::take(&mut self.head));
        self.remaining -= bytes.len();
        self.written += bytes.len() as u64;
        #[cfg(feature = "testing")]
        if let Some(tee) = &mut self.tee {
            tee.extend_from_slice(&bytes);
        }
        self.release_held();
        Some(bytes)
    }

    /// Puts the unwritten rest of a popped piece back at the front.
    pub fn unpop(&mut self, rest: Bytes) {
        if rest.is_empty() {
            return;
        }
        debug_assert_eq!(self.head, 0, "only one piece may be out at a time");
        self.remaining += rest.len();
        self.written -= rest.len() as u64;
        #[cfg(feature = "testing")]
        if let Some(tee) = &mut self.tee {
            tee.truncate(tee.len().saturating_sub(rest.len()));
        }
        self.sealed.push_front(Piece {
            data: Data::Shared(rest),
            cut: false,
            controls: false,
        });
    }

    /// Takes the storage of an empty queue away, for pools shared by many connections.
    pub fn take_storage(&mut self) -> Option<Vec<u8>> {
        if !self.is_empty() || self.open.capacity() == 0 {
            return None;
        }
        self.sealed = VecDeque::new();
        Some(core::mem::take(&mut self.open))
    }

    /// Lends storage to copy frames into. It comes straight back while other storage is in use.
    pub fn put_storage(&mut self, mut storage: Vec<u8>) -> Option<Vec<u8>> {
        if self.open.capacity() > 0 {
            return Some(storage);
        }
        storage.clear();
        self.keep = storage.capacity().max(KEEP);
        self.open = storage;
        None
    }

    /// Copies a frame in: its header, then whatever `payload` appends.
    #[inline]
    pub(crate) fn push(&mut self, header: &[u8], len: usize, payload: impl FnOnce(&mut Vec<u8>)) {
        self.append(header.len() + len, |out| {
            out.extend_from_slice(header);
            payload(out);
        });
    }

    /// Copies a frame in: what `frame` appends, about `len` bytes.
    #[inline]
    pub(crate) fn append(&mut self, len: usize, frame: impl FnOnce(&mut Vec<u8>)) {
        if self.head >= KEEP && self.sealed.is_empty() {
            // The arena is freed when all of it is written: it may not grow behind that for ever.
            self.seal();
        }
        let before = self.open.len();
        self.open.reserve(len);
        frame(&mut self.open);
        self.remaining += self.open.len() - before;
    }

    /// Queues a frame whose payload is shared, not copied.
    pub(crate) fn push_shared(&mut self, header: &[u8], payload: Bytes) {
        self.push(header, 0, |_| {});
        self.seal();
        self.remaining += payload.len();
        self.sealed.push_back(Piece {
            data: Data::Shared(payload),
            cut: false,
            controls: false,
        });
    }

    /// Queues a whole frame that is shared, not copied.
    pub(crate) fn push_encoded(&mut self, frame: Bytes) {
        self.seal();
        self.remaining += frame.len();
        self.sealed.push_back(Piece {
            data: Data::Shared(frame),
            cut: false,
            controls: false,
        });
    }

    /// Marks a place between two fragments of a message where control frames may go.
    pub(crate) fn cut(&mut self) {
        self.seal();
        self.open_cut = true;
    }

    /// Queues a control frame: at the first cut that is still ahead, else at the end.
    pub(crate) fn push_control(&mut self, frame: &[u8]) {
        // A piece under way can't be interrupted; the first piece is whole while `head` is zero.
        let first = usize::from(self.head > 0);
        let cut = (first..self.sealed.len()).find(|&i| self.sealed[i].cut);
        let at = match cut {
            Some(index) => index,
            None if self.open_cut && (self.head == 0 || !self.sealed.is_empty()) => {
                self.sealed.len()
            }
            None => return self.push(frame, 0, |_| {}),
        };
        self.remaining += frame.len();
        // One piece for all of them: a piece each would cost far more memory than the queue counts,
        // and a search that grows with every one. A piece is freed when it is written, so what is
        // half written may not grow for ever.
        let before = at.checked_sub(1);
        let before = before.filter(|&index| index > 0 || self.head < KEEP);
        let before = before.and_then(|index| self.sealed.get_mut(index));
        if let Some(Piece {
            data: Data::Owned(data),
            controls: true,
            ..
        }) = before
        {
            data.extend_from_slice(frame);
            return;
        }
        let piece = Piece {
            data: Data::Owned(frame.to_vec()),
            cut: false,
            controls: true,
        };
        self.sealed.insert(at, piece);
    }

    /// Keeps a control frame until the queue is below its limit, instead of the one kept before.
    pub(crate) fn hold_control(&mut self, frame: &[u8]) {
        self.held = Some(frame.into());
    }

    /// Queues the control frame that was held back, whatever the limit says.
    pub(crate) fn flush_held(&mut self) {
        if let Some(frame) = self.held.take() {
            self.push_control(&frame);
        }
    }

    /// Drops everything: the transport can't write any more.
    pub(crate) fn abandon(&mut self) {
        *self = Self {
            written: self.written,
            #[cfg(feature = "testing")]
            tee: self.tee.take(),
            ..Self::new(self.limit)
        };
    }

    /// Keeps a copy of what is written from now on.
    #[cfg(feature = "testing")]
    pub(crate) fn tee(&mut self) {
        self.tee = Some(Vec::new());
    }

    /// What was written since this was last asked.
    #[cfg(feature = "testing")]
    pub(crate) fn take_teed(&mut self) -> Vec<u8> {
        self.tee.as_mut().map(core::mem::take).unwrap_or_default()
    }

    #[cfg(feature = "testing")]
    #[inline]
    fn copy_front(&mut self, mut n: usize) {
        let Some(tee) = &mut self.tee else {
            return;
        };
        let sealed = self.sealed.iter().map(|piece| piece.data.as_slice());
        let mut head = self.head;
        for piece in sealed.chain([&self.open[..]]) {
            let piece = &piece[core::mem::take(&mut head)..];
            let taken = piece.len().min(n);
            tee.extend_from_slice(&piece[..taken]);
            n -= taken;
            if n == 0 {
                return;
            }
        }
    }

    /// The position behind the last byte queued; `written` reaches it when that byte has left.
    pub(crate) fn mark(&self) -> u64 {
        self.written + self.remaining as u64
    }

    /// Moves what was copied so far out of the open arena, so that something can follow it.
    fn seal(&mut self) {
        if !self.open.is_empty() {
            let data = Data::Owned(core::mem::take(&mut self.open));
            self.sealed.push_back(Piece {
                data,
                cut: self.open_cut,
                controls: false,
            });
        }
        self.open_cut = false;
    }

    #[inline]
    fn release_held(&mut self) {
        if self.held.is_some() && !self.is_full() {
            self.flush_held();
        }
    }
}

impl Buf for SendBuf {
    #[inline]
    fn remaining(&self) -> usize {
        self.remaining
    }

    fn chunk(&self) -> &[u8] {
        match self.sealed.front() {
            Some(piece) => &piece.data.as_slice()[self.head..],
            None => &self.open[self.head..],
        }
    }

    #[cfg(feature = "std")]
    fn chunks_vectored<'a>(&'a self, dst: &mut [std::io::IoSlice<'a>]) -> usize {
        let sealed = self.sealed.iter().map(|piece| piece.data.as_slice());
        let mut head = self.head;
        let mut n = 0;
        for slice in sealed.chain([&self.open[..]]) {
            if n == dst.len() {
                break;
            }
            let slice = &slice[core::mem::take(&mut head)..];
            if !slice.is_empty() {
                dst[n] = std::io::IoSlice::new(slice);
                n += 1;
            }
        }
        n
    }

    // Panics past the end, as `Buf` asks.
    fn advance(&mut self, mut n: usize) {
        assert!(n <= self.remaining, "advanced past the end of the queue");
        #[cfg(feature = "testing")]
        self.copy_front(n);
        self.remaining -= n;
        self.written += n as u64;
        while n > 0 {
            let first = match self.sealed.front() {
                Some(piece) => piece.data.as_slice().len(),
                None => self.open.len(),
            };
            let left = first - self.head;
            if n < left {
                self.head += n;
                break;
            }
            n -= left;
            self.head = 0;
            if self.sealed.pop_front().is_none() {
                self.open.clear();
                self.open_cut = false;
                if self.open.capacity() > self.keep {
                    self.open = Vec::new();
                }
            }
        }
        self.release_held();
    }
}

impl fmt::Debug for SendBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendBuf")
            .field("remaining", &self.remaining)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(buf: &mut SendBuf, data: &[u8]) {
        buf.push(&data[..1], data.len() - 1, |out| {
            out.extend_from_slice(&data[1..])
        });
    }

    fn drain(buf: &mut SendBuf, step: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while buf.has_remaining() {
            let n = buf.chunk().len().min(step);
            out.extend_from_slice(&buf.chunk()[..n]);
            buf.advance(n);
        }
        out
    }

    #[test]
    fn frames_leave_in_order_whatever_the_writes() {
        for step in [1, 2, 3, 100] {
            let mut buf = SendBuf::new(1000);
            frame(&mut buf, b"abc");
            buf.push_shared(b"H", Bytes::from_static(b"shared"));
            frame(&mut buf, b"def");
            assert_eq!(buf.remaining(), 13);
            assert_eq!(drain(&mut buf, step), b"abcHshareddef");
            assert_eq!((buf.written(), buf.mark(), buf.is_empty()), (13, 13, true));
        }
    }

    #[cfg(feature = "std")]
    #[test]
    fn vectored_chunks_show_what_one_write_may_take() {
        let mut buf = SendBuf::new(1000);
        frame(&mut buf, b"abc");
        buf.push_shared(b"H", Bytes::from_static(b"shared"));
        frame(&mut buf, b"def");
        buf.advance(1);
        let mut slices = [std::io::IoSlice::new(&[]); 8];
        let n = buf.chunks_vectored(&mut slices);
        let seen: Vec<&[u8]> = slices[..n].iter().map(|slice| &**slice).collect();
        assert_eq!(seen, [&b"bcH"[..], b"shared", b"def"]);
    }

    #[test]
    fn a_control_frame_goes_to_the_next_cut_and_controls_keep_their_order() {
        let mut buf = SendBuf::new(1000);
        frame(&mut buf, b"one");
        for part in [&b"two"[..], b"three"] {
            buf.cut();
            frame(&mut buf, part);
        }
        buf.push_control(b"<1>");
        buf.push_control(b"<2>");
        buf.advance(4); // "one" and a byte of "<1>": the next cut is still before "two"
        buf.push_control(b"<3>");
        assert_eq!(drain(&mut buf, 5), b"1><2><3>twothree");
        for part in [&b"x"[..], b"y"] {
            buf.cut();
            frame(&mut buf, part);
        }
        buf.push_control(b"<4>");
        assert_eq!(drain(&mut buf, 5), b"<4>xy");
    }

    #[test]
    fn a_control_frame_before_the_last_fragment() {
        let mut buf = SendBuf::new(1000);
        frame(&mut buf, b"one");
        buf.cut();
        frame(&mut buf, b"two");
        buf.advance(2);
        buf.push_control(b"<1>");
        buf.advance(1);
        buf.push_control(b"<2>");
        assert_eq!(drain(&mut buf, 1), b"<1><2>two");
        frame(&mut buf, b"next");
        buf.advance(1);
        buf.push_control(b"<3>");
        assert_eq!(drain(&mut buf, 9), b"ext<3>");
    }

    #[test]
    fn a_flood_of_pongs_at_a_cut_costs_neither_a_piece_nor_a_search_each() {
        let many: u32 = if cfg!(miri) { 100 } else { 100_000 };
        let mut buf = SendBuf::new(1 << 20);
        for sealed in [true, false] {
            frame(&mut buf, b"one");
            buf.advance(2); // under way: the cut behind it is the next
            buf.cut();
            frame(&mut buf, b"two");
            if sealed {
                buf.cut();
            }
            let mut pongs = Vec::new();
            for pong in 0..many {
                buf.push_control(&pong.to_be_bytes());
                pongs.extend(pong.to_be_bytes());
            }
            assert!(buf.sealed.len() <= 3, "{} pieces", buf.sealed.len());
            assert!(
                buf.capacity() <= 2 * buf.remaining() + 16,
                "{}",
                buf.capacity()
            );
            let expected = [b"e", &pongs[..], b"two"].concat();
            assert!(drain(&mut buf, 1000) == expected);
        }
    }

    #[test]
    fn a_control_frame_joins_those_that_are_half_written() {
        let mut buf = SendBuf::new(1000);
        frame(&mut buf, b"one");
        buf.cut();
        frame(&mut buf, b"two");
        buf.push_control(b"<1>");
        buf.advance(5);
        buf.push_control(b"<2>");
        assert_eq!(drain(&mut buf, 1), b"><2>two");
    }

    #[test]
    fn pongs_that_are_written_as_fast_as_they_come_do_not_pile_up() {
        let mut buf = SendBuf::new(1 << 20);
        frame(&mut buf, b"one");
        buf.cut();
        frame(&mut buf, b"two");
        buf.push_control(&[0; 127]);
        let (mut pushed, mut written) = (127, Vec::new());
        for _ in 0..if cfg!(miri) { 10 } else { 10_000 } {
            buf.push_control(&[0; 127]);
            pushed += 127;
            let n = buf.chunk().len().min(127);
            written.extend_from_slice(&buf.chunk()[..n]);
            buf.advance(n);
            assert!(buf.capacity() <= 4 * KEEP, "{}", buf.capacity());
        }
        written.extend(drain(&mut buf, 1000));
        assert_eq!(written.len(), pushed + 6);
        assert_eq!(
            (&written[..3], &written[pushed + 3..]),
            (&b"one"[..], &b"two"[..])
        );
    }

    #[test]
    fn a_queue_that_never_runs_empty_does_not_keep_what_was_written() {
        let mut buf = SendBuf::new(64 * 1024);
        for _ in 0..5 {
            frame(&mut buf, &[7; 10_000]);
        }
        for step in [10_000, 3_333] {
            for _ in 0..if cfg!(miri) { 10 } else { 1000 } {
                frame(&mut buf, &[7; 10_000]);
                while buf.remaining() > 50_000 {
                    let n = buf.chunk().len().min(step);
                    buf.advance(n);
                }
                assert!(buf.capacity() <= 4 * 64 * 1024, "{}", buf.capacity());
            }
        }
        assert!(drain(&mut buf, 1000).iter().all(|&byte| byte == 7));
    }

    #[test]
    fn only_the_latest_held_frame_leaves_once_there_is_room() {
        let mut buf = SendBuf::new(4);
        frame(&mut buf, b"abcdef");
        assert!(buf.is_full());
        buf.hold_control(b"<1>");
        buf.hold_control(b"<2>");
        buf.advance(2);
        assert_eq!(buf.remaining(), 4, "still full");
        assert_eq!(drain(&mut buf, 1), b"cdef<2>");
    }

    #[test]
    fn completion_based_writes_own_what_they_write() {
        let mut buf = SendBuf::new(1000);
        frame(&mut buf, b"abc");
        buf.push_shared(b"H", Bytes::from_static(b"shared"));
        buf.advance(1);
        let piece = buf.pop().unwrap();
        assert_eq!(piece, &b"bcH"[..]);
        frame(&mut buf, b"def");
        buf.unpop(piece.slice(2..));
        assert_eq!(buf.written(), 3);
        assert_eq!(drain(&mut buf, 4), b"Hshareddef");
        assert!(buf.pop().is_none());
    }

    #[test]
    fn a_control_frame_stays_behind_what_was_queued_before_it_when_all_fragments_have_left() {
        for popped in [true, false] {
            let mut buf = SendBuf::new(1000);
            frame(&mut buf, b"one");
            buf.cut();
            frame(&mut buf, b"two");
            if popped {
                while buf.pop().is_some() {}
            } else {
                drain(&mut buf, 2);
            }
            frame(&mut buf, b"next");
            buf.push_control(b"<1>");
            assert_eq!(drain(&mut buf, 9), b"next<1>");
        }
    }

    #[test]
    fn a_limit_of_zero_still_takes_one_message_at_a_time() {
        let mut buf = SendBuf::new(0);
        assert!(!buf.is_full());
        frame(&mut buf, b"abc");
        assert!(buf.is_full());
        buf.hold_control(b"<1>");
        assert_eq!(drain(&mut buf, 9), b"abc<1>");
        assert!(!buf.is_full());
    }

    #[test]
    fn an_empty_queue_gives_its_storage_back_and_a_large_one_is_freed() {
        let mut buf = SendBuf::new(1 << 20);
        frame(&mut buf, b"abc");
        assert!(buf.take_storage().is_none());
        buf.advance(3);
        let storage = buf.take_storage().unwrap();
        assert_eq!(buf.capacity(), 0);
        assert!(buf.put_storage(storage).is_none());
        frame(&mut buf, &[0; 2 * KEEP]);
        buf.advance(2 * KEEP);
        assert_eq!(buf.capacity(), 0);
    }

    #[test]
    fn an_abandoned_queue_is_empty() {
        let mut buf = SendBuf::new(1);
        frame(&mut buf, b"abc");
        buf.hold_control(b"x");
        buf.advance(1);
        buf.abandon();
        assert_eq!((buf.remaining(), buf.written(), buf.mark()), (0, 1, 1));
    }

    #[test]
    #[should_panic(expected = "advanced past the end")]
    fn advancing_past_the_end_panics() {
        SendBuf::new(1).advance(1);
    }
}
