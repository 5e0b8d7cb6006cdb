//! What one application protocol over WebSocket says: the only thing a session is generic over.
//!
//! A dialect is pure: it turns intents into messages and messages into what they mean. It performs
//! no I/O, knows no time, and decides nothing about connections.

use core::convert::Infallible;

use super::correlate::{Key, RequestId};
use crate::connection::Sender;
use crate::error::SendError;
use crate::handshake::Agreed;
use crate::message::Message;

/// An application protocol over WebSocket.
///
/// All methods but one have a default, so that a dialect states only what its protocol has.
///
/// The session is in the middle of something while it asks. Where handles share a session behind a
/// lock, as in every binding, that lock is held: a dialect must not use a handle, or it waits for
/// itself.
pub trait Dialect {
    /// What an application asks of the server; `Infallible` if the protocol knows no requests.
    type Request;

    /// Says a request; its answer is recognised by `id`.
    fn request(&mut self, id: RequestId, request: &Self::Request, out: &mut Out<'_>);

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
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Class {
    /// Part of the protocol, and dealt with.
    Handled,
    /// Something for the application.
    Message,
    /// The answer to a request.
    Response(Key),
}

/// Plain messages: no login, no requests, no topics.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct NoDialect;

impl Dialect for NoDialect {
    type Request = Infallible;

    fn request(&mut self, _: RequestId, request: &Infallible, _: &mut Out<'_>) {
        match *request {}
    }
}

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

    pub(super) fn failed(self) -> Option<SendError> {
        self.failed
    }
}
