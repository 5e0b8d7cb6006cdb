//! Floor 2: messages (RFC 6455 §5.4, §5.6).
//!
//! Turns received bytes into whole messages and control frames, within limits, and knows what may be
//! sent. Refuses to know handshakes, time, and when a connection closes.
//!
//! ```
//! use bytes::Bytes;
//! use ws_core::message::{Kind, Limits, Message, Text};
//!
//! // Whatever can be sent converts into a message; what is shared is not copied.
//! let (lent, shared) = (Message::from("naïve"), Message::from(Bytes::from_static(b"\xff")));
//! assert_eq!((lent.kind(), shared.kind()), (Some(Kind::Text), Some(Kind::Binary)));
//! assert_eq!(lent.payload().len(), 6);
//!
//! // Bytes become text only if they are UTF-8, and come back if they are not.
//! let refused = Text::try_from(Bytes::from_static(b"\xff")).unwrap_err();
//! assert_eq!(refused.into_bytes(), &b"\xff"[..]);
//!
//! let limits = Limits::default().max_message(1 << 20);
//! assert_eq!(limits.max_empty_fragments, 32);
//! ```

mod assemble;
mod chunk;
mod decode;
mod limits;
mod outgoing;
mod prepared;
mod text;
mod utf8;

pub(crate) use assemble::{Assembled, Lent};
pub use chunk::Chunk;
pub(crate) use decode::{Decoder, Span, Step, What};
pub(crate) use limits::Bounds;
pub use limits::Limits;
pub use outgoing::Message;
pub(crate) use prepared::Encoded;
pub use prepared::PreparedMessage;
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

/// How messages are handed out.
///
/// Exhaustive on purpose: a message is whole or it is not.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Delivery {
    /// Piece by piece, as they arrive. Nothing is held of a message but what is on its way, so that
    /// it may be larger than memory; see [`Limits::max_message`] for how large.
    Chunks,
    /// As a whole.
    #[default]
    Messages,
}

impl Kind {
    pub(crate) const fn opcode(self) -> OpCode {
        match self {
            Self::Text => OpCode::Text,
            Self::Binary => OpCode::Binary,
        }
    }
}
