//! A connection in one piece: one task reads and writes.
//!
//! It spawns nothing and decides nothing about the protocol.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::future::{Future, poll_fn};
use core::task::{Context, Poll, ready};
use core::time::Duration;

use bytes::{Buf, Bytes};

use super::driver::{Driver, lend_sending};
use super::member::{Member, Order};
use super::runtime::{PollRead, PollWrite, Split};
use super::split::{self, Halves, Reader, Writer};
use super::wakers::Wakers;
use crate::buf::SendBuf;
use crate::close::CloseCode;
use crate::connection::{Closed, Config, Connection, Event, OwnedEvent, Sender};
#[cfg(feature = "deflate")]
use crate::deflate::Compress;
use crate::error::{Error, SendError};
use crate::handshake::{Agreed, Opened};
use crate::machine::Machine;
use crate::message::Message;
use crate::server::Farewell;

/// With this much in the queue, `feed` writes what the transport takes without waiting for it.
const WRITE_EARLY: usize = 64 * 1024;

/// An open WebSocket over a stream `S` of a runtime `R`.
///
/// [`send`](Self::send) queues a message and writes it out. [`feed`](Self::feed) only queues: what
/// was fed, and every pong, leaves in one write as soon as [`next`](Self::next) has nothing more to
/// hand out and is about to wait. A loop of `next` and `feed` is therefore the fast one.
///
/// Pings are answered, timeouts run and closing handshakes proceed while `next` (or
/// [`read`](Self::read), or [`close`](Self::close)) is awaited.
pub struct WebSocket<S, R> {
    pub(super) conn: Connection,
    pub(super) driver: Driver<S, R>,
    /// What most never have.
    pub(super) extra: Option<Box<Extra>>,
}

/// What a socket has only if it is used in some way.
#[derive(Default)]
pub(super) struct Extra {
    /// The tasks of the stream and of the sink, once it was used as one.
    pub(super) wakers: Option<Arc<Wakers>>,
    /// Its place in the server that it belongs to.
    pub(super) member: Option<Member>,
}

impl<S, R> WebSocket<S, R> {
    /// The tasks of the stream and of the sink.
    pub(super) fn wakers(&mut self) -> &mut Arc<Wakers> {
        let extra = self.extra.get_or_insert_default();
        extra.wakers.get_or_insert_default()
    }
}

