//! The half that sends. It never waits for the reader, and reads nothing.

use alloc::sync::Arc;
use core::fmt;
use core::future::poll_fn;
use core::task::{Context, Poll, ready};

use super::super::driver::lend_sending;
use super::super::member::{Member, Order};
use super::super::runtime::PollWrite;
use super::super::wakers::Half;
use super::shared::Shared;
use crate::buf::SendBuf;
use crate::close::CloseCode;
use crate::connection::Sender;
#[cfg(feature = "deflate")]
use crate::deflate::Compress;
use crate::error::{Error, SendError};
use crate::message::Message;

/// The half of a [`WebSocket`](super::WebSocket) that sends.
///
/// Dropping it waits for nothing: what was fed and not flushed is written by the reader, for as long
/// as that is polled, and is lost if the reader is gone. [`flush`](Self::flush) first to be sure.
pub struct Writer<Wr, R> {
    pub(super) shared: Arc<Shared<Wr>>,
    pub(super) runtime: core::marker::PhantomData<fn() -> R>,
    /// As a sink it has promised room for a message.
    pub(in super::super) promised: bool,
    /// Its place in the server, for when nobody polls the reader.
    pub(super) member: Option<Member>,
}

impl<Wr, R> Writer<Wr, R>
where
    R: PollWrite<Wr>,
{
    /// Queues a message and writes the queue out: when this returns, the transport has the bytes.
    ///
    /// # Errors
    /// [`Error::Send`] if the message can't be sent, [`Error::Io`] if the transport fails.
    ///
    /// # Cancel safety
    /// If the future is dropped, the message is either queued as a whole or not at all. Once queued
    /// the reader writes it out, if nothing else does.
    pub async fn send<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), Error> {
        self.feed(message).await?;
        self.flush().await
    }

    /// Queues a message. Waits only while the queue is full; what was queued leaves with the next
    /// [`send`](Self::send) or [`flush`](Self::flush), or with a reply of the reader's, or when this
    /// half is dropped.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// As [`send`](Self::send).
    pub async fn feed<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), Error> {
        let message = message.into();
        poll_fn(|cx| self.poll_queue(cx, |sender| sender.send(message.clone()))).await
    }

    /// [`send`](Self::send), with a choice of compression for this message.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// As [`send`](Self::send).
    #[cfg(feature = "deflate")]
    pub async fn send_with<'m>(
        &mut self,
        message: impl Into<Message<'m>>,
        compress: Compress,
    ) -> Result<(), Error> {
        let message = message.into();
        poll_fn(|cx| self.poll_queue(cx, |sender| sender.send_with(message.clone(), compress)))
            .await?;
        self.flush().await
    }

    /// Queues several messages, all or none, and writes them out together.
    ///
    /// # Errors
    /// As [`send`](Self::send), for the first message that can't be sent.
    ///
    /// # Cancel safety
    /// As [`send`](Self::send), for all of them together.
    pub async fn send_all(&mut self, messages: &[Message<'_>]) -> Result<(), Error> {
        poll_fn(|cx| self.poll_queue(cx, |sender| sender.batch(messages))).await?;
        self.flush().await
    }

    /// Writes out everything queued.
    ///
    /// # Errors
    /// [`Error::Io`] if the transport fails, or the connection ends before everything is written.
    ///
    /// # Cancel safety
    /// Cancel-safe: what was not written yet is left to the reader.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Queues a Close frame and writes it out. The reader goes on until the peer has answered, or
    /// the deadline has passed, and then tells the end.
    ///
    /// # Errors
    /// [`Error::Send`] for a code or reason that can't be sent, or a connection that is closing
    /// already; [`Error::Io`] if the transport fails.
    ///
    /// # Cancel safety
    /// Cancel-safe: once queued, the Close frame is written by the reader, if by no one else.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.with_sender(|sender| sender.close(code, reason))?;
        self.flush().await
    }

    /// The sending half itself, under its lock: fragments, pings, and whatever else is to be queued
    /// without waiting. It leaves as with [`feed`](Self::feed).
    pub fn with_sender<T>(&mut self, f: impl FnOnce(&mut Sender) -> T) -> T {
        let mut side = self.shared.lock();
        lend_sending::<R>(side.sender.buf());
        let was_open = side.sender.is_open();
        let answer = f(&mut side.sender);
        let closed = was_open && !side.sender.is_open();
        drop(side);
        if closed {
            self.shared.notify_reader();
        }
        answer
    }

    /// Queues something as soon as there is room. Both under one lock: the reader's replies go to the
    /// same queue.
    fn poll_queue(
        &mut self,
        cx: &mut Context<'_>,
        queue: impl Fn(&mut Sender) -> Result<(), SendError>,
    ) -> Poll<Result<(), Error>> {
        loop {
            match self.with_sender(&queue) {
                Err(SendError::Full { .. }) => ready!(self.poll_room(cx))?,
                queued => return Poll::Ready(Ok(queued?)),
            }
        }
    }

    pub(in super::super) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if !self.shared.lock().sender.buf().is_full() {
            return Poll::Ready(Ok(()));
        }
        self.poll_write(cx, |out| !out.is_full())
    }

    pub(in super::super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_write(cx, |_| false)
    }

    pub(in super::super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        enough: impl Fn(&SendBuf) -> bool,
    ) -> Poll<Result<(), Error>> {
        while let Some(order) = self.member.as_mut().and_then(|member| member.poll(cx)) {
            match order {
                Order::Close => self.shared.say_goodbye(),
                Order::End => self.shared.cut::<R>(cx),
            }
            self.shared.notify_reader();
        }
        let mut side = self.shared.lock();
        let written = self
            .shared
            .poll_flush::<R>(&mut side, Half::Writer, cx, enough);
        let reader_waits = side.reader_waits;
        drop(side);
        if written.is_ready() {
            self.shared.wakers.forget(Half::Writer);
        }
        if reader_waits || !matches!(written, Poll::Ready(Ok(()))) {
            // The reader finishes what this half may never come back to, and learns of failures, and
            // of the end of what it waits for.
            self.shared.notify_reader();
        }
        written.map_err(Error::Io)
    }
}

impl<Wr, R> Drop for Writer<Wr, R> {
    fn drop(&mut self) {
        // What was fed and not flushed is the reader's to write now.
        self.shared.notify_reader();
    }
}

impl<Wr, R> fmt::Debug for Writer<Wr, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}
