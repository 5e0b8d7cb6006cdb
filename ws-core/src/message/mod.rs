//! Floor 2: messages (RFC 6455 §5.4, §5.6).
//!
//! Turns received bytes into whole messages and control frames, within limits, and knows what may be
//! sent. Refuses to know handshakes, time, and when a connection closes.

mod assemble;
mod decode;
mod limits;
mod outgoing;
mod text;
mod utf8;

pub(crate) use assemble::Assembled;
pub(crate) use decode::{Decoder, Span, Step, What};
pub use limits::Limits;
pub use outgoing::Message;
pub use text::{NotUtf8, Text};
pub(crate) use utf8::{Utf8, check};

use crate::frame::OpCode;

/// The two kinds of messages (RFC 6455 §5.6).
///
/// Exhaustive on purpose: the protocol has exactly two.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// Bytes.
    Binary,
}

impl Kind {
    pub(crate) const fn opcode(self) -> OpCode {
        match self {
            Self::Text => OpCode::Text,
            Self::Binary => OpCode::Binary,
        }
    }
}
