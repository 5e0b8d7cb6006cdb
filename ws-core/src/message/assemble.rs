//! A message that arrives in pieces: its fragments, a frame too large to wait for in one piece, or
//! what comes out of a compressed one.
//!
//! It knows no frames and sends nothing.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Bounds, Kind, Utf8};
use crate::error::ProtocolError;

/// The first reservation for a message of unknown or great length.
const FIRST: usize = 64 * 1024;

/// The message so far. Text is checked as it arrives, and each byte of it once.
#[derive(Debug)]
pub(crate) struct Assembly {
    data: Assembled,
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

/// The payload of an assembled message.
#[derive(Debug)]
pub(crate) enum Assembled {
    Binary(Vec<u8>),
    Text(String),
}

impl Assembly {
    pub(crate) fn new(kind: Kind, compressed: bool, max: usize, streams: bool) -> Self {
        let data = match kind {
            Kind::Text => Assembled::Text(String::new()),
            Kind::Binary => Assembled::Binary(Vec::new()),
        };
        Self {
            data,
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
        self.streamed
            .unwrap_or_else(|| self.utf8.held() + self.stored())
    }

    fn stored(&self) -> usize {
        match &self.data {
            Assembled::Text(text) => text.len(),
            Assembled::Binary(data) => data.len(),
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
    /// What is held grows with what has arrived, by doubling; what a header announced is only used
    /// to stop the doubling early.
    fn reserve(&mut self, piece: usize, coming: usize) {
        let (stored, capacity) = match &self.data {
            Assembled::Text(text) => (text.len(), text.capacity()),
            Assembled::Binary(data) => (data.len(), data.capacity()),
        };
        // A character may complete that earlier pieces began.
        let piece = piece + self.utf8.held();
        if capacity - stored >= piece {
            return;
        }
        let additional = stored.max(coming.min(FIRST));
        let additional = additional.min(self.max.saturating_sub(stored)).max(piece);
        match &mut self.data {
            Assembled::Text(text) => text.reserve_exact(additional),
            Assembled::Binary(data) => data.reserve_exact(additional),
        }
    }

    /// Appends an unmasked piece of a frame of which `coming` bytes, these included, are still due.
    pub(crate) fn push(&mut self, piece: &[u8], coming: usize) -> Result<(), ProtocolError> {
        if let Some(streamed) = &mut self.streamed {
            *streamed = streamed.saturating_add(piece.len());
            if let Assembled::Text(_) = self.data {
                let checked = self.utf8.feed(piece);
                checked.map_err(|_| ProtocolError::InvalidUtf8)?;
            }
            return Ok(());
        }
        self.reserve(piece.len(), coming);
        match &mut self.data {
            Assembled::Binary(data) => data.extend_from_slice(piece),
            Assembled::Text(text) => {
                let piece = self
                    .utf8
                    .feed(piece)
                    .map_err(|_| ProtocolError::InvalidUtf8)?;
                piece.parts().iter().for_each(|part| text.push_str(part));
            }
        }
        Ok(())
    }

    /// The message is complete: it may not end inside a character.
    pub(crate) fn finish(&self) -> Result<(), ProtocolError> {
        self.utf8.finish().map_err(|_| ProtocolError::InvalidUtf8)
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.data {
            Assembled::Text(_) => Kind::Text,
            Assembled::Binary(_) => Kind::Binary,
        }
    }

    pub(crate) fn data(&self) -> &Assembled {
        &self.data
    }

    pub(crate) fn into_data(self) -> Assembled {
        self.data
    }

    #[cfg(test)]
    fn capacity(&self) -> usize {
        match &self.data {
            Assembled::Text(text) => text.capacity(),
            Assembled::Binary(data) => data.capacity(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Limits;

    #[test]
    fn memory_grows_with_what_arrives_and_not_with_what_is_announced() {
        for kind in [Kind::Text, Kind::Binary] {
            let mut assembly = Assembly::new(kind, false, 64 << 20, false);
            let (total, piece) = (10 << 20, [b'x'; 1000]);
            let mut arrived = 0;
            while arrived < total {
                let n = piece.len().min(total - arrived);
                assembly.push(&piece[..n], total - arrived).unwrap();
                arrived += n;
                assert!(assembly.capacity() <= (2 * arrived).max(FIRST), "{arrived}");
            }
            assert_eq!(assembly.len(), total);
        }
    }

    #[test]
    fn many_small_fragments_cost_few_reservations() {
        let mut assembly = Assembly::new(Kind::Binary, false, 64 << 20, false);
        let (mut reservations, mut capacity) = (0, 0);
        for _ in 0..100_000 {
            assembly.push(b"x", 1).unwrap();
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
        let mut assembly = Assembly::new(Kind::Binary, true, 1000, false);
        assembly.push(&[0; 900], 900).unwrap();
        assembly.push(&[0; 10], 10).unwrap();
        assert_eq!(assembly.capacity(), 1000);
    }

    #[test]
    fn a_short_last_frame_reserves_no_more_than_it_needs() {
        let mut assembly = Assembly::new(Kind::Text, false, 64 << 20, false);
        assembly.push(b"hello", 5).unwrap();
        assert_eq!(assembly.capacity(), 5);
    }

    #[test]
    fn fragments_and_empty_fragments_are_counted() {
        let limits = Limits::default().max_fragments(5).max_empty_fragments(2);
        let limits = Bounds::from(&limits);
        let mut assembly = Assembly::new(Kind::Text, false, 64 << 20, false);
        for len in [0, 0, 1, 0, 0] {
            assert_eq!(assembly.admit(len, &limits), Ok(()));
        }
        assert_eq!(
            assembly.admit(1, &limits),
            Err(ProtocolError::TooManyFragments { limit: 5 })
        );
        let mut assembly = Assembly::new(Kind::Text, false, 64 << 20, false);
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
        let mut assembly = Assembly::new(Kind::Binary, false, 64 << 20, false);
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
