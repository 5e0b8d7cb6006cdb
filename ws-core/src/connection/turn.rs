//! What a connection does next, in one machine word.
//!
//! It knows where a payload is and never what is in it.

use core::fmt;
use core::num::NonZeroU64;

use crate::message::Span;

/// What comes next, and where its payload is.
///
/// One word, because it passes through memory between `ready` and `poll`: fields that are written
/// one by one and read back as one stall the processor for longer than a short message takes.
///
/// Bit 0 is set, bits 1 to 7 hold the [`Next`], the others the [`Span`].
#[derive(Clone, Copy)]
pub(super) struct Turn(NonZeroU64);

/// Something for the application, or (`Owe…`) for the peer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Next {
    Assembled,
    Binary,
    Chunk,
    Closed,
    Fault,
    OweClose,
    OwePong,
    Ping,
    Pong,
    Text,
}

impl Next {
    /// All of them, each at its own number.
    const ALL: [Self; 10] = [
        Self::Assembled,
        Self::Binary,
        Self::Chunk,
        Self::Closed,
        Self::Fault,
        Self::OweClose,
        Self::OwePong,
        Self::Ping,
        Self::Pong,
        Self::Text,
    ];
}

impl Turn {
    #[inline(always)]
    pub(super) fn new(next: Next, span: Span) -> Self {
        Self(NonZeroU64::MIN | (next as u64) << 1 | span.to_bits() << 8)
    }

    #[inline(always)]
    pub(super) fn next(self) -> Next {
        Next::ALL[usize::from(self.low() >> 1)]
    }

    /// Cheaper than looking at [`next`](Self::next).
    #[inline(always)]
    pub(super) fn is(self, next: Next) -> bool {
        self.low() >> 1 == next as u8
    }

    #[inline(always)]
    pub(super) fn is_owed(self) -> bool {
        self.is(Next::OweClose) || self.is(Next::OwePong)
    }

    #[inline(always)]
    pub(super) fn span(self) -> Span {
        Span::from_bits(self.0.get() >> 8)
    }

    #[inline(always)]
    fn low(self) -> u8 {
        self.0.get().to_le_bytes()[0]
    }
}

impl From<Next> for Turn {
    fn from(next: Next) -> Self {
        Self::new(next, Span::default())
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {:?}", self.next(), self.span())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_again() {
        for span in [(0, 0), (14, 1), (2, 65_536)].map(|(at, len)| Span::new(at, len)) {
            for (number, next) in Next::ALL.into_iter().enumerate() {
                assert_eq!(number, next as usize);
                let turn = Turn::new(next, span);
                assert_eq!((turn.next(), turn.span()), (next, span));
                assert!(
                    Next::ALL
                        .iter()
                        .all(|&other| turn.is(other) == (other == next))
                );
            }
        }
        assert_eq!(size_of::<Option<Turn>>(), 8);
    }
}
