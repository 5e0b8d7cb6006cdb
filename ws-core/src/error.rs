//! The two families of error: what the peer did wrong, and what the caller did wrong.
//!
//! A peer's fault is a [`ProtocolError`]; it knows the close code that answers it and ends the
//! connection. It reaches the application as an event, and again inside the one `Closed` event that
//! follows once the answer had its chance to arrive. A caller's fault is a
//! [`SendError`]; it is returned by the call that made it and changes nothing. Errors of the opening
//! handshake and of URLs live with their machines.
//!
//! The text of every error of this crate has the whole story, what failed underneath included. So
//! `source()` never gives what the text says already: a report that follows it says nothing twice.
//! What is underneath is in the variant. No error here decides what is to be done about it.

use thiserror::Error;

use crate::close::CloseCode;

/// What an error means and what to do about it, in plain words (`explain()` on every error).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Explanation {
    /// What happened, one sentence.
    pub message: &'static str,
    /// What the reader can do about it, one sentence.
    pub suggestion: &'static str,
}

impl Explanation {
    pub(crate) const fn new(message: &'static str, suggestion: &'static str) -> Self {
        Self {
            message,
            suggestion,
        }
    }
}

impl core::fmt::Display for Explanation {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}. {}.", self.message, self.suggestion)
    }
}

/// The peer broke RFC 6455 or one of this end's limits.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ProtocolError {
    /// A Close frame with a code that may not be on the wire (§7.4).
    #[error("close code {code} may not be sent")]
    BadCloseCode {
        /// The code received.
        code: u16,
    },
    /// A compressed message that can't be decompressed: its data is corrupt or incomplete, or ends
    /// over and over again (RFC 7692 §7.2.2).
    #[error("the compressed data of a message is not valid")]
    BadDeflate,
    /// A Close frame whose payload is one byte long (§5.5.1).
    #[error("a close frame has a payload of one byte")]
    ClosePayloadTooShort,
    /// The reason in a Close frame is not UTF-8 (§5.5.1).
    #[error("the reason in a close frame is not utf-8")]
    CloseReasonNotUtf8,
    /// A continuation frame without a message to continue (§5.4).
    #[error("a continuation frame without a message to continue")]
    ContinuationWithoutStart,
    /// A control frame without the FIN bit (§5.5).
    #[error("a control frame is fragmented")]
    ControlFragmented,
    /// More control frames per second than `Limits::max_control_rate` allows.
    #[error("more than {limit} control frames in a second")]
    ControlRate {
        /// The limit that was passed.
        limit: u32,
    },
    /// A control frame that says it has more than 125 bytes (§5.5).
    #[error("a control frame is longer than 125 bytes")]
    ControlTooLong,
    /// A text or binary frame in the middle of a fragmented message (§5.4).
    #[error("a new message began inside a fragmented one")]
    DataInsideFragmented,
    /// A frame longer than `Limits::max_frame`.
    #[error("a frame of {len} bytes is over the limit of {limit}")]
    FrameTooLarge {
        /// The length that its header announced.
        len: u64,
        /// The limit that was passed.
        limit: u64,
    },
    /// Text that is not UTF-8 (§8.1).
    #[error("text is not valid utf-8")]
    InvalidUtf8,
    /// A length in more bytes than it needs (§5.2).
    #[error("a payload length is not encoded minimally")]
    LengthNotMinimal,
    /// A 64-bit length with the most significant bit set (§5.2).
    #[error("a payload length has its top bit set")]
    LengthTopBit,
    /// A server received a frame without a mask (§5.1).
    #[error("a frame from a client is not masked")]
    MaskMissing,
    /// A client received a masked frame (§5.1).
    #[error("a frame from a server is masked")]
    MaskUnexpected,
    /// A message longer than `Limits::max_message`.
    #[error("a message is over the limit of {limit} bytes")]
    MessageTooLarge {
        /// The limit that was passed.
        limit: u64,
    },
    /// A reserved bit without an extension that gives it a meaning (§5.2).
    #[error("a reserved bit is set and no extension uses it")]
    ReservedBits,
    /// An opcode that RFC 6455 leaves undefined (§5.2).
    #[error("opcode {opcode:#x} is reserved")]
    ReservedOpcode {
        /// The opcode received.
        opcode: u8,
    },
    /// More consecutive empty fragments than `Limits::max_empty_fragments`.
    #[error("more than {limit} empty fragments in a row")]
    TooManyEmptyFragments {
        /// The limit that was passed.
        limit: u32,
    },
    /// More fragments in a message than `Limits::max_fragments`.
    #[error("a message has more than {limit} fragments")]
    TooManyFragments {
        /// The limit that was passed.
        limit: u32,
    },
}

