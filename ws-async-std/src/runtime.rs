//! smol and async-std, as the pump sees them: how to read, write, wait and tell the time.
//!
//! Both runtimes wait on the same reactor (async-io), so one implementation serves them. It decides
//! nothing: what bytes and deadlines mean is the core's.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant as Clock, SystemTime, UNIX_EPOCH};

use crate::Io;
use crate::halves::{ReadHalf, WriteHalf, split};
use async_io::Timer;
use futures_io::{AsyncRead, AsyncWrite};
use ws_core::Instant;
use ws_core::buf::Pool;
use ws_core::pump::{PollRead, PollWrite, Runtime, Split};

thread_local! {
    /// The storage that the connections of this thread share.
    static POOL: RefCell<Pool> = const { RefCell::new(Pool::new()) };
}

/// The clock and the timer of one connection.
pub struct FuturesIo {
    origin: Clock,
    /// Made when the connection first has a deadline, and when it is set to.
    timer: Option<Box<(Instant, Timer)>>,
}

impl FuturesIo {
    /// A clock that starts now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            origin: Clock::now(),
            timer: None,
        }
    }

    /// A timer for `at`; for ever, if that is further than the clock goes.
    fn timer(&self, at: Instant) -> Timer {
        match self.origin.checked_add(Duration::from_nanos(at.as_nanos())) {
            Some(at) => Timer::at(at),
            None => Timer::never(),
        }
    }
}

/// A clone tells the same time, and has a timer of its own.
impl Clone for FuturesIo {
    fn clone(&self) -> Self {
        Self {
            origin: self.origin,
            timer: None,
        }
    }
}

impl Default for FuturesIo {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for FuturesIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FuturesIo").finish_non_exhaustive()
    }
}

impl Runtime for FuturesIo {
    fn now(&self) -> Instant {
        Instant::ORIGIN + self.origin.elapsed()
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, at: Instant) -> Poll<()> {
        let timer = match self.timer.take() {
            Some(timer) if timer.0 == at => timer,
            _ => Box::new((at, self.timer(at))),
        };
        let (_, timer) = &mut **self.timer.insert(timer);
        match Pin::new(timer).poll(cx) {
            Poll::Ready(_) => {
                // A timer that has fired is spent.
                self.timer = None;
                Poll::Ready(())
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn rest(&mut self) {
        self.timer = None;
    }

    fn time_of_day(&self) -> Option<Duration> {
        SystemTime::now().duration_since(UNIX_EPOCH).ok()
    }

    type Io<T> = Io<T>;

    fn io<T>(io: T) -> Io<T> {
        Io(io)
    }

    fn with_pool<T>(f: impl FnOnce(&mut Pool) -> T) -> T {
        POOL.with_borrow_mut(f)
    }
}

impl<R: AsyncRead + Unpin> PollRead<R> for FuturesIo {
    fn poll_read(io: &mut R, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(io).poll_read(cx, buf)
    }
}

impl<W: AsyncWrite + Unpin + 'static> PollWrite<W> for FuturesIo {
    fn poll_write(
        io: &mut W,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match bufs {
            [buf] => Pin::new(io).poll_write(cx, buf),
            _ => Pin::new(io).poll_write_vectored(cx, bufs),
        }
    }

    fn poll_flush(io: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(io).poll_flush(cx)
    }

    fn poll_shutdown(io: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll_shutdown(io, cx)
    }
}

/// Shuts the write side down, which is what closing means for every stream but async-std's: its
/// sockets do nothing on `poll_close`, and the peer would wait for an end that never comes.
pub(crate) fn poll_shutdown<W: AsyncWrite + Unpin + 'static>(
    io: &mut W,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    #[cfg(feature = "async-std")]
    {
        use std::any::Any;
        use std::net::Shutdown::Write;

        if let Some(socket) = (&*io as &dyn Any).downcast_ref::<async_std::net::TcpStream>() {
            return Poll::Ready(socket.shutdown(Write));
        }
        #[cfg(unix)]
        if let Some(socket) =
            (&*io as &dyn Any).downcast_ref::<async_std::os::unix::net::UnixStream>()
        {
            return Poll::Ready(socket.shutdown(Write));
        }
    }
    Pin::new(io).poll_close(cx)
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Split<S> for FuturesIo {
    type ReadHalf = ReadHalf<S>;
    type WriteHalf = WriteHalf<S>;

    fn split(io: S) -> (ReadHalf<S>, WriteHalf<S>) {
        split(io)
    }
}
