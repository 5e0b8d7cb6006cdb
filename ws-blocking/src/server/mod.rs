//! A server of threads: one accepts, and each connection has its own, no more of them than the limits
//! allow. Whom it lets in and how it goes down is decided by the core; here threads are started,
//! told, and waited for.

mod arrival;
mod gate;
mod guest;
mod thread;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use mio::{Events, Interest, Poll};
use ws_core::options::{AcceptOptions, ServerOptions};
use ws_core::server::{AcceptFault, Admission, Verdict};
pub use ws_core::server::{Counts, Phase, Refusal, ServerLimits};

pub use arrival::Arrival;
use gate::{Gate, LISTENER, WAKER};
pub use guest::Guest;

/// A server: it accepts connections within limits and runs a handler for each, in a thread of its
/// own.
///
/// What a handler does to itself it does not do to the server: if it panics, its connection is
/// closed with 1011. If it returns and leaves the connection open, that is closed with 1000. Pages of
/// other sites are refused with 403 unless [`ServerOptions::origins`] says otherwise, and what is
/// over the [`ServerLimits`] with 503 or 429. A connection that is served takes a thread, and so does
/// one that is refused: [`ServerOptions::threads`] has limits that suit that.
///
/// ```
/// use std::thread;
/// use ws_blocking::server::{Guest, Server};
/// use ws_blocking::{OwnedEvent, ServerOptions, connect};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::bind("127.0.0.1:0", ServerOptions::threads())?;
/// let (address, handle) = (server.local_addr()?, server.handle());
/// let serving = thread::spawn(|| {
///     server.run(|mut socket: Guest| {
///         while let Some(event) = socket.next() {
///             if let Some(message) = event.into_message() {
///                 let _ = socket.send(message);
///             }
///         }
///     })
/// });
///
/// let mut client = connect(format!("ws://{address}/"))?;
/// client.send("hello")?;
/// assert_eq!(client.next(), Some(OwnedEvent::Text("hello".into())));
/// assert_eq!(handle.counts().open, 1);
///
/// handle.shutdown(); // its connections are closed with 1001
/// while client.next().is_some() {}
/// assert_eq!(client.closed().unwrap().code.get(), 1001);
/// assert_eq!(serving.join().unwrap()?.open, 0);
/// # Ok(())
/// # }
/// ```
pub struct Server {
    listener: TcpListener,
    poll: Poll,
    gate: Arc<Gate>,
    rules: Arc<Rules>,
}

/// What the threads of a server share.
struct Rules {
    options: ServerOptions,
    /// How requests are judged.
    judging: AcceptOptions,
}

impl Server {
    /// A server that listens on an address; port 0 picks a free one.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn bind(address: impl ToSocketAddrs, options: ServerOptions) -> io::Result<Self> {
        Self::new(TcpListener::bind(address)?, options)
    }

    /// A server for the connections of a listener.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn new(listener: TcpListener, options: ServerOptions) -> io::Result<Self> {
        let poll = Poll::new()?;
        let gate = Gate::new(
            options.limits.clone(),
            mio::Waker::new(poll.registry(), WAKER)?,
        );
        let judging = options.judging();
        Ok(Self {
            listener,
            poll,
            gate: Arc::new(gate),
            rules: Arc::new(Rules { options, judging }),
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// A handle, to look at its numbers and to shut it down.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.gate))
    }

    /// Accepts connections as the options say and runs `handler` for each of them, until the server
    /// is shut down. Returns when all connections are closed, or at the drain deadline, when those
    /// that are still open are cut; the numbers say how many that were.
    ///
    /// # Errors
    /// The listener can't be waited for. That accepting fails ends nothing.
    pub fn run<F>(self, handler: F) -> io::Result<Counts>
    where
        F: Fn(Guest) + Send + Sync + 'static,
    {
        self.run_with(move |arrival| {
            if let Ok(guest) = arrival.open() {
                handler(guest);
            }
        })
    }

    /// [`run`](Self::run), with a handler that sees each request and answers it itself: by path, by
    /// credentials, by subprotocol. Origins are checked before.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_with<F>(self, handler: F) -> io::Result<Counts>
    where
        F: Fn(Arrival) + Send + Sync + 'static,
    {
        let Self {
            listener,
            mut poll,
            gate,
            rules,
        } = self;
        listener.set_nonblocking(true)?;
        let mut watched = mio::net::TcpListener::from_std(listener.try_clone()?);
        poll.registry()
            .register(&mut watched, LISTENER, Interest::READABLE)?;
        let handler = Arc::new(handler);
        let mut events = Events::with_capacity(8);
        while gate.ask(Admission::phase) == Phase::Serving {
            let paused = gate.ask(Admission::poll_timeout);
            if paused.is_none() && accept_one(&listener, &gate, &rules, &handler) {
                continue;
            }
            wait(&mut poll, &mut events, &gate)?;
        }
        // Nobody waits in a queue that nobody looks at.
        drop((watched, listener));
        gate.close_all();
        while gate.ask(|door| !door.is_empty() && door.phase() != Phase::Over) {
            wait(&mut poll, &mut events, &gate)?;
        }
        gate.cut_all();
        Ok(gate.ask(Admission::outcome))
    }
}

