//! A connection in the hands of a handler, and what the handler leaves of it. It decides nothing
//! about how a connection is closed.

#![allow(
    clippy::disallowed_types,
    reason = "a handler and its task share it; held for a few instructions"
)]

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::future::poll_fn;
use core::mem::replace;
use core::net::SocketAddr;
use core::ops::{Deref, DerefMut};
use core::task::{Poll, Waker};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::gate::Seat;
use super::super::handshake::Upgrade;
use super::super::member::Member;
use super::super::socket::WebSocket;

/// What a handler and the task that runs it share: where a connection is put back.
pub(super) struct Desk<S, R> {
    pub(super) seat: Arc<Seat>,
    place: Mutex<Place<S, R>>,
}

enum Place<S, R> {
    /// It is in somebody's hands; the task waits for it.
    Lent(Option<Waker>),
    /// Somebody has let go of it, by a panic or not.
    Back(Left<S, R>, bool),
    /// There is nothing to come back.
    Gone,
}

/// What a handler has let go of.
pub(super) enum Left<S, R> {
    /// A request that it has not answered.
    Asked(Box<Upgrade<S, R>>),
    /// A connection.
    Open(Box<WebSocket<S, R>>),
}

impl<S, R> Desk<S, R> {
    pub(super) fn new(seat: Arc<Seat>) -> Arc<Self> {
        Arc::new(Self {
            seat,
            place: Mutex::new(Place::Gone),
        })
    }

    /// What is given out has to come back.
    pub(super) fn lend(self: &Arc<Self>) -> Loan<S, R> {
        *self.lock() = Place::Lent(None);
        Loan {
            desk: Arc::clone(self),
        }
    }

    /// Waits for it to come back, wherever it went, and says whether a panic has let go of it. `None`
    /// if it has gone for good.
    pub(super) async fn returned(&self) -> Option<(Left<S, R>, bool)> {
        poll_fn(|cx| {
            let mut place = self.lock();
            match replace(&mut *place, Place::Gone) {
                Place::Lent(_) => {
                    *place = Place::Lent(Some(cx.waker().clone()));
                    Poll::Pending
                }
                Place::Back(left, panicked) => Poll::Ready(Some((left, panicked))),
                Place::Gone => Poll::Ready(None),
            }
        })
        .await
    }

    fn put(&self, place: Place<S, R>) {
        let before = replace(&mut *self.lock(), place);
        if let Place::Lent(Some(waker)) = before {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Place<S, R>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Goes along with what was lent, and says what became of it.
pub(super) struct Loan<S, R> {
    pub(super) desk: Arc<Desk<S, R>>,
}

impl<S, R> Loan<S, R> {
    pub(super) fn give_back(self, left: Left<S, R>) {
        self.desk.put(Place::Back(left, std::thread::panicking()));
    }
}

impl<S, R> Drop for Loan<S, R> {
    fn drop(&mut self) {
        let mut place = self.desk.lock();
        if let Place::Lent(waker) = &mut *place {
            let waker = waker.take();
            *place = Place::Gone;
            drop(place);
            waker.into_iter().for_each(Waker::wake);
        }
    }
}

/// An open connection of a server: a [`WebSocket`], used as one.
///
/// Wherever it is dropped, in its handler or in another task, the server closes what is still open:
/// with 1000, or with 1011 if a panic drops it. When the server goes down, the connection is
/// closed with 1001 as soon as somebody reads, who sees that as
/// [`Closed`](crate::connection::Closed); at the drain deadline it is ended. It counts for the server
/// for as long as it exists.
pub struct Guest<S, R> {
    /// There until it is taken out. Boxed, because a future that is given it holds it twice: where
    /// it came in, and where it is used.
    socket: Option<Box<WebSocket<S, R>>>,
    peer: SocketAddr,
    loan: Option<Loan<S, R>>,
}

impl<S, R> Guest<S, R> {
    pub(super) fn new(mut socket: WebSocket<S, R>, peer: SocketAddr, loan: Loan<S, R>) -> Self {
        let extra = socket.extra.get_or_insert_default();
        extra.member = Some(Member::new(Arc::clone(&loan.desk.seat)));
        Self {
            socket: Some(Box::new(socket)),
            peer,
            loan: Some(loan),
        }
    }

    /// Where it comes from.
    #[must_use]
    pub const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The WebSocket itself, to split it for example. It still counts for the server, is closed with
    /// 1001 and ended at the drain deadline, if it is read from (or its reader is); only what is
    /// dropped of it is dropped, without a Close frame.
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
        if let (Some(socket), Some(loan)) = (self.socket.take(), self.loan.take()) {
            loan.give_back(Left::Open(socket));
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
