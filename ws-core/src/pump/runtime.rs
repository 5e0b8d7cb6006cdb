//! What a runtime provides.
//!
//! It knows nothing of WebSocket.

use core::task::{Context, Poll};
use core::time::Duration;
use std::io;

use crate::Instant;
use crate::buf::Pool;

/// A runtime, as far as one connection sees it: a clock, one timer, and this thread's storage.
pub trait Runtime: Unpin {
    /// The time now. The origin is the implementation's choice; readings never go back.
    fn now(&self) -> Instant;

    /// Ready when it is `at` or later; until then the task is woken at `at`. Each call replaces the
    /// wake-up of the one before.
    fn poll_until(&mut self, cx: &mut Context<'_>, at: Instant) -> Poll<()>;

    /// Nothing waits for a time any more, until [`poll_until`](Self::poll_until) is called again: the
    /// timer may be given up. By default it is kept.
    fn rest(&mut self) {}

    /// The time of day, since the beginning of 1970 in UTC. By default there is none, and a session
    /// does not notice that the computer was asleep.
    fn time_of_day(&self) -> Option<Duration> {
        None
    }

    /// What makes a `T` that reads or writes ([`ReadBytes`], [`WriteBytes`]) a reader or a writer in
    /// the runtime's own terms.
    ///
    /// [`ReadBytes`]: super::ReadBytes
    /// [`WriteBytes`]: super::WriteBytes
    type Io<T>;

    /// Makes one.
    fn io<T>(io: T) -> Self::Io<T>;

    /// Lends the storage that the connections of this thread share.
    fn with_pool<T>(f: impl FnOnce(&mut Pool) -> T) -> T;
}

/// How the runtime reads from an `R`.
pub trait PollRead<R>: Runtime {
    /// Reads into `buf`, which is never empty; zero means the end of the stream.
    ///
    /// # Errors
    /// Those of the transport.
    fn poll_read(io: &mut R, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>>;
}

/// How the runtime writes to a `W`.
pub trait PollWrite<W>: Runtime {
    /// Writes from `bufs`, none of which is empty.
    ///
    /// # Errors
    /// Those of the transport.
    fn poll_write(
        io: &mut W,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>>;

    /// Passes on what the transport itself buffers.
    ///
    /// # Errors
    /// Those of the transport.
    fn poll_flush(io: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Shuts the write side down.
    ///
    /// # Errors
    /// Those of the transport.
    fn poll_shutdown(io: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// How the runtime divides an `S` into halves for two tasks.
pub trait Split<S>: PollRead<Self::ReadHalf> + PollWrite<Self::WriteHalf> {
    /// The half that is read from.
    type ReadHalf;
    /// The half that is written to.
    type WriteHalf;

    /// Divides the stream.
    fn split(io: S) -> (Self::ReadHalf, Self::WriteHalf);
}
