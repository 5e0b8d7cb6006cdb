//! The half that sends: it queues under the state's lock and writes under the write side's. It reads
//! nothing.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use ws_core::close::CloseCode;
use ws_core::connection::Sender;
#[cfg(feature = "deflate")]
use ws_core::deflate::Compress;
use ws_core::error::{Error, SendError};
use ws_core::message::Message;

use super::shared::{Shared, lock};
use crate::driver::{Anchor, is_timeout};
use crate::{Stream, Transport};

/// The half of a [`WebSocket`](crate::WebSocket) that sends.
///
/// Dropping it waits for nothing and writes nothing: what was fed and not flushed leaves with the
/// reader's next reply, and is lost if there is none. [`flush`](Self::flush) first.
#[derive(Debug)]
pub struct Writer<S = Stream> {
    pub(super) clock: Anchor,
    pub(super) close_timeout: Duration,
    /// How long the peer may take nothing before it is given up; for ever, unless somebody said so.
    pub(super) patience: Option<Duration>,
    pub(super) shared: Arc<Shared<S>>,
}

impl<S: Transport> Writer<S> {
    /// Queues a message and writes the queue out: when this returns, the transport has the bytes.
    ///
    /// # Errors
    /// [`Error::Send`] if the message can't be sent, [`Error::Io`] if the transport fails.
    pub fn send<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), Error> {
        self.feed(message)?;
        self.flush()
    }

    /// Queues a message. Waits only while the queue is full; what was queued leaves with the next
    /// [`send`](Self::send) or [`flush`](Self::flush), or with a reply of the reader's.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn feed<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), Error> {
        let message = message.into();
        self.queue(|sender| sender.send(message.clone()))
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
        self.queue(|sender| sender.send_with(message.clone(), compress))?;
        self.flush()
    }

    /// Queues several messages, all or none, and writes them out together.
    ///
    /// # Errors
    /// As [`send`](Self::send), for the first message that can't be sent.
    pub fn send_all(&mut self, messages: &[Message<'_>]) -> Result<(), Error> {
        self.queue(|sender| sender.batch(messages))?;
        self.flush()
    }

    /// Writes out everything queued.
    ///
    /// # Errors
    /// [`Error::Io`] if the transport fails, or the connection ends before everything is written.
    pub fn flush(&mut self) -> Result<(), Error> {
        let closed_at = lock(&self.shared.state).closed_at;
        if let (None, Some(patience)) = (closed_at, self.patience) {
            return Ok(self.flush_within(patience)?);
        }
        let until = closed_at.map(|at| at + self.close_timeout);
        Ok(self.shared.write(self.clock, until)?)
    }

    /// Writes out everything queued, to a peer that takes something at least so often. Otherwise the
    /// connection is over, for the reader too.
    fn flush_within(&self, patience: Duration) -> io::Result<()> {
        loop {
            let before = lock(&self.shared.state).sender.buf().written();
            let until = self.clock.now() + patience;
            match self.shared.write(self.clock, Some(until)) {
                Err(error) if is_timeout(&error) => {
                    if lock(&self.shared.state).sender.buf().written() > before {
                        continue;
                    }
                    self.shared.give_up();
                    return Err(error);
                }
                written => return written,
            }
        }
    }

    /// The sending half itself, under its lock: fragments, pings, and whatever else is to be queued
    /// without waiting. It leaves as with [`feed`](Self::feed).
    ///
    /// Close with [`close`](Self::close) rather than in here: it also sees to the deadline.
    pub fn with_sender<T>(&mut self, f: impl FnOnce(&mut Sender) -> T) -> T {
        self.shared.with_sender(self.clock.now(), f)
    }

    /// Queues as soon as there is room. The reader may take the room with a reply before we do.
    fn queue(&mut self, queue: impl Fn(&mut Sender) -> Result<(), SendError>) -> Result<(), Error> {
        loop {
            match self.with_sender(&queue) {
                Err(SendError::Full { .. }) => self.flush()?,
                queued => return Ok(queued?),
            }
        }
    }
}

impl<S: Transport + Send + 'static> Writer<S> {
    /// Queues a Close frame and writes it out. The reader goes on until the peer has answered, or
    /// the deadline has passed, and then tells the end.
    ///
    /// A reader may be waiting in the transport without a deadline, so a thread sees to this one:
    /// it lives until the connection has ended, `Config::close_timeout` at most.
    ///
    /// # Errors
    /// [`Error::Send`] for a code or reason that can't be sent, or a connection that is closing
    /// already; [`Error::Io`] if the transport fails.
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.with_sender(|sender| sender.close(code, reason))?;
        let until = self.clock.now() + self.close_timeout;
        let flushed = self.flush();
        if flushed.is_err() {
            self.shared.end_reading();
            return flushed;
        }
        let (shared, clock) = (Arc::clone(&self.shared), self.clock);
        let watch = move || {
            let state = lock(&shared.state);
            let left = until - clock.now();
            let ended = shared
                .changed
                .wait_timeout_while(state, left, |state| !state.over);
            if ended.is_ok_and(|(_, wait)| wait.timed_out()) {
                shared.end_reading();
            }
        };
        std::thread::Builder::new()
            .name("ws-close-deadline".into())
            .spawn(watch)?;
        Ok(())
    }
}
