//! What a connection tells its owner.
//!
//! Nothing is decided here: an event says what has happened already.

use alloc::string::String;
use core::fmt;

use bytes::Bytes;

use crate::close::CloseCode;
use crate::error::{Explanation, ProtocolError};
use crate::machine::{Deadline, TransportEnd};
#[cfg(doc)]
use crate::message::Delivery;
use crate::message::{Chunk, Message, Text};

/// Something that happened, lent from the connection's buffers until the next call.
///
/// [`to_owned`](Self::to_owned) makes it last; `poll_owned` does so without a copy where it can.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A binary message.
    Binary(&'a [u8]),
    /// A piece of a message, under [`Delivery::Chunks`] and in place of the other messages.
    Chunk(Chunk<&'a [u8]>),
    /// The end: nothing follows, and everything this end owed the peer has been written or given
    /// up. Comes exactly once.
    Closed(&'a Closed),
    /// A ping. Its pong is already queued, unless `AutoPong::Off`, or unless this end has sent its
    /// Close frame. While the send queue is over its limit, only the latest pong is kept (RFC 6455
    /// §5.5.3).
    Ping(&'a [u8]),
    /// A pong, asked for or not.
    Pong(&'a [u8]),
    /// The peer broke the protocol or a limit. The Close frame that says so is queued, nothing more
    /// is received, and [`Closed`](Self::Closed) follows once that frame had its chance to arrive:
    /// keep reading until `Closed`, or the peer may never learn what it did.
    ProtocolError(&'a ProtocolError),
    /// A text message.
    Text(&'a str),
}

impl Event<'_> {
    /// The same event with its data copied.
    #[must_use]
    pub fn to_owned(&self) -> OwnedEvent {
        match *self {
            Self::Binary(data) => OwnedEvent::Binary(Bytes::copy_from_slice(data)),
            Self::Chunk(chunk) => OwnedEvent::Chunk(chunk.map(Bytes::copy_from_slice)),
            Self::Closed(closed) => OwnedEvent::Closed(closed.clone()),
            Self::Ping(data) => OwnedEvent::Ping(Bytes::copy_from_slice(data)),
            Self::Pong(data) => OwnedEvent::Pong(Bytes::copy_from_slice(data)),
            Self::ProtocolError(error) => OwnedEvent::ProtocolError(error.clone()),
            Self::Text(text) => OwnedEvent::Text(text.into()),
        }
    }
}

/// Something that happened, owned. See [`Event`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum OwnedEvent {
    /// A binary message.
    Binary(Bytes),
    /// A piece of a message; see [`Event::Chunk`].
    Chunk(Chunk<Bytes>),
    /// The end; see [`Event::Closed`].
    Closed(Closed),
    /// A ping; see [`Event::Ping`].
    Ping(Bytes),
    /// A pong, asked for or not.
    Pong(Bytes),
    /// The peer broke the protocol or a limit; see [`Event::ProtocolError`].
    ProtocolError(ProtocolError),
    /// A text message.
    Text(Text),
}

impl OwnedEvent {
    /// The message of a text or binary event, ready to be sent on; `None` for any other event.
    #[must_use]
    pub fn into_message(self) -> Option<Message<'static>> {
        match self {
            Self::Binary(data) => Some(Message::SharedBinary(data)),
            Self::Text(text) => Some(Message::SharedText(text)),
            Self::Chunk(_)
            | Self::Closed(_)
            | Self::Ping(_)
            | Self::Pong(_)
            | Self::ProtocolError(_) => None,
        }
    }
}

/// How a connection ended: who ended it, the close code and reason, and what caused it.
///
/// As an [`Error`](core::error::Error) it says in one line what happened;
/// [`into_result`](Self::into_result) makes it one unless the end was clean.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Closed {
    /// Who ended it.
    pub by: By,
    /// The close code: of the peer if it closed first, otherwise this end's own;
    /// [`CloseCode::NO_STATUS`] if that Close frame had none, [`CloseCode::ABNORMAL`] if there was
    /// no Close frame.
    ///
    /// After [`Cause::Protocol`] it is the code that answers the fault, whether it was sent or not:
    /// it was not if this end had queued another Close frame before, or could not write any more.
    pub code: CloseCode,
    /// The reason that goes with the code, often empty.
    pub reason: String,
    /// What led to it.
    pub cause: Cause,
}

impl Closed {
    /// Was the closing handshake completed, and not because somebody broke the rules?
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        matches!(self.cause, Cause::Local | Cause::Peer)
    }

    /// `Ok` after a clean end, otherwise the end as an error.
    ///
    /// # Errors
    /// If the end was not [clean](Self::is_clean).
    pub fn into_result(self) -> Result<Self, Self> {
        if self.is_clean() { Ok(self) } else { Err(self) }
    }

    /// What happened and what to do about it.
    #[must_use]
    pub const fn explain(&self) -> Explanation {
        match &self.cause {
            Cause::Local => Explanation::new("This end closed the connection", "Nothing is wrong"),
            Cause::Peer => Explanation::new(
                "The peer closed the connection",
                "Its close code and reason say why",
            ),
            Cause::Protocol(error) => error.explain(),
            Cause::Timeout(Deadline::Close) => Explanation::new(
                "The peer did not answer the closing handshake",
                "Nothing is lost that it had confirmed; raise Config::close_timeout if it is slow",
            ),
            Cause::Timeout(_) => Explanation::new(
                "The peer was silent for too long",
                "Check the network; raise Config::keepalive or Config::idle_timeout if it is slow",
            ),
            Cause::Transport(_) => Explanation::new(
                "The connection broke without a closing handshake",
                "Connect again; messages that were under way may or may not have arrived",
            ),
        }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Local => f.write_str("closed by this end")?,
            Cause::Peer => f.write_str("closed by the peer")?,
            Cause::Protocol(error) => return write!(f, "the peer broke the protocol: {error}"),
            Cause::Timeout(deadline) => write!(f, "closed after the {deadline} timeout")?,
            Cause::Transport(end) => return write!(f, "broken off: {end}"),
        }
        write!(f, " with {}", self.code)?;
        if self.reason.is_empty() {
            Ok(())
        } else {
            write!(f, ": {:?}", self.reason)
        }
    }
}

