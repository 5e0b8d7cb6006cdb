//! What the two halves share: the sender's state behind one lock, the write side behind another, and
//! how the queue is written out by whichever thread has that. It decides nothing about what is
//! queued.

use std::any::Any;
use std::io;
use std::net::Shutdown;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};

use ws_core::Instant;
use ws_core::bytes::{Buf, Bytes};
use ws_core::close::CloseCode;
use ws_core::connection::Sender;

use super::write_side::WriteSide;
use crate::driver::{Anchor, TIMED_OUT, is_timeout};
use crate::{Stream, Transport};

#[derive(Debug)]
pub(super) struct Shared<S> {
    // Before the state: the transport is closed before what is held for it is let go of.
    pub(super) io: Mutex<WriteSide<S>>,
    pub(super) state: Mutex<State>,
    /// Told whenever a piece was written, and when the connection has ended.
    pub(super) changed: Condvar,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) sender: Sender,
    /// A piece that the queue counts as written is still being written.
    pub(super) in_flight: bool,
    /// Whoever wrote last has gone, since the transport took no more.
    pub(super) stuck: bool,
    /// When the writer queued its Close frame.
    pub(super) closed_at: Option<Instant>,
    /// Writing failed.
    pub(super) broken: bool,
    /// The reader has told the end, or is gone.
    pub(super) over: bool,
    /// What somebody has for this connection for as long as it exists.
    pub(super) held: Option<Arc<dyn Any + Send + Sync>>,
}

impl State {
    /// Has everything queued left?
    pub(super) fn is_flushed(&self) -> bool {
        self.sender.is_flushed() && !self.in_flight
    }

    fn pop(&mut self) -> Option<Bytes> {
        self.stuck = false;
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

// A panic while encoding or writing leaves nothing here that a later call could trip over, so a
// poisoned lock is as good as any.

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

impl<S> Shared<S> {
    /// The sending half itself, under its lock.
    pub(super) fn with_sender<T>(&self, now: Instant, f: impl FnOnce(&mut Sender) -> T) -> T {
        let mut state = lock(&self.state);
        let was_open = state.sender.is_open();
        let answer = f(&mut state.sender);
        if was_open && !state.sender.is_open() {
            state.closed_at = Some(now);
        }
        answer
    }
}

impl<S: Transport> Shared<S> {
    /// Writes the queue out, waiting for the write side if another thread has it, but no longer
    /// than `until` for the transport.
    pub(super) fn write(&self, clock: Anchor, until: Option<Instant>) -> io::Result<()> {
        self.drain(lock(&self.io), clock, until)
    }

    /// Writes the queue out, unless another thread is at it (`None`); that one then writes the rest
    /// too.
    pub(super) fn try_write(
        &self,
        clock: Anchor,
        until: Option<Instant>,
    ) -> Option<io::Result<()>> {
        Some(self.drain(try_lock(&self.io)?, clock, until))
    }

    fn drain(
        &self,
        side: MutexGuard<'_, WriteSide<S>>,
        clock: Anchor,
        until: Option<Instant>,
    ) -> io::Result<()> {
        self.drain_with(side, |side| self.write_out(side, clock, until))
    }

    fn drain_with(
        &self,
        side: MutexGuard<'_, WriteSide<S>>,
        write_out: impl Fn(&mut WriteSide<S>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut free = Some(side);
        while let Some(mut side) = free.take() {
            write_out(&mut side)?;
            drop(side);
            // Someone may have queued while the write side was taken, and gone away trusting this.
            if !lock(&self.state).sender.is_flushed() {
                free = try_lock(&self.io);
            }
        }
        Ok(())
    }

    /// Writes piece after piece until the queue is empty.
    fn write_out(
        &self,
        side: &mut WriteSide<S>,
        clock: Anchor,
        until: Option<Instant>,
    ) -> io::Result<()> {
        loop {
            let piece = lock(&self.state).pop();
            let left = until.map(|until| until - clock.now());
            let written = match &piece {
                Some(piece) => side.write(piece, left),
                None if side.unflushed => side.flush(left).map(|()| 0),
                None => return Ok(()),
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
                    state.stuck = true;
                    self.changed.notify_all();
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
    }

    /// Nothing more can be written, and nothing more is read.
    pub(super) fn give_up(&self) {
        let mut state = lock(&self.state);
        state.sender.unwritable();
        state.in_flight = false;
        state.broken = true;
        drop(state);
        self.changed.notify_all();
        self.end_reading();
    }

    /// Ends the read that the other thread waits in; it then sees that time is up.
    pub(super) fn end_reading(&self) {
        // A transport that can't be shut down has no deadlines either (see `Plain`).
        let _ = lock(&self.io).io.shutdown(Shutdown::Both);
    }
}

impl Shared<Stream> {
    /// Queues a Close frame and waits for nothing: what the transport takes at once is written here,
    /// the rest by whoever is writing, or by the reader when it wakes. If the connection is closing
    /// already, nothing is done.
    pub(super) fn close_in_passing(&self, clock: Anchor, code: CloseCode, reason: &str) {
        let closing = self.with_sender(clock.now(), |sender| sender.close(code, reason));
        if let (Ok(()), Some(side)) = (closing, try_lock(&self.io)) {
            // Whatever comes of it, the reader sees to the end.
            let _ = self.drain_with(side, |side| {
                // A reader that looks at the transport meanwhile looks again.
                side.io.set_nonblocking(true)?;
                let written = self.write_out(side, clock, None);
                let again = side.io.set_nonblocking(false);
                again.or_else(|_| side.io.shutdown(Shutdown::Both))?;
                written
            });
        }
    }
}