impl ProtocolError {
    /// The close code that answers this fault on the wire (RFC 6455 §7.4.1).
    #[must_use]
    pub const fn close_code(&self) -> CloseCode {
        match self {
            Self::BadCloseCode { .. }
            | Self::ClosePayloadTooShort
            | Self::ContinuationWithoutStart
            | Self::ControlFragmented
            | Self::ControlTooLong
            | Self::DataInsideFragmented
            | Self::LengthNotMinimal
            | Self::LengthTopBit
            | Self::MaskMissing
            | Self::MaskUnexpected
            | Self::ReservedBits
            | Self::ReservedOpcode { .. } => CloseCode::PROTOCOL_ERROR,
            Self::BadDeflate | Self::CloseReasonNotUtf8 | Self::InvalidUtf8 => {
                CloseCode::INVALID_PAYLOAD
            }
            Self::ControlRate { .. }
            | Self::TooManyEmptyFragments { .. }
            | Self::TooManyFragments { .. } => CloseCode::POLICY_VIOLATION,
            Self::FrameTooLarge { .. } | Self::MessageTooLarge { .. } => CloseCode::MESSAGE_TOO_BIG,
        }
    }

    /// What happened and what to do about it.
    #[must_use]
    pub const fn explain(&self) -> Explanation {
        match self {
            Self::BadDeflate => Explanation::new(
                "The peer sent a compressed message that can't be decompressed",
                "Switch compression off to talk to it, and report this to whoever wrote it",
            ),
            Self::CloseReasonNotUtf8 | Self::InvalidUtf8 => Explanation::new(
                "The peer sent text that is not UTF-8",
                "Send arbitrary bytes as binary messages, or fix the peer's encoding",
            ),
            Self::ControlRate { .. } => Explanation::new(
                "The peer sends pings and pongs faster than this end allows",
                "Raise Limits::max_control_rate if the peer is honest",
            ),
            Self::FrameTooLarge { .. } | Self::MessageTooLarge { .. } => Explanation::new(
                "The peer sent more than this end is willing to hold",
                "Raise Limits::max_message and Limits::max_frame, or have the peer send less",
            ),
            Self::MaskMissing | Self::MaskUnexpected => Explanation::new(
                "The peer masks frames as the other role would",
                "Check that one end is a client and the other a server, with no proxy in between \
                 that rewrites frames",
            ),
            Self::ReservedBits => Explanation::new(
                "The peer used an extension that was not negotiated",
                "It is compression, most likely: negotiate permessage-deflate, or switch it off there",
            ),
            Self::TooManyEmptyFragments { .. } | Self::TooManyFragments { .. } => Explanation::new(
                "The peer cut a message into more pieces than this end allows",
                "Raise Limits::max_fragments or Limits::max_empty_fragments if the peer is honest",
            ),
            Self::BadCloseCode { .. }
            | Self::ClosePayloadTooShort
            | Self::ContinuationWithoutStart
            | Self::ControlFragmented
            | Self::ControlTooLong
            | Self::DataInsideFragmented
            | Self::LengthNotMinimal
            | Self::LengthTopBit
            | Self::ReservedOpcode { .. } => Explanation::new(
                "The peer broke RFC 6455",
                "Report this to whoever wrote the peer; nothing at this end is at fault",
            ),
        }
    }
}

