//! The send queue: encoded frames on their way out.
//!
//! Small frames are copied into one open arena so that a burst leaves in one write; large shared
//! payloads are queued as they are. Knows where a control frame may be slipped in, and nothing else
//! about frames. Never writes anything anywhere.

mod sealed;
#[cfg(feature = "testing")]
mod tee;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use bytes::{Buf, Bytes};

use self::sealed::{Data, Piece, Sealed};

/// An arena larger than this, and larger than what was lent, is freed once it has been written out.
const KEEP: u32 = 16 * 1024;

/// No more than this is shown for one vectored write. A longer one keeps the socket to itself for so long
/// that it has to work off itself what the peer acknowledges meanwhile: an echo of 1 MiB over loopback
/// TCP takes a fifth more CPU time in one write than in two.
#[cfg(feature = "std")]
const WRITE: usize = 512 * 1024;

/// Bytes to be written, in order. Read it as a [`bytes::Buf`]: [`Buf::chunk`] or
/// [`Buf::chunks_vectored`] to write, then [`Buf::advance`] by what the transport took. The latter shows
/// at most 512 KiB at a time.
///
/// A completion-based transport takes whole pieces with [`pop`](Self::pop) and puts the unwritten
/// rest back with [`unpop`](Self::unpop).
pub struct SendBuf {
    /// The piece that new frames are copied into; behind all sealed ones.
    open: Vec<u8>,
    /// How much of the first piece has been written.
    head: usize,
    limit: usize,
    written: u64,
    /// What is not in `open`. Most queues never have any of it.
    sealed: Option<Box<Sealed>>,
    /// The largest capacity that `open` keeps when it has been written out.
    keep: u32,
    /// Does `open` begin at a cut (see [`Piece::cut`])?
    open_cut: bool,
}

