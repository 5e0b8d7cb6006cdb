//! A message that arrives in pieces: its fragments, a frame too large to wait for in one piece, or
//! what comes out of a compressed one.
//!
//! It knows of frames only what they are masked with, and sends nothing.

use alloc::sync::Arc;
use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

use super::{Bounds, Kind, Text, Utf8};
use crate::buf::Room;
use crate::error::ProtocolError;
use crate::frame::{MaskKey, mask_into, unmask, unmask_to};

const NOT_UTF8: ProtocolError = ProtocolError::InvalidUtf8;

/// Long pieces are unmasked and checked in blocks that stay in the first-level cache.
const BLOCK: usize = 16 * 1024;

/// A smaller message is copied if it is to be the application's, so that what it was put together in is
/// used again; and a smaller piece is copied into memory that was zeroed first.
const SHARE_MIN: usize = 4 * 1024;

/// The key that masks nothing.
const PLAIN: MaskKey = MaskKey::new([0; 4]);

/// The message so far. Text is checked as it arrives, and each byte of it once.
#[derive(Debug)]
pub(crate) struct Assembly {
    kind: Kind,
    data: Data,
    utf8: Utf8,
    fragments: u32,
    empty_in_a_row: u32,
    /// The most it may become, in bytes.
    max: usize,
    /// Compressed bytes announced so far, of a message that is compressed.
    packed: Option<usize>,
    /// How many bytes were handed out, of a message that is not kept.
    streamed: Option<usize>,
    begun: bool,
    /// Was it all ASCII so far? Then it is likely to go on like that, and cheap to look for.
    ascii: bool,
    /// The message is less than half of what it is in.
    loose: bool,
    /// By what it knows its room again, if that was ever lent.
    mark: Option<Arc<()>>,
    /// Its room is lent.
    lent: bool,
    /// What came back was not what was lent: what was checked of it means nothing.
    doubtful: bool,
}

#[derive(Debug)]
enum Data {
    /// The message is not complete.
    Coming(Room),
    Whole(Assembled),
}

/// The payload of an assembled message.
#[derive(Clone, Debug)]
pub(crate) enum Assembled {
    Binary(Bytes),
    Text(Text),
}

impl Default for Data {
    fn default() -> Self {
        Self::Coming(Room::default())
    }
}

