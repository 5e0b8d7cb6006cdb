//! A request for a WebSocket in the hands of a handler, to be answered. Whether it is well formed,
//! and of an origin that may ask, has been judged before.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, ThreadId};

use ws_core::handshake::{Accept, HandshakeError, RequestHead};
use ws_core::options::AcceptError;
use ws_core::server::{Phase, Refusal};

use super::Rules;
use super::gate::{Gate, Seat};
use super::guest::Guest;
use super::part::{Left, part};
use crate::{Stream, Upgrade};

/// A request that waits for an answer: [`open`](Self::open) it, [`accept`](Self::accept) it in your
/// own words, or [`reject`](Self::reject) it.
///
/// There is no hurry: the handshake's time limit is the client's, and an answer has all of it again to
/// be written in. A request that is dropped unanswered is answered with 500, wherever that happens: in
/// the handler's thread that is waited for, 5 s at most.
pub struct Arrival {
    /// There until it is answered.
    upgrade: Option<Box<Upgrade>>,
    peer: SocketAddr,
    rules: Arc<Rules>,
    seat: Arc<Seat>,
    /// The thread of this connection.
    home: ThreadId,
}

impl Arrival {
    pub(super) fn new(
        upgrade: Upgrade,
        peer: SocketAddr,
        rules: Arc<Rules>,
        seat: Arc<Seat>,
    ) -> Self {
        Self {
            upgrade: Some(Box::new(upgrade)),
            peer,
            rules,
            seat,
            home: thread::current().id(),
        }
    }

    /// Where it comes from.
    #[must_use]
    pub const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// What the client asks for.
    #[must_use]
    #[allow(clippy::missing_panics_doc, reason = "it never does")]
    pub fn request(&self) -> RequestHead<'_> {
        self.upgrade.as_ref().expect(THERE).request()
    }

    /// The stream underneath.
    #[must_use]
    #[allow(clippy::missing_panics_doc, reason = "it never does")]
    pub fn stream(&self) -> &Stream {
        self.upgrade.as_ref().expect(THERE).stream()
    }

    /// Accepts as the server's options say.
    ///
    /// # Errors
    /// The client is gone, or the server goes down: then the client got 503.
    pub fn open(self) -> Result<Guest, AcceptError> {
        match self.rules.judging.judge(&self.request()) {
            Ok(answer) => self.accept(answer),
            Err(status) => {
                self.reject(status, &[], b"")?;
                Err(HandshakeError::Refused { status }.into())
            }
        }
    }

    /// Accepts.
    ///
    /// # Errors
    /// As [`open`](Self::open), or the answer can't be given.
    #[allow(clippy::missing_panics_doc, reason = "it never does")]
    pub fn accept(mut self, answer: Accept) -> Result<Guest, AcceptError> {
        let gate = Arc::clone(&self.seat.gate);
        if gate.ask(|door| door.phase()) != Phase::Serving {
            let (status, wait) = (Refusal::Closing.status(), retry_after(&gate));
            let text = Refusal::Closing.text().as_bytes();
            self.reject(status, &[("Retry-After", &wait)], text)?;
            return Err(HandshakeError::Refused { status }.into());
        }
        let upgrade = self.upgrade.take().expect(THERE);
        let socket = upgrade.accept(answer)?;
        let mut halves = socket.split().map_err(gone)?;
        let patience = self.rules.options.limits.write_timeout;
        halves.1.give_up_after(patience);
        let seat = Arc::clone(&self.seat);
        halves.1.hold(Arc::clone(&seat) as _);
        seat.opened(halves.1.remote());
        Ok(Guest::new(halves, self.peer, seat, self.home))
    }

    /// Refuses, with headers and a body, and returns when the client has the answer, or is gone. The
    /// status is one from 300 to 599: no other refuses a request.
    ///
    /// # Errors
    /// The answer can't be given; the stream is closed without one.
    #[allow(clippy::missing_panics_doc, reason = "it never does")]
    pub fn reject(
        mut self,
        status: u16,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<(), AcceptError> {
        let upgrade = self.upgrade.take().expect(THERE);
        upgrade.reject(status, headers, body)
    }
}

const THERE: &str = "it is taken out only by what consumes this";

/// The connection ends before it has begun.
fn gone(error: std::io::Error) -> AcceptError {
    let end = error.kind().into();
    HandshakeError::Ended { end, received: 0 }.into()
}

/// What `Retry-After` says.
pub(super) fn retry_after(gate: &Gate) -> String {
    gate.ask(|door| door.limits().retry_after.as_secs().to_string())
}

impl Drop for Arrival {
    fn drop(&mut self) {
        if let Some(upgrade) = self.upgrade.take() {
            part(Left::Asked(upgrade), &self.seat, self.home);
        }
    }
}

impl fmt::Debug for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrival")
            .field("peer", &self.peer)
            .field("upgrade", &self.upgrade)
            .finish_non_exhaustive()
    }
}
