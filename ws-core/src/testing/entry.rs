//! One line of a frame log: what went which way, and when.
//!
//! It reads no clock: times are handed in.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use crate::wall::UnixTime;

/// Which way a frame went.
///
/// Exhaustive on purpose: there are two.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Direction {
    /// It was received.
    In,
    /// It was sent.
    Out,
}

/// What went over the connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Frame<'a> {
    /// A binary message.
    Binary(&'a [u8]),
    /// A Close frame; without a code, 1005.
    Close {
        /// Its code.
        code: u16,
        /// Its reason.
        reason: &'a str,
    },
    /// A ping.
    Ping(&'a [u8]),
    /// A pong.
    Pong(&'a [u8]),
    /// A message with a secret, of which only the length may be known.
    Redacted {
        /// Bytes.
        len: usize,
    },
    /// A text message.
    Text(&'a str),
}

/// A frame that was read back.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum OwnedFrame {
    /// See [`Frame::Binary`].
    Binary(Vec<u8>),
    /// See [`Frame::Close`].
    Close {
        /// Its code.
        code: u16,
        /// Its reason.
        reason: Box<str>,
    },
    /// See [`Frame::Ping`].
    Ping(Vec<u8>),
    /// See [`Frame::Pong`].
    Pong(Vec<u8>),
    /// See [`Frame::Redacted`].
    Redacted {
        /// Bytes.
        len: usize,
    },
    /// See [`Frame::Text`].
    Text(String),
}

impl OwnedFrame {
    /// The frame, lent.
    #[must_use]
    pub fn borrowed(&self) -> Frame<'_> {
        match self {
            Self::Binary(data) => Frame::Binary(data),
            Self::Close { code, reason } => Frame::Close {
                code: *code,
                reason,
            },
            Self::Ping(data) => Frame::Ping(data),
            Self::Pong(data) => Frame::Pong(data),
            Self::Redacted { len } => Frame::Redacted { len: *len },
            Self::Text(text) => Frame::Text(text),
        }
    }
}

/// A line of a frame log.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// When it was recorded, to the microsecond; `None` if the time of day was not known.
    pub at: Option<UnixTime>,
    /// Which way it went.
    pub direction: Direction,
    /// What it was.
    pub frame: OwnedFrame,
}