/// Accepts one who waits; `false` if nobody does.
fn accept_one<F>(
    listener: &TcpListener,
    gate: &Arc<Gate>,
    rules: &Arc<Rules>,
    handler: &Arc<F>,
) -> bool
where
    F: Fn(Arrival) + Send + Sync + 'static,
{
    let fault = match listener.accept() {
        Ok((tcp, peer)) => {
            // Some systems pass it on.
            let plain = tcp.set_nonblocking(false);
            let begun = plain.and_then(|()| let_in(tcp, peer, gate, rules, handler));
            // Whatever it is called, there was somebody: a thread or a descriptor is missing.
            begun.err().map(|_| AcceptFault::Shortage)
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
        Err(error) => Some(AcceptFault::of(&error)),
    };
    if let Some(fault) = fault {
        gate.with(|door, now| door.accept_failed(fault, now));
    }
    true
}

/// Gives a connection its thread.
fn let_in<F>(
    tcp: TcpStream,
    peer: SocketAddr,
    gate: &Arc<Gate>,
    rules: &Arc<Rules>,
    handler: &Arc<F>,
) -> io::Result<()>
where
    F: Fn(Arrival) + Send + Sync + 'static,
{
    let (ticket, refusal) = match gate.with(|door, _| door.arrived(Some(peer.ip()))) {
        Verdict::Admit(ticket) => (ticket, None),
        Verdict::Refuse(ticket, refusal) => (ticket, Some(refusal)),
        Verdict::Drop => return Ok(()),
    };
    let seat = gate.seat(ticket, &tcp)?;
    let (rules, handler) = (Arc::clone(rules), Arc::clone(handler));
    let work = move || match refusal {
        None => thread::serve(tcp, peer, seat, &rules, &*handler),
        Some(refusal) => thread::refuse(tcp, &seat, &rules, refusal),
    };
    let thread = std::thread::Builder::new().name("ws-server".into());
    thread.spawn(work).map(drop)
}

/// Waits for someone to arrive, for the last to leave, for the handle, or for a deadline.
fn wait(poll: &mut Poll, events: &mut Events, gate: &Gate) -> io::Result<()> {
    let until = gate.ask(Admission::poll_timeout);
    let left = until.map(|at| at - gate.now() + Duration::from_nanos(1));
    match poll.poll(events, left) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
        _ => {}
    }
    gate.with(|door, now| door.handle_timeout(now));
    Ok(())
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("listener", &self.listener)
            .finish_non_exhaustive()
    }
}

/// A handle to a [`Server`], to look at its numbers and to shut it down. Clones are of the same
/// server.
#[derive(Clone)]
pub struct Handle(Arc<Gate>);

impl Handle {
    /// Accepts nobody from now on, closes all connections with 1001, and cuts those that are left
    /// when [`ServerLimits::drain_timeout`] has passed. Saying it again changes nothing.
    pub fn shutdown(&self) {
        self.0.with(|door, now| door.shutdown(now));
        self.0.wake();
    }

    /// Ends the server at once: all its connections are cut.
    pub fn abort(&self) {
        self.0.with(|door, _| door.abort());
        self.0.wake();
    }

    /// The server's numbers.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.0.ask(Admission::counts)
    }

    /// How far the server's life has come.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.0.ask(Admission::phase)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}
