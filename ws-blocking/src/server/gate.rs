//! The door, as all threads of a server share it, and how each connection is told from outside that
//! it is over. It decides nothing: the [`Admission`] does.

use std::collections::BTreeMap;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use mio::{Token, Waker};
use ws_core::Instant;
use ws_core::server::{Admission, Counts, Farewell, Phase, ServerLimits, Ticket};

use crate::driver::Anchor;
use crate::split::Remote;

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

impl Inside {
    fn remotes(&self) -> impl Iterator<Item = &Remote> {
        self.live.values().filter_map(|live| live.remote.as_ref())
    }
}

/// How a connection is reached while another thread waits for its peer. Whoever serves it closes it
/// by dropping it: nothing here keeps it open.
struct Live {
    /// The socket, to end it: its write side may be taken by a write that never ends.
    tcp: Weak<TcpStream>,
    /// Nothing can be said before the handshake is done.
    remote: Option<Remote>,
}

impl Live {
    fn shutdown(&self, how: Shutdown) {
        if let Some(tcp) = self.tcp.upgrade() {
            // One that is gone already needs no end.
            let _ = tcp.shutdown(how);
        }
    }
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

    /// The door's numbers, and how many clients take less than is sent to them.
    pub(super) fn counts(&self) -> Counts {
        let inside = self.lock();
        let mut counts = inside.door.counts();
        let open: Vec<Remote> = inside.remotes().cloned().collect();
        // As in `close_all`.
        drop(inside);
        counts.stalled = open.iter().filter(|remote| remote.is_stalled()).count();
        counts
    }

    /// Wakes the accepting thread. If that fails it looks at the next deadline.
    pub(super) fn wake(&self) {
        let _ = self.waker.wake();
    }

    /// Takes in a connection.
    pub(super) fn seat(self: &Arc<Self>, ticket: Ticket, tcp: &Arc<TcpStream>) -> Arc<Seat> {
        let mut inside = self.lock();
        inside.next += 1;
        let id = inside.next;
        let live = Live {
            tcp: Arc::downgrade(tcp),
            remote: None,
        };
        inside.live.insert(id, live);
        Arc::new(Seat {
            gate: Arc::clone(self),
            id,
            ticket: Mutex::new(Some(ticket)),
        })
    }

    /// Says to all that the server goes down, and waits for nobody. Those who have not asked yet need
    /// no answer.
    pub(super) fn close_all(&self) {
        let mut open = Vec::new();
        for live in self.lock().live.values() {
            match &live.remote {
                Some(remote) => open.push(remote.clone()),
                None => live.shutdown(Shutdown::Read),
            }
        }
        // Without the lock: a connection that goes meanwhile gives its seat back.
        for remote in open {
            go_away(&remote);
        }
    }

    /// Ends all connections that are left; whoever serves them sees that as the end of the transport.
    pub(super) fn cut_all(&self) {
        for live in self.lock().live.values() {
            live.shutdown(Shutdown::Both);
        }
    }
}

fn go_away(remote: &Remote) {
    let farewell = Farewell::Shutdown;
    remote.close(farewell.code(), farewell.reason());
}

/// However the server ends, nothing of it goes on, and its handles know.
pub(super) struct End(pub(super) Arc<Gate>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.with(|door, _| door.abort());
        self.0.cut_all();
    }
}

/// A ticket that gives itself back when the last who has to do with the connection is gone: the
/// thread that serves it, and the connection itself, wherever that is.
pub(super) struct Seat {
    pub(super) gate: Arc<Gate>,
    id: u64,
    ticket: Mutex<Option<Ticket>>,
}

impl Seat {
    /// The opening handshake is done: from now on the connection is closed in its own words.
    pub(super) fn opened(&self, remote: Remote) {
        let mut ticket = self.ticket.lock().unwrap_or_else(PoisonError::into_inner);
        let mut inside = self.gate.lock();
        if let Some(ticket) = &mut *ticket {
            inside.door.opened(ticket);
        }
        // It may have opened after the others were told.
        let late = match inside.door.phase() {
            Phase::Serving => None,
            Phase::Closing => Some(remote.clone()),
            Phase::Over => {
                let live = inside.live.get(&self.id);
                live.inspect(|live| live.shutdown(Shutdown::Both));
                None
            }
        };
        if let Some(live) = inside.live.get_mut(&self.id) {
            live.remote = Some(remote);
        }
        drop((inside, ticket));
        if let Some(remote) = late {
            go_away(&remote);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Reader, Stream, WebSocket, Writer};
    use mio::Poll;
    use std::io::Read;
    use std::net::TcpListener;
    use ws_core::handshake::{Agreed, Opened};
    use ws_core::server::Verdict;
    use ws_core::{Role, Seed};

    struct Client {
        seat: Arc<Seat>,
        halves: (Reader, Writer),
        /// Its own end.
        tcp: TcpStream,
    }

    fn arrive(gate: &Arc<Gate>) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let tcp = TcpStream::connect(address).expect("a connection");
        let near = Arc::new(listener.accept().expect("its other end").0);
        let Verdict::Admit(ticket) = gate.with(|door, _| door.arrived(None)) else {
            panic!("there is room");
        };
        let seat = gate.seat(ticket, &near);
        let opened = Opened::upgraded(Role::Server, Agreed::default(), &[], Seed::new([7; 32]));
        let socket = WebSocket::upgraded(Stream::shared(near), opened, &Config::default());
        let halves = socket.split().expect("halves");
        Client { seat, halves, tcp }
    }

    fn is_open(client: &mut Client) -> bool {
        client.halves.1.with_sender(|sender| sender.is_open())
    }

    #[test]
    fn who_opens_too_late_is_told_alone() {
        let poll = Poll::new().expect("a poll");
        let waker = Waker::new(poll.registry(), WAKER).expect("a waker");
        let gate = Arc::new(Gate::new(ServerLimits::default(), waker));
        let [mut early, mut late, latest] = [(); 3].map(|()| arrive(&gate));
        early.seat.opened(early.halves.1.remote());
        assert!(is_open(&mut early));

        gate.with(|door, now| door.shutdown(now));
        late.seat.opened(late.halves.1.remote());
        let mut said = [0; 4];
        late.tcp.read_exact(&mut said).expect("a Close frame");
        assert_eq!((said[0], &said[2..]), (0x88, &[3, 233][..]));
        assert!(!is_open(&mut late));
        assert!(is_open(&mut early), "it is told with the others");
        gate.close_all();
        assert!(!is_open(&mut early));

        gate.with(|door, _| door.abort());
        let Client {
            seat,
            halves,
            mut tcp,
        } = latest;
        seat.opened(halves.1.remote());
        assert_eq!(tcp.read(&mut said).expect("an orderly end"), 0, "cut");
        assert_eq!(gate.ask(|door| door.counts().open), 3);
        drop((early, late, seat));
        assert!(gate.ask(Admission::is_empty));
    }
}
