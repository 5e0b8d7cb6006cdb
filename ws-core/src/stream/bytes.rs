//! A whole connection as one stream of bytes: the payloads of its binary messages, one after the
//! other.

use std::io::{self, ErrorKind};

use super::inlet::{cut_off, faulty};
use super::outlet::{BLOCK, has_room};
use super::{Events, Found, Inlet};
use crate::Instant;
use crate::close::CloseCode;
use crate::connection::{By, Closed, Sender};
use crate::error::SendError;
use crate::message::{Kind, Message};

/// The bytes of all binary messages that arrive. Where one ends and the next begins is lost.
///
/// It ends, with an `Ok(0)`, where the peer closes with 1000 or without a code, or where this end
/// closed.
#[derive(Debug, Default)]
pub struct ByteInlet {
    message: Option<Inlet>,
    over: bool,
}

impl ByteInlet {
    /// Can it be read on without anything being found?
    #[must_use]
    pub fn is_at_hand(&self) -> bool {
        self.over || self.message.as_ref().is_some_and(Inlet::is_at_hand)
    }

    /// Reads from the stream: how many bytes, none at its end. `None` if nothing came of what was
    /// found: look for more.
    ///
    /// # Errors
    /// `InvalidData` for a text message and for what breaks the protocol, `UnexpectedEof` for any
    /// other end of the connection.
    pub fn read(
        &mut self,
        events: &mut impl Events,
        out: &mut [u8],
        now: Instant,
    ) -> Option<io::Result<usize>> {
        if self.over || out.is_empty() {
            return Some(Ok(0));
        }
        if let Some(message) = &mut self.message {
            return match message.read(events, out, now)? {
                Ok(0) => {
                    self.message = None;
                    None
                }
                read => Some(read),
            };
        }
        match Inlet::begin(events, now) {
            Found::Closed(closed) => Some(self.end(closed)),
            Found::Fault(fault) => Some(Err(faulty(fault))),
            Found::Message(message) if message.kind() == Kind::Binary => {
                self.message = Some(message);
                None
            }
            Found::Message(_) => {
                let what = "a text message in a stream of bytes";
                Some(Err(io::Error::new(ErrorKind::InvalidData, what)))
            }
            Found::Other => None,
        }
    }

    /// What to say when nothing will be found any more: the connection ended like this.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn ended(&mut self, closed: Option<&Closed>) -> io::Result<usize> {
        match closed {
            Some(closed) => self.end(closed.clone()),
            None => Err(Inlet::over()),
        }
    }

    fn end(&mut self, closed: Closed) -> io::Result<usize> {
        let code = closed.code;
        let done = matches!(code, CloseCode::NORMAL | CloseCode::NO_STATUS);
        if self.message.is_none() && closed.is_clean() && (done || closed.by == By::Local) {
            self.over = true;
            return Ok(0);
        }
        Err(cut_off(closed))
    }
}

/// Queues the beginning of `data` as a binary message: how much of it that was.
///
/// # Errors
/// [`SendError::Full`] while too much waits to be written, otherwise as [`Sender::send`].
pub fn byte_message(sender: &mut Sender, data: &[u8]) -> Result<usize, SendError> {
    if data.is_empty() {
        return Ok(0);
    }
    has_room(sender)?;
    let data = &data[..data.len().min(BLOCK)];
    sender.send(Message::Binary(data))?;
    Ok(data.len())
}
