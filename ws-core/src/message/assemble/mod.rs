//! A message that arrives in pieces: its fragments, a frame too large to wait for in one piece, or
//! what comes out of a compressed one.
//!
//! It knows of frames only what they are masked with, and sends nothing.

mod seen;

use alloc::sync::Arc;
use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

use self::seen::{NOT_UTF8, Seen};
use super::{Bounds, Kind, Text, check};
use crate::buf::Room;
use crate::error::ProtocolError;
use crate::frame::{MaskKey, append_any, mask, unmask, unmask_to};

/// Long pieces are unmasked and checked in blocks that stay in the first-level cache.
const BLOCK: usize = 16 * 1024;

/// A smaller message is copied if it is to be the application's, so that what it was put together in is
/// used again; and a smaller piece is copied into memory that was zeroed first.
const SHARE_MIN: usize = 4 * 1024;

/// The key that masks nothing.
const PLAIN: MaskKey = MaskKey::new([0; 4]);

/// The message so far. Text is checked as it arrives, and each byte of it once.
///
/// One message follows the other in it: what a short one was in is used again, so that small fragments
/// cost no allocations.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    /// Where it is put together, and stays if it is short.
    room: Room,
    /// All of it, once it is complete, if it is long: this can be shared.
    long: Option<Bytes>,
    seen: Seen,
    fragments: u32,
    empty_in_a_row: u32,
    /// The most it may become, in bytes.
    max: usize,
    /// Compressed bytes announced so far, of a message that is compressed.
    packed: Option<usize>,
    /// How many bytes were handed out, of a message that is not kept.
    streamed: Option<usize>,
    begun: bool,
    /// It is complete.
    whole: bool,
    /// The message is long, and less than half of what it is in.
    loose: bool,
    /// By what it knows its room again, if that was ever lent.
    mark: Option<Arc<()>>,
    /// Its room is lent.
    lent: bool,
    /// What came back was not what was lent: what was checked of it means nothing.
    doubtful: bool,
}

/// An assembled message, lent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Lent<'a> {
    Binary(&'a [u8]),
    Text(&'a str),
}

/// An assembled message, owned.
#[derive(Clone, Debug)]
pub(crate) enum Assembled {
    Binary(Bytes),
    Text(Text),
}

impl<'a> Lent<'a> {
    pub(crate) fn as_bytes(self) -> &'a [u8] {
        match self {
            Self::Binary(data) => data,
            Self::Text(text) => text.as_bytes(),
        }
    }
}

impl Assembled {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Binary(data) => data.len(),
            Self::Text(text) => text.len(),
        }
    }
}

impl Assembly {
    /// Begins another message, of which `len` bytes are announced. What it is put together in is still
    /// there, or else comes from `storage`.
    pub(crate) fn start(
        &mut self,
        kind: Kind,
        compressed: bool,
        max: usize,
        streams: bool,
        (len, storage): (usize, impl FnOnce() -> BytesMut),
    ) {
        self.clear();
        if self.room.capacity() < len || self.room.is_unused() {
            self.room = Room::new(storage());
        }
        self.seen = Seen::nothing(kind);
        (self.fragments, self.empty_in_a_row) = (0, 0);
        self.max = max;
        self.packed = compressed.then_some(0);
        self.streamed = streams.then_some(0);
        (self.begun, self.lent, self.doubtful) = (false, false, false);
        self.mark = None;
    }

    /// Takes all bytes away. What a long message was in is worth keeping for others; what a short one
    /// was in stays here.
    pub(crate) fn clear(&mut self) -> Option<Bytes> {
        self.whole = false;
        self.room.clear();
        self.long.take()
    }

    /// Says once that the first piece of it is handed out.
    pub(crate) fn begin(&mut self) -> bool {
        !core::mem::replace(&mut self.begun, true)
    }

    /// Compressed bytes so far, if it is compressed.
    pub(crate) fn packed(&mut self) -> Option<&mut usize> {
        self.packed.as_mut()
    }

    /// Is it compressed?
    pub(crate) fn is_compressed(&self) -> bool {
        self.packed.is_some()
    }

    /// Bytes assembled so far, those of an incomplete character included.
    pub(crate) fn len(&self) -> usize {
        match (self.streamed, &self.long) {
            (Some(streamed), _) => streamed,
            (None, Some(long)) => long.len(),
            (None, None) => self.room.len(),
        }
    }

    /// Counts a fragment of `len` bytes against the limits.
    pub(crate) fn admit(&mut self, len: usize, limits: &Bounds) -> Result<(), ProtocolError> {
        self.fragments = self.fragments.saturating_add(1);
        if self.fragments > limits.max_fragments {
            return Err(ProtocolError::TooManyFragments {
                limit: limits.max_fragments,
            });
        }
        self.empty_in_a_row = match len {
            0 => self.empty_in_a_row.saturating_add(1),
            _ => 0,
        };
        if self.empty_in_a_row > limits.max_empty_fragments {
            let limit = limits.max_empty_fragments;
            return Err(ProtocolError::TooManyEmptyFragments { limit });
        }
        Ok(())
    }

