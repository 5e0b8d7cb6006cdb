//! The half that receives: it drives the [`Receiver`], pays what receiving owes, and sees to the
//! deadlines. It takes the sender's lock for a moment and waits for no write of another thread,
//! unless the end does.

use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use ws_core::connection::{Closed, Event, OwnedEvent, Received, Receiver};
use ws_core::frame::Reply;
use ws_core::handshake::Agreed;
use ws_core::{Instant, Transport as Advice, TransportEnd};

use super::shared::{Shared, lock};
use crate::driver::{Anchor, Wait, is_silence, is_timeout, read_once};
use crate::{Stream, Transport};

/// How long the reader lets a reply hold it up before it reads on, and then reads before it tries
/// again: a peer that does not read while it waits for us to read would otherwise stop both for
/// good.
const REPLY_PATIENCE: Duration = Duration::from_millis(10);

/// The half of a [`WebSocket`](crate::WebSocket) that receives.
///
/// It answers pings, runs the deadlines and completes the closing handshake, so a thread must be in
/// it for any of that to happen.
#[derive(Debug)]
pub struct Reader<S = Stream> {
    pub(super) receiver: Receiver,
    pub(super) io: S,
    pub(super) clock: Anchor,
    pub(super) wait: Wait,
    pub(super) ended: bool,
    /// The deadline that was put off by what the peer had said meanwhile.
    pub(super) put_off: Option<Instant>,
    /// Something in the send queue is for this half to write.
    pub(super) owes: bool,
    pub(super) agreed: Agreed,
    pub(super) shared: Arc<Shared<S>>,
}

/// Why a reply of the reader's has not left.
#[derive(Clone, Copy)]
enum Stuck {
    /// Another thread is writing, and will write it too.
    Busy,
    /// The transport takes nothing; no one but the reader will try again.
    Full,
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
        let state = lock(&self.shared.state);
        match (state.is_flushed(), state.stuck) {
            (true, _) => {
                self.receiver.flushed();
                None
            }
            // Whoever was writing is not any more.
            (false, true) => Some(Stuck::Full),
            (false, false) => Some(stuck),
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
                .wait_timeout_while(state, left, |state| {
                    !state.is_flushed() && !state.broken && !state.stuck
                }),
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
