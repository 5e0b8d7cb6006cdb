//! What the two halves share: the write side behind its lock, and their wakers. It decides nothing
//! about what is queued.

#![allow(clippy::disallowed_types, reason = "two tasks share the write side")]

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::driver::{WriteState, reclaim};
use super::super::gate::Seat;
use super::super::runtime::PollWrite;
use super::super::wakers::{Half, Wakers};
use crate::buf::SendBuf;
use crate::connection::Sender;
use crate::server::Farewell;

pub(super) struct Shared<Wr> {
    #[allow(
        clippy::disallowed_types,
        reason = "two tasks share it; never held across an await"
    )]
    pub(super) side: Mutex<Side<Wr>>,
    pub(super) wakers: Arc<Wakers>,
    /// The reader has something to do on the write side: a Close frame of the writer's to learn of,
    /// or bytes that no one is writing.
    pub(super) dirty: AtomicBool,
    /// The seat in a server, which both halves keep.
    pub(super) seat: Option<Arc<Seat>>,
}

/// The write side.
pub(super) struct Side<Wr> {
    pub(super) io: Wr,
    pub(super) sender: Sender,
    pub(super) out: WriteState,
    /// Writing failed, or is of no use any more.
    pub(super) broken: bool,
    /// The reader waits for the queue to be written out.
    pub(super) reader_waits: bool,
}

impl<Wr> Side<Wr> {
    pub(super) fn shutdown<R: PollWrite<Wr>>(&mut self, cx: &mut Context<'_>) {
        self.out.shutdown::<Wr, R>(&mut self.io, cx);
    }
}

impl<Wr> Shared<Wr> {
    pub(super) fn lock(&self) -> MutexGuard<'_, Side<Wr>> {
        // A panic in a transport's write leaves nothing half done here.
        self.side.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the reader that there is something to do.
    pub(super) fn notify_reader(&self) {
        self.dirty.store(true, Ordering::SeqCst);
        self.wakers.wake_half(Half::Reader);
    }

    /// Closes the connection because the server goes down.
    pub(super) fn say_goodbye(&self) {
        let (code, reason) = (Farewell::Shutdown.code(), Farewell::Shutdown.reason());
        // It may be closing for a reason of its own.
        let _ = self.lock().sender.close(code, reason);
    }

    /// Ends the transport from this side, whatever is still to be said.
    pub(super) fn cut<R: PollWrite<Wr>>(&self, cx: &mut Context<'_>) {
        let mut side = self.lock();
        side.shutdown::<R>(cx);
        side.sender.unwritable();
        side.broken = true;
        drop(side);
        self.tell_stall(false);
    }

    pub(super) fn tell_stall(&self, stalled: bool) {
        if let Some(seat) = &self.seat {
            seat.stalled(stalled);
        }
    }

    /// Writes and flushes everything, or as much as is `enough` while the transport takes no more.
    /// Both halves are woken when it does.
    pub(super) fn poll_flush<R: PollWrite<Wr>>(
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