impl SendBuf {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            open: Vec::new(),
            head: 0,
            limit: limit.max(1), // what is empty is never full
            written: 0,
            sealed: None,
            keep: KEEP,
            open_cut: false,
        }
    }

    /// Is there nothing to write?
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How much there is to write.
    #[inline]
    fn len(&self) -> usize {
        let sealed = self.sealed.as_ref().map_or(0, |sealed| sealed.bytes());
        sealed + self.open.len() - self.head
    }

    /// How many sealed pieces there are.
    fn sealed(&self) -> usize {
        self.sealed.as_ref().map_or(0, |sealed| sealed.len())
    }

    /// What holds sealed pieces and such, to put something there.
    fn sealed_mut(&mut self) -> &mut Sealed {
        self.sealed.get_or_insert_default()
    }

    /// Does the queue hold its limit or more? Then messages are refused until some of it is written.
    #[must_use]
    #[inline]
    pub fn is_full(&self) -> bool {
        self.len() >= self.limit
    }

    /// Bytes written out since the beginning.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Bytes of storage held for frames that were copied in.
    #[must_use]
    pub fn capacity(&self) -> usize {
        let sealed = self.sealed.as_ref().map_or(0, |sealed| sealed.capacity());
        self.open.capacity() + sealed
    }

    /// Is storage at hand to copy frames into?
    #[must_use]
    #[inline]
    pub fn has_storage(&self) -> bool {
        self.open.capacity() > 0
    }

    /// Takes the oldest piece out of the queue; it counts as written unless it comes back. Whoever
    /// records what is written learns of it when the next is asked for, or it is
    /// [put back](Self::unpop), though nothing be left of it.
    pub fn pop(&mut self) -> Option<Bytes> {
        #[cfg(feature = "testing")]
        self.settle_tee();
        if self.is_empty() {
            return None;
        }
        let sealed = self.sealed.as_mut().and_then(|sealed| sealed.pop_front());
        let mut bytes = match sealed {
            Some(piece) => piece.into_bytes(),
            None => {
                self.open_cut = false;
                core::mem::take(&mut self.open).into()
            }
        };
        bytes.advance(core::mem::take(&mut self.head));
        self.written += bytes.len() as u64;
        #[cfg(feature = "testing")]
        self.tee_piece(&bytes);
        self.release_held();
        Some(bytes)
    }

    /// Puts the unwritten rest of the piece that was popped last back at the front.
    pub fn unpop(&mut self, rest: Bytes) {
        #[cfg(feature = "testing")]
        self.untee(rest.len());
        if rest.is_empty() {
            return;
        }
        debug_assert_eq!(self.head, 0, "only one piece may be out at a time");
        self.written -= rest.len() as u64;
        self.sealed_mut().push_front(Piece::shared(rest));
    }

    /// Takes the storage of an empty queue away, for pools shared by many connections.
    pub fn take_storage(&mut self) -> Option<Vec<u8>> {
        if !self.is_empty() || self.open.capacity() == 0 {
            return None;
        }
        self.sealed.take_if(|sealed| sealed.is_idle());
        Some(core::mem::take(&mut self.open))
    }

    /// Lends storage to copy frames into. It comes straight back while other storage is in use.
    pub fn put_storage(&mut self, mut storage: Vec<u8>) -> Option<Vec<u8>> {
        if self.open.capacity() > 0 {
            return Some(storage);
        }
        storage.clear();
        self.keep = u32::try_from(storage.capacity()).map_or(u32::MAX, |it| it.max(KEEP));
        self.open = storage;
        None
    }

    /// Copies a frame in: its header, then whatever `payload` appends.
    #[inline]
    pub(crate) fn push(&mut self, header: &[u8], len: usize, payload: impl FnOnce(&mut Vec<u8>)) {
        let out = self.room(header.len() + len);
        out.extend_from_slice(header);
        payload(out);
    }

    /// Where a frame of about `len` bytes is to be appended.
    #[inline(always)]
    pub(crate) fn room(&mut self, len: usize) -> &mut Vec<u8> {
        if self.head >= KEEP as usize {
            self.seal_written();
        }
        if self.open.capacity() - self.open.len() < len {
            self.grow(len);
        }
        &mut self.open
    }

    /// Makes room for `len` more bytes.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, len: usize) {
        if !self.open.is_empty() {
            return self.open.reserve(len);
        }
        // Growing may copy all of the storage, whether something is in it or not.
        let twice = 2 * self.open.capacity();
        self.open = Vec::new();
        self.open.reserve(len.max(twice));
    }

    /// Is there nothing but the arena, and is that neither full nor half written?
    #[inline(always)]
    pub(crate) fn is_plain(&self) -> bool {
        self.sealed.is_none() && self.head == 0 && self.open.len() < self.limit
    }

    /// The arena of a queue that [is plain](Self::is_plain): frames may be appended to it just so.
    #[inline(always)]
    pub(crate) fn arena(&mut self) -> &mut Vec<u8> {
        &mut self.open
    }

    /// The arena is freed when all of it is written: it may not grow behind that for ever.
    #[cold]
    #[inline(never)]
    fn seal_written(&mut self) {
        if self.sealed() == 0 {
            self.seal();
        }
    }

    /// Queues a frame whose payload is shared, not copied.
    pub(crate) fn push_shared(&mut self, header: &[u8], payload: Bytes) {
        self.push(header, 0, |_| {});
        self.seal();
        self.sealed_mut().push_back(Piece::shared(payload));
    }

    /// Queues a whole frame that is shared, not copied.
    pub(crate) fn push_encoded(&mut self, frame: Bytes) {
        self.seal();
        self.sealed_mut().push_back(Piece::shared(frame));
    }

    /// Says what holds the message that is lent to the application from now on: what of it is sent
    /// back is [shared](Self::share_lent), not copied.
    pub(crate) fn lend(&mut self, storage: Bytes) {
        self.sealed_mut().lent = Some(storage);
    }

    /// The application has nothing of a message any more.
    #[inline]
    pub(crate) fn unlend(&mut self) {
        if self.sealed.is_some() {
            self.forget_lent();
        }
    }

    #[inline(never)]
    fn forget_lent(&mut self) {
        self.sealed.take_if(|sealed| {
            sealed.lent = None;
            sealed.is_idle()
        });
    }

    /// The same bytes at the same place, shared, if they are in what is lent, and at least half of it:
    /// all of it is held until they are written.
    pub(crate) fn share_lent(&self, payload: &[u8]) -> Option<Bytes> {
        let lent = self.sealed.as_ref()?.lent.as_ref()?;
        // What is lent is still there, so whatever else lies at these addresses are the same bytes.
        let at = payload.as_ptr().addr().checked_sub(lent.as_ptr().addr())?;
        let end = at.checked_add(payload.len())?;
        let worth = !payload.is_empty() && payload.len() >= lent.len().div_ceil(2);
        (worth && end <= lent.len()).then(|| lent.slice(at..end))
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
        let (sealed, half) = (self.sealed(), self.head >= KEEP as usize);
        let cut = { self.sealed.as_ref() }.and_then(|sealed| sealed.next_cut(first));
        let at = match cut {
            Some(index) => index,
            None if self.open_cut && (self.head == 0 || sealed > 0) => sealed,
            None => return self.push(frame, 0, |_| {}),
        };
        // A piece is freed when it is written, so what is half written may not grow for ever.
        self.sealed_mut()
            .insert_control(at, frame, |index| index > 0 || !half);
    }

    /// Keeps a control frame until the queue is below its limit, instead of the one kept before.
    pub(crate) fn hold_control(&mut self, frame: &[u8]) {
        self.sealed_mut().held = Some(frame.into());
    }

    /// Queues the control frame that was held back, whatever the limit says.
    pub(crate) fn flush_held(&mut self) {
        let held = self.sealed.as_mut().and_then(|sealed| sealed.held.take());
        if let Some(frame) = held {
            self.push_control(&frame);
        }
    }

    /// Drops everything: the transport can't write any more.
    pub(crate) fn abandon(&mut self) {
        #[cfg(feature = "testing")]
        let tee = self.take_tee();
        *self = Self {
            written: self.written,
            ..Self::new(self.limit)
        };
        #[cfg(feature = "testing")]
        self.put_tee(tee);
    }

    /// The position behind the last byte queued; `written` reaches it when that byte has left.
    pub(crate) fn mark(&self) -> u64 {
        self.written + self.len() as u64
    }

    /// Moves what was copied so far out of the open arena, so that something can follow it.
    fn seal(&mut self) {
        if !self.open.is_empty() {
            let data = Data::Owned(core::mem::take(&mut self.open));
            let piece = Piece::new(data, self.open_cut);
            self.sealed_mut().push_back(piece);
        }
        self.open_cut = false;
    }

    #[inline]
    fn release_held(&mut self) {
        let held = |sealed: &Sealed| sealed.held.is_some();
        if self.sealed.as_deref().is_some_and(held) && !self.is_full() {
            self.flush_held();
        }
    }
}

