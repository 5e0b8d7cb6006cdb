//! A connection in two halves, for two tasks.
//!
//! The reader owns everything that receiving needs, so decoding takes no lock. The write side is
//! shared, behind a lock that is held for one non-blocking write at most: the writer takes it to
//! send, the reader only to hand over a reply, to run a deadline, or to finish a flush that nobody
//! else will finish.
//!
//! Nothing gets stuck: whenever a write stalls, both halves are told when the transport is writable
//! again, so a dropped `send` is finished by the reader, and a pong leaves without a `send`.

#![allow(clippy::disallowed_types, reason = "two tasks share the write side")]

use alloc::sync::Arc;
use core::fmt;
use core::future::poll_fn;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::driver::{WriteState, lend_sending, poll_read_into, reclaim};
use super::gate::Seat;
use super::member::{Member, Order};
use super::runtime::{PollRead, PollWrite, Split};
use super::socket::WebSocket;
use super::wakers::{Half, Wakers};
use crate::Instant;
use crate::buf::SendBuf;
use crate::close::CloseCode;
use crate::connection::{Closed, Event, OwnedEvent, Received, Receiver, Sender};
#[cfg(feature = "deflate")]
use crate::deflate::Compress;
use crate::error::{Error, SendError};
use crate::frame::Reply;
use crate::handshake::Agreed;
use crate::machine::{Transport, TransportEnd};
use crate::message::Message;
use crate::server::Farewell;

/// Reads in one poll that lead to nothing before other tasks get a turn.
const READS: u32 = 32;

/// The half of a [`WebSocket`] that receives.
///
/// It answers pings, runs the deadlines and completes the closing handshake, so it must be polled
/// for any of that to happen.
pub struct Reader<Rd, Wr, R> {
    receiver: Receiver,
    io: Rd,
    runtime: R,
    now: Instant,
    ended: bool,
    /// The deadline that has passed and for which was read once more.
    looked: Option<Instant>,
    /// Something in the send queue is for this half to write.
    owes: bool,
    agreed: Agreed,
    shared: Arc<Shared<Wr>>,
    /// Its place in the server that it belongs to.
    member: Option<Member>,
}

/// What a runtime divides a [`WebSocket`] on an `S` into.
pub type Halves<S, R> = (
    Reader<<R as Split<S>>::ReadHalf, <R as Split<S>>::WriteHalf, R>,
    Writer<<R as Split<S>>::WriteHalf, R>,
);

/// The half of a [`WebSocket`] that sends.
///
/// Dropping it waits for nothing: what was fed and not flushed is written by the reader, for as long
/// as that is polled, and is lost if the reader is gone. [`flush`](Self::flush) first to be sure.
pub struct Writer<Wr, R> {
    shared: Arc<Shared<Wr>>,
    runtime: core::marker::PhantomData<fn() -> R>,
    /// As a sink it has promised room for a message.
    pub(super) promised: bool,
    /// Its place in the server, for when nobody polls the reader.
    member: Option<Member>,
}

struct Shared<Wr> {
    #[allow(
        clippy::disallowed_types,
        reason = "two tasks share it; never held across an await"
    )]
    side: Mutex<Side<Wr>>,
    wakers: Arc<Wakers>,
    /// The reader has something to do on the write side: a Close frame of the writer's to learn of,
    /// or bytes that no one is writing.
    dirty: AtomicBool,
    /// The seat in a server, which both halves keep.
    seat: Option<Arc<Seat>>,
}

/// The write side.
struct Side<Wr> {
    io: Wr,
    sender: Sender,
    out: WriteState,
    /// Writing failed, or is of no use any more.
    broken: bool,
    /// The reader waits for the queue to be written out.
    reader_waits: bool,
}

impl<Wr> Side<Wr> {
    fn shutdown<R: PollWrite<Wr>>(&mut self, cx: &mut Context<'_>) {
        self.out.shutdown::<Wr, R>(&mut self.io, cx);
    }
}

impl<Wr> Shared<Wr> {
    fn lock(&self) -> MutexGuard<'_, Side<Wr>> {
        // A panic in a transport's write leaves nothing half done here.
        self.side.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the reader that there is something to do.
    fn notify_reader(&self) {
        self.dirty.store(true, Ordering::SeqCst);
        self.wakers.wake_half(Half::Reader);
    }

    /// Closes the connection because the server goes down.
    fn say_goodbye(&self) {
        let (code, reason) = (Farewell::Shutdown.code(), Farewell::Shutdown.reason());
        // It may be closing for a reason of its own.
        let _ = self.lock().sender.close(code, reason);
    }

    /// Ends the transport from this side, whatever is still to be said.
    fn cut<R: PollWrite<Wr>>(&self, cx: &mut Context<'_>) {
        let mut side = self.lock();
        side.shutdown::<R>(cx);
        side.sender.unwritable();
        side.broken = true;
        drop(side);
        self.tell_stall(false);
    }

