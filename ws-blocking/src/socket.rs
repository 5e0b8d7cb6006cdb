//! A connection in one piece: one thread reads and writes.
//!
//! It starts no thread and decides nothing about the protocol.

use std::io;
use std::time::Duration;

use ws_core::Machine;
use ws_core::buf::SendBuf;
use ws_core::bytes::{Buf, Bytes};
use ws_core::close::CloseCode;
use ws_core::connection::{Closed, Config, Connection, Event, OwnedEvent, Sender};
#[cfg(feature = "deflate")]
use ws_core::deflate::Compress;
use ws_core::error::{Error, SendError};
use ws_core::handshake::{Agreed, Opened};
use ws_core::message::Message;

use crate::driver::Driver;
use crate::split::{self, Reader, Writer};
use crate::{Stream, Transport, TrySplit};

/// With this much in the queue, `feed` writes it out.
const WRITE_EARLY: usize = 64 * 1024;

/// An open WebSocket over a blocking stream.
///
/// [`send`](Self::send) queues a message and writes it out. [`feed`](Self::feed) only queues: what
/// was fed, and every pong, leaves in one write as soon as [`next`](Self::next) has nothing more to
/// hand out and is about to wait. A loop of `next` and `feed` is therefore the fast one.
///
/// Pings are answered, timeouts run and closing handshakes proceed while a thread is in `next` (or
/// [`read`](Self::read), or [`close`](Self::close)).
#[derive(Debug)]
pub struct WebSocket<S = Stream> {
    pub(crate) conn: Connection,
    pub(crate) driver: Driver<S>,
}

impl<S: Transport> WebSocket<S> {
    /// A WebSocket on a stream whose opening handshake is done.
    #[must_use]
    pub fn upgraded(io: S, opened: Opened, config: &Config) -> Self {
        Self::over(Driver::new(io), opened, config)
    }

    /// A WebSocket on what the opening handshake was driven with.
    pub(crate) fn over(driver: Driver<S>, opened: Opened, config: &Config) -> Self {
        let mut conn = Connection::new(opened, config, driver.now());
        if let Some(end) = driver.ended {
            conn.lost(end);
        }
        Self { conn, driver }
    }

    /// Waits for the next event, owned; `None` after [`OwnedEvent::Closed`], once the transport is
    /// done with.
    #[allow(
        clippy::should_implement_trait,
        reason = "it does; this spares the import"
    )]
    pub fn next(&mut self) -> Option<OwnedEvent> {
        if self.driver.run(&mut self.conn) {
            self.conn.poll_owned_with(|| self.driver.now())
        } else {
            None
        }
    }

    /// Waits for the next event, lent, and the sender to answer it with; `None` as for
    /// [`next`](Self::next). What is queued with the sender leaves as with [`feed`](Self::feed).
    ///
    /// Nothing is read while the send queue is full, so there is room for a message in answer to
    /// every event. This is the reading that allocates nothing.
    pub fn read(&mut self) -> Option<(Event<'_>, &mut Sender)> {
        // If writing fails, reading tells how it ended.
        let _ = self.make_room();
        if self.driver.run(&mut self.conn) {
            self.conn.poll_with(|| self.driver.now())
        } else {
            None
        }
    }

    /// Queues a message and writes the queue out: when this returns, the transport has the bytes.
    ///
    /// # Errors
    /// [`Error::Send`] if the message can't be sent, [`Error::Io`] if the transport fails.
    pub fn send<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), Error> {
        self.feed(message)?;
        self.flush()
    }

    /// Queues a message; see [`flush`](Self::flush) for when it leaves. With 64 KiB or more in the
    /// queue it is written out first, and that waits while the peer takes nothing: where two peers
    /// only feed each other, use the halves of [`split`](Self::split).
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn feed<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), Error> {
        self.make_room()?;
        self.conn.sender().send(message)?;
        if self.conn.io().1.remaining() >= WRITE_EARLY {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// [`send`](Self::send), with a choice of compression for this message.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    #[cfg(feature = "deflate")]
    pub fn send_with<'m>(
        &mut self,
        message: impl Into<Message<'m>>,
        compress: Compress,
    ) -> Result<(), Error> {
        let message = message.into();
        self.make_room()?;
        self.conn.sender().send_with(message, compress)?;
        self.flush()
    }

    /// Queues several messages, all or none, and writes them out together.
    ///
    /// # Errors
    /// As [`send`](Self::send), for the first message that can't be sent.
    pub fn send_all(&mut self, messages: &[Message<'_>]) -> Result<(), Error> {
        self.make_room()?;
        self.conn.sender().batch(messages)?;
        self.flush()
    }

    /// Writes out everything queued.
    ///
    /// # Errors
    /// [`Error::Io`] if the transport fails, or takes nothing until a deadline of the connection.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.write(SendBuf::is_empty)
    }

    /// Closes the connection: queues a Close frame, drops the messages that still arrive, and
    /// returns when the peer has answered and the transport is done with, or at the deadline.
    ///
    /// To read what the peer sent before its Close, queue it with [`sender`](Self::sender) and go on
    /// with [`next`](Self::next).
    ///
    /// # Errors
    /// [`Error::Send`] for a code or reason that can't be sent; the connection is unharmed then.
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<Closed, Error> {
        if self.conn.sender().is_open() {
            self.conn.close(code, reason, self.driver.now())?;
        }
        while self.read().is_some() {}
        self.conn
            .closed()
            .cloned()
            .ok_or(Error::Send(SendError::Closed))
    }

    /// The sending half: fragments, pings, and whatever else is to be queued without waiting. It
    /// leaves as with [`feed`](Self::feed).
    pub fn sender(&mut self) -> &mut Sender {
        self.conn.sender()
    }

    fn make_room(&mut self) -> Result<(), Error> {
        if self.conn.io().1.is_full() {
            self.write(|out| !out.is_full())
        } else {
            Ok(())
        }
    }

    pub(crate) fn write(&mut self, enough: impl Fn(&SendBuf) -> bool) -> Result<(), Error> {
        Ok(self.driver.write(&mut self.conn, enough)?)
    }

    /// What the opening handshake agreed on.
    #[must_use]
    pub fn agreed(&self) -> &Agreed {
        self.conn.agreed()
    }

    /// How it ended, once [`OwnedEvent::Closed`] was handed out.
    #[must_use]
    pub fn closed(&self) -> Option<&Closed> {
        self.conn.closed()
    }

    /// The time from the last answered keepalive ping to its pong.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.conn.round_trip()
    }

    /// The stream underneath. Reading from it or writing to it breaks the connection.
    #[must_use]
    pub const fn stream(&self) -> &S {
        &self.driver.io
    }

    /// The stream, and the bytes received from it that no event has consumed, as far as
    /// [`Connection::into_leftover`] can give them back. What was queued and not written is dropped:
    /// [`flush`](Self::flush) first.
    #[must_use]
    pub fn into_inner(self) -> (S, Bytes) {
        (self.driver.io, self.conn.into_leftover())
    }
}

impl<S: TrySplit> WebSocket<S> {
    /// Two halves for two threads.
    ///
    /// # Errors
    /// The operating system gives no second handle on the stream. The connection is lost then: the
    /// stream is dropped without a Close frame, and what was queued with it.
    pub fn split(self) -> io::Result<(Reader<S>, Writer<S>)> {
        split::split(self)
    }
}

impl<S: Transport> Iterator for WebSocket<S> {
    type Item = OwnedEvent;

    fn next(&mut self) -> Option<OwnedEvent> {
        Self::next(self)
    }
}
