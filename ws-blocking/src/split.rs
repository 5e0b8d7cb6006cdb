//! A connection in two halves, for two threads.
//!
//! The reader waits in the transport without any lock. The sender's state is behind one lock, held
//! only to encode or to take a piece out; the write side of the transport is behind another, held
//! while a piece is written. So a writer that is stuck in a write keeps no one from queueing, and the
//! reader never waits for it: if the write side is taken, whoever has it writes the reply too.

use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use ws_core::bytes::{Buf, Bytes};
use ws_core::close::CloseCode;
use ws_core::connection::{Closed, Event, OwnedEvent, Received, Receiver, Sender};
#[cfg(feature = "deflate")]
use ws_core::deflate::Compress;
use ws_core::error::{Error, SendError};
use ws_core::frame::Reply;
use ws_core::handshake::Agreed;
use ws_core::message::Message;
use ws_core::{Instant, Transport as Advice, TransportEnd};

use crate::driver::{Anchor, TIMED_OUT, Wait, flush, is_silence, is_timeout, read_once};
use crate::{Stream, Transport, TrySplit, WebSocket};

/// How long the reader lets a reply hold it up before it reads on, and then reads before it tries
/// again: a peer that does not read while it waits for us to read would otherwise stop both for
/// good.
const REPLY_PATIENCE: Duration = Duration::from_millis(10);

/// The half of a [`WebSocket`] that receives.
///
/// It answers pings, runs the deadlines and completes the closing handshake, so a thread must be in
/// it for any of that to happen.
#[derive(Debug)]
pub struct Reader<S = Stream> {
    receiver: Receiver,
    io: S,
    clock: Anchor,
    wait: Wait,
    ended: bool,
    /// The deadline that was put off by what the peer had said meanwhile.
    put_off: Option<Instant>,
    /// Something in the send queue is for this half to write.
    owes: bool,
    agreed: Agreed,
    shared: Arc<Shared<S>>,
}

/// The half of a [`WebSocket`] that sends.
///
/// Dropping it waits for nothing and writes nothing: what was fed and not flushed leaves with the
/// reader's next reply, and is lost if there is none. [`flush`](Self::flush) first.
#[derive(Debug)]
pub struct Writer<S = Stream> {
    clock: Anchor,
    close_timeout: Duration,
    /// How long the peer may take nothing before it is given up; for ever, unless somebody said so.
    patience: Option<Duration>,
    shared: Arc<Shared<S>>,
}

/// Why a reply of the reader's has not left.
#[derive(Clone, Copy)]
enum Stuck {
    /// Another thread is writing, and will write it too.
    Busy,
    /// The transport takes nothing; no one but the reader will try again.
    Full,
}

#[derive(Debug)]
struct Shared<S> {
    state: Mutex<State>,
    io: Mutex<WriteSide<S>>,
    /// Told whenever a piece was written, and when the connection has ended.
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    sender: Sender,
    /// A piece that the queue counts as written is still being written.
    in_flight: bool,
    /// When the writer queued its Close frame.
    closed_at: Option<Instant>,
    /// Writing failed.
    broken: bool,
    /// The reader has told the end, or is gone.
    over: bool,
}

impl State {
    /// Has everything queued left?
    fn is_flushed(&self) -> bool {
        self.sender.is_flushed() && !self.in_flight
    }

    fn pop(&mut self) -> Option<Bytes> {
        let piece = self.sender.buf().pop();
        self.in_flight |= piece.is_some();
        piece
    }

    /// The write of a piece is over; this is what it left. What the transport buffers is under way
    /// until it is flushed.
    fn unpop(&mut self, rest: Bytes, unflushed: bool) {
        self.sender.buf().unpop(rest);
        self.in_flight = unflushed;
    }
}

#[derive(Debug)]
struct WriteSide<S> {
    io: S,
    wait: Wait,
    /// The transport may still buffer what was written.
    unflushed: bool,
}

// A panic while encoding or writing leaves nothing here that a later call could trip over, so a
// poisoned lock is as good as any.

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

