//! A server of threads: one accepts, and each connection has its own, no more of them than the limits
//! allow. Whom it lets in and how it goes down is decided by the core; here threads are started,
//! told, and waited for.

mod arrival;
mod gate;
mod guest;
mod part;
mod run;
mod thread;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;

use mio::{Events, Interest, Poll};
use ws_core::options::{AcceptOptions, ServerOptions};
use ws_core::server::Admission;
pub use ws_core::server::{Counts, Phase, Refusal, ServerLimits};

pub use arrival::Arrival;
use gate::{End, Gate, LISTENER, WAKER};
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
    end: End,
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
            end: End(Arc::new(gate)),
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
        Handle(Arc::clone(&self.end.0))
    }

    /// Accepts connections as the options say and runs `handler` for each of them, until the server
    /// is shut down. Returns when all connections are closed, or at the drain deadline, when those
    /// that are still open are cut; the numbers say how many that were.
    ///
    /// # Errors
    /// The listener can't be waited for: all connections are cut then. That accepting fails ends
    /// nothing.
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
            end,
            rules,
        } = self;
        listener.set_nonblocking(true)?;
        let mut listener = mio::net::TcpListener::from_std(listener);
        poll.registry()
            .register(&mut listener, LISTENER, Interest::READABLE)?;
        let mut events = Events::with_capacity(8);
        let wait = |gate: &Gate| run::wait(&mut poll, &mut events, gate);
        run::run(end, listener, &rules, handler, wait)
    }
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
        self.0.counts()
    }

    /// How far the server's life has come. It is over, too, when the [`Server`] is dropped, or fails.
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
