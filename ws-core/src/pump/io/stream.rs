//! A whole connection, or one half of it, as one stream of bytes.

use core::fmt;
use core::task::{Context, Poll, ready};
use std::io;

use super::side::{Incoming, Outgoing};
use super::{ReadBytes, WriteBytes};
use crate::stream::{ByteInlet, byte_message};

/// A connection as a stream of bytes, for protocols that want one: each write is a binary message of
/// at most 64 KiB, and what is read is what binary messages hold, without their boundaries.
///
/// The stream ends where the peer closes with 1000 or without a code; any other end, and a text
/// message, is an error. A shutdown closes the connection with 1000, for both directions: WebSocket
/// knows no end of one.
pub struct ByteStream<T> {
    over: T,
    inlet: ByteInlet,
}

impl<T> ByteStream<T> {
    pub(super) fn new(over: T) -> Self {
        Self {
            over,
            inlet: ByteInlet::default(),
        }
    }

    /// What is underneath.
    #[must_use]
    pub const fn get_ref(&self) -> &T {
        &self.over
    }

    /// Gives back what is underneath. Of a message that was read in part the rest comes first under
    /// [`Delivery::Chunks`](crate::message::Delivery::Chunks), and is lost otherwise.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.over
    }
}

impl<T: Incoming> ReadBytes for ByteStream<T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            if !self.inlet.is_at_hand() && !ready!(self.over.poll_found(cx)) {
                return Poll::Ready(self.inlet.ended(self.over.closed()));
            }
            let (events, now) = self.over.found();
            if let Some(read) = self.inlet.read(events, buf, now) {
                return Poll::Ready(read);
            }
        }
    }
}

impl<T: Outgoing> WriteBytes for ByteStream<T> {
    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let n = ready!(
            self.over
                .poll_queue(cx, &mut |sender| byte_message(sender, buf))
        );
        let n = n.map_err(io::Error::from)?;
        // It leaves at once where it can; if that fails, the next call says so.
        let _ = self.over.poll_write_some(cx);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.over.poll_written(cx).map_err(io::Error::from)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.over.poll_shutdown(cx).map_err(io::Error::from)
    }
}

impl<T> fmt::Debug for ByteStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream")
            .field("inlet", &self.inlet)
            .finish_non_exhaustive()
    }
}