impl Assembled {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Binary(data) => data,
            Self::Text(text) => text.as_bytes(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// What it was put together in.
    pub(crate) fn into_storage(self) -> Bytes {
        match self {
            Self::Binary(data) => data,
            Self::Text(text) => text.into_bytes(),
        }
    }
}

impl Assembly {
    /// An empty message, in storage that another one was in, or in none.
    pub(crate) fn new(
        kind: Kind,
        compressed: bool,
        max: usize,
        streams: bool,
        storage: BytesMut,
    ) -> Self {
        Self {
            kind,
            data: Data::Coming(Room::new(storage)),
            utf8: Utf8::default(),
            fragments: 0,
            empty_in_a_row: 0,
            max,
            packed: compressed.then_some(0),
            streamed: streams.then_some(0),
            begun: false,
            ascii: true,
            loose: false,
            mark: None,
            lent: false,
            doubtful: false,
        }
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
        match (self.streamed, &self.data) {
            (Some(streamed), _) => streamed,
            (None, Data::Coming(room)) => room.len(),
            (None, Data::Whole(data)) => data.len(),
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
        match self.kind {
            Kind::Binary => Ok(()),
            Kind::Text => self.utf8.feed(piece).map_err(|_| NOT_UTF8),
        }
    }

    /// Appends a piece of a frame of which `coming` bytes, these included, are still due. If it is
    /// masked: with which key, and where in the payload it begins.
    pub(crate) fn push(
        &mut self,
        piece: &[u8],
        masked: Option<(MaskKey, usize)>,
        coming: usize,
    ) -> Result<(), ProtocolError> {
        // It never came back.
        self.doubtful |= core::mem::take(&mut self.lent);
        match &self.data {
            Data::Coming(room)
                if room.is_unused() && piece.len() == coming && coming >= SHARE_MIN =>
            {
                return self.begin_with(piece, masked);
            }
            _ => {}
        }
        let (mut at, max) = (0, self.max);
        while at < piece.len() {
            let Data::Coming(room) = &mut self.data else {
                return Ok(());
            };
            let block = &piece[at..piece.len().min(at + BLOCK)];
            let from = room.len();
            let to = room.append(block.len(), coming - at, max);
            let ascii = match (masked, self.kind) {
                (Some((key, phase)), _) => unmask_to(to, block, key, phase + at),
                // Nothing is masked with this key, but whether it is ASCII is said in the same pass.
                (None, Kind::Text) if self.ascii => unmask_to(to, block, PLAIN, 0),
                (None, _) => {
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
        let (key, mut phase) = masked.unwrap_or((PLAIN, 0));
        for block in piece.chunks(BLOCK) {
            let from = all.len();
            let ascii = if masked.is_some() || self.kind == Kind::Text && self.ascii {
                mask_into(&mut all, block, key, phase)
            } else {
                all.extend_from_slice(block);
                false
            };
            self.look(&all[from..], ascii)?;
            phase += block.len();
        }
        self.data = Data::Coming(Room::of(all));
        Ok(())
    }

    /// Where the rest of a frame is to be read, `due` bytes.
    pub(crate) fn lend_room(&mut self, due: usize) -> Option<Room> {
        let Data::Coming(room) = &mut self.data else {
            return None;
        };
        room.expect(due);
        room.mark(self.mark.get_or_insert_default());
        self.lent = true;
        Some(core::mem::take(room))
    }

    /// Takes back what [`lend_room`](Self::lend_room) lent, in which `fresh` bytes have arrived. The
    /// buffer that it was lent to is the driver's: it may have been exchanged for another.
    pub(crate) fn take_room(
        &mut self,
        room: Room,
        fresh: usize,
        masked: Option<(MaskKey, usize)>,
    ) -> Result<(), ProtocolError> {
        let own = self.mark.as_ref().is_some_and(|mark| room.is_of(mark));
        self.doubtful |= !own;
        self.lent = false;
        let (mut from, end) = (room.len() - fresh, room.len());
        self.data = Data::Coming(room);
        let (key, mut phase) = masked.unwrap_or((PLAIN, 0));
        if masked.is_none() && self.kind == Kind::Binary {
            return Ok(());
        }
        while let (Data::Coming(room), true) = (&mut self.data, from < end) {
            let len = (end - from).min(BLOCK);
            let ascii = if masked.is_some() || self.ascii {
                unmask(&mut room.since(from)[..len], key, phase)
            } else {
                false
            };
            self.check(from, len, ascii)?;
            (from, phase) = (from + len, phase + len);
        }
        Ok(())
    }

    /// Looks at `len` bytes of the message, if it is text.
    fn check(&mut self, from: usize, len: usize, ascii: bool) -> Result<(), ProtocolError> {
        if self.kind == Kind::Binary {
            return Ok(());
        }
        let Data::Coming(room) = core::mem::take(&mut self.data) else {
            return Ok(());
        };
        self.look(&room.filled()[from..from + len], ascii)?;
        self.data = Data::Coming(room);
        Ok(())
    }

    /// Looks at the next bytes of the message, if it is text.
    fn look(&mut self, block: &[u8], ascii: bool) -> Result<(), ProtocolError> {
        if self.kind == Kind::Binary || ascii && self.utf8.held() == 0 {
            return Ok(());
        }
        self.ascii = false;
        self.utf8.feed(block).map_err(|_| {
            // What was refused is not kept, whatever comes after.
            self.data = Data::Whole(Assembled::Text(Text::default()));
            NOT_UTF8
        })
    }

    /// The message is complete: it may not end inside a character.
    pub(crate) fn finish(&mut self) -> Result<(), ProtocolError> {
        self.utf8.finish().map_err(|_| NOT_UTF8)?;
        if let Data::Coming(room) = &mut self.data {
            self.loose = room.len() < room.capacity() / 2;
            let data = core::mem::take(room).into_bytes();
            self.data = Data::Whole(match self.kind {
                Kind::Binary => Assembled::Binary(data),
                Kind::Text if self.doubtful || self.lent => {
                    Assembled::Text(Text::try_from(data).map_err(|_| NOT_UTF8)?)
                }
                Kind::Text => Assembled::Text(trusted(data)),
            });
        }
        Ok(())
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Is it in far larger storage than it needs?
    pub(crate) fn is_loose(&self) -> bool {
        self.loose
    }

    /// The message, once it is complete.
    pub(crate) fn data(&self) -> Option<&Assembled> {
        match &self.data {
            Data::Coming(_) => None,
            Data::Whole(data) => Some(data),
        }
    }

    /// The message, to be kept for however long, and what it was in, if that is worth keeping.
    pub(crate) fn into_own(self) -> Option<(Assembled, Bytes)> {
        let loose = self.loose;
        let data = self.into_data()?;
        let copied = loose || data.len() < SHARE_MIN;
        let own = match &data {
            Assembled::Binary(data) if copied => Assembled::Binary(Bytes::copy_from_slice(data)),
            Assembled::Text(text) if copied => Assembled::Text(Text::from(text.as_str())),
            data => data.clone(),
        };
        Some((own, data.into_storage()))
    }

    pub(crate) fn into_data(self) -> Option<Assembled> {
        match self.data {
            Data::Coming(_) => None,
            Data::Whole(data) => Some(data),
        }
    }

    #[cfg(test)]
    fn capacity(&self) -> usize {
        match &self.data {
            Data::Coming(room) => room.capacity(),
            Data::Whole(_) => 0,
        }
    }
}

/// Bytes that were checked piece by piece as text. Only for those of an [`Assembly`] that is text and
/// does not end inside a character.
///
/// Checking them again costs a pass over memory that is in no near cache any more: of bench `decode
/// masked`, 1 MiB, ASCII takes 53 instead of 35 us then, and multi-byte text 500 instead of 80. The safe
/// twin is `Text::try_from`, and a property test compares the two.
#[allow(unsafe_code, reason = "see above")]
fn trusted(data: Bytes) -> Text {
    // SAFETY: the field that the bytes come from is private to this file. It starts out empty; what
    // `push` appends to it or `take_room` finds behind its end is, of a text, shown to `Utf8::feed` in
    // its order, or known to be ASCII where no character is incomplete; a piece that is refused takes
    // all bytes away. A `Room` never changes what it holds. While it is lent it is out of reach, but it
    // is known by its mark when it comes back: where another came instead, or none, `finish` checks
    // all bytes and does not come here.
    unsafe { Text::unchecked(data) }
}

#[cfg(test)]
mod tests;