/// The caller asked to send what may not be sent; nothing was queued and the connection is unharmed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum SendError {
    /// A close code that may not be on the wire (RFC 6455 §7.4).
    #[error("close code {code} may not be sent")]
    BadCloseCode {
        /// The code that was given.
        code: u16,
    },
    /// A Close frame was queued, or the transport is gone.
    #[error("the connection is closed or closing")]
    Closed,
    /// A ping or pong payload over 125 bytes, or a close reason over 123 (§5.5).
    #[error("a control frame holds {limit} bytes here, not {len}")]
    ControlTooLong {
        /// The length that was given.
        len: usize,
        /// How many bytes fit.
        limit: usize,
    },
    /// The send queue holds `Config::send_limit` bytes; write some of it out and try again.
    #[error("the send queue is full: {queued} bytes wait to be written")]
    Full {
        /// Bytes in the queue.
        queued: usize,
    },
    /// The pieces of a fragmented text message are not UTF-8 when put together (§5.6).
    #[error("text is not valid utf-8")]
    InvalidUtf8,
    /// A message was begun piece by piece and must be finished first (§5.4).
    #[error("a fragmented message is unfinished")]
    MidMessage,
    /// A piece for a message that was not begun (§5.4).
    #[error("no fragmented message was begun")]
    NotMidMessage,
}

impl SendError {
    /// What happened and what to do about it.
    #[must_use]
    pub const fn explain(&self) -> Explanation {
        match self {
            Self::BadCloseCode { .. } => Explanation::new(
                "This close code is reserved",
                "Use 1000, 1001, or one of your own from 4000 to 4999",
            ),
            Self::Closed => Explanation::new(
                "The connection is closing or closed",
                "Read until the Closed event to learn why, then connect again",
            ),
            Self::ControlTooLong { .. } => Explanation::new(
                "Pings and pongs carry at most 125 bytes, close reasons at most 123",
                "Shorten it, or send a message",
            ),
            Self::Full { .. } => Explanation::new(
                "The peer reads more slowly than this end sends",
                "Wait for the queue to drain (flush), send less, or raise Config::send_limit",
            ),
            Self::InvalidUtf8 => Explanation::new(
                "The pieces of a text message must form UTF-8",
                "Send arbitrary bytes as a binary message",
            ),
            Self::MidMessage => Explanation::new(
                "Messages may not be interleaved",
                "Finish the fragmented message before sending another",
            ),
            Self::NotMidMessage => Explanation::new(
                "There is no message to continue",
                "Begin one with fragment() first",
            ),
        }
    }
}

/// A call on a connection that has a transport failed.
///
/// Only calls that send fail; what ends a connection is told by its `Closed` event.
#[cfg(feature = "std")]
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The transport failed while writing; what was queued may not have arrived.
    #[error("writing to the transport failed: {0}")]
    Io(std::io::Error),
    /// What was to be sent can't be sent.
    #[error(transparent)]
    Send(#[from] SendError),
}

/// For readers and writers: what can't be sent is `InvalidInput`, on a connection that is closing
/// `BrokenPipe`, and never `WouldBlock`.
#[cfg(feature = "std")]
impl From<SendError> for std::io::Error {
    fn from(error: SendError) -> Self {
        let kind = match error {
            SendError::Closed => std::io::ErrorKind::BrokenPipe,
            _ => std::io::ErrorKind::InvalidInput,
        };
        Self::new(kind, error)
    }
}

#[cfg(feature = "std")]
impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) => error,
            Error::Send(error) => error.into(),
        }
    }
}

#[cfg(feature = "std")]
impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

#[cfg(feature = "std")]
impl Error {
    /// What happened and what to do about it.
    #[must_use]
    pub const fn explain(&self) -> Explanation {
        match self {
            Self::Io(_) => Explanation::new(
                "The connection broke while something was being sent",
                "Read until the Closed event to learn why, then connect again",
            ),
            Self::Send(error) => error.explain(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_small() {
        assert!(size_of::<ProtocolError>() <= 32);
        assert!(size_of::<SendError>() <= 32);
    }
}