impl<S, R> WebSocket<S, R>
where
    R: PollRead<S> + PollWrite<S>,
{
    /// A WebSocket on a stream whose opening handshake is done.
    #[must_use]
    pub fn upgraded(io: S, opened: Opened, config: &Config) -> Self
    where
        R: Default,
    {
        Self::upgraded_on(R::default(), io, opened, config)
    }

    /// [`upgraded`](Self::upgraded), with a runtime that is not made by `Default`: one with a clock
    /// of its own, for example.
    #[must_use]
    pub fn upgraded_on(runtime: R, io: S, opened: Opened, config: &Config) -> Self {
        Self::over(Driver::new(io, runtime), opened, config)
    }

    /// A WebSocket on what the opening handshake was driven with.
    pub(super) fn over(mut driver: Driver<S, R>, opened: Opened, config: &Config) -> Self {
        let mut conn = Connection::new(opened, config, driver.now);
        if let Some(end) = driver.ended {
            conn.lost(end);
        }
        // What timed the handshake has nothing left to do, and often nothing follows it.
        driver.runtime.rest();
        Self {
            conn,
            driver,
            extra: None,
        }
    }

    /// The next event, owned; `None` after [`OwnedEvent::Closed`], once the transport is done with.
    ///
    /// # Cancel safety
    /// Cancel-safe: no event, byte or deadline is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<OwnedEvent> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// [`next`](Self::next) as a poll function.
    pub fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<OwnedEvent>> {
        let found = ready!(self.poll_ready(cx));
        Poll::Ready(if found {
            self.conn.poll_owned_with(|| self.driver.runtime.now())
        } else {
            None
        })
    }

    /// The next event, lent, and the sender to answer it with; `None` as for [`next`](Self::next).
    /// What is queued with the sender leaves as with [`feed`](Self::feed).
    ///
    /// Nothing is read while the send queue is full, so there is room for a message in answer to
    /// every event. This is the reading that allocates nothing.
    ///
    /// # Cancel safety
    /// Cancel-safe: no event, byte or deadline is lost if the future is dropped.
    #[allow(
        clippy::missing_panics_doc,
        reason = "as any future, only if polled once it is done"
    )]
    pub fn read(&mut self) -> impl Future<Output = Option<(Event<'_>, &mut Sender)>> {
        // By hand, here and below: a task holds what it waits for, and this holds no more than the socket.
        let mut socket = Some(self);
        poll_fn(move |cx| {
            let this = socket.take().expect("it is not polled once it is done");
            if this.poll_readable(cx).is_pending() {
                socket = Some(this);
                return Poll::Pending;
            }
            lend_sending::<R>(this.conn.io().1);
            Poll::Ready(this.conn.poll_with(|| this.driver.runtime.now()))
        })
    }

    /// Drives the connection until there is something to take and room for an answer.
    #[inline(always)]
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if self.conn.io().1.is_full() {
            // If writing fails, reading tells how it ended.
            let _ = ready!(self.poll_room(cx));
        }
        self.poll_ready(cx)
    }

    /// Queues a message and writes the queue out: when this returns, the transport has the bytes.
    ///
    /// # Errors
    /// [`Error::Send`] if the message can't be sent, [`Error::Io`] if the transport fails.
    ///
    /// # Cancel safety
    /// If the future is dropped, the message is either queued as a whole or not at all. Once queued
    /// it leaves with the next call that writes, [`next`](Self::next) included.
    pub fn send<'m>(
        &mut self,
        message: impl Into<Message<'m>>,
    ) -> impl Future<Output = Result<(), Error>> {
        let mut message = Some(message.into());
        poll_fn(move |cx| {
            ready!(self.poll_queue(&mut message, cx))?;
            self.poll_flush_all(cx)
        })
    }

    /// Queues a message. Waits only while the queue is full; see [`flush`](Self::flush) for when it
    /// leaves.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// As [`send`](Self::send).
    pub fn feed<'m>(
        &mut self,
        message: impl Into<Message<'m>>,
    ) -> impl Future<Output = Result<(), Error>> {
        let mut message = Some(message.into());
        poll_fn(move |cx| {
            ready!(self.poll_queue(&mut message, cx))?;
            if self.conn.io().1.remaining() >= WRITE_EARLY {
                ready!(self.poll_write(cx, |_| true))?;
            }
            Poll::Ready(Ok(()))
        })
    }

    /// Queues what is left of a message, once there is room.
    #[inline]
    fn poll_queue(
        &mut self,
        message: &mut Option<Message<'_>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        if message.is_some() {
            ready!(self.poll_room(cx))?;
        }
        if let Some(message) = message.take() {
            self.sender().send(message)?;
        }
        Poll::Ready(Ok(()))
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
        if self.conn.io().1.is_full() {
            poll_fn(|cx| self.poll_room(cx)).await?;
        }
        self.sender().send_with(message, compress)?;
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
        if self.conn.io().1.is_full() {
            poll_fn(|cx| self.poll_room(cx)).await?;
        }
        self.sender().batch(messages)?;
        self.flush().await
    }

    /// Writes out everything queued.
    ///
    /// # Errors
    /// [`Error::Io`] if the transport fails, or takes nothing until a deadline of the connection.
    ///
    /// # Cancel safety
    /// Cancel-safe: what was not written yet leaves with the next call that writes.
    pub fn flush(&mut self) -> impl Future<Output = Result<(), Error>> {
        poll_fn(|cx| self.poll_flush_all(cx))
    }

    /// Closes the connection: queues a Close frame, drops the messages that still arrive, and
    /// returns when the peer has answered and the transport is done with, or at the deadline.
    ///
    /// To read what the peer sent before its Close, queue it with [`sender`](Self::sender) and go on
    /// with [`next`](Self::next).
    ///
    /// # Errors
    /// [`Error::Send`] for a code or reason that can't be sent; the connection is unharmed then.
    ///
    /// # Cancel safety
    /// Cancel-safe: the Close frame is queued once, and calling it again goes on waiting.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<Closed, Error> {
        if self.conn.sender().is_open() {
            self.start_close(code, reason)?;
        }
        while poll_fn(|cx| self.poll_ready(cx)).await {
            self.conn.poll_with(|| self.driver.runtime.now());
        }
        self.conn
            .closed()
            .cloned()
            .ok_or(Error::Send(SendError::Closed))
    }

    /// Drives the connection up to the next event. When the server that it belongs to goes down, it
    /// is closed first.
    #[inline(always)]
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if self.extra.is_some() {
            self.obey(cx);
        }
        let found = self.driver.poll(&mut self.conn, cx);
        if self.extra.is_some() && found != Poll::Ready(true) {
            self.tell_stall(self.driver.out.is_under_way());
        }
        found
    }

    /// Does what the server wants that it belongs to.
    #[inline(never)]
    fn obey(&mut self, cx: &mut Context<'_>) {
        while let Some(order) = self.member().and_then(|member| member.poll(cx)) {
            match order {
                Order::Close => {
                    // It may be closing for a reason of its own.
                    let _ =
                        self.start_close(Farewell::Shutdown.code(), Farewell::Shutdown.reason());
                }
                Order::End => self.driver.cut(&mut self.conn, cx),
            }
        }
    }

    fn member(&mut self) -> Option<&mut Member> {
        self.extra.as_mut()?.member.as_mut()
    }

    /// Tells the server whether the client takes what is sent to it.
    #[inline(never)]
    fn tell_stall(&mut self, under_way: bool) {
        let stalled = under_way || self.conn.io().1.has_remaining();
        if let Some(member) = self.member() {
            member.seat.stalled(stalled);
        }
    }

    /// Queues a Close frame and starts its deadline, without waiting.
    pub(super) fn start_close(&mut self, code: CloseCode, reason: &str) -> Result<(), SendError> {
        self.driver.now = self.driver.runtime.now();
        self.conn.close(code, reason, self.driver.now)
    }

    /// The sending half: fragments, pings, and whatever else is to be queued without waiting. It
    /// leaves as with [`feed`](Self::feed).
    pub fn sender(&mut self) -> &mut Sender {
        lend_sending::<R>(self.conn.io().1);
        self.conn.sender()
    }

    pub(super) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if !self.conn.io().1.is_full() {
            return Poll::Ready(Ok(()));
        }
        self.poll_write(cx, |out| !out.is_full())
    }

    pub(super) fn poll_flush_all(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_write(cx, |_| false)
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        enough: impl Fn(&SendBuf) -> bool,
    ) -> Poll<Result<(), Error>> {
        if self.extra.is_some() {
            self.obey(cx);
        }
        let written = self.driver.poll_flush(&mut self.conn, cx, enough);
        if self.extra.is_some() {
            self.tell_stall(written.is_pending());
        }
        written.map_err(Error::Io)
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

    /// Two halves for two tasks.
    ///
    /// Works for every stream, at the price of a lock around it; where the stream has halves of its
    /// own, [`split_with`](Self::split_with) does without.
    #[must_use]
    pub fn split(self) -> Halves<S, R>
    where
        R: Split<S>,
    {
        split::split(self, R::split)
    }

    /// Two halves for two tasks; `split` divides the stream, as `TcpStream::into_split` does.
    #[must_use]
    pub fn split_with<Rd, Wr>(
        self,
        split: impl FnOnce(S) -> (Rd, Wr),
    ) -> (Reader<Rd, Wr, R>, Writer<Wr, R>)
    where
        R: PollRead<Rd> + PollWrite<Wr>,
    {
        split::split(self, split)
    }
}

impl<S, R> fmt::Debug for WebSocket<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("conn", &self.conn)
            .finish_non_exhaustive()
    }
}
