//! What a step of the decoder finds, and where. It owns no bytes.

use super::IN_PLACE_MAX;
use crate::frame::Header;

/// A payload in the receive buffer, good until the next step. It fits in a register.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Span {
    pub(super) at: u8,
    pub(super) len: u32,
}

impl Span {
    #[inline(always)]
    pub(crate) fn new(at: usize, len: usize) -> Self {
        debug_assert!(at <= Header::MAX_LEN && len <= IN_PLACE_MAX);
        #[allow(clippy::cast_possible_truncation, reason = "asserted above")]
        Self {
            at: at as u8,
            len: len as u32,
        }
    }

    /// The 40 bits that it consists of.
    #[inline(always)]
    pub(crate) fn to_bits(self) -> u64 {
        u64::from(self.len) << 8 | u64::from(self.at)
    }

    /// The inverse of [`to_bits`](Self::to_bits).
    #[inline(always)]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "32 bits and 8 bits were put in"
    )]
    pub(crate) fn from_bits(bits: u64) -> Self {
        Self {
            at: bits as u8,
            len: (bits >> 8) as u32,
        }
    }

    #[inline(always)]
    pub(super) fn range(self) -> core::ops::Range<usize> {
        let at = usize::from(self.at);
        at..at + self.len as usize
    }
}

/// What the decoder found, and where.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Step {
    pub(crate) what: What,
    pub(crate) span: Span,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum What {
    /// The message that [`Decoder::assembled`](super::Decoder::assembled) holds.
    Assembled,
    /// A binary message in one frame.
    Binary,
    /// The piece of a message that [`Decoder::chunk`](super::Decoder::chunk) holds.
    Chunk,
    /// A Close frame.
    Close,
    /// The peer broke the rules; [`Decoder::fault`](super::Decoder::fault) says how. There is nothing to find any more.
    Fault,
    /// A ping.
    Ping,
    /// A pong.
    Pong,
    /// A text message in one frame. It is not checked yet.
    Text,
}

impl What {
    /// Something whose payload is not in the receive buffer.
    pub(super) const fn elsewhere(self) -> Step {
        Step {
            what: self,
            span: Span { at: 0, len: 0 },
        }
    }
}