impl<S: Transport> Shared<S> {
    /// Writes the queue out, waiting for the write side if another thread has it, but no longer
    /// than `until` for the transport.
    fn write(&self, clock: Anchor, until: Option<Instant>) -> io::Result<()> {
        self.drain(lock(&self.io), clock, until)
    }

    /// Writes the queue out, unless another thread is at it (`None`); that one then writes the rest
    /// too.
    fn try_write(&self, clock: Anchor, until: Option<Instant>) -> Option<io::Result<()>> {
        Some(self.drain(try_lock(&self.io)?, clock, until))
    }

    fn drain(
        &self,
        side: MutexGuard<'_, WriteSide<S>>,
        clock: Anchor,
        until: Option<Instant>,
    ) -> io::Result<()> {
        let mut free = Some(side);
        while let Some(mut side) = free.take() {
            loop {
                let piece = lock(&self.state).pop();
                let left = until.map(|until| until - clock.now());
                let written = match &piece {
                    Some(piece) => side.write(piece, left),
                    None if side.unflushed => side.flush(left).map(|()| 0),
                    None => break,
                };
                let mut piece = piece.unwrap_or_default();
                let mut state = lock(&self.state);
                match written {
                    Ok(n) => {
                        piece.advance(n);
                        state.unpop(piece, side.unflushed);
                    }
                    Err(error) if is_timeout(&error) => {
                        state.unpop(piece, side.unflushed);
                        return Err(TIMED_OUT.into());
                    }
                    Err(error) => {
                        state.sender.unwritable();
                        state.in_flight = false;
                        side.unflushed = false;
                        state.broken = true;
                        self.changed.notify_all();
                        return Err(error);
                    }
                }
                self.changed.notify_all();
            }
            drop(side);
            // Someone may have queued while the write side was taken, and gone away trusting this.
            if !lock(&self.state).sender.is_flushed() {
                free = try_lock(&self.io);
            }
        }
        Ok(())
    }

    /// Nothing more can be written, and nothing more is read.
    fn give_up(&self) {
        let mut state = lock(&self.state);
        state.sender.unwritable();
        state.in_flight = false;
        state.broken = true;
        drop(state);
        self.changed.notify_all();
        self.end_reading();
    }

    /// Ends the read that the other thread waits in; it then sees that time is up.
    fn end_reading(&self) {
        // A transport that can't be shut down has no deadlines either (see `Plain`).
        let _ = lock(&self.io).io.shutdown(Shutdown::Both);
    }
}

