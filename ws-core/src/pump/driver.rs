//! The loop of `machine.rs` over a non-blocking transport.
//!
//! It knows no protocol, and never blocks.

use core::cell::Cell;
use core::task::{Context, Poll, ready};
use std::io;

use bytes::Buf;

use super::runtime::{PollRead, PollWrite, Runtime};
use crate::Instant;
use crate::buf::{Pool, RecvBuf, SendBuf};
use crate::machine::{Machine, Transport, TransportEnd};

/// Reads in one poll that lead to nothing before other tasks get a turn.
const READS: u32 = 32;

/// Later than any deadline.
const NEVER: Instant = Instant::from_nanos(u64::MAX);

/// Pieces handed to one vectored write.
const PIECES: usize = 16;

/// A transport in one piece, and the runtime that polls it.
#[derive(Debug)]
pub(super) struct Driver<S, R> {
    pub(super) io: S,
    pub(super) runtime: R,
    /// The time of the last look at the clock: at most once per poll, and only if it mattered.
    pub(super) now: Instant,
    pub(super) out: WriteState,
    /// How the transport ended, if it did.
    pub(super) ended: Option<TransportEnd>,
    /// As a sink the socket has promised room for a message.
    pub(super) promised: bool,
    /// The deadline that has passed and for which was read once more; before any has, one that never
    /// will.
    looked: Instant,
}

impl<S, R: PollRead<S> + PollWrite<S>> Driver<S, R> {
    pub(super) fn new(io: S, runtime: R) -> Self {
        let now = runtime.now();
        Self {
            io,
            runtime,
            now,
            out: WriteState::default(),
            ended: None,
            promised: false,
            looked: NEVER,
        }
    }

    /// Drives the machine until there is something to take (`true`) or nothing more will ever be
    /// (`false`).
    ///
    /// Cancel-safe: nothing is held outside of the machine between polls.
    #[inline(always)]
    pub(super) fn poll<M: Machine>(&mut self, machine: &mut M, cx: &mut Context<'_>) -> Poll<bool> {
        // One read brings many messages: handing them out is most of what polls do.
        if machine.at_hand() {
            return Poll::Ready(true);
        }
        self.poll_transport(machine, cx)
    }

