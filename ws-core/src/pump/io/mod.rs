//! Messages, and whole connections, as readers and writers.
//!
//! What they do is said here, once and without a runtime; what a runtime calls a reader or a writer
//! is its own ([`Runtime::Io`]). Every state between two polls is in the adapter or in the socket
//! under it, so that a dropped future loses nothing.

mod message;
mod side;
mod stream;

use core::task::{Context, Poll};
use std::io;

pub use message::{MessageReader, MessageWriter};
pub use side::{Incoming, Outgoing};
pub use stream::ByteStream;

#[cfg(doc)]
use super::runtime::Runtime;
use super::runtime::{PollRead, PollWrite};
use super::socket::WebSocket;
use super::split::{Reader, Writer};
#[cfg(feature = "deflate")]
use crate::deflate::Compress;
use crate::message::Kind;
use crate::stream::Outlet;

/// Something to read bytes from.
pub trait ReadBytes {
    /// Reads into `buf`: how many bytes, none at the end.
    ///
    /// # Errors
    /// Those of what is read.
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>>;
}

/// Something to write bytes to.
pub trait WriteBytes {
    /// Takes in the beginning of `buf`: how much of it that was.
    ///
    /// # Errors
    /// Those of what is written to.
    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>>;

    /// Writes out everything taken in.
    ///
    /// # Errors
    /// Those of what is written to.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ends what is written, and writes it out.
    ///
    /// # Errors
    /// Those of what is written to.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

impl<S, R> WebSocket<S, R>
where
    R: PollRead<S> + PollWrite<S>,
{
    /// Waits for the next message, to be read piece by piece; `None` once the connection has ended,
    /// which [`closed`](Self::closed) tells more of.
    ///
    /// Where [`Config::delivery`] says [`Delivery::Chunks`], the message is handed out as it arrives,
    /// however large; otherwise, once it is complete. Pings and pongs are not handed out while
    /// messages are read this way; pings are answered.
    ///
    /// [`Config::delivery`]: crate::connection::Config#structfield.delivery
    /// [`Delivery::Chunks`]: crate::message::Delivery::Chunks
    ///
    /// # Cancel safety
    /// Cancel-safe. A reader that is dropped leaves the rest of its message to be skipped by the next
    /// call, or to be handed out by [`next`](Self::next).
    pub async fn next_message(&mut self) -> Option<R::Io<MessageReader<'_, Self>>> {
        MessageReader::next(self).await.map(R::io)
    }

    /// A message to be written piece by piece. It begins with the first 64 KiB, or with a flush, and
    /// ends with [`finish`](MessageWriter::finish) or a shutdown.
    ///
    /// Until then the pings that arrive are answered, and nothing else is read.
    pub fn write_message(&mut self, kind: Kind) -> R::Io<MessageWriter<'_, Self>> {
        R::io(MessageWriter::new(self, Outlet::new(kind)))
    }

    /// [`write_message`](Self::write_message), with a choice of compression.
    #[cfg(feature = "deflate")]
    pub fn write_message_with(
        &mut self,
        kind: Kind,
        compress: Compress,
    ) -> R::Io<MessageWriter<'_, Self>> {
        R::io(MessageWriter::new(self, Outlet::with(kind, compress)))
    }

    /// The connection as a stream of bytes, in binary messages.
    #[must_use]
    pub fn into_byte_stream(mut self) -> R::Io<ByteStream<Self>> {
        // Two tasks may share it.
        self.wakers();
        R::io(ByteStream::new(self))
    }
}

impl<Rd, Wr, R> Reader<Rd, Wr, R>
where
    R: PollRead<Rd> + PollWrite<Wr>,
{
    /// Waits for the next message, to be read piece by piece; see
    /// [`WebSocket::next_message`].
    ///
    /// # Cancel safety
    /// As there.
    pub async fn next_message(&mut self) -> Option<R::Io<MessageReader<'_, Self>>> {
        MessageReader::next(self).await.map(R::io)
    }

    /// What is received, as a stream of the bytes in binary messages.
    #[must_use]
    pub fn into_byte_stream(self) -> R::Io<ByteStream<Self>> {
        R::io(ByteStream::new(self))
    }
}

impl<Wr, R> Writer<Wr, R>
where
    R: PollWrite<Wr>,
{
    /// A message to be written piece by piece. It begins with the first 64 KiB, or with a flush, and
    /// ends with [`finish`](MessageWriter::finish) or a shutdown.
    pub fn write_message(&mut self, kind: Kind) -> R::Io<MessageWriter<'_, Self>> {
        R::io(MessageWriter::new(self, Outlet::new(kind)))
    }

    /// [`write_message`](Self::write_message), with a choice of compression.
    #[cfg(feature = "deflate")]
    pub fn write_message_with(
        &mut self,
        kind: Kind,
        compress: Compress,
    ) -> R::Io<MessageWriter<'_, Self>> {
        R::io(MessageWriter::new(self, Outlet::with(kind, compress)))
    }

    /// What is sent, as a stream of bytes, in binary messages.
    #[must_use]
    pub fn into_byte_stream(self) -> R::Io<ByteStream<Self>> {
        R::io(ByteStream::new(self))
    }
}
