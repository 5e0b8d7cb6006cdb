//! What a thread waits on that has more than one thing to wait for: sockets, a deadline, and a nudge
//! from other threads. It knows nothing of WebSocket, and never decides what to do next.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant as Time, SystemTime, UNIX_EPOCH};

use mio::{Events, Interest, Registry, Token};
use ws_core::Instant;
use ws_core::buf::Pool;
use ws_core::pump::{PollRead, PollWrite, Runtime};

use crate::sockets::Watched;
use crate::stream::Wire;

const NUDGE: Token = Token(0);
const SOCKET: Token = Token(1);

/// No deadline.
const NEVER: u64 = u64::MAX;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool::new()) };
}

/// Waits for everything that a session can wait for.
pub(crate) struct Reactor {
    poll: mio::Poll,
    waker: Arc<Nudge>,
    clock: Clock,
}

/// The clock of a reactor, the deadline it told last, and where sockets are to be waited for.
#[derive(Clone)]
pub(crate) struct Clock {
    origin: Time,
    due: Arc<AtomicU64>,
    registry: Arc<Registry>,
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
    pub(crate) fn new() -> io::Result<Self> {
        let poll = mio::Poll::new()?;
        let waker = Arc::new(Nudge(mio::Waker::new(poll.registry(), NUDGE)?));
        let clock = Clock {
            origin: Time::now(),
            due: Arc::new(AtomicU64::new(NEVER)),
            registry: Arc::new(poll.registry().try_clone()?),
        };
        Ok(Self { poll, waker, clock })
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Polls the future to its end, each time that there is a reason to.
    ///
    /// # Errors
    /// There is nothing to wait with any more; the future is dropped.
    pub(crate) fn run<T>(&mut self, future: impl Future<Output = T>) -> io::Result<T> {
        let waker = Waker::from(Arc::clone(&self.waker));
        let mut cx = Context::from_waker(&waker);
        let mut future = pin!(future);
        let mut events = Events::with_capacity(4);
        loop {
            // Whatever waits for a deadline says so again.
            self.clock.due.store(NEVER, Ordering::Relaxed);
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return Ok(output);
            }
            let due = self.clock.due.load(Ordering::Relaxed);
            let left = Instant::from_nanos(due) - self.clock.now();
            // A millisecond is what the operating system counts in; rounding down would spin.
            let timeout = (due != NEVER).then(|| left.max(Duration::from_millis(1)));
            if let Err(error) = self.poll.poll(&mut events, timeout) {
                if error.kind() != ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
}

impl Clock {
    /// Has the reactor wait for a socket.
    pub(crate) fn register(&self, stream: &mut Watched) -> io::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        self.registry.register(stream, SOCKET, both)
    }

    /// No longer.
    pub(crate) fn deregister(&self, stream: &mut Watched) -> io::Result<()> {
        self.registry.deregister(stream)
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

    fn time_of_day(&self) -> Option<Duration> {
        SystemTime::now().duration_since(UNIX_EPOCH).ok()
    }

    fn with_pool<T>(f: impl FnOnce(&mut Pool) -> T) -> T {
        POOL.with_borrow_mut(f)
    }
}

/// What an operation that would block comes to: the reactor tells when to try again.
pub(crate) fn retried<T>(result: io::Result<T>) -> Poll<io::Result<T>> {
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

impl PollRead<Wire<Watched>> for Clock {
    fn poll_read(
        io: &mut Wire<Watched>,
        _: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        retried(uninterrupted(|| io.read(buf)))
    }
}

impl PollWrite<Wire<Watched>> for Clock {
    fn poll_write(
        io: &mut Wire<Watched>,
        _: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        retried(uninterrupted(|| match bufs {
            [buf] => io.write(buf),
            _ => io.write_vectored(bufs),
        }))
    }

    fn poll_flush(io: &mut Wire<Watched>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        retried(uninterrupted(|| io.flush()))
    }

    fn poll_shutdown(io: &mut Wire<Watched>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        io.say_end();
        Poll::Ready(io.socket().shutdown(Shutdown::Write))
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").finish_non_exhaustive()
    }
}
