//! Handing out what was found, lent or owned. Whether anything was found is not looked at here.

use bytes::Bytes;

use super::{Rare, Receiver};
use crate::Instant;
use crate::connection::closing::Closing;
use crate::connection::event::{Cause, Closed, Event, OwnedEvent};
use crate::connection::turn::{Next, Turn};
use crate::error::ProtocolError;
use crate::message::{Assembled, Chunk, Decoder, Lent, check};

/// The fault that text turns out to be when it is handed out.
pub(super) const NOT_UTF8: ProtocolError = ProtocolError::InvalidUtf8;

impl Receiver {
    /// The event that [`ready`](Self::ready) found, without consuming it.
    #[must_use]
    pub fn peek(&self) -> Option<Event<'_>> {
        Some(lend(&self.decoder, &self.rare().closing, self.next?))
    }

    /// Copies out what fits of the piece of a message that [`ready`](Self::ready) found, and says how
    /// much that was; `None` if it found something else. What does not fit stays found.
    pub fn read_chunk(&mut self, out: &mut [u8]) -> Option<Chunk<usize>> {
        let found = self.next.filter(|next| next.is(Next::Chunk))?;
        let (read, all) = self.decoder.read_chunk(found.span(), out);
        if all {
            self.next = None;
        }
        Some(read)
    }

    /// Turns [`Next::Binary`] into an event.
    #[inline(always)]
    pub(in crate::connection) fn binary(&self, found: Turn) -> Event<'_> {
        Event::Binary(self.decoder.payload(found.span()))
    }

    /// Turns [`Next::Text`] into an event: it is checked here, by the pass that makes it a `&str`.
    #[inline(always)]
    pub(in crate::connection) fn text(
        &mut self,
        found: Turn,
        now: impl FnOnce() -> Instant,
    ) -> Event<'_> {
        let (rare, payload) = self.decoder.kept_with(found.span());
        match check(payload) {
            Ok(text) => Event::Text(text),
            Err(_) => {
                self.owes_close |= rare.closing.fault(NOT_UTF8, now());
                Event::ProtocolError(&NOT_UTF8)
            }
        }
    }

    /// Turns anything else into an event.
    pub(in crate::connection) fn lend(&self, found: Turn) -> Event<'_> {
        lend(&self.decoder, &self.rare().closing, found)
    }

    /// What holds the message that was found, where it is not in the receive buffer, if a message of
    /// that length is `worth` sharing, and it does not hold far more.
    pub(in crate::connection) fn storage(&self, worth: impl Fn(usize) -> bool) -> Option<Bytes> {
        let storage = self.decoder.assembled_storage()?;
        worth(storage.len()).then(|| storage.clone())
    }

    /// [`binary`](Self::binary), owned.
    #[inline(always)]
    pub(in crate::connection) fn owned_binary(&mut self, found: Turn) -> OwnedEvent {
        OwnedEvent::Binary(self.decoder.take(found.span()))
    }

    /// [`text`](Self::text), owned. The fault is not put in the same place as the text: the compiler
    /// would keep both in memory for it.
    #[inline(always)]
    pub(in crate::connection) fn owned_text(
        &mut self,
        found: Turn,
        now: impl FnOnce() -> Instant,
    ) -> Result<OwnedEvent, ProtocolError> {
        match self.decoder.take_text(found.span()) {
            Some(text) => Ok(OwnedEvent::Text(text)),
            None => {
                self.owes_close |= self.rare_mut().closing.fault(NOT_UTF8, now());
                Err(NOT_UTF8)
            }
        }
    }

    /// Turns anything else into an event of its own, without a copy where that is worth it.
    pub(in crate::connection) fn own(&mut self, found: Turn) -> OwnedEvent {
        if found.is(Next::Assembled) {
            match self.decoder.take_assembled() {
                Some(Assembled::Binary(data)) => return OwnedEvent::Binary(data),
                Some(Assembled::Text(text)) => return OwnedEvent::Text(text),
                None => {}
            }
        }
        self.lend(found).to_owned()
    }
}

/// Lends what was found. Out of line: the common events are lent without it, in registers.
#[inline(never)]
fn lend<'a>(decoder: &'a Decoder<Rare>, closing: &'a Closing, found: Turn) -> Event<'a> {
    let payload = decoder.payload(found.span());
    match found.next() {
        Next::Assembled => match decoder.assembled() {
            Some(Lent::Text(text)) => Event::Text(text),
            Some(Lent::Binary(data)) => Event::Binary(data),
            None => Event::Binary(&[]),
        },
        Next::Binary => Event::Binary(payload),
        Next::Chunk => Event::Chunk(decoder.chunk(found.span())),
        Next::Closed | Next::Fault | Next::OweClose => ended(closing, found.next()),
        Next::Ping => Event::Ping(payload),
        Next::OwePong | Next::Pong => Event::Pong(payload),
        Next::Text => match check(payload) {
            Ok(text) => Event::Text(text),
            Err(_) => Event::ProtocolError(&NOT_UTF8),
        },
    }
}

/// The fault, or the end.
fn ended(closing: &Closing, next: Next) -> Event<'_> {
    match (closing.closed(), next) {
        (Some(closed), Next::Closed) => Event::Closed(closed),
        (
            Some(Closed {
                cause: Cause::Protocol(error),
                ..
            }),
            _,
        ) => Event::ProtocolError(error),
        _ => Event::ProtocolError(&NOT_UTF8),
    }
}
