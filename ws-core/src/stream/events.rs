//! What both a connection and its receiving half offer to read from.

use crate::Instant;
use crate::connection::{Connection, Event, OwnedEvent, Receiver};
use crate::message::Chunk;

/// Something that has found an event, as its driver says.
pub trait Events {
    /// What was found, not consumed.
    fn look(&self) -> Option<Event<'_>>;

    /// Copies out what fits of the piece of a message that was found; `None` if something else was.
    fn read_chunk(&mut self, out: &mut [u8]) -> Option<Chunk<usize>>;

    /// Consumes what was found.
    fn take(&mut self, now: Instant) -> Option<OwnedEvent>;

    /// Consumes what was found without a copy.
    fn skip(&mut self, now: Instant);
}

impl Events for Connection {
    fn look(&self) -> Option<Event<'_>> {
        self.peek()
    }

    fn read_chunk(&mut self, out: &mut [u8]) -> Option<Chunk<usize>> {
        Self::read_chunk(self, out)
    }

    fn take(&mut self, now: Instant) -> Option<OwnedEvent> {
        self.poll_owned(now)
    }

    fn skip(&mut self, now: Instant) {
        self.poll(now);
    }
}

impl Events for Receiver {
    fn look(&self) -> Option<Event<'_>> {
        self.peek()
    }

    fn read_chunk(&mut self, out: &mut [u8]) -> Option<Chunk<usize>> {
        Self::read_chunk(self, out)
    }

    fn take(&mut self, now: Instant) -> Option<OwnedEvent> {
        // What was found is an event; replies were handed over on the way to it.
        self.poll_owned(now).and_then(Result::ok)
    }

    fn skip(&mut self, now: Instant) {
        self.poll(now);
    }
}