    /// [`poll`](Self::poll) with nothing at hand.
    #[inline(never)]
    fn poll_transport<M: Machine>(&mut self, machine: &mut M, cx: &mut Context<'_>) -> Poll<bool> {
        let seen = Cell::new(None);
        for _ in 0..READS {
            let found = machine.ready_with(|| look(&seen, &self.runtime));
            self.now = seen.get().unwrap_or(self.now);
            if found {
                return Poll::Ready(true);
            }
            if self.reads_on(machine) && self.poll_fill(machine, cx).is_ready() {
                continue;
            }
            // Bytes out. What does not fit now is tried again when the transport wakes the task.
            let out = machine.io().1;
            let waiting = out.has_remaining();
            let written = self.out.poll_write::<S, R>(&mut self.io, out, cx);
            if let Poll::Ready(Err(_)) = written {
                // Told once: from now on there is nothing to write.
                machine.unwritable(look(&seen, &self.runtime));
                continue;
            }
            if waiting && machine.io().1.is_empty() {
                // The end may have waited for just that.
                continue;
            }
            // What the transport itself buffers must get out too, but not after the last deadline.
            let flushing = written.is_pending() && machine.poll_timeout().is_some();
            match machine.transport() {
                Transport::Shutdown | Transport::Close if flushing => {}
                Transport::Open => {}
                Transport::Shutdown => self.out.shutdown::<S, R>(&mut self.io, cx),
                Transport::Close => {
                    self.out.shutdown::<S, R>(&mut self.io, cx);
                    Self::settle(machine);
                    return Poll::Ready(false);
                }
            }
            if self.poll_timer(machine, &seen, cx).is_ready() {
                continue;
            }
            if self.ended.is_some() {
                Self::settle(machine);
                // A peer that has ended its side may still read what is owed to it.
                return match written.is_pending() && machine.poll_timeout().is_some() {
                    true => Poll::Pending,
                    false => Poll::Ready(false),
                };
            }
            if self.poll_fill(machine, cx).is_pending() {
                Self::settle(machine);
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Writes and flushes everything, or as much as is `enough` while the transport takes no more.
    ///
    /// The deadlines go on meanwhile, so that a peer that takes nothing does not block for ever.
    pub(super) fn poll_flush<M: Machine>(
        &mut self,
        machine: &mut M,
        cx: &mut Context<'_>,
        enough: impl Fn(&SendBuf) -> bool,
    ) -> Poll<io::Result<()>> {
        if self.out.failed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        loop {
            let out = machine.io().1;
            match self.out.poll_write::<S, R>(&mut self.io, out, cx) {
                Poll::Ready(Ok(())) => return Poll::Ready(Ok(())),
                Poll::Ready(Err(error)) => {
                    self.now = self.runtime.now();
                    machine.unwritable(self.now);
                    return Poll::Ready(Err(error));
                }
                Poll::Pending if enough(machine.io().1) => return Poll::Ready(Ok(())),
                Poll::Pending => Self::rest(machine),
            }
            let Some((at, _)) = machine.poll_timeout() else {
                return match machine.transport() {
                    Transport::Close if machine.io().1.is_empty() => Poll::Ready(Ok(())),
                    Transport::Close => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                    Transport::Open | Transport::Shutdown => Poll::Pending,
                };
            };
            ready!(self.runtime.poll_until(cx, at));
            // Before the peer is judged by its silence: has it said something meanwhile? If there is
            // a lot of that already, it is judged by what it does not take.
            if machine.io().0.filled().len() < Pool::chunk() {
                let _ = self.poll_fill(machine, cx);
            }
            self.now = self.runtime.now().max(at);
            machine.handle_timeout(self.now);
        }
    }

    /// Writes, and minds the deadlines, but reads nothing: ready when there may be something to take.
    /// Before a deadline is judged, `excuse` says why nothing was heard.
    pub(super) fn poll_write_only<M: Machine>(
        &mut self,
        machine: &mut M,
        excuse: impl FnOnce(&mut M, Instant),
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let waiting = machine.io().1.has_remaining();
        let written = self
            .out
            .poll_write::<S, R>(&mut self.io, machine.io().1, cx);
        if let Poll::Ready(Err(_)) = written {
            self.now = self.runtime.now();
            machine.unwritable(self.now);
            return Poll::Ready(());
        }
        if waiting && machine.io().1.is_empty() {
            return Poll::Ready(());
        }
        let Some((at, _)) = machine.poll_timeout() else {
            return Poll::Pending;
        };
        ready!(self.runtime.poll_until(cx, at));
        self.now = self.runtime.now().max(at);
        excuse(machine, self.now);
        machine.handle_timeout(self.now);
        Poll::Ready(())
    }

    /// Ends the transport from this side, whatever is still to be said. The machine tells the end.
    pub(super) fn cut<M: Machine>(&mut self, machine: &mut M, cx: &mut Context<'_>) {
        self.now = self.runtime.now();
        self.out.shutdown::<S, R>(&mut self.io, cx);
        self.out.failed = true;
        machine.unwritable(self.now);
        if self.ended.is_none() {
            self.ended = Some(TransportEnd::Other);
            machine.lost(TransportEnd::Other);
        }
    }

    fn poll_timer<M: Machine>(
        &mut self,
        machine: &mut M,
        seen: &Cell<Option<Instant>>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let Some((at, _)) = machine.poll_timeout() else {
            return Poll::Pending;
        };
        self.now = look(seen, &self.runtime);
        if self.now < at {
            ready!(self.runtime.poll_until(cx, at));
            self.now = self.runtime.now().max(at);
            seen.set(Some(self.now));
        }
        // Before the peer is judged: has it said something meanwhile? This is asked once, so that a
        // peer that never stops does not put the deadline off for ever.
        let look = self.ended.is_none() && core::mem::replace(&mut self.looked, at) != at;
        if look && self.poll_fill(machine, cx).is_ready() {
            return Poll::Ready(());
        }
        machine.handle_timeout(self.now);
        Poll::Ready(())
    }

    /// One read, into storage lent by the thread's pool.
    fn poll_fill<M: Machine>(&mut self, machine: &mut M, cx: &mut Context<'_>) -> Poll<()> {
        let end = match ready!(poll_read_into::<S, R>(&mut self.io, machine.io().0, cx)) {
            Ok(0) => TransportEnd::Eof,
            Ok(_) => return Poll::Ready(()),
            Err(error) => error.kind().into(),
        };
        self.ended = Some(end);
        machine.lost(end);
        Poll::Ready(())
    }

    /// Is there something to write that can wait for what the next read brings?
    fn reads_on<M: Machine>(&self, machine: &mut M) -> bool {
        let (recv, out) = machine.io();
        recv.in_burst()
            && (1..Pool::chunk()).contains(&out.remaining())
            && self.ended.is_none()
            && machine.transport() == Transport::Open
    }

    /// Gives back what only the next long message needs, while nothing is read.
    fn rest<M: Machine>(machine: &mut M) {
        let recv = machine.io().0;
        if recv.has_long() {
            R::with_pool(|pool| pool.settle(recv));
        }
    }

    /// Gives lent storage back while nothing is under way.
    fn settle<M: Machine>(machine: &mut M) {
        let (recv, send) = machine.io();
        reclaim::<R>(Some(recv), send);
    }
}

/// The time of one poll, for which the clock is looked at once.
fn look(seen: &Cell<Option<Instant>>, runtime: &impl Runtime) -> Instant {
    seen.get().unwrap_or_else(|| {
        let now = runtime.now();
        seen.set(Some(now));
        now
    })
}

/// Makes sure that messages are encoded into lent storage.
#[inline(always)]
pub(super) fn lend_sending<R: Runtime>(send: &mut SendBuf) {
    if !send.has_storage() {
        put_sending::<R>(send);
    }
}

/// [`lend_sending`] where there is none: once for all that is answered together.
#[cold]
#[inline(never)]
fn put_sending<R: Runtime>(send: &mut SendBuf) {
    let unused = send.put_storage(R::with_pool(Pool::lend_sending));
    debug_assert!(unused.is_none(), "there was no storage");
}

/// Gives storage back to the thread's pool.
pub(super) fn reclaim<R: Runtime>(recv: Option<&mut RecvBuf>, send: &mut SendBuf) {
    let recv = recv.filter(|recv| recv.has_storage());
    let sending = send.take_storage();
    if recv.is_some() || sending.is_some() {
        R::with_pool(|pool| {
            recv.into_iter().for_each(|recv| pool.settle(recv));
            sending
                .into_iter()
                .for_each(|storage| pool.reclaim_sending(storage));
        });
    }
}

/// Reads once into `recv`. The bytes are committed before this returns, so nothing can be lost.
pub(super) fn poll_read_into<S, R: PollRead<S>>(
    io: &mut S,
    recv: &mut RecvBuf,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    if recv.wants_storage() || recv.wants_long() {
        R::with_pool(|pool| pool.supply(recv));
    }
    loop {
        match ready!(R::poll_read(io, cx, recv.spare_hot())) {
            Ok(n) => {
                recv.commit(n);
                return Poll::Ready(Ok(n));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Poll::Ready(Err(error)),
        }
    }
}

/// What the transport was told and has not done yet.
#[derive(Debug, Default)]
pub(super) struct WriteState {
    /// Something was written since the transport was last flushed.
    unflushed: bool,
    /// Writing has failed: what was queued is lost, and nothing is written any more.
    pub(super) failed: bool,
    shut: bool,
}

impl WriteState {
    /// Writes all of `out` and flushes the transport. Tells of a failure once, and does nothing from
    /// then on.
    pub(super) fn poll_write<S, R: PollWrite<S>>(
        &mut self,
        io: &mut S,
        out: &mut SendBuf,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.failed {
            return Poll::Ready(Ok(()));
        }
        let written = self.poll_all::<S, R>(io, out, cx);
        self.failed = matches!(written, Poll::Ready(Err(_)));
        written
    }

    /// Does the transport itself still buffer something?
    pub(super) const fn is_under_way(&self) -> bool {
        self.unflushed && !self.failed
    }

    /// The end has come: what the transport still buffers is not waited for.
    pub(super) fn give_up(&mut self) {
        self.unflushed = false;
    }

    fn poll_all<S, R: PollWrite<S>>(
        &mut self,
        io: &mut S,
        out: &mut SendBuf,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while out.has_remaining() {
            let mut pieces = [io::IoSlice::new(&[]); PIECES];
            let n = out.chunks_vectored(&mut pieces);
            match ready!(R::poll_write(io, cx, &pieces[..n])) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(n) => {
                    out.advance(n);
                    self.unflushed = true;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        if self.unflushed {
            ready!(R::poll_flush(io, cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Shuts the write side down, once. If that fails there is nothing left to shut down.
    pub(super) fn shutdown<S, R: PollWrite<S>>(&mut self, io: &mut S, cx: &mut Context<'_>) {
        if !self.shut {
            self.shut = R::poll_shutdown(io, cx).is_ready();
        }
    }
}
