//! A whole connection, or one half of it, as one stream of bytes. What that means is decided by the
//! machines of [`ws_core::stream`]; this waits.

use std::io::{self, Read, Write};

use ws_core::error::Error;
use ws_core::stream::{ByteInlet, byte_message};

use crate::side::{Incoming, Outgoing};
use crate::{Reader, Transport, WebSocket, Writer};

/// A connection as a stream of bytes, for protocols that want one: each write is a binary message of
/// at most 64 KiB, and what is read is what binary messages hold, without their boundaries.
///
/// The stream ends where the peer closes with 1000 or without a code; any other end, and a text
/// message, is an error. What is written leaves with a flush, with the next read, or when 64 KiB are
/// waiting.
#[derive(Debug)]
pub struct ByteStream<T = WebSocket> {
    over: T,
    inlet: ByteInlet,
}

impl<T> ByteStream<T> {
    fn new(over: T) -> Self {
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
    /// [`Delivery::Chunks`](crate::Delivery::Chunks), and is lost otherwise.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.over
    }
}

impl<T: Outgoing> ByteStream<T> {
    /// Closes the connection with 1000, for both directions: WebSocket knows no end of one. What the
    /// peer sent before its own Close can still be read.
    ///
    /// # Errors
    /// [`Error::Io`] if the transport fails.
    pub fn shutdown(&mut self) -> Result<(), Error> {
        self.over.end()
    }
}

impl<T: Incoming> Read for ByteStream<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.inlet.is_at_hand() && !self.over.find() {
                return self.inlet.ended(self.over.closed());
            }
            let (events, now) = self.over.found();
            if let Some(read) = self.inlet.read(events, buf, now) {
                return read;
            }
        }
    }
}

impl<T: Outgoing> Write for ByteStream<T> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(self
            .over
            .queue_piece(&mut |sender| byte_message(sender, buf))?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(self.over.write_out()?)
    }
}

impl<S: Transport> WebSocket<S> {
    /// The connection as a stream of bytes, in binary messages.
    #[must_use]
    pub fn into_byte_stream(self) -> ByteStream<Self> {
        ByteStream::new(self)
    }
}

impl<S: Transport> Reader<S> {
    /// What is received, as a stream of the bytes in binary messages.
    #[must_use]
    pub fn into_byte_stream(self) -> ByteStream<Self> {
        ByteStream::new(self)
    }
}

impl<S: Transport> Writer<S> {
    /// What is sent, as a stream of bytes, in binary messages.
    #[must_use]
    pub fn into_byte_stream(self) -> ByteStream<Self> {
        ByteStream::new(self)
    }
}