    fn tell_stall(&self, stalled: bool) {
        if let Some(seat) = &self.seat {
            seat.stalled(stalled);
        }
    }

    /// Writes and flushes everything, or as much as is `enough` while the transport takes no more.
    /// Both halves are woken when it does.
    fn poll_flush<R: PollWrite<Wr>>(
        &self,
        side: &mut Side<Wr>,
        half: Half,
        cx: &Context<'_>,
        enough: impl Fn(&SendBuf) -> bool,
    ) -> Poll<io::Result<()>> {
        if side.broken {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        self.wakers.register(half, cx.waker());
        let waker = self.wakers.waker();
        let Side {
            io, sender, out, ..
        } = side;
        let written = out.poll_write::<Wr, R>(io, sender.buf(), &mut Context::from_waker(&waker));
        self.tell_stall(written.is_pending());
        match written {
            Poll::Pending if enough(sender.buf()) => Poll::Ready(Ok(())),
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) => {
                reclaim::<R>(None, sender.buf());
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => {
                sender.unwritable();
                side.broken = true;
                Poll::Ready(Err(error))
            }
        }
    }
}

pub(super) fn split<S, Rd, Wr, R>(
    socket: WebSocket<S, R>,
    split: impl FnOnce(S) -> (Rd, Wr),
) -> (Reader<Rd, Wr, R>, Writer<Wr, R>) {
    let WebSocket {
        conn,
        driver,
        extra,
    } = socket;
    let member = extra.and_then(|extra| extra.member);
    let beside = member.as_ref();
    let beside = beside.map(|member| Member::new(Arc::clone(&member.seat)));
    let agreed = conn.agreed().clone();
    let (receiver, sender) = conn.split();
    let (reader, writer) = split(driver.io);
    let side = Side {
        io: writer,
        sender,
        out: driver.out,
        broken: false,
        reader_waits: false,
    };
    let shared = Arc::new(Shared {
        side: Mutex::new(side),
        wakers: Arc::default(),
        // Whatever was queued before is the reader's to write if no one else does.
        dirty: AtomicBool::new(true),
        seat: member.as_ref().map(|member| Arc::clone(&member.seat)),
    });
    let reader = Reader {
        receiver,
        io: reader,
        runtime: driver.runtime,
        now: driver.now,
        ended: driver.ended.is_some(),
        looked: None,
        owes: false,
        agreed,
        shared: Arc::clone(&shared),
        member,
    };
    (
        reader,
        Writer {
            shared,
            runtime: core::marker::PhantomData,
            promised: false,
            member: beside,
        },
    )
}

impl<Rd, Wr, R> Reader<Rd, Wr, R>
where
    R: PollRead<Rd> + PollWrite<Wr>,
{
    /// The next event, owned; `None` after [`OwnedEvent::Closed`], once the transport is done with.
    ///
    /// # Cancel safety
    /// Cancel-safe: no event, byte or deadline is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<OwnedEvent> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// [`next`](Self::next) as a poll function.
    pub fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<OwnedEvent>> {
        if !ready!(self.poll_ready(cx)) {
            return Poll::Ready(None);
        }
        Poll::Ready(self.receiver.poll_owned(self.now).and_then(Result::ok))
    }

    /// The next event, lent; `None` as for [`next`](Self::next).
    ///
    /// # Cancel safety
    /// Cancel-safe: no event, byte or deadline is lost if the future is dropped.
    pub async fn read(&mut self) -> Option<Event<'_>> {
        poll_fn(|cx| self.poll_ready(cx)).await;
        match self.receiver.poll(self.now)? {
            Received::Event(event) => Some(event),
            Received::Reply(_) => None,
        }
    }

    /// What [`poll_ready`](Self::poll_ready) found, and when.
    pub(super) fn found(&mut self) -> (&mut Receiver, Instant) {
        (&mut self.receiver, self.now)
    }

    /// What the opening handshake agreed on.
    #[must_use]
    pub const fn agreed(&self) -> &Agreed {
        &self.agreed
    }

    /// How it ended, once [`OwnedEvent::Closed`] was handed out.
    #[must_use]
    pub fn closed(&self) -> Option<&Closed> {
        self.receiver.closed()
    }

