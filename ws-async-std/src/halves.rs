//! Any stream in two halves, for two tasks: one lock around it, held for one non-blocking call.
//!
//! It knows nothing of WebSocket, and never waits while it holds the lock.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};

use crate::runtime::poll_shutdown;

/// The half of a stream that is read from.
#[derive(Debug)]
pub struct ReadHalf<S>(Arc<Mutex<S>>);

/// The half of a stream that is written to.
#[derive(Debug)]
pub struct WriteHalf<S>(Arc<Mutex<S>>);

pub(crate) fn split<S>(io: S) -> (ReadHalf<S>, WriteHalf<S>) {
    let io = Arc::new(Mutex::new(io));
    (ReadHalf(Arc::clone(&io)), WriteHalf(io))
}

fn lock<S>(io: &Mutex<S>) -> MutexGuard<'_, S> {
    // A panic inside a stream is the stream's to recover from.
    io.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: AsyncRead + Unpin> AsyncRead for ReadHalf<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *lock(&self.0)).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin + 'static> AsyncWrite for WriteHalf<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *lock(&self.0)).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *lock(&self.0)).poll_write_vectored(cx, bufs)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *lock(&self.0)).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll_shutdown(&mut *lock(&self.0), cx)
    }
}
