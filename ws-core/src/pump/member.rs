//! What a connection carries along that belongs to a server: its seat, and an ear for the server's
//! end. It closes nothing itself.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::task::Context;

use super::bell::Watch;
use super::gate::Seat;
use crate::server::Phase;

/// A connection's membership of a server, which lasts as long as the connection.
pub(super) struct Member {
    pub(super) seat: Arc<Seat>,
    watch: Box<Watch>,
    /// How far the connection knows the server to be.
    known: Phase,
}

/// What a server wants of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Order {
    /// Say goodbye.
    Close,
    /// Be gone.
    End,
}

impl Member {
    pub(super) fn new(seat: Arc<Seat>) -> Self {
        Self {
            watch: seat.gate.bell.watch(),
            seat,
            known: Phase::Serving,
        }
    }

    /// What the server wants now, each order once. If it wants nothing, the task is woken when it
    /// does.
    pub(super) fn poll(&mut self, cx: &Context<'_>) -> Option<Order> {
        let next = match self.known {
            Phase::Serving => Phase::Closing,
            Phase::Closing => Phase::Over,
            Phase::Over => return None,
        };
        if self.watch.poll(next, cx).is_pending() {
            return None;
        }
        // Once it is over nobody says goodbye any more.
        if self.seat.gate.bell.is_at(Phase::Over) {
            self.known = Phase::Over;
            return Some(Order::End);
        }
        self.known = Phase::Closing;
        Some(Order::Close)
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("known", &self.known)
            .finish_non_exhaustive()
    }
}
