//! One message as a reader or a writer.

use core::fmt;
use core::future::poll_fn;
use core::task::{Context, Poll, ready};
use std::io;

use super::side::{Incoming, Outgoing};
use super::{ReadBytes, WriteBytes};
use crate::error::Error;
use crate::message::Kind;
use crate::stream::{Found, Inlet, Outlet};

/// A message that is being read, piece by piece, as it arrives.
///
/// It ends when all of it was read. A message that is cut off, by the end of the connection or by a
/// fault of the peer's, is an error: `UnexpectedEof` or `InvalidData`, with the
/// [`Closed`](crate::connection::Closed) or the [`ProtocolError`](crate::error::ProtocolError)
/// inside. Text may be cut within a character between two reads.
pub struct MessageReader<'a, T> {
    from: &'a mut T,
    inlet: Inlet,
}

impl<'a, T: Incoming> MessageReader<'a, T> {
    pub(super) async fn next(from: &'a mut T) -> Option<Self> {
        let inlet = poll_fn(|cx| {
            loop {
                if !ready!(from.poll_found(cx)) {
                    return Poll::Ready(None);
                }
                let (events, now) = from.found();
                if let Found::Message(inlet) = Inlet::begin(events, now) {
                    return Poll::Ready(Some(inlet));
                }
            }
        });
        let inlet = inlet.await?;
        Some(Self { from, inlet })
    }

    /// What the message is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.inlet.kind()
    }
}

impl<T: Incoming> ReadBytes for MessageReader<'_, T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            if !self.inlet.is_at_hand() && !ready!(self.from.poll_found(cx)) {
                return Poll::Ready(Err(Inlet::over()));
            }
            let (events, now) = self.from.found();
            if let Some(read) = self.inlet.read(events, buf, now) {
                return Poll::Ready(read);
            }
        }
    }
}

/// A message that is being written, piece by piece, before its length is known.
///
/// What is written is sent in frames of 64 KiB, and whatever there is with each flush; control
/// frames go out in between. A shutdown, or [`finish`](Self::finish), ends the message. Dropped
/// before that, the message stays unfinished: once a frame of it was queued other messages are
/// refused with [`MidMessage`], and only closing is left.
///
/// [`MidMessage`]: crate::error::SendError::MidMessage
pub struct MessageWriter<'a, T> {
    to: &'a mut T,
    outlet: Outlet,
}

impl<'a, T: Outgoing> MessageWriter<'a, T> {
    pub(super) fn new(to: &'a mut T, outlet: Outlet) -> Self {
        Self { to, outlet }
    }

    /// Ends the message and writes it out.
    ///
    /// # Errors
    /// [`Error::Send`] for text that is not UTF-8, and on a connection that is closing;
    /// [`Error::Io`] if the transport fails.
    ///
    /// # Cancel safety
    /// Cancel-safe: calling it again goes on, and once queued the end leaves with whatever writes.
    pub async fn finish(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_finish(cx)).await
    }

    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { to, outlet } = self;
        ready!(to.poll_queue(cx, &mut |sender| outlet.finish(sender)))?;
        to.poll_written(cx)
    }
}

impl<T: Outgoing> WriteBytes for MessageWriter<'_, T> {
    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let Self { to, outlet } = self;
        to.poll_queue(cx, &mut |sender| outlet.write(sender, buf))
            .map_err(io::Error::from)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { to, outlet } = self;
        ready!(to.poll_queue(cx, &mut |sender| outlet.flush(sender))).map_err(io::Error::from)?;
        to.poll_written(cx).map_err(io::Error::from)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_finish(cx).map_err(io::Error::from)
    }
}

impl<T> fmt::Debug for MessageReader<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageReader")
            .field("inlet", &self.inlet)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for MessageWriter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageWriter")
            .field("outlet", &self.outlet)
            .finish_non_exhaustive()
    }
}
