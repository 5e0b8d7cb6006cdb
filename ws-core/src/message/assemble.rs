//! A message that arrives in pieces: its fragments, a frame too large to wait for in one piece, or
//! what comes out of a compressed one.
//!
//! It knows of frames only what they are masked with, and sends nothing.

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use super::{Bounds, Kind, Text, Utf8};
use crate::error::ProtocolError;
use crate::frame::{MaskKey, mask_into};

const NOT_UTF8: ProtocolError = ProtocolError::InvalidUtf8;

/// The first reservation for a message of unknown or great length.
const FIRST: usize = 64 * 1024;

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
}

#[derive(Debug)]
enum Data {
    /// The message is not complete.
    Coming(Vec<u8>),
    Whole(Assembled),
}

/// The payload of an assembled message.
#[derive(Clone, Debug)]
pub(crate) enum Assembled {
    Binary(Bytes),
    Text(Text),
}

impl Assembled {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Binary(data) => data.len(),
            Self::Text(text) => text.len(),
        }
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
        mut storage: Vec<u8>,
    ) -> Self {
        storage.clear();
        Self {
            kind,
            data: Data::Coming(storage),
            utf8: Utf8::default(),
            fragments: 0,
            empty_in_a_row: 0,
            max,
            packed: compressed.then_some(0),
            streamed: streams.then_some(0),
            begun: false,
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
            (None, Data::Coming(data)) => data.len(),
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

    /// Makes room for `piece` bytes, of which `coming` in all are known to come.
    ///
    /// What is held grows with what has arrived, by doubling; what a header announced only says how
    /// large the first step is.
    fn reserve(data: &mut Vec<u8>, piece: usize, coming: usize, max: usize) {
        let stored = data.len();
        if data.capacity() - stored >= piece {
            return;
        }
        let additional = stored.max(coming.min(FIRST));
        let additional = additional.min(max.saturating_sub(stored)).max(piece);
        data.reserve_exact(additional);
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
        let Data::Coming(data) = &mut self.data else {
            return Ok(());
        };
        Self::reserve(data, piece.len(), coming, self.max);
        let from = data.len();
        let ascii = match masked {
            Some((key, phase)) => mask_into(data, piece, key, phase),
            None => {
                data.extend_from_slice(piece);
                false
            }
        };
        let plain = ascii && self.utf8.held() == 0;
        if self.kind == Kind::Text && !plain && self.utf8.feed(&data[from..]).is_err() {
            // What was refused is not kept, whatever comes after.
            self.data = Data::Whole(Assembled::Text(Text::default()));
            return Err(NOT_UTF8);
        }
        Ok(())
    }

    /// The message is complete: it may not end inside a character.
    pub(crate) fn finish(&mut self) -> Result<(), ProtocolError> {
        self.utf8.finish().map_err(|_| NOT_UTF8)?;
        if let Data::Coming(data) = &mut self.data {
            let data = core::mem::take(data);
            self.data = Data::Whole(match self.kind {
                Kind::Binary => Assembled::Binary(data.into()),
                Kind::Text => Assembled::Text(trusted(data).into()),
            });
        }
        Ok(())
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The message, once it is complete.
    pub(crate) fn data(&self) -> Option<&Assembled> {
        match &self.data {
            Data::Coming(_) => None,
            Data::Whole(data) => Some(data),
        }
    }

    pub(crate) fn into_data(self) -> Option<Assembled> {
        match self.data {
            Data::Coming(_) => None,
            Data::Whole(data) => Some(data),
        }
    }

    /// What it was put together in, if nobody else has that any more.
    pub(crate) fn into_storage(self) -> Option<Vec<u8>> {
        let storage = match self.data {
            Data::Coming(data) => return Some(data),
            Data::Whole(data) => data.into_storage(),
        };
        storage.is_unique().then(|| storage.into())
    }

    #[cfg(test)]
    fn capacity(&self) -> usize {
        match &self.data {
            Data::Coming(data) => data.capacity(),
            Data::Whole(_) => 0,
        }
    }
}

/// Bytes that were checked piece by piece as text. Only for those of an [`Assembly`] that is text and
/// does not end inside a character.
///
/// Checking them again costs a pass over memory that is in no near cache any more: of bench `decode
/// masked`, 1 MiB, ASCII takes 53 instead of 35 us then, and multi-byte text 500 instead of 80. The safe
/// twin is `String::from_utf8`, and a property test compares the two.
#[allow(unsafe_code, reason = "see above")]
fn trusted(data: Vec<u8>) -> String {
    // SAFETY: the field that the bytes come from is private to this file. It starts out empty, only
    // `push` appends to it, which of a text shows each byte to `Utf8::feed` in its order, or knows it
    // to be ASCII where no character is incomplete; a piece that is refused takes all bytes away.
    unsafe { String::from_utf8_unchecked(data) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::mask;
    use crate::message::Limits;
    use proptest::prelude::*;

    #[test]
    fn memory_grows_with_what_arrives_and_not_with_what_is_announced() {
        for kind in [Kind::Text, Kind::Binary] {
            let mut assembly = Assembly::new(kind, false, 64 << 20, false, Vec::new());
            let (total, piece) = (10 << 20, [b'x'; 1000]);
            let mut arrived = 0;
            while arrived < total {
                let n = piece.len().min(total - arrived);
                assembly.push(&piece[..n], None, total - arrived).unwrap();
                arrived += n;
                assert!(assembly.capacity() <= (2 * arrived).max(FIRST), "{arrived}");
            }
            assert_eq!(assembly.len(), total);
        }
    }

    proptest! {
        #[test]
        fn what_is_checked_in_pieces_is_what_is_checked_as_a_whole(
            bytes in prop_oneof![
                ".{0,200}".prop_map(String::into_bytes),
                (".{0,100}", any::<u8>(), 0..100usize).prop_map(|(text, byte, at)| {
                    let mut bytes = text.into_bytes();
                    bytes.insert(at.min(bytes.len()), byte);
                    bytes
                }),
            ],
            cuts in proptest::collection::vec(1..90usize, 1..9),
            key in proptest::option::of(any::<[u8; 4]>()),
        ) {
            let key = key.map(MaskKey::new);
            let mut wire = bytes.clone();
            key.into_iter().for_each(|key| mask(&mut wire, key, 0));
            let mut assembly = Assembly::new(Kind::Text, false, 1 << 20, false, Vec::new());
            let (mut at, mut pushed) = (0, Ok(()));
            for cut in cuts.into_iter().cycle() {
                let end = (at + cut).min(wire.len());
                let masked = key.map(|key| (key, at));
                pushed = assembly.push(&wire[at..end], masked, wire.len() - at);
                at = end;
                if pushed.is_err() || at == wire.len() {
                    break;
                }
            }
            let whole = pushed.and_then(|()| assembly.finish());
            match String::from_utf8(bytes) {
                Ok(text) => {
                    prop_assert_eq!(whole, Ok(()));
                    let Some(Assembled::Text(made)) = assembly.into_data() else {
                        panic!("it is text");
                    };
                    prop_assert_eq!(&*made, text);
                }
                Err(_) => prop_assert!(whole.is_err()),
            }
        }
    }

    #[test]
    fn many_small_fragments_cost_few_reservations() {
        let mut assembly = Assembly::new(Kind::Binary, false, 64 << 20, false, Vec::new());
        let (mut reservations, mut capacity) = (0, 0);
        for _ in 0..100_000 {
            assembly.push(b"x", None, 1).unwrap();
            if assembly.capacity() != capacity {
                capacity = assembly.capacity();
                reservations += 1;
            }
        }
        assert!(reservations <= 18, "{reservations}");
        assert!(capacity <= 2 * 100_000);
    }

    #[test]
    fn nothing_is_reserved_beyond_the_limit() {
        let mut assembly = Assembly::new(Kind::Binary, true, 1000, false, Vec::new());
        assembly.push(&[0; 900], None, 900).unwrap();
        assembly.push(&[0; 10], None, 10).unwrap();
        assert_eq!(assembly.capacity(), 1000);
    }

    #[test]
    fn a_short_last_frame_reserves_no_more_than_it_needs() {
        let mut assembly = Assembly::new(Kind::Text, false, 64 << 20, false, Vec::new());
        assembly.push(b"hello", None, 5).unwrap();
        assert_eq!(assembly.capacity(), 5);
    }

    #[test]
    fn fragments_and_empty_fragments_are_counted() {
        let limits = Limits::default().max_fragments(5).max_empty_fragments(2);
        let limits = Bounds::from(&limits);
        let mut assembly = Assembly::new(Kind::Text, false, 64 << 20, false, Vec::new());
        for len in [0, 0, 1, 0, 0] {
            assert_eq!(assembly.admit(len, &limits), Ok(()));
        }
        assert_eq!(
            assembly.admit(1, &limits),
            Err(ProtocolError::TooManyFragments { limit: 5 })
        );
        let mut assembly = Assembly::new(Kind::Text, false, 64 << 20, false, Vec::new());
        assert_eq!(
            (assembly.admit(0, &limits), assembly.admit(0, &limits)),
            (Ok(()), Ok(()))
        );
        let refused = Err(ProtocolError::TooManyEmptyFragments { limit: 2 });
        assert_eq!(assembly.admit(0, &limits), refused);
    }

    #[test]
    fn counting_stops_where_numbers_end() {
        let limits = Limits::default()
            .max_fragments(u32::MAX)
            .max_empty_fragments(u32::MAX);
        let mut assembly = Assembly::new(Kind::Binary, false, 64 << 20, false, Vec::new());
        (assembly.fragments, assembly.empty_in_a_row) = (u32::MAX, u32::MAX);
        assert_eq!(assembly.admit(0, &Bounds::from(&limits)), Ok(()));
        assert_eq!(
            assembly.admit(0, &Bounds::from(&limits.max_fragments(u32::MAX - 1))),
            Err(ProtocolError::TooManyFragments {
                limit: u32::MAX - 1
            })
        );
    }
}
