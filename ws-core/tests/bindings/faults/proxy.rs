//! A bad network: it passes bytes on, and after a random number of them something happens to the
//! connection.
//!
//! It knows nothing of WebSockets, so what it does falls anywhere: into the handshake, into the
//! middle of a frame, between two of them.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use super::super::listener;
use crate::rt::ws::ws_core::{Rng, Seed};

/// What happens to a connection.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Fault {
    /// Both ends are told that the other has no more to say.
    Cut,
    /// Only the client is told so.
    HalfCut,
    /// All connections are gone, and for a while nobody listens.
    Kill,
    /// Both ends are told that the connection does not exist.
    Reset,
    /// Nothing arrives any more, and nobody is told.
    Silence,
    /// Nothing arrives for a while.
    Stall,
}

const FAULTS: [Fault; 12] = [
    Fault::Cut,
    Fault::Cut,
    Fault::HalfCut,
    Fault::HalfCut,
    Fault::Kill,
    Fault::Reset,
    Fault::Reset,
    Fault::Reset,
    Fault::Silence,
    Fault::Stall,
    Fault::Stall,
    Fault::Stall,
];

/// A proxy in front of a server.
#[derive(Clone)]
pub(crate) struct Proxy(Arc<Shared>);

struct Shared {
    address: SocketAddr,
    server: SocketAddr,
    state: Mutex<State>,
    /// A dial has failed, or the network is well again.
    news: Condvar,
}

struct State {
    rng: Rng,
    /// Nothing happens any more.
    well: bool,
    /// The listener is to go.
    kill: bool,
    /// Dials that failed, as the client tells.
    failed: u64,
    links: Vec<Weak<Link>>,
    struck: Vec<Fault>,
}

/// One connection through the proxy. It is gone with the last of its two threads.
struct Link {
    client: TcpStream,
    server: TcpStream,
    /// Bytes until something happens, of both directions.
    left: AtomicI64,
    reset: AtomicBool,
    silent: AtomicBool,
}

