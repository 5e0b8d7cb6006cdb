//! The half that receives: the loop of a machine, with the write side behind its lock.

use alloc::sync::Arc;
use core::fmt;
use core::future::poll_fn;
use core::sync::atomic::Ordering;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use super::super::driver::poll_read_into;
use super::super::member::{Member, Order};
use super::super::runtime::{PollRead, PollWrite};
use super::super::wakers::Half;
use super::shared::Shared;
use crate::Instant;
use crate::connection::{Closed, Event, OwnedEvent, Received, Receiver};
use crate::frame::Reply;
use crate::handshake::Agreed;
use crate::machine::{Transport, TransportEnd};

/// Reads in one poll that lead to nothing before other tasks get a turn.
const READS: u32 = 32;

/// The half of a [`WebSocket`](super::WebSocket) that receives.
///
/// It answers pings, runs the deadlines and completes the closing handshake, so it must be polled
/// for any of that to happen.
pub struct Reader<Rd, Wr, R> {
    pub(super) receiver: Receiver,
    pub(super) io: Rd,
    pub(super) runtime: R,
    pub(super) now: Instant,
    pub(super) ended: bool,
    /// The deadline that has passed and for which was read once more.
    pub(super) looked: Option<Instant>,
    /// Something in the send queue is for this half to write.
    pub(super) owes: bool,
    pub(super) agreed: Agreed,
    pub(super) shared: Arc<Shared<Wr>>,
    /// Its place in the server that it belongs to.
    pub(super) member: Option<Member>,
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
    pub(in super::super) fn found(&mut self) -> (&mut Receiver, Instant) {
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
    pub(in super::super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
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
                R::with_pool(|pool| pool.settle(self.receiver.buf()));
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

impl<Rd, Wr, R> fmt::Debug for Reader<Rd, Wr, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("receiver", &self.receiver)
            .finish_non_exhaustive()
    }
}