    /// Follows a piece that is handed out, or decompressed, elsewhere.
    pub(crate) fn follow(&mut self, piece: &[u8]) -> Result<(), ProtocolError> {
        if let Some(streamed) = &mut self.streamed {
            *streamed = streamed.saturating_add(piece.len());
        }
        self.seen.look(piece, false)
    }

    /// Appends a piece of a frame of which `coming` bytes, these included, are still due. If it is
    /// masked: with which key, and where in the payload it begins.
    pub(crate) fn push(
        &mut self,
        piece: &[u8],
        masked: Option<(MaskKey, usize)>,
        coming: usize,
    ) -> Result<(), ProtocolError> {
        if self.whole {
            return Ok(());
        }
        // It never came back.
        self.doubtful |= core::mem::take(&mut self.lent);
        if coming >= SHARE_MIN && piece.len() == coming && self.room.is_unused() {
            return self.begin_with(piece, masked);
        }
        let mut at = 0;
        while at < piece.len() {
            let block = &piece[at..piece.len().min(at + BLOCK)];
            let from = self.room.len();
            let to = self.room.append(block.len(), coming - at, self.max);
            let ascii = match masked {
                Some((key, phase)) => unmask_to(to, block, key, phase + at),
                // Nothing is masked with this key, but whether it is ASCII is said in the same pass.
                None if self.seen.kind == Kind::Text && self.seen.ascii => {
                    unmask_to(to, block, PLAIN, 0)
                }
                None => {
                    to.copy_from_slice(block);
                    false
                }
            };
            self.check(from, block.len(), ascii)?;
            at += block.len();
        }
        Ok(())
    }

    /// [`push`](Self::push) of all there will be, where there is no storage yet: fresh memory need not be
    /// zeroed first.
    fn begin_with(
        &mut self,
        piece: &[u8],
        masked: Option<(MaskKey, usize)>,
    ) -> Result<(), ProtocolError> {
        let mut all = Vec::with_capacity(piece.len());
        for block in piece.chunks(BLOCK) {
            let from = all.len();
            match masked {
                Some((key, phase)) => append_any(&mut all, block, key, phase + from),
                None => all.extend_from_slice(block),
            }
            let ascii = self.seen.kind == Kind::Text && self.seen.ascii && all[from..].is_ascii();
            self.seen.look(&all[from..], ascii)?;
        }
        self.room = Room::of(all);
        Ok(())
    }

    /// Where the rest of a frame is to be read, `due` bytes.
    pub(crate) fn lend_room(&mut self, due: usize) -> Option<Room> {
        if self.whole {
            return None;
        }
        self.room.expect(due);
        self.room.mark(self.mark.get_or_insert_default());
        self.lent = true;
        Some(core::mem::take(&mut self.room))
    }

    /// Takes back what [`lend_room`](Self::lend_room) lent, in which `fresh` bytes have arrived since it
    /// was looked into.
    pub(crate) fn take_room(
        &mut self,
        mut room: Room,
        fresh: usize,
        masked: Option<(MaskKey, usize)>,
    ) -> Result<(), ProtocolError> {
        if self.whole {
            return Ok(());
        }
        self.lent = false;
        let looked = self.look_into(&mut room, fresh, masked);
        self.room = if looked.is_ok() {
            room
        } else {
            Room::default()
        };
        looked
    }

    /// Looks at the last `fresh` bytes in what [`lend_room`](Self::lend_room) lent, while it is lent. The
    /// buffer that it was lent to is the driver's: it may have been exchanged for another.
    pub(crate) fn look_into(
        &mut self,
        room: &mut Room,
        fresh: usize,
        masked: Option<(MaskKey, usize)>,
    ) -> Result<(), ProtocolError> {
        let own = self.mark.as_ref().is_some_and(|mark| room.is_of(mark));
        if !own {
            self.doubtful = true;
            // What is unmasked now may have been looked at by its owner, who must not know it again.
            room.mark(self.mark.get_or_insert_default());
        }
        if masked.is_none() && self.seen.kind == Kind::Binary {
            return Ok(());
        }
        let (mut from, end) = (room.len() - fresh, room.len());
        let (key, mut phase) = masked.unwrap_or((PLAIN, 0));
        // What is not ASCII takes two passes: block by block, so that the second finds it in the cache.
        let block = match masked {
            Some(_) if !self.seen.ascii => BLOCK,
            _ => fresh,
        };
        let kind = self.seen.kind;
        while from < end {
            let len = (end - from).min(block);
            let fresh = &mut room.since(from)[..len];
            let ascii = masked.is_some() && unmask_back(fresh, key, phase, kind);
            let looked = self.seen.look(&room.filled()[from..from + len], ascii);
            if looked.is_err() {
                // It is out of reach: should it ever come back, all of it is checked.
                self.doubtful = true;
                return looked;
            }
            (from, phase) = (from + len, phase + len);
        }
        Ok(())
    }

