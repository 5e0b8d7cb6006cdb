//! Pieces of the send queue that nothing is copied into any more: shared payloads, fragments, and
//! what was copied before them.
//!
//! It knows where a control frame may be slipped in, and not what is being written.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::Bytes;

/// Sealed pieces, oldest first, and a frame that waits for room.
#[derive(Default)]
pub(super) struct Sealed {
    pieces: VecDeque<Piece>,
    bytes: usize,
    /// The latest control frame that found the queue full.
    pub(super) held: Option<Box<[u8]>>,
    /// What holds the message that the application is looking at.
    pub(super) lent: Option<Bytes>,
    /// A copy of what is written, if somebody wants one.
    #[cfg(feature = "testing")]
    pub(super) tee: Option<super::tee::Tee>,
}

pub(super) struct Piece {
    data: Data,
    /// A control frame may go before this piece: it starts a fragment of a longer message.
    cut: bool,
    /// Control frames in front of a cut; more may join them.
    controls: bool,
}

pub(super) enum Data {
    Owned(Vec<u8>),
    Shared(Bytes),
}

impl Piece {
    pub(super) const fn new(data: Data, cut: bool) -> Self {
        Self {
            data,
            cut,
            controls: false,
        }
    }

    pub(super) const fn shared(data: Bytes) -> Self {
        Self::new(Data::Shared(data), false)
    }

    fn as_slice(&self) -> &[u8] {
        match &self.data {
            Data::Owned(data) => data,
            Data::Shared(data) => data,
        }
    }

    pub(super) fn into_bytes(self) -> Bytes {
        match self.data {
            Data::Owned(data) => data.into(),
            Data::Shared(data) => data,
        }
    }
}

impl Sealed {
    /// How many pieces there are.
    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Is there nothing in it that may not be dropped?
    pub(super) fn is_idle(&self) -> bool {
        #[cfg(feature = "testing")]
        if self.tee.is_some() {
            return false;
        }
        self.pieces.is_empty() && self.held.is_none()
    }

    /// How many bytes they have.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// How much storage they hold for what was copied in.
    pub(super) fn capacity(&self) -> usize {
        let owned = |piece: &Piece| match &piece.data {
            Data::Owned(data) => data.capacity(),
            Data::Shared(_) => 0,
        };
        self.pieces.iter().map(owned).sum()
    }

    /// What they are.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().map(Piece::as_slice)
    }

    pub(super) fn push_back(&mut self, piece: Piece) {
        self.bytes += piece.as_slice().len();
        self.pieces.push_back(piece);
    }

    pub(super) fn push_front(&mut self, piece: Piece) {
        self.bytes += piece.as_slice().len();
        self.pieces.push_front(piece);
    }

    pub(super) fn pop_front(&mut self) -> Option<Piece> {
        let piece = self.pieces.pop_front()?;
        self.bytes -= piece.as_slice().len();
        Some(piece)
    }

    /// Drops pieces that were written; `head` bytes of the first ones were, and how much that is of
    /// the first one left, or of what follows, is left there. Says whether no piece is left.
    pub(super) fn drop_written(&mut self, head: &mut usize) -> bool {
        while let Some(piece) = self.pieces.front() {
            let len = piece.as_slice().len();
            if *head < len {
                return false;
            }
            *head -= len;
            self.pop_front();
        }
        true
    }

    /// The first piece, from the given one on, that a control frame may go before.
    pub(super) fn next_cut(&self, first: usize) -> Option<usize> {
        (first..self.pieces.len()).find(|&i| self.pieces[i].cut)
    }

    /// Puts a control frame before a piece, or behind the last. One piece for all of them: a piece
    /// each would cost far more memory than the queue counts, and a search that grows with every one.
    /// `may_grow`: may this piece become longer?
    pub(super) fn insert_control(
        &mut self,
        at: usize,
        frame: &[u8],
        may_grow: impl Fn(usize) -> bool,
    ) {
        self.bytes += frame.len();
        let before = at.checked_sub(1).filter(|&index| may_grow(index));
        let before = before.and_then(|index| self.pieces.get_mut(index));
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
        self.pieces.insert(at, piece);
    }
}
