//! One message as a reader or a writer. What they do is decided by the machines of
//! [`ws_core::stream`]; this waits.

use std::io::{self, Read, Write};

use ws_core::error::Error;
use ws_core::message::Kind;
use ws_core::stream::{Found, Inlet, Outlet};

use crate::side::{Incoming, Outgoing};
use crate::{Reader, Transport, WebSocket, Writer};

/// A message that is being read, piece by piece, as it arrives.
///
/// It ends when all of it was read. A message that is cut off, by the end of the connection or by a
/// fault of the peer's, is an error: `UnexpectedEof` or `InvalidData`, with the
/// [`Closed`](crate::Closed) or the [`ProtocolError`](crate::ProtocolError) inside. Text may be cut
/// within a character between two reads.
#[derive(Debug)]
pub struct MessageReader<'a, T = WebSocket> {
    from: &'a mut T,
    inlet: Inlet,
}

impl<'a, T: Incoming> MessageReader<'a, T> {
    fn next(from: &'a mut T) -> Option<Self> {
        while from.find() {
            let (events, now) = from.found();
            if let Found::Message(inlet) = Inlet::begin(events, now) {
                return Some(Self { from, inlet });
            }
        }
        None
    }

    /// What the message is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.inlet.kind()
    }
}

impl<T: Incoming> Read for MessageReader<'_, T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.inlet.is_at_hand() && !self.from.find() {
                return Err(Inlet::over());
            }
            let (events, now) = self.from.found();
            if let Some(read) = self.inlet.read(events, buf, now) {
                return read;
            }
        }
    }
}

/// A message that is being written, piece by piece, before its length is known.
///
/// What is written is sent in frames of 64 KiB, and whatever there is with each flush; control
/// frames go out in between. [`finish`](Self::finish) ends the message. Dropped before that, the
/// message stays unfinished: once a frame of it was queued other messages are refused with
/// [`MidMessage`](crate::SendError::MidMessage), and only closing is left.
///
/// A thread that writes does not read: where the peer must be heard meanwhile, use the halves of
/// [`WebSocket::split`].
#[derive(Debug)]
pub struct MessageWriter<'a, T = WebSocket> {
    to: &'a mut T,
    outlet: Outlet,
}

impl<T: Outgoing> MessageWriter<'_, T> {
    /// Ends the message and writes it out.
    ///
    /// # Errors
    /// [`Error::Send`] for text that is not UTF-8, and on a connection that is closing;
    /// [`Error::Io`] if the transport fails.
    pub fn finish(&mut self) -> Result<(), Error> {
        let Self { to, outlet } = self;
        to.queue_piece(&mut |sender| outlet.finish(sender))?;
        to.write_out()
    }
}

impl<T: Outgoing> Write for MessageWriter<'_, T> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let Self { to, outlet } = self;
        Ok(to.queue_piece(&mut |sender| outlet.write(sender, buf))?)
    }

    fn flush(&mut self) -> io::Result<()> {
        let Self { to, outlet } = self;
        to.queue_piece(&mut |sender| outlet.flush(sender))?;
        Ok(to.write_out()?)
    }
}

impl<S: Transport> WebSocket<S> {
    /// Waits for the next message, to be read piece by piece; `None` once the connection has ended,
    /// which [`closed`](Self::closed) tells more of.
    ///
    /// Where [`Config::delivery`](crate::Config) says
    /// [`Delivery::Chunks`](crate::Delivery::Chunks), the message is handed out as it arrives, however
    /// large; otherwise, once it is complete. Pings and pongs are not handed out while messages are
    /// read this way; pings are answered. A reader that is dropped leaves the rest of its message to
    /// be skipped by the next call.
    pub fn next_message(&mut self) -> Option<MessageReader<'_, Self>> {
        MessageReader::next(self)
    }

    /// A message to be written piece by piece. It begins with the first 64 KiB, or with a flush, and
    /// ends with [`finish`](MessageWriter::finish).
    pub fn write_message(&mut self, kind: Kind) -> MessageWriter<'_, Self> {
        let outlet = Outlet::new(kind);
        MessageWriter { to: self, outlet }
    }

    /// [`write_message`](Self::write_message), with a choice of compression.
    #[cfg(feature = "deflate")]
    pub fn write_message_with(
        &mut self,
        kind: Kind,
        compress: crate::Compress,
    ) -> MessageWriter<'_, Self> {
        let outlet = Outlet::with(kind, compress);
        MessageWriter { to: self, outlet }
    }
}

impl<S: Transport> Reader<S> {
    /// Waits for the next message, to be read piece by piece; see [`WebSocket::next_message`].
    pub fn next_message(&mut self) -> Option<MessageReader<'_, Self>> {
        MessageReader::next(self)
    }
}

impl<S: Transport> Writer<S> {
    /// A message to be written piece by piece; see [`WebSocket::write_message`].
    pub fn write_message(&mut self, kind: Kind) -> MessageWriter<'_, Self> {
        let outlet = Outlet::new(kind);
        MessageWriter { to: self, outlet }
    }

    /// [`write_message`](Self::write_message), with a choice of compression.
    #[cfg(feature = "deflate")]
    pub fn write_message_with(
        &mut self,
        kind: Kind,
        compress: crate::Compress,
    ) -> MessageWriter<'_, Self> {
        let outlet = Outlet::with(kind, compress);
        MessageWriter { to: self, outlet }
    }
}
