//! What the thread of a session waits on: its socket, its deadline, and a nudge from other threads.
//!
//! It knows nothing of WebSocket. Dials block, so each has a thread of its own for as long as it
//! takes; a dial that is given up ends by itself, unheard.

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant as Time};

use mio::{Events, Interest, Registry, Token};
use ws_core::Instant;
use ws_core::buf::Pool;
use ws_core::policy::{IoClass, Stage};
use ws_core::pump::client::Dialing;
use ws_core::pump::{PollRead, PollWrite, Runtime};
use ws_core::session::DialError;

const NUDGE: Token = Token(0);
const SOCKET: Token = Token(1);

/// No deadline.
const NEVER: u64 = u64::MAX;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool::new()) };
}

/// Waits for everything that a session can wait for.
pub(super) struct Reactor {
    poll: mio::Poll,
    waker: Arc<Nudge>,
    registry: Arc<Registry>,
    clock: Clock,
}

/// Makes sockets that the reactor waits for.
pub(super) struct Sockets {
    registry: Arc<Registry>,
}

/// The clock of a session, and the deadline it told last.
#[derive(Clone)]
pub(super) struct Clock {
    origin: Time,
    due: Arc<AtomicU64>,
}

/// Wakes the reactor from another thread.
struct Nudge(mio::Waker);

impl Wake for Nudge {
    fn wake(self: Arc<Self>) {
        // It fails if the reactor is gone, and then there is nothing to wake.
        let _ = self.0.wake();
    }
}

impl Reactor {
    pub(super) fn new() -> io::Result<Self> {
        let poll = mio::Poll::new()?;
        let waker = Arc::new(Nudge(mio::Waker::new(poll.registry(), NUDGE)?));
        let registry = Arc::new(poll.registry().try_clone()?);
        let clock = Clock {
            origin: Time::now(),
            due: Arc::new(AtomicU64::new(NEVER)),
        };
        Ok(Self {
            poll,
            waker,
            registry,
            clock,
        })
    }

    pub(super) fn sockets(&self) -> Sockets {
        Sockets {
            registry: Arc::clone(&self.registry),
        }
    }

    pub(super) fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Polls the future to its end, each time that there is a reason to.
    pub(super) fn run(&mut self, future: impl Future<Output = ()>) {
        let waker = Waker::from(Arc::clone(&self.waker));
        let mut cx = Context::from_waker(&waker);
        let mut future = pin!(future);
        let mut events = Events::with_capacity(4);
        loop {
            // Whatever waits for a deadline says so again.
            self.clock.due.store(NEVER, Ordering::Relaxed);
            if future.as_mut().poll(&mut cx).is_ready() {
                return;
            }
            let due = self.clock.due.load(Ordering::Relaxed);
            let left = Instant::from_nanos(due) - self.clock.now();
            // A millisecond is what the operating system counts in; rounding down would spin.
            let timeout = (due != NEVER).then(|| left.max(Duration::from_millis(1)));
            if let Err(error) = self.poll.poll(&mut events, timeout) {
                if error.kind() != ErrorKind::Interrupted {
                    // The future is dropped, and with it the session is over.
                    return;
                }
            }
        }
    }
}

impl Sockets {
    /// Connects by `dial`, in a thread of its own.
    pub(super) fn connect<F>(&self, dial: F) -> Dialing<mio::net::TcpStream>
    where
        F: FnOnce() -> Result<TcpStream, DialError> + Send + 'static,
    {
        let slot = Arc::new(Slot::default());
        let filled = Arc::clone(&slot);
        let spawned = thread::Builder::new()
            .name("websocket dial".into())
            .spawn(move || filled.fill(dial()));
        if let Err(error) = spawned {
            slot.fill(Err(DialError::from_io(Stage::Connect, &error)));
        }
        let registry = Arc::clone(&self.registry);
        Box::pin(async move {
            let stream = poll_fn(|cx| slot.poll(cx)).await?;
            let mut stream = mio::net::TcpStream::from_std(stream);
            let both = Interest::READABLE | Interest::WRITABLE;
            match registry.register(&mut stream, SOCKET, both) {
                Ok(()) => Ok(stream),
                Err(_) => Err(DialError::new(Stage::Connect, IoClass::Other)),
            }
        })
    }
}

/// Where a dial leaves its result.
#[derive(Default)]
struct Slot(Mutex<(Option<Dialed>, Option<Waker>)>);

type Dialed = Result<TcpStream, DialError>;

impl Slot {
    fn fill(&self, result: Dialed) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.0 = Some(result);
        let waker = inner.1.take();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<Dialed> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match inner.0.take() {
            Some(result) => Poll::Ready(result),
            None => {
                inner.1 = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Runtime for Clock {
    type Io<T> = T;

    fn io<T>(io: T) -> T {
        io
    }

    fn now(&self) -> Instant {
        Instant::ORIGIN + self.origin.elapsed()
    }

    fn poll_until(&mut self, _: &mut Context<'_>, at: Instant) -> Poll<()> {
        if self.now() >= at {
            return Poll::Ready(());
        }
        self.due.fetch_min(at.as_nanos(), Ordering::Relaxed);
        Poll::Pending
    }

    fn with_pool<T>(f: impl FnOnce(&mut Pool) -> T) -> T {
        POOL.with_borrow_mut(f)
    }
}

/// What an operation that would block comes to: the reactor tells when to try again.
fn retried<T>(result: io::Result<T>) -> Poll<io::Result<T>> {
    match result {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    }
}

/// Repeats what a signal interrupted.
fn uninterrupted<T>(mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match act() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

impl PollRead<mio::net::TcpStream> for Clock {
    fn poll_read(
        io: &mut mio::net::TcpStream,
        _: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        retried(uninterrupted(|| io.read(buf)))
    }
}

impl PollWrite<mio::net::TcpStream> for Clock {
    fn poll_write(
        io: &mut mio::net::TcpStream,
        _: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        retried(uninterrupted(|| io.write_vectored(bufs)))
    }

    fn poll_flush(_: &mut mio::net::TcpStream, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(io: &mut mio::net::TcpStream, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(io.shutdown(Shutdown::Write))
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").finish_non_exhaustive()
    }
}