impl core::error::Error for Closed {}

/// Who ended a connection.
///
/// Exhaustive on purpose: there is no one else.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum By {
    /// This end: the application, a timeout, or a fault of the peer that this end answered.
    Local,
    /// The peer, by its Close frame.
    Peer,
    /// Neither: the transport ended without a Close frame.
    Transport,
}

/// What led to the end of a connection.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Cause {
    /// This end asked for it and the peer agreed.
    Local,
    /// The peer asked for it.
    Peer,
    /// The peer broke the protocol or a limit.
    Protocol(ProtocolError),
    /// A deadline passed.
    Timeout(Deadline),
    /// The transport ended.
    Transport(TransportEnd),
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn closed(cause: Cause) -> Closed {
        Closed {
            by: By::Peer,
            code: CloseCode::GOING_AWAY,
            reason: "bye".into(),
            cause,
        }
    }

    #[test]
    fn an_end_reads_as_one_line() {
        let line = |cause| closed(cause).to_string();
        assert_eq!(
            line(Cause::Peer),
            "closed by the peer with 1001 going away: \"bye\""
        );
        assert_eq!(
            line(Cause::Timeout(Deadline::Pong)),
            "closed after the pong timeout with 1001 going away: \"bye\""
        );
        let error = ProtocolError::InvalidUtf8;
        assert_eq!(
            line(Cause::Protocol(error)),
            "the peer broke the protocol: text is not valid utf-8"
        );
        let end = Cause::Transport(TransportEnd::Reset);
        assert_eq!(line(end), "broken off: the connection was reset");
    }

    #[test]
    fn only_a_completed_handshake_is_clean() {
        assert!(closed(Cause::Local).into_result().is_ok());
        assert!(closed(Cause::Peer).into_result().is_ok());
        for cause in [
            Cause::Protocol(ProtocolError::ReservedBits),
            Cause::Timeout(Deadline::Close),
            Cause::Transport(TransportEnd::Eof),
        ] {
            assert!(closed(cause).into_result().is_err());
        }
    }
}
