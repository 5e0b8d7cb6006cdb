//! The accept loop of every server on mio: one thread, edges of readiness, no tasks.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::time::Instant as Clock;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use ws_core::Instant;

/// One connection of such a server.
pub(in crate::servers) trait Client {
    /// What the connections of the loop share.
    type Shared: Default;

    /// Takes a connection over.
    fn new(socket: TcpStream, now: Instant) -> Self;

    /// Does what can be done without waiting, and says whether the connection stays.
    fn turn(&mut self, shared: &mut Self::Shared, now: Instant) -> bool;

    /// When it wants a turn although its socket is quiet.
    fn deadline(&mut self) -> Option<Instant> {
        None
    }
}

const LISTENER: Token = Token(usize::MAX);

struct Loop<C: Client> {
    poll: Poll,
    listener: TcpListener,
    origin: Clock,
    clients: BTreeMap<Token, C>,
    deadlines: BTreeSet<(Instant, Token)>,
    next: usize,
    shared: C::Shared,
}

/// Serves every connection as a `C`.
pub(in crate::servers) fn serve<C: Client>(listener: std::net::TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut listener = TcpListener::from_std(listener);
    let poll = Poll::new()?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    let origin = Clock::now();
    Loop {
        poll,
        listener,
        origin,
        clients: BTreeMap::<_, C>::new(),
        deadlines: BTreeSet::new(),
        next: 0,
        shared: C::Shared::default(),
    }
    .run()
}

impl<C: Client> Loop<C> {
    fn now(&self) -> Instant {
        Instant::ORIGIN + self.origin.elapsed()
    }

    fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            let wait = self.deadlines.first().map(|(at, _)| *at - self.now());
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            let now = self.now();
            for event in &events {
                match event.token() {
                    LISTENER => self.accept(now),
                    token => self.turn(token, now),
                }
            }
            while let Some(&(at, token)) = self.deadlines.first() {
                if at > now {
                    break;
                }
                self.turn(token, now);
            }
        }
    }

    fn accept(&mut self, now: Instant) {
        while let Ok((mut socket, _)) = self.listener.accept() {
            let token = Token(self.next);
            self.next += 1;
            let interest = Interest::READABLE | Interest::WRITABLE;
            let registered = self.poll.registry().register(&mut socket, token, interest);
            if registered.and_then(|()| socket.set_nodelay(true)).is_ok() {
                self.clients.insert(token, C::new(socket, now));
                self.turn(token, now);
            }
        }
    }

    fn turn(&mut self, token: Token, now: Instant) {
        let Some(client) = self.clients.get_mut(&token) else {
            return;
        };
        if let Some(at) = client.deadline() {
            self.deadlines.remove(&(at, token));
        }
        if !client.turn(&mut self.shared, now) {
            self.clients.remove(&token);
        } else if let Some(at) = client.deadline() {
            self.deadlines.insert((at, token));
        }
    }
}
