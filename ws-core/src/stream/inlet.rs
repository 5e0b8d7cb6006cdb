//! One message, read as a stream of bytes.

use std::io::{self, ErrorKind};

use bytes::{Buf, Bytes};

use super::Events;
use crate::Instant;
use crate::connection::{Closed, Event, OwnedEvent};
use crate::error::ProtocolError;
use crate::message::{Chunk, Kind};

/// A message that is being read.
///
/// Its end is an `Ok(0)`, and comes only when all of the message was read: what is cut off is an
/// error. Pings and pongs that arrive in between are not handed out.
#[derive(Debug)]
pub struct Inlet {
    kind: Kind,
    rest: Rest,
}

/// What is still to come.
#[derive(Debug)]
enum Rest {
    Nothing,
    /// Pieces that are found one after the other.
    Pieces,
    /// What is left of a message that was handed out whole.
    Whole(Bytes),
}

/// What was found where a message may begin.
///
/// Exhaustive on purpose: an end that is not looked at must not compile.
#[derive(Debug)]
pub enum Found {
    /// The connection ended.
    Closed(Closed),
    /// The peer broke the protocol; the end follows.
    Fault(ProtocolError),
    /// A message.
    Message(Inlet),
    /// Nothing of interest: look for more.
    Other,
}

impl Inlet {
    /// Looks at what was found, and consumes it unless it is the beginning of a message. The rest of
    /// one that was not read to its end is skipped.
    pub fn begin(events: &mut impl Events, now: Instant) -> Found {
        if let Some(Event::Chunk(Chunk { kind, first, .. })) = events.look() {
            if !first {
                events.skip(now);
                return Found::Other;
            }
            let rest = Rest::Pieces;
            return Found::Message(Self { kind, rest });
        }
        let (kind, data) = match events.take(now) {
            Some(OwnedEvent::Binary(data)) => (Kind::Binary, data),
            Some(OwnedEvent::Text(text)) => (Kind::Text, text.into_bytes()),
            Some(OwnedEvent::Closed(closed)) => return Found::Closed(closed),
            Some(OwnedEvent::ProtocolError(fault)) => return Found::Fault(fault),
            Some(OwnedEvent::Chunk(_) | OwnedEvent::Ping(_) | OwnedEvent::Pong(_)) | None => {
                return Found::Other;
            }
        };
        let rest = Rest::Whole(data);
        Found::Message(Self { kind, rest })
    }

    /// What the message is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Can it be read on without anything being found?
    #[must_use]
    pub const fn is_at_hand(&self) -> bool {
        !matches!(self.rest, Rest::Pieces)
    }

    /// Reads from the message: how many bytes, none at its end. `None` if something else was found,
    /// which is consumed: look for more.
    ///
    /// # Errors
    /// `UnexpectedEof` if the connection ended within the message, with how it ended;
    /// `InvalidData` if the peer broke the protocol.
    pub fn read(
        &mut self,
        events: &mut impl Events,
        out: &mut [u8],
        now: Instant,
    ) -> Option<io::Result<usize>> {
        match &mut self.rest {
            Rest::Nothing => return Some(Ok(0)),
            Rest::Whole(data) => {
                let n = data.len().min(out.len());
                data.copy_to_slice(&mut out[..n]);
                return Some(Ok(n));
            }
            Rest::Pieces if out.is_empty() => return Some(Ok(0)),
            Rest::Pieces => {}
        }
        if let Some(read) = events.read_chunk(out) {
            if read.last {
                self.rest = Rest::Nothing;
            }
            return (read.data > 0 || read.last).then_some(Ok(read.data));
        }
        match events.take(now)? {
            OwnedEvent::Closed(closed) => Some(Err(cut_off(closed))),
            OwnedEvent::ProtocolError(fault) => Some(Err(faulty(fault))),
            OwnedEvent::Binary(_)
            | OwnedEvent::Chunk(_)
            | OwnedEvent::Ping(_)
            | OwnedEvent::Pong(_)
            | OwnedEvent::Text(_) => None,
        }
    }

    /// What to say when nothing will be found any more.
    #[must_use]
    pub fn over() -> io::Error {
        ErrorKind::NotConnected.into()
    }
}

pub(super) fn cut_off(closed: Closed) -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, closed)
}

pub(super) fn faulty(fault: ProtocolError) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, fault)
}
