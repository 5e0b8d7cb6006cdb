//! The door, as all threads of a server share it, and how each connection is told from outside that
//! it is over. It decides nothing: the [`Admission`] does.

use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mio::{Token, Waker};
use ws_core::Instant;
use ws_core::server::{Admission, Farewell, Phase, ServerLimits, Ticket};

use crate::Writer;
use crate::driver::Anchor;

/// What the accepting thread waits for.
pub(super) const LISTENER: Token = Token(0);
pub(super) const WAKER: Token = Token(1);

pub(super) struct Gate {
    clock: Anchor,
    inside: Mutex<Inside>,
    waker: Waker,
}

struct Inside {
    door: Admission,
    next: u64,
    /// Everyone who is here, by number.
    live: BTreeMap<u64, Live>,
}

/// How a connection is reached while its own thread waits for its peer.
struct Live {
    /// The socket, to end it: its write side may be taken by a write that never ends.
    tcp: TcpStream,
    /// Nothing can be said before the handshake is done.
    writer: Option<Writer>,
}

impl Gate {
    pub(super) fn new(limits: ServerLimits, waker: Waker) -> Self {
        Self {
            clock: Anchor::new(),
            inside: Mutex::new(Inside {
                door: Admission::new(limits),
                next: 0,
                live: BTreeMap::new(),
            }),
            waker,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Asks the door.
    pub(super) fn ask<T>(&self, f: impl FnOnce(&Admission) -> T) -> T {
        f(&self.lock().door)
    }

    /// Tells the door something.
    pub(super) fn with<T>(&self, f: impl FnOnce(&mut Admission, Instant) -> T) -> T {
        f(&mut self.lock().door, self.clock.now())
    }

    /// Wakes the accepting thread. If that fails it looks at the next deadline.
    pub(super) fn wake(&self) {
        let _ = self.waker.wake();
    }

    /// Takes in a connection.
    pub(super) fn seat(self: &Arc<Self>, ticket: Ticket, tcp: &TcpStream) -> io::Result<Seat> {
        let mut inside = self.lock();
        inside.next += 1;
        let seat = Seat {
            gate: Arc::clone(self),
            id: inside.next,
            ticket: Mutex::new(Some(ticket)),
        };
        let seated = tcp.try_clone().map(|tcp| {
            let live = Live { tcp, writer: None };
            inside.live.insert(seat.id, live);
        });
        // A seat that is not taken is given back, which needs the lock.
        drop(inside);
        seated.map(|()| seat)
    }

    /// Says to all that the server goes down. Those who have not asked yet need no answer.
    pub(super) fn close_all(&self) {
        let mut writers = Vec::new();
        for live in self.lock().live.values() {
            match &live.writer {
                Some(writer) => writers.push(writer.again()),
                None => drop(live.tcp.shutdown(Shutdown::Read)),
            }
        }
        let farewell = Farewell::Shutdown;
        for mut writer in writers {
            writer.close_in_passing(farewell.code(), farewell.reason());
        }
    }

    /// Ends all connections that are left; their threads see that as the end of the transport.
    pub(super) fn cut_all(&self) {
        for live in self.lock().live.values() {
            // One that is gone already needs no end.
            let _ = live.tcp.shutdown(Shutdown::Both);
        }
    }
}

/// A ticket that gives itself back.
pub(super) struct Seat {
    pub(super) gate: Arc<Gate>,
    id: u64,
    ticket: Mutex<Option<Ticket>>,
}

impl Seat {
    /// The opening handshake is done: from now on the connection is closed in its own words.
    pub(super) fn opened(&self, writer: Writer) {
        let mut ticket = self.ticket.lock().unwrap_or_else(PoisonError::into_inner);
        let mut inside = self.gate.lock();
        if let Some(ticket) = &mut *ticket {
            inside.door.opened(ticket);
        }
        if let Some(live) = inside.live.get_mut(&self.id) {
            live.writer = Some(writer);
        }
        let late = inside.door.phase() != Phase::Serving;
        drop(inside);
        if late {
            // It may have opened between being counted and being told.
            self.gate.close_all();
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let ticket = self
            .ticket
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        let mut inside = self.gate.lock();
        let live = inside.live.remove(&self.id);
        if let Some(ticket) = ticket.take() {
            inside.door.left(ticket);
        }
        let last = inside.door.is_empty() && inside.door.phase() != Phase::Serving;
        drop(inside);
        drop(live);
        if last {
            self.gate.wake();
        }
    }
}
