//! A connection in the hands of a handler, and what the handler leaves of it. It decides nothing
//! about how a connection is closed.

#![allow(
    clippy::disallowed_types,
    reason = "a handler and its task share it; held for a few instructions"
)]

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::net::SocketAddr;
use core::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use super::super::handshake::Upgrade;
use super::super::socket::WebSocket;
use super::gate::Seat;

/// What a handler and the task that runs it share.
pub(super) struct Desk<S, R> {
    pub(super) seat: Seat,
    left: Mutex<Option<Left<S, R>>>,
}

/// What a handler has let go of.
pub(super) enum Left<S, R> {
    /// A request that it has not answered.
    Asked(Box<Upgrade<S, R>>),
    /// A connection.
    Open(Box<WebSocket<S, R>>),
}

impl<S, R> Desk<S, R> {
    pub(super) fn new(seat: Seat) -> Self {
        Self {
            seat,
            left: Mutex::new(None),
        }
    }

    pub(super) fn put(&self, left: Left<S, R>) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(left);
    }

    pub(super) fn take(&self) -> Option<Left<S, R>> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.take()
    }
}

/// An open connection of a server: a [`WebSocket`], used as one.
///
/// It belongs to its handler: one that is moved out of it, into another task for example, is no longer
/// the server's affair once the handler has returned.
///
/// However a handler lets go of it, the server closes what is still open: with 1000 if the handler
/// returns, with 1011 if it panics. When the server goes down, the connection is closed with 1001 as
/// soon as the handler reads, and the handler sees that as [`Closed`](crate::connection::Closed).
pub struct Guest<S, R> {
    /// There until it is taken out. Boxed, because a future that is given it holds it twice: where
    /// it came in, and where it is used.
    socket: Option<Box<WebSocket<S, R>>>,
    peer: SocketAddr,
    desk: Arc<Desk<S, R>>,
}

impl<S, R> Guest<S, R> {
    pub(super) fn new(
        mut socket: WebSocket<S, R>,
        peer: SocketAddr,
        desk: Arc<Desk<S, R>>,
    ) -> Self {
        let extra = socket.extra.get_or_insert_default();
        extra.watch = Some(desk.seat.gate.bell.watch());
        Self {
            socket: Some(Box::new(socket)),
            peer,
            desk,
        }
    }

    /// Where it comes from.
    #[must_use]
    pub const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The WebSocket itself, to split it for example. When the server goes down it is still closed
    /// with 1001, if it is read from (or its reader is); but what a handler drops of it is dropped,
    /// and when the handler has returned it no longer counts for the server, which does not wait for
    /// it: keep the handler running for as long as the connection.
    #[must_use]
    #[allow(clippy::missing_panics_doc, reason = "it never does")]
    pub fn into_inner(mut self) -> WebSocket<S, R> {
        *self.socket.take().expect(THERE)
    }
}

const THERE: &str = "it is taken out only by what consumes this";

impl<S, R> Deref for Guest<S, R> {
    type Target = WebSocket<S, R>;

    fn deref(&self) -> &WebSocket<S, R> {
        self.socket.as_ref().expect(THERE)
    }
}

impl<S, R> DerefMut for Guest<S, R> {
    fn deref_mut(&mut self) -> &mut WebSocket<S, R> {
        self.socket.as_mut().expect(THERE)
    }
}

impl<S, R> Drop for Guest<S, R> {
    fn drop(&mut self) {
        if let Some(socket) = self.socket.take() {
            self.desk.put(Left::Open(socket));
        }
    }
}

impl<S, R> fmt::Debug for Guest<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest")
            .field("peer", &self.peer)
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}
