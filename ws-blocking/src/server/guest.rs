//! A connection in the hands of a handler. It decides nothing about how a connection is closed.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::ThreadId;

use ws_core::close::CloseCode;
use ws_core::connection::{Closed, Event, OwnedEvent};
use ws_core::error::Error;
use ws_core::handshake::Agreed;
use ws_core::message::Message;

use super::gate::Seat;
use super::part::{Left, part};
use crate::{Reader, Writer};

/// An open connection of a server: the two halves of a WebSocket, because the server's own thread
/// must be able to close it while this one reads.
///
/// However it is dropped, the server closes what is still open: with 1000, or with 1011 if a panic
/// drops it. In the handler's own thread that is waited for, `Config::close_timeout` at most; another
/// thread that drops it waits for nothing. When the server goes down, the connection is closed with
/// 1001, and whoever reads sees that as [`Closed`].
///
/// It may leave its handler: it counts, and the server waits for it and ends it when it goes down, for
/// as long as it exists, wherever it is.
pub struct Guest {
    /// There until they are taken out.
    halves: Option<(Reader, Writer)>,
    peer: SocketAddr,
    seat: Arc<Seat>,
    /// The thread of this connection.
    home: ThreadId,
}

impl Guest {
    pub(super) const fn new(
        halves: (Reader, Writer),
        peer: SocketAddr,
        seat: Arc<Seat>,
        home: ThreadId,
    ) -> Self {
        Self {
            halves: Some(halves),
            peer,
            seat,
            home,
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

    /// Both halves, for two threads. What is dropped of them is dropped as it is; the server says
    /// nothing for it. Until both are gone they count as this does, and are closed with 1001 when the
    /// server goes down.
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
            part(Left::Open(Box::new(halves)), &self.seat, self.home);
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
