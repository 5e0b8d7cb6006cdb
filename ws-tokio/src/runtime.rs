//! tokio, as the pump sees it: how to read, write, wait and tell the time.
//!
//! It decides nothing: what bytes and deadlines mean is the core's.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::Io;
use tokio::io::{self as tokio_io, AsyncRead, AsyncWrite, ReadBuf, ReadHalf, WriteHalf};
use tokio::time::{Instant as Clock, Sleep, sleep_until};
use ws_core::Instant;
use ws_core::buf::Pool;
use ws_core::pump::{PollRead, PollWrite, Runtime, Split};

thread_local! {
    /// The storage that the connections of this thread share.
    static POOL: RefCell<Pool> = const { RefCell::new(Pool::new()) };
}

/// The clock and the timer of one connection.
pub struct Tokio {
    origin: Clock,
    /// Made when the connection first has a deadline.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Tokio {
    /// A clock that starts now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            origin: Clock::now(),
            sleep: None,
        }
    }
}

/// A clone tells the same time, and has a timer of its own.
impl Clone for Tokio {
    fn clone(&self) -> Self {
        Self {
            origin: self.origin,
            sleep: None,
        }
    }
}

impl Default for Tokio {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Tokio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokio").finish_non_exhaustive()
    }
}

impl Runtime for Tokio {
    fn now(&self) -> Instant {
        Instant::ORIGIN + self.origin.elapsed()
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, at: Instant) -> Poll<()> {
        let deadline = self.origin + Duration::from_nanos(at.as_nanos());
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() != deadline {
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(cx)
    }

    fn rest(&mut self) {
        self.sleep = None;
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

impl<R: AsyncRead + Unpin> PollRead<R> for Tokio {
    fn poll_read(io: &mut R, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buf = ReadBuf::new(buf);
        ready!(Pin::new(io).poll_read(cx, &mut buf))?;
        Poll::Ready(Ok(buf.filled().len()))
    }
}

impl<W: AsyncWrite + Unpin> PollWrite<W> for Tokio {
    fn poll_write(
        io: &mut W,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match bufs {
            [buf] => Pin::new(io).poll_write(cx, buf),
            _ if io.is_write_vectored() => Pin::new(io).poll_write_vectored(cx, bufs),
            _ => Pin::new(io).poll_write(cx, bufs.first().map_or(&[], |buf| buf)),
        }
    }

    fn poll_flush(io: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(io).poll_flush(cx)
    }

    fn poll_shutdown(io: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(io).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Split<S> for Tokio {
    type ReadHalf = ReadHalf<S>;
    type WriteHalf = WriteHalf<S>;

    fn split(io: S) -> (ReadHalf<S>, WriteHalf<S>) {
        tokio_io::split(io)
    }
}
