//! Asking a connection for its next event, lent or owned.
//!
//! It knows what the two halves owe each other on the way, and decodes nothing. Each of the common
//! events is returned from where it is made: one that is put together in one place for all of them is
//! written to memory in pieces and read back as a whole, and the processor waits for that longer than
//! a short message takes.

use super::Connection;
use super::event::{Event, OwnedEvent};
use super::sender::Sender;
use super::turn::{Next, Turn};
use crate::Instant;
#[cfg(doc)]
use crate::machine::Machine;

impl Connection {
    /// The next event, and the sender to answer it with.
    ///
    /// The event is lent from the buffers; asking for the next one gives it back. `None` means that
    /// bytes are missing, or that something must be written first.
    #[inline]
    pub fn poll(&mut self, now: Instant) -> Option<(Event<'_>, &mut Sender)> {
        self.poll_with(|| now)
    }

    /// [`poll`](Self::poll) for a driver to whom a look at the clock is dear: it is asked for the
    /// time only if that matters, which for a message that [`ready`](Self::ready) or
    /// [`at_hand`](Machine::at_hand) found it does not.
    #[inline]
    pub fn poll_with(&mut self, now: impl Fn() -> Instant) -> Option<(Event<'_>, &mut Sender)> {
        let found = self.found(&now)?;
        if found.is(Next::Binary) {
            return Some((self.receiver.binary(found), &mut self.sender));
        }
        if found.is(Next::Text) {
            let Self { receiver, sender } = self;
            let event = receiver.text(found, now);
            if let Event::ProtocolError(fault) = event {
                // It shows only now, and nothing may be sent between it and its Close.
                sender.refuse(fault);
            }
            return Some((event, sender));
        }
        Some(self.lend(found))
    }

    /// Lends what is not a message in the receive buffer. Out of line: what is behind a pointer here
    /// would otherwise be put together in memory for every message, and moved from there.
    #[inline(never)]
    fn lend(&mut self, found: Turn) -> (Event<'_>, &mut Sender) {
        let Self { receiver, sender } = self;
        if found.is(Next::Assembled) {
            sender.lend(receiver);
        }
        let event = receiver.lend(found);
        if let Event::ProtocolError(fault) = event {
            sender.refuse(fault);
        }
        (event, sender)
    }

    /// The next event, owned. It holds little more than itself: payloads of up to 4 KiB are copied, and
    /// larger ones have storage of their own. Where several long messages came in one read they share
    /// what they were read into, at least a quarter of it each. Storage is used again once the
    /// application has dropped what is in it.
    #[inline]
    pub fn poll_owned(&mut self, now: Instant) -> Option<OwnedEvent> {
        self.poll_owned_with(|| now)
    }

    /// [`poll_owned`](Self::poll_owned) for a driver to whom a look at the clock is dear; see
    /// [`poll_with`](Self::poll_with).
    #[inline]
    pub fn poll_owned_with(&mut self, now: impl Fn() -> Instant) -> Option<OwnedEvent> {
        let found = self.found(&now)?;
        if found.is(Next::Binary) {
            return Some(self.receiver.owned_binary(found));
        }
        if !found.is(Next::Text) {
            return Some(self.own(found));
        }
        match self.receiver.owned_text(found, now) {
            Ok(event) => Some(event),
            Err(fault) => {
                self.sender.refuse(&fault);
                Some(OwnedEvent::ProtocolError(fault))
            }
        }
    }

    /// [`lend`](Self::lend), owned.
    #[inline(never)]
    fn own(&mut self, found: Turn) -> OwnedEvent {
        let event = self.receiver.own(found);
        if let OwnedEvent::ProtocolError(fault) = &event {
            self.sender.refuse(fault);
        }
        event
    }

    #[inline(always)]
    fn found(&mut self, now: impl Fn() -> Instant) -> Option<Turn> {
        self.note_close(&now);
        let turn = match self.receiver.take_next() {
            Some(turn) => turn,
            None => self.search(now())?,
        };
        if turn.is(Next::Closed) {
            self.sender.shut();
        }
        Some(turn)
    }

    #[inline(always)]
    fn search(&mut self, now: Instant) -> Option<Turn> {
        self.sender.buf().unlend();
        loop {
            let turn = self.receiver.turn(|| now, !self.sender.is_flushed())?;
            if !turn.is_owed() {
                return Some(turn);
            }
            self.pay(turn);
        }
    }
}
