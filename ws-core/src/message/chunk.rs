//! A piece of a message that is handed out while the rest is still on its way.
//!
//! It holds nothing of the rest.

use super::Kind;

/// A piece of a message, with what it takes to put the message together.
///
/// Where a message is cut says nothing: pieces are what had arrived, whatever the peer's frames.
/// Text is UTF-8 as a whole, and what has come of it so far can still become that; a character may be
/// cut in two.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Chunk<D> {
    /// What the message is.
    pub kind: Kind,
    /// The bytes; none at all where a message ends of which no more bytes came.
    pub data: D,
    /// Does the message begin with this piece?
    pub first: bool,
    /// Does the message end with this piece?
    pub last: bool,
}

impl<D> Chunk<D> {
    /// The same piece with its bytes held otherwise.
    pub(crate) fn map<E>(self, f: impl FnOnce(D) -> E) -> Chunk<E> {
        Chunk {
            kind: self.kind,
            data: f(self.data),
            first: self.first,
            last: self.last,
        }
    }
}