    /// Looks at `len` bytes of the message, if it is text. What is refused is not kept, whatever comes
    /// after.
    #[inline]
    fn check(&mut self, from: usize, len: usize, ascii: bool) -> Result<(), ProtocolError> {
        let looked = self.seen.look(&self.room.filled()[from..from + len], ascii);
        if looked.is_err() {
            (self.room, self.seen) = (Room::default(), Seen::nothing(self.seen.kind));
        }
        looked
    }

    /// The message is complete: it may not end inside a character.
    pub(crate) fn finish(&mut self) -> Result<(), ProtocolError> {
        self.seen.utf8.finish().map_err(|_| NOT_UTF8)?;
        if self.seen.kind == Kind::Text && (self.doubtful || self.lent) {
            check(self.room.filled()).map_err(|_| NOT_UTF8)?;
        }
        self.whole = true;
        let (len, capacity) = (self.room.len(), self.room.capacity());
        if len >= SHARE_MIN || capacity >= 2 * SHARE_MIN {
            self.loose = len < capacity / 2;
            self.long = Some(core::mem::take(&mut self.room).into_bytes());
        }
        Ok(())
    }

    pub(crate) fn kind(&self) -> Kind {
        self.seen.kind
    }

    /// The message, once it is complete.
    #[inline]
    pub(crate) fn data(&self) -> Option<Lent<'_>> {
        if !self.whole {
            return None;
        }
        let data = match &self.long {
            Some(long) => long,
            None => self.room.filled(),
        };
        Some(match self.seen.kind {
            Kind::Binary => Lent::Binary(data),
            Kind::Text => Lent::Text(trusted(data)),
        })
    }

    /// What holds it, if it is complete, long, and not in far larger storage than it needs.
    pub(crate) fn storage(&self) -> Option<&Bytes> {
        self.long.as_ref().filter(|_| !self.loose)
    }

    /// The message, once it is complete, to be kept for however long.
    pub(crate) fn own(&self) -> Option<Assembled> {
        let shared = self.storage().filter(|data| data.len() >= SHARE_MIN);
        Some(match (self.data()?, shared) {
            (Lent::Binary(_), Some(shared)) => Assembled::Binary(shared.clone()),
            (Lent::Binary(data), None) => Assembled::Binary(Bytes::copy_from_slice(data)),
            (Lent::Text(text), Some(shared)) => Assembled::Text(Text::sharing(shared, text)),
            (Lent::Text(text), None) => Assembled::Text(Text::from(text)),
        })
    }

    #[cfg(test)]
    fn capacity(&self) -> usize {
        self.room.capacity()
    }
}

/// Reads as text what was checked piece by piece. Only for the bytes of an [`Assembly`] that is text and
/// complete.
///
/// Checking them again costs a pass over memory that is in no near cache any more: of bench `decode
/// masked`, 1 MiB, ASCII takes 53 instead of 35 us then, and multi-byte text 500 instead of 80. The safe
/// twin is `str::from_utf8`, and a property test compares the two.
#[allow(unsafe_code, reason = "see above")]
fn trusted(data: &[u8]) -> &str {
    // SAFETY: the fields that the bytes come from are private to this folder. They start out empty; what
    // `push` appends or `look_into` finds behind the end is, of a text, shown to `Utf8::feed` in its
    // order, or known to be ASCII where no character is incomplete; a piece that is refused takes all
    // bytes away, or makes them doubtful. A `Room` never changes what it holds but through who looks into
    // it, and who is not its owner takes its mark away. While it is lent it is out of reach, but known by
    // its mark: where another is looked into or comes back instead, or none, `finish` checks all bytes.
    // Only `finish` makes a message whole, and not inside a character; a whole one is neither
    // appended to, lent nor taken back before `clear` has taken all bytes away, and what it is, text or
    // not, changes only in `start`, behind that.
    unsafe { core::str::from_utf8_unchecked(data) }
}

/// Unmasks block by block from the end: what was received last is still in the cache. Is it ASCII, if
/// that is of interest?
fn unmask_back(bytes: &mut [u8], key: MaskKey, phase: usize, kind: Kind) -> bool {
    let mut ascii = true;
    for (i, block) in bytes.chunks_mut(BLOCK).enumerate().rev() {
        let phase = phase + i * BLOCK;
        match kind {
            Kind::Text => ascii &= unmask(block, key, phase),
            Kind::Binary => mask(block, key, phase),
        }
    }
    ascii
}

#[cfg(test)]
mod tests;