impl<S: Transport> WriteSide<S> {
    fn write(&mut self, piece: &[u8], left: Option<Duration>) -> io::Result<usize> {
        if let Some(timeout) = self.wait.change(left) {
            self.io.set_write_timeout(timeout)?;
        }
        match self.io.write(piece) {
            Ok(0) => Err(ErrorKind::WriteZero.into()),
            Ok(n) => {
                self.unflushed = true;
                Ok(n)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(0),
            Err(error) => Err(error),
        }
    }

    fn flush(&mut self, left: Option<Duration>) -> io::Result<()> {
        if let Some(timeout) = self.wait.change(left) {
            self.io.set_write_timeout(timeout)?;
        }
        self.unflushed = !flush(&mut self.io)?;
        Ok(())
    }
}

pub(crate) fn split<S: TrySplit>(socket: WebSocket<S>) -> io::Result<(Reader<S>, Writer<S>)> {
    let WebSocket { conn, driver } = socket;
    let io = driver.io.try_split()?;
    let agreed = conn.agreed().clone();
    let (receiver, sender) = conn.split();
    let close_timeout = receiver.close_timeout();
    let state = State {
        sender,
        in_flight: false,
        closed_at: None,
        broken: false,
        over: false,
    };
    let shared = Arc::new(Shared {
        state: Mutex::new(state),
        io: Mutex::new(WriteSide {
            io: driver.io,
            wait: driver.write_wait,
            unflushed: true,
        }),
        changed: Condvar::new(),
    });
    let reader = Reader {
        receiver,
        io,
        clock: driver.clock,
        wait: driver.read_wait,
        ended: driver.ended.is_some(),
        put_off: None,
        owes: true,
        agreed,
        shared: Arc::clone(&shared),
    };
    Ok((
        reader,
        Writer {
            clock: driver.clock,
            close_timeout,
            patience: None,
            shared,
        },
    ))
}

impl<S: Transport> Reader<S> {
    /// Waits for the next event, owned; `None` after [`OwnedEvent::Closed`], once the transport is
    /// done with.
    #[allow(
        clippy::should_implement_trait,
        reason = "it does; this spares the import"
    )]
    pub fn next(&mut self) -> Option<OwnedEvent> {
        if !self.run() {
            return None;
        }
        self.receiver
            .poll_owned(self.clock.now())
            .and_then(Result::ok)
    }

    /// Waits for the next event, lent; `None` as for [`next`](Self::next).
    pub fn read(&mut self) -> Option<Event<'_>> {
        if !self.run() {
            return None;
        }
        match self.receiver.poll(self.clock.now())? {
            Received::Event(event) => Some(event),
            Received::Reply(_) => None,
        }
    }

    /// What [`run`](Self::run) found, and the time.
    pub(crate) fn receiver_and_now(&mut self) -> (&mut Receiver, Instant) {
        (&mut self.receiver, self.clock.now())
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

    /// The loop of a machine, with the sending half behind its lock.
    pub(crate) fn run(&mut self) -> bool {
        loop {
            let now = self.clock.now();
            self.look_at_writer(now);
            if self.expired(now) {
                continue;
            }
            if self.find(now) {
                return true;
            }
            let stuck = if self.owes { self.write(now) } else { None };
            if self.owes && stuck.is_none() {
                // The end may have waited for just that.
                self.owes = false;
                continue;
            }
            match self.receiver.transport() {
                Advice::Open => {}
                Advice::Shutdown => self.shutdown(Shutdown::Write),
                Advice::Close => {
                    self.shutdown(Shutdown::Both);
                    self.release();
                    return false;
                }
            }
            if self.ended {
                self.release();
                return false;
            }
            match (stuck, self.receiver.is_ending()) {
                (Some(Stuck::Busy), true) => self.wait_for_writer(now),
                // The next try waits again.
                (Some(Stuck::Full), true) => {}
                (Some(Stuck::Full), false) => {
                    self.read_bytes(now, Some(REPLY_PATIENCE));
                }
                (Some(Stuck::Busy) | None, _) => {
                    self.read_bytes(now, None);
                }
            }
        }
    }

    /// Takes over what the writer has left: a Close frame to wait for, or a broken write side.
    fn look_at_writer(&mut self, now: Instant) {
        let mut state = lock(&self.shared.state);
        if let Some(close) = state.sender.take_close() {
            self.receiver.closing(close, state.closed_at.unwrap_or(now));
            self.owes = true;
        }
        if state.broken {
            self.receiver.unwritable(now);
        }
    }

    /// Decodes up to the next event; replies go to the sender on the way.
    fn find(&mut self, now: Instant) -> bool {
        let found = loop {
            match self.receiver.ready(now) {
                Ok(found) => break found,
                Err(reply) => self.pay(&reply),
            }
        };
        if found && matches!(self.receiver.peek(), Some(Event::Closed(_))) {
            self.release();
            if self.receiver.transport() == Advice::Close {
                // The application may stop here, and a writer may be stuck.
                self.shutdown(Shutdown::Both);
            }
        }
        found
    }

    fn pay(&mut self, reply: &Reply) {
        lock(&self.shared.state).sender.reply(reply);
        self.owes = true;
    }

    /// Writes what is queued, and says why if not all of it has left.
    fn write(&mut self, now: Instant) -> Option<Stuck> {
        let patience = Some(now + REPLY_PATIENCE);
        let stuck = match self.shared.try_write(self.clock, patience) {
            None => Stuck::Busy,
            Some(Err(error)) if !is_timeout(&error) => {
                self.receiver.unwritable(now);
                Stuck::Full
            }
            Some(_) => Stuck::Full,
        };
        if lock(&self.shared.state).is_flushed() {
            self.receiver.flushed();
            None
        } else {
            Some(stuck)
        }
    }

    /// The writer is writing what must leave before the end: waits for that, or for the deadline.
    fn wait_for_writer(&self, now: Instant) {
        let left = self
            .receiver
            .poll_timeout()
            .map_or(Duration::ZERO, |(at, _)| at - now);
        let state = lock(&self.shared.state);
        drop(
            self.shared
                .changed
                .wait_timeout_while(state, left, |state| !state.is_flushed() && !state.broken),
        );
    }

    /// Acts on a deadline that has passed, and says whether it did. The thread may have been
    /// elsewhere meanwhile, so the peer is heard before it is judged.
    fn expired(&mut self, now: Instant) -> bool {
        let due = self.receiver.poll_timeout().filter(|(at, _)| *at <= now);
        let Some((at, deadline)) = due else {
            return false;
        };
        let silence = is_silence(deadline);
        if !self.ended && (silence || self.put_off.replace(at) != Some(at)) {
            let heard = self.read_bytes(now, None);
            // The end of the transport may be the writer's way to say that time is up.
            let found = !self.ended && self.find(now);
            if (heard || found) && !silence {
                return false;
            }
        }
        self.receiver
            .handle_timeout(now, &mut lock(&self.shared.state).sender);
        self.owes = true;
        true
    }

    /// Waits for bytes, at most until the next deadline, and for no longer than `patience`. Says
    /// whether there were any.
    fn read_bytes(&mut self, now: Instant, patience: Option<Duration>) -> bool {
        let left = self.receiver.poll_timeout().map(|(at, _)| at - now);
        let left = left.into_iter().chain(patience).min();
        let end = match read_once(&mut self.io, self.receiver.buf(), &mut self.wait, left) {
            Ok(Some(0)) => TransportEnd::Eof,
            Ok(read) => return read.is_some(),
            Err(error) => error.kind().into(),
        };
        self.ended = true;
        self.receiver.lost(end);
        false
    }

    fn shutdown(&mut self, how: Shutdown) {
        // A transport that can't be shut down is closed when it is dropped.
        let _ = self.io.shutdown(how);
    }

    /// The connection has ended: nothing can be sent any more, and no one should wait to.
    fn release(&self) {
        let mut state = lock(&self.shared.state);
        state.sender.shut();
        state.over = true;
        drop(state);
        self.shared.changed.notify_all();
    }
}

