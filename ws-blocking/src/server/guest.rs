//! A connection in the hands of a handler, and what the handler leaves of it. It decides nothing
//! about how a connection is closed.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use ws_core::close::CloseCode;
use ws_core::connection::{Closed, Event, OwnedEvent};
use ws_core::error::Error;
use ws_core::handshake::Agreed;
use ws_core::message::Message;

use super::gate::Seat;
use crate::{Reader, Upgrade, Writer};

/// What a handler and the thread around it share.
pub(super) struct Desk {
    pub(super) seat: Seat,
    left: Mutex<Option<Left>>,
}

/// What a handler has let go of.
pub(super) enum Left {
    /// A request that it has not answered.
    Asked(Box<Upgrade>),
    /// A connection.
    Open(Box<(Reader, Writer)>),
}

impl Desk {
    pub(super) fn new(seat: Seat) -> Self {
        Self {
            seat,
            left: Mutex::new(None),
        }
    }

    pub(super) fn put(&self, left: Left) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(left);
    }

    pub(super) fn take(&self) -> Option<Left> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.take()
    }
}

/// An open connection of a server: the two halves of a WebSocket, because the server's own thread
/// must be able to close it while this one reads.
///
/// However a handler lets go of it, the server closes what is still open: with 1000 if the handler
/// returns, with 1011 if it panics. When the server goes down, the connection is closed with 1001,
/// and the handler reads that as [`Closed`].
pub struct Guest {
    /// There until they are taken out.
    halves: Option<(Reader, Writer)>,
    peer: SocketAddr,
    desk: Arc<Desk>,
}

impl Guest {
    pub(super) fn new(halves: (Reader, Writer), peer: SocketAddr, desk: Arc<Desk>) -> Self {
        Self {
            halves: Some(halves),
            peer,
            desk,
        }
    }

    /// Where it comes from.
    #[must_use]
    pub const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The receiving half.
    #[allow(clippy::missing_panics_doc, reason = "it never does")]
    pub fn reader(&mut self) -> &mut Reader {
        &mut self.halves.as_mut().expect(THERE).0
    }

    /// The sending half.
    #[allow(clippy::missing_panics_doc, reason = "it never does")]
    pub fn writer(&mut self) -> &mut Writer {
        &mut self.halves.as_mut().expect(THERE).1
    }

    /// Both halves, for two threads. What a handler drops of them is dropped.
    #[must_use]
    #[allow(clippy::missing_panics_doc, reason = "it never does")]
    pub fn split(mut self) -> (Reader, Writer) {
        self.halves.take().expect(THERE)
    }

    /// [`Reader::next`].
    #[allow(
        clippy::should_implement_trait,
        reason = "it does; this spares the import"
    )]
    pub fn next(&mut self) -> Option<OwnedEvent> {
        self.reader().next()
    }

    /// [`Reader::read`].
    pub fn read(&mut self) -> Option<Event<'_>> {
        self.reader().read()
    }

    /// [`Writer::send`].
    ///
    /// # Errors
    /// As [`Writer::send`].
    pub fn send<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), Error> {
        self.writer().send(message)
    }

    /// [`Writer::feed`].
    ///
    /// # Errors
    /// As [`Writer::feed`].
    pub fn feed<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), Error> {
        self.writer().feed(message)
    }

    /// [`Writer::flush`].
    ///
    /// # Errors
    /// As [`Writer::flush`].
    pub fn flush(&mut self) -> Result<(), Error> {
        self.writer().flush()
    }

    /// [`Writer::close`]: the end is for [`next`](Self::next) to tell.
    ///
    /// # Errors
    /// As [`Writer::close`].
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.writer().close(code, reason)
    }

    /// What the opening handshake agreed on.
    #[must_use]
    #[allow(clippy::missing_panics_doc, reason = "it never does")]
    pub fn agreed(&self) -> &Agreed {
        self.halves.as_ref().expect(THERE).0.agreed()
    }

    /// How it ended, once that was handed out.
    #[must_use]
    pub fn closed(&self) -> Option<&Closed> {
        self.halves.as_ref().and_then(|halves| halves.0.closed())
    }
}

const THERE: &str = "they are taken out only by what consumes this";

impl Iterator for Guest {
    type Item = OwnedEvent;

    fn next(&mut self) -> Option<OwnedEvent> {
        Self::next(self)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if let Some(halves) = self.halves.take() {
            self.desk.put(Left::Open(Box::new(halves)));
        }
    }
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest")
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}
