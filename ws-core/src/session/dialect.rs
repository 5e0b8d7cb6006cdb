//! What one application protocol over WebSocket says: the only thing a session is generic over.
//!
//! A dialect is pure: it turns intents into messages and messages into what they mean. It performs
//! no I/O, knows no time, and decides nothing about connections.

use crate::connection::Sender;
use crate::error::SendError;
use crate::handshake::Agreed;
use crate::message::Message;

/// An application protocol over WebSocket.
///
/// Every method has a default, so that a dialect states only what its protocol has.
pub trait Dialect {
    /// Says what every connection begins with. It leaves before anything else is sent.
    fn on_connect(&mut self, agreed: &Agreed, out: &mut Out<'_>) {
        let _ = (agreed, out);
    }

    /// What a text or binary message is. By default it is one for the application.
    fn classify(&mut self, message: &Message<'_>, out: &mut Out<'_>) -> Class {
        let _ = (message, out);
        Class::Message
    }
}

/// What a message is.
///
/// Exhaustive on purpose: the session has a place for each.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Class {
    /// Something for the application.
    Message,
    /// Part of the protocol, and dealt with.
    Handled,
}

/// Plain messages: no login, no requests, no topics.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct NoDialect;

impl Dialect for NoDialect {}

/// Where a dialect says what it has to send.
#[derive(Debug)]
pub struct Out<'a> {
    sender: &'a mut Sender,
    failed: Option<SendError>,
}

impl<'a> Out<'a> {
    pub(super) const fn new(sender: &'a mut Sender) -> Self {
        Self {
            sender,
            failed: None,
        }
    }

    /// Sends a message. If it can't be sent, the connection is given up for the next, with
    /// [`Lost::Setup`](super::Lost::Setup): what a protocol depends on must not go missing.
    pub fn send<'m>(&mut self, message: impl Into<Message<'m>>) {
        if self.failed.is_none() {
            self.failed = self.sender.send(message).err();
        }
    }

    pub(super) const fn failed(&self) -> bool {
        self.failed.is_some()
    }
}
