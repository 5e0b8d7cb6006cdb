//! A transport that does what a script says, and a runtime whose clock is moved by hand.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use ws_core::buf::Pool;
use ws_core::connection::{Config, Connection};
use ws_core::handshake::{Agreed, Opened};
use ws_core::pump::{PollRead, PollWrite, Runtime};
use ws_core::{Instant, Role, Seed};

/// What was written, what is to be read, and how stubborn the transport is.
#[derive(Default)]
pub(crate) struct Wire {
    pub(crate) incoming: VecDeque<u8>,
    pub(crate) written: Vec<u8>,
    /// Bytes that one call moves at most.
    pub(crate) step: usize,
    /// Every other call is not ready, counted apart for reads, writes and flushes.
    pub(crate) stubborn: bool,
    pub(crate) turns: [bool; 3],
    pub(crate) eof: bool,
    pub(crate) shut: bool,
    /// Takes no more bytes than this in all.
    pub(crate) capacity: Option<usize>,
    pub(crate) write_error: Option<io::ErrorKind>,
    pub(crate) flush_error: Option<io::ErrorKind>,
}

impl Wire {
    fn turn(&mut self, call: usize) -> Poll<()> {
        self.turns[call] = !self.turns[call];
        if self.stubborn && self.turns[call] {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }
}

/// A handle on a [`Wire`]; the test keeps another.
#[derive(Clone, Default)]
pub(crate) struct Io(pub(crate) Rc<RefCell<Wire>>);

/// A clock that the test moves.
#[derive(Clone, Default)]
pub(crate) struct Clock(pub(crate) Rc<Cell<Instant>>);

impl Clock {
    pub(crate) fn advance(&self, by: Duration) {
        self.0.set(self.0.get() + by);
    }
}

impl Runtime for Clock {
    type Io<T> = T;

    fn io<T>(io: T) -> T {
        io
    }

    fn now(&self) -> Instant {
        self.0.get()
    }

    fn poll_until(&mut self, _: &mut Context<'_>, at: Instant) -> Poll<()> {
        if self.0.get() >= at {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn with_pool<T>(f: impl FnOnce(&mut Pool) -> T) -> T {
        thread_local!(static POOL: RefCell<Pool> = const { RefCell::new(Pool::new()) });
        POOL.with_borrow_mut(f)
    }
}

impl PollRead<Io> for Clock {
    fn poll_read(io: &mut Io, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut wire = io.0.borrow_mut();
        if wire.turn(0).is_pending() || wire.incoming.is_empty() && !wire.eof {
            return Poll::Pending;
        }
        let n = wire.incoming.len().min(wire.step).min(buf.len());
        for (slot, byte) in buf.iter_mut().zip(wire.incoming.drain(..n)) {
            *slot = byte;
        }
        Poll::Ready(Ok(n))
    }
}

impl PollWrite<Io> for Clock {
    fn poll_write(
        io: &mut Io,
        _: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut wire = io.0.borrow_mut();
        assert!(
            bufs.iter().all(|buf| !buf.is_empty()),
            "an empty piece to write"
        );
        if let Some(kind) = wire.write_error {
            return Poll::Ready(Err(kind.into()));
        }
        let room = wire
            .capacity
            .map_or(usize::MAX, |capacity| capacity - wire.written.len());
        if wire.turn(1).is_pending() || room == 0 {
            return Poll::Pending;
        }
        let n = wire.step.min(room);
        let all: Vec<u8> = bufs
            .iter()
            .flat_map(|buf| buf.iter().copied())
            .take(n)
            .collect();
        wire.written.extend_from_slice(&all);
        Poll::Ready(Ok(all.len()))
    }

    fn poll_flush(io: &mut Io, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut wire = io.0.borrow_mut();
        if let Some(kind) = wire.flush_error {
            return Poll::Ready(Err(kind.into()));
        }
        wire.turn(2).map(Ok)
    }

    fn poll_shutdown(io: &mut Io, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        io.0.borrow_mut().shut = true;
        Poll::Ready(Ok(()))
    }
}

impl Io {
    /// A transport that moves any number of bytes whenever it is asked.
    pub(crate) fn willing() -> Self {
        let io = Self::default();
        io.0.borrow_mut().step = usize::MAX;
        io
    }

    /// What was written so far, and forgets it.
    pub(crate) fn take_written(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.borrow_mut().written)
    }

    pub(crate) fn receive(&self, bytes: &[u8]) {
        self.0.borrow_mut().incoming.extend(bytes);
    }
}

/// What a handshake would have left behind.
pub(crate) fn opened(role: Role) -> Opened {
    Opened::upgraded(role, Agreed::default(), &[], Seed::new([7; 32]))
}

/// A peer to encode frames with, and to read them.
pub(crate) fn peer(role: Role) -> Connection {
    Connection::new(opened(role), &Config::default(), Instant::ORIGIN)
}

/// Everything that a connection has to write.
pub(crate) fn encoded(conn: &mut Connection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(piece) = conn.io().1.pop() {
        bytes.extend_from_slice(&piece);
    }
    bytes
}

/// Counts how often it was woken.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Polls a future once; says what came of it, and whether it asked to be polled again at once.
pub(crate) fn poll_once<F: Future>(future: F) -> (Option<F::Output>, bool) {
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let output = match pin!(future).poll(&mut Context::from_waker(&waker)) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    };
    (output, wakes.0.load(Ordering::Relaxed) > 0)
}

/// Polls a future at most `polls` times, then drops it.
pub(crate) fn poll_up_to<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
    }
    None
}