    /// The time from the last answered keepalive ping to its pong.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.receiver.round_trip()
    }

    /// The loop of `machine.rs`, with the write side behind its lock.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        // Before anything is looked at, so that no notice of the writer can fall in between.
        self.shared.wakers.register(Half::Reader, cx.waker());
        self.now = self.runtime.now();
        self.poll_member(cx);
        for _ in 0..READS {
            if self.shared.dirty.swap(false, Ordering::SeqCst) {
                self.look_at_writer();
            }
            if self.find() {
                return Poll::Ready(true);
            }
            if self.owes && self.poll_write(cx).is_ready() {
                // The end may have waited for just that.
                continue;
            }
            match self.receiver.transport() {
                Transport::Open => {}
                Transport::Shutdown => self.shared.lock().shutdown::<R>(cx),
                Transport::Close => {
                    self.shared.lock().shutdown::<R>(cx);
                    self.release();
                    return Poll::Ready(false);
                }
            }
            if self.poll_timer(cx).is_ready() {
                continue;
            }
            if self.ended {
                self.release();
                return Poll::Ready(false);
            }
            if self.poll_fill(cx).is_pending() {
                if let Some(storage) = self.receiver.buf().take_storage() {
                    R::with_pool(|pool| pool.reclaim_receiving(storage));
                }
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Does what the server wants that it belongs to.
    fn poll_member(&mut self, cx: &mut Context<'_>) {
        while let Some(order) = self.member.as_mut().and_then(|member| member.poll(cx)) {
            match order {
                Order::Close => {
                    self.shared.say_goodbye();
                    self.shared.dirty.store(true, Ordering::SeqCst);
                }
                Order::End => {
                    self.shared.cut::<R>(cx);
                    self.receiver.unwritable(self.now);
                    if !self.ended {
                        self.ended = true;
                        self.receiver.lost(TransportEnd::Other);
                    }
                    self.shared.wakers.wake_half(Half::Writer);
                }
            }
        }
    }

    /// Decodes up to the next event; replies go to the sender on the way.
    fn find(&mut self) -> bool {
        let found = loop {
            match self.receiver.ready(self.now) {
                Ok(found) => break found,
                Err(reply) => self.pay(&reply),
            }
        };
        if found && matches!(self.receiver.peek(), Some(Event::Closed(_))) {
            self.release();
        }
        found
    }

    fn pay(&mut self, reply: &Reply) {
        self.shared.lock().sender.reply(reply);
        self.owes = true;
    }

    /// Takes over what the writer has left: a Close frame to wait for, or bytes to write.
    fn look_at_writer(&mut self) {
        let mut side = self.shared.lock();
        if let Some(close) = side.sender.take_close() {
            self.receiver.closing(close, self.now);
        }
        if side.broken {
            self.receiver.unwritable(self.now);
        }
        self.owes |= !side.broken;
    }

    fn poll_write(&mut self, cx: &Context<'_>) -> Poll<()> {
        let mut side = self.shared.lock();
        let written = self
            .shared
            .poll_flush::<R>(&mut side, Half::Reader, cx, |_| false);
        side.reader_waits = written.is_pending();
        if ready!(written).is_err() {
            self.receiver.unwritable(self.now);
        }
        drop(side);
        // A writer that waits for the same has no need to wait for the transport.
        self.shared.wakers.wake_half(Half::Writer);
        self.receiver.flushed();
        self.owes = false;
        Poll::Ready(())
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some((at, _)) = self.receiver.poll_timeout() else {
            return Poll::Pending;
        };
        if self.now < at {
            ready!(self.runtime.poll_until(cx, at));
            self.now = self.runtime.now().max(at);
        }
        // As in `Driver::poll_timer`: what has arrived meanwhile counts, once per deadline.
        let look = !self.ended && self.looked.replace(at) != Some(at);
        if look && self.poll_fill(cx).is_ready() {
            return Poll::Ready(());
        }
        self.receiver
            .handle_timeout(self.now, &mut self.shared.lock().sender);
        self.owes = true;
        Poll::Ready(())
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let end = match ready!(poll_read_into::<Rd, R>(
            &mut self.io,
            self.receiver.buf(),
            cx
        )) {
            Ok(0) => TransportEnd::Eof,
            Ok(_) => return Poll::Ready(()),
            Err(error) => error.kind().into(),
        };
        self.ended = true;
        self.receiver.lost(end);
        Poll::Ready(())
    }

    /// The connection has ended: nothing can be sent any more, and no one should wait to.
    fn release(&self) {
        let over = self.receiver.transport() == Transport::Close;
        let mut side = self.shared.lock();
        side.sender.shut();
        if over {
            side.broken |= !side.sender.is_flushed();
            side.out.give_up();
        }
        drop(side);
        if over {
            self.shared.tell_stall(false);
        }
        self.shared.wakers.wake_half(Half::Writer);
    }
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

    pub(super) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if !self.shared.lock().sender.buf().is_full() {
            return Poll::Ready(Ok(()));
        }
        self.poll_write(cx, |out| !out.is_full())
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_write(cx, |_| false)
    }

    pub(super) fn poll_write(
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

impl<Rd, Wr, R> fmt::Debug for Reader<Rd, Wr, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("receiver", &self.receiver)
            .finish_non_exhaustive()
    }
}

impl<Wr, R> fmt::Debug for Writer<Wr, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}
