//! The door, as all tasks of a server share it, and a connection's seat behind it. It decides nothing:
//! the [`Admission`] does.

#![allow(
    clippy::disallowed_types,
    reason = "all tasks of a server share it; held for a few instructions"
)]

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::bell::Bell;
use crate::server::{Admission, Phase, ServerLimits, Ticket};

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

/// A ticket that gives itself back when nobody holds it any more: neither the task that serves the
/// connection, nor the connection itself, wherever that has gone.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) gate: Arc<Gate>,
    ticket: Mutex<Option<Ticket>>,
    /// What the ticket knows of it, so that the door is only told what is new.
    stalled: AtomicBool,
}

impl Seat {
    pub(super) fn new(gate: Arc<Gate>, ticket: Ticket) -> Arc<Self> {
        Arc::new(Self {
            gate,
            ticket: Mutex::new(Some(ticket)),
            stalled: AtomicBool::new(false),
        })
    }

    fn with_ticket(&self, f: impl FnOnce(&mut Admission, &mut Ticket)) {
        let mut ticket = self.ticket.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ticket) = &mut *ticket {
            self.gate.with(|door| f(door, ticket));
        }
    }

    /// The opening handshake is done.
    pub(super) fn opened(&self) {
        self.with_ticket(Admission::opened);
    }

    /// Whether bytes wait for the client to take them.
    pub(super) fn stalled(&self, stalled: bool) {
        if self.stalled.load(Ordering::Relaxed) != stalled {
            self.stalled.store(stalled, Ordering::Relaxed);
            self.with_ticket(|door, ticket| door.stalled(ticket, stalled));
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
