//! The door, as all tasks of a server share it, and the handle to the server. It decides nothing:
//! the [`Admission`] does.

#![allow(
    clippy::disallowed_types,
    reason = "all tasks of a server share it; held for a few instructions"
)]

use alloc::sync::Arc;
use core::fmt;
use core::future::poll_fn;
use std::sync::{Mutex, PoisonError};

use super::super::bell::Bell;
use super::super::runtime::Runtime;
use crate::server::{Admission, Counts, Phase, ServerLimits, Ticket};

/// The door and its bell.
#[derive(Debug)]
pub(super) struct Gate {
    door: Mutex<Admission>,
    pub(super) bell: Arc<Bell>,
}

impl Gate {
    pub(super) fn new(limits: ServerLimits) -> Arc<Self> {
        Arc::new(Self {
            door: Mutex::new(Admission::new(limits)),
            bell: Bell::new(),
        })
    }

    /// Asks the door.
    pub(super) fn ask<T>(&self, f: impl FnOnce(&Admission) -> T) -> T {
        f(&self.door.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells the door something; whoever waits for what comes of it is woken.
    pub(super) fn with<T>(&self, f: impl FnOnce(&mut Admission) -> T) -> T {
        let mut door = self.door.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = f(&mut door);
        let (phase, empty) = (door.phase(), door.is_empty());
        drop(door);
        let news = !self.bell.is_at(phase);
        if news || (empty && phase != Phase::Serving) {
            self.bell.ring(phase);
        }
        answer
    }
}

/// A ticket that gives itself back.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) gate: Arc<Gate>,
    ticket: Mutex<Option<Ticket>>,
}

impl Seat {
    pub(super) fn new(gate: Arc<Gate>, ticket: Ticket) -> Self {
        Self {
            gate,
            ticket: Mutex::new(Some(ticket)),
        }
    }

    /// The opening handshake is done.
    pub(super) fn opened(&self) {
        let mut ticket = self.ticket.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ticket) = &mut *ticket {
            self.gate.with(|door| door.opened(ticket));
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let ticket = self
            .ticket
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(ticket) = ticket.take() {
            self.gate.with(|door| door.left(ticket));
        }
    }
}

/// A handle to a server, to look at its numbers and to shut it down. Clones are of the same server.
#[derive(Clone)]
pub struct Handle<R> {
    pub(super) gate: Arc<Gate>,
    pub(super) runtime: R,
}

impl<R: Runtime> Handle<R> {
    /// Accepts nobody from now on, closes all connections with 1001, and drops those that are left
    /// when `ServerLimits::drain_timeout` has passed. Saying it again changes nothing.
    pub fn shutdown(&self) {
        let now = self.runtime.now();
        self.gate.with(|door| door.shutdown(now));
    }

    /// Ends the server at once: all its connections are dropped.
    pub fn abort(&self) {
        self.gate.with(Admission::abort);
    }

    /// The server's numbers.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.gate.ask(Admission::counts)
    }

    /// How far the server's life has come.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.gate.ask(Admission::phase)
    }

    /// Waits until the server is asked to go down: for the tasks of an application that are not
    /// handlers.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub async fn closing(&self) {
        let mut watch = self.gate.bell.watch();
        poll_fn(|cx| watch.poll(Phase::Closing, cx)).await;
    }
}

impl<R> fmt::Debug for Handle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("counts", &self.gate.ask(Admission::counts))
            .finish_non_exhaustive()
    }
}