impl<S> Drop for Reader<S> {
    fn drop(&mut self) {
        lock(&self.shared.state).over = true;
        self.shared.changed.notify_all();
    }
}

impl<S: Transport> Iterator for Reader<S> {
    type Item = OwnedEvent;

    fn next(&mut self) -> Option<OwnedEvent> {
        Self::next(self)
    }
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
        let now = self.clock.now();
        let mut state = lock(&self.shared.state);
        let was_open = state.sender.is_open();
        let answer = f(&mut state.sender);
        if was_open && !state.sender.is_open() {
            state.closed_at = Some(now);
        }
        answer
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

/// For a server, whose own thread reaches into connections that other threads serve.
impl<S: Transport> Writer<S> {
    /// The peer is given up when it takes nothing for so long.
    pub(crate) fn give_up_after(&mut self, patience: Duration) {
        self.patience = Some(patience);
    }

    /// Another handle on the same half.
    pub(crate) fn again(&self) -> Self {
        Self {
            clock: self.clock,
            close_timeout: self.close_timeout,
            patience: self.patience,
            shared: Arc::clone(&self.shared),
        }
    }

    /// Queues a Close frame, and writes what the transport takes without being waited for: the rest
    /// leaves with whoever is writing. The deadline is the caller's affair.
    pub(crate) fn close_in_passing(&mut self, code: CloseCode, reason: &str) {
        if self
            .with_sender(|sender| sender.close(code, reason))
            .is_ok()
        {
            let patience = Some(self.clock.now() + REPLY_PATIENCE);
            let _ = self.shared.try_write(self.clock, patience);
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