impl Proxy {
    pub(crate) fn open(server: SocketAddr, seed: u8) -> Self {
        let (listener, address) = listener();
        let proxy = Self(Arc::new(Shared {
            address,
            server,
            state: Mutex::new(State {
                rng: Rng::new(&Seed::new([seed; 32])),
                well: false,
                kill: false,
                failed: 0,
                links: Vec::new(),
                struck: Vec::new(),
            }),
            news: Condvar::new(),
        }));
        let accepting = proxy.clone();
        thread::spawn(move || accepting.accept(listener));
        proxy
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// What has happened so far.
    pub(crate) fn struck(&self) -> Vec<Fault> {
        self.lock().struck.clone()
    }

    /// The client could not connect.
    pub(crate) fn dial_failed(&self) {
        self.lock().failed += 1;
        self.0.news.notify_all();
    }

    /// From now on the network is good.
    pub(crate) fn heal(&self) {
        let mut state = self.lock();
        state.well = true;
        for link in state.links.iter().filter_map(Weak::upgrade) {
            link.left.store(i64::MAX, Ordering::SeqCst);
        }
        drop(state);
        self.0.news.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        let state = self.0.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(&self, mut listener: TcpListener) {
        loop {
            let Ok((client, _)) = listener.accept() else {
                continue;
            };
            if std::mem::take(&mut self.lock().kill) {
                // This one only came to wake the proxy up, or too late.
                drop((client, listener));
                self.wait_for_a_failure();
                listener = loop {
                    // Someone else may have the port for a moment.
                    if let Ok(listener) = TcpListener::bind(self.0.address) {
                        break listener;
                    }
                    thread::yield_now();
                };
                continue;
            }
            if let Ok(server) = TcpStream::connect(self.0.server) {
                self.link(client, server);
            }
        }
    }

    /// Nobody listens until the client has noticed, or has something better to do.
    fn wait_for_a_failure(&self) {
        let state = self.lock();
        let before = state.failed;
        let patience = Duration::from_millis(500);
        let waited = self.0.news.wait_timeout_while(state, patience, |state| {
            state.failed == before && !state.well
        });
        drop(waited);
    }

    fn link(&self, client: TcpStream, server: TcpStream) {
        // What is small is passed on at once.
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let mut state = self.lock();
        let left = state.distance();
        let link = Arc::new(Link {
            client,
            server,
            left: left.into(),
            reset: AtomicBool::new(false),
            silent: AtomicBool::new(false),
        });
        state.links.retain(|link| link.strong_count() > 0);
        state.links.push(Arc::downgrade(&link));
        drop(state);
        let (up, down) = (self.clone(), self.clone());
        let other = Arc::clone(&link);
        thread::spawn(move || up.carry(&link, &link.client, &link.server));
        thread::spawn(move || down.carry(&other, &other.server, &other.client));
    }

    fn carry(&self, link: &Link, mut from: &TcpStream, to: &TcpStream) {
        let mut buf = [0; 4096];
        while let Ok(n @ 1..) = from.read(&mut buf) {
            let left = link.left.fetch_sub(n as i64, Ordering::SeqCst);
            // Of the two directions, the one that comes to the last byte strikes.
            let strikes = (0..n as i64).contains(&left);
            let (now, later) = buf[..n].split_at(if strikes { left as usize } else { n });
            if !link.pass(to, now) {
                break;
            }
            // What comes after a gap must never be passed on.
            if strikes && !(self.strike(link) && link.pass(to, later)) {
                break;
            }
        }
        if !link.reset.load(Ordering::SeqCst) {
            // The other direction ends as well.
            link.cut();
        }
    }

    /// Lets something happen; whether this direction of the connection goes on after it.
    fn strike(&self, link: &Link) -> bool {
        let mut state = self.lock();
        if state.well {
            return true;
        }
        let fault = FAULTS[state.rng.up_to(FAULTS.len() as u64 - 1) as usize];
        state.struck.push(fault);
        match fault {
            Fault::Cut => link.cut(),
            Fault::HalfCut => {
                let _ = link.client.shutdown(Shutdown::Write);
            }
            Fault::Kill => {
                state.kill = true;
                for link in state.links.iter().filter_map(Weak::upgrade) {
                    link.reset();
                }
                drop(state);
                // Whoever waits for a client gets one.
                drop(TcpStream::connect(self.0.address));
            }
            Fault::Reset => link.reset(),
            Fault::Silence => link.silent.store(true, Ordering::SeqCst),
            Fault::Stall => {
                link.left.store(state.distance(), Ordering::SeqCst);
                let pause = Duration::from_millis(state.rng.up_to(400));
                // Until it is over, or all is well.
                let stalled = self.0.news.wait_timeout_while(state, pause, |s| !s.well);
                drop(stalled);
            }
        }
        matches!(fault, Fault::HalfCut | Fault::Silence | Fault::Stall)
    }
}

impl State {
    /// After how many bytes something happens.
    fn distance(&mut self) -> i64 {
        match (self.well, self.rng.up_to(3)) {
            (true, _) => i64::MAX,
            // In the handshake, or soon after it.
            (false, 0) => self.rng.up_to(1500) as i64,
            (false, _) => self.rng.up_to(100_000) as i64,
        }
    }
}

impl Link {
    /// Passes bytes on, or loses them and all that follow; `false` if nobody takes them.
    fn pass(&self, mut to: &TcpStream, bytes: &[u8]) -> bool {
        self.silent.load(Ordering::SeqCst) || to.write_all(bytes).is_ok()
    }

    fn cut(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }

    /// Closing the sockets will reset them; whoever reads from one stops, so that it is closed.
    fn reset(&self) {
        self.reset.store(true, Ordering::SeqCst);
        for stream in [&self.client, &self.server] {
            let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
            let _ = stream.shutdown(Shutdown::Read);
        }
    }
}
