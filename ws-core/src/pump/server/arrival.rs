//! A request for a WebSocket in the hands of a handler, to be answered. Whether it is well formed,
//! and of an origin that may ask, has been judged before.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt;
use core::net::SocketAddr;

use super::super::gate::Gate;
use super::super::handshake::Upgrade;
use super::super::runtime::{PollRead, PollWrite};
use super::guest::{Guest, Left, Loan};
use crate::handshake::{Accept, HandshakeError, RequestHead};
use crate::options::{AcceptError, AcceptOptions};
use crate::server::{Phase, Refusal};

/// A request that waits for an answer: [`open`](Self::open) it, [`accept`](Self::accept) it in your
/// own words, or [`reject`](Self::reject) it.
///
/// A request that a handler leaves unanswered is answered with 500.
pub struct Arrival<S, R> {
    /// There until it is answered.
    upgrade: Option<Box<Upgrade<S, R>>>,
    peer: SocketAddr,
    options: Arc<AcceptOptions>,
    /// There until it is answered, likewise.
    loan: Option<Loan<S, R>>,
}

impl<S, R> Arrival<S, R>
where
    R: PollRead<S> + PollWrite<S>,
{
    pub(super) fn new(
        upgrade: Upgrade<S, R>,
        peer: SocketAddr,
        options: Arc<AcceptOptions>,
        loan: Loan<S, R>,
    ) -> Self {
        Self {
            upgrade: Some(Box::new(upgrade)),
            peer,
            options,
            loan: Some(loan),
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

    /// The stream underneath: whether it is TLS, who the client has shown itself to be.
    #[must_use]
    #[allow(clippy::missing_panics_doc, reason = "it never does")]
    pub fn stream(&self) -> &S {
        self.upgrade.as_ref().expect(THERE).stream()
    }

    /// Accepts as the server's options say.
    ///
    /// # Errors
    /// The client is gone, or the server goes down: then the client got 503.
    ///
    /// # Cancel safety
    /// If the future is dropped, the stream is dropped with it.
    pub async fn open(self) -> Result<Guest<S, R>, AcceptError> {
        match self.options.judge(&self.request()) {
            Ok(answer) => self.accept(answer).await,
            Err(status) => {
                self.reject(status, &[], b"").await?;
                Err(HandshakeError::Refused { status }.into())
            }
        }
    }

    /// Accepts.
    ///
    /// # Errors
    /// As [`open`](Self::open), or the answer can't be given.
    ///
    /// # Cancel safety
    /// As [`open`](Self::open).
    #[allow(clippy::missing_panics_doc, reason = "it never does")]
    pub async fn accept(mut self, answer: Accept) -> Result<Guest<S, R>, AcceptError> {
        let loan = self.loan.take().expect(THERE);
        let gate = Arc::clone(&loan.desk.seat.gate);
        if gate.bell.is_at(Phase::Closing) {
            let (status, wait) = (Refusal::Closing.status(), retry_after(&gate));
            let wait = [("Retry-After", &*wait)];
            let text = Refusal::Closing.text().as_bytes();
            self.reject(status, &wait, text).await?;
            return Err(HandshakeError::Refused { status }.into());
        }
        let upgrade = self.upgrade.take().expect(THERE);
        let socket = upgrade.accept(answer).await?;
        loan.desk.seat.opened();
        Ok(Guest::new(socket, self.peer, loan))
    }

    /// Refuses, with headers and a body, and returns when the client has the answer, or is gone. The
    /// status is one from 300 to 599: no other refuses a request.
    ///
    /// # Errors
    /// The answer can't be given; the stream is closed without one.
    ///
    /// # Cancel safety
    /// If the future is dropped, the stream is dropped with it, whether or not it has the answer.
    #[allow(clippy::missing_panics_doc, reason = "it never does")]
    pub async fn reject(
        mut self,
        status: u16,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<(), AcceptError> {
        let upgrade = self.upgrade.take().expect(THERE);
        upgrade.reject(status, headers, body).await
    }
}

const THERE: &str = "it is taken out only by what consumes this";

/// What `Retry-After` says.
pub(super) fn retry_after(gate: &Gate) -> String {
    gate.ask(|door| door.limits().retry_after.as_secs().to_string())
}

impl<S, R> Drop for Arrival<S, R> {
    fn drop(&mut self) {
        if let (Some(upgrade), Some(loan)) = (self.upgrade.take(), self.loan.take()) {
            loan.give_back(Left::Asked(upgrade));
        }
    }
}

impl<S, R> fmt::Debug for Arrival<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrival")
            .field("peer", &self.peer)
            .field("upgrade", &self.upgrade)
            .finish_non_exhaustive()
    }
}