impl Buf for SendBuf {
    #[inline]
    fn remaining(&self) -> usize {
        self.len()
    }

    fn chunk(&self) -> &[u8] {
        let first = { self.sealed.as_ref() }.and_then(|sealed| sealed.pieces().next());
        &first.unwrap_or(&self.open)[self.head..]
    }

    #[cfg(feature = "std")]
    fn chunks_vectored<'a>(&'a self, dst: &mut [std::io::IoSlice<'a>]) -> usize {
        let sealed = { self.sealed.iter() }.flat_map(|sealed| sealed.pieces());
        let mut head = self.head;
        let (mut n, mut left) = (0, WRITE);
        for slice in sealed.chain([&self.open[..]]) {
            if n == dst.len() || left == 0 {
                break;
            }
            let slice = &slice[core::mem::take(&mut head)..];
            let slice = &slice[..slice.len().min(left)];
            left -= slice.len();
            if !slice.is_empty() {
                dst[n] = std::io::IoSlice::new(slice);
                n += 1;
            }
        }
        n
    }

    // Panics past the end, as `Buf` asks.
    fn advance(&mut self, n: usize) {
        assert!(n <= self.len(), "advanced past the end of the queue");
        #[cfg(feature = "testing")]
        self.tee_front(n);
        self.written += n as u64;
        self.head += n;
        if let Some(sealed) = &mut self.sealed {
            if !sealed.drop_written(&mut self.head) {
                return self.release_held();
            }
        }
        if self.head == self.open.len() {
            self.head = 0;
            self.open.clear();
            self.open_cut = false;
            if self.open.capacity() > self.keep as usize {
                self.open = Vec::new();
            }
        }
        self.release_held();
    }
}

impl fmt::Debug for SendBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendBuf")
            .field("remaining", &self.len())
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}
