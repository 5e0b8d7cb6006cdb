//! One cell of the codec tables: a message, how often, and which end of the connection it meets.

use std::rc::Rc;

use bytes::Bytes;

use crate::table::Class;
use crate::tape::{Spy, Tape};
use crate::wire::{self, Kind, Numbers};

/// Bytes of payload that one run handles at least.
const RUN: usize = 512 * 1024;

/// Messages that one run handles at least, however long they are.
const FEW: usize = 4;

/// Bytes of payload that are encoded before they are flushed, but at least one message: from this length
/// on everybody writes each message by itself, as those do that have no queue.
const BURST: usize = 16 * 1024;

/// A message and its surroundings.
#[derive(Debug)]
pub struct Case {
    /// What the message holds.
    pub kind: Kind,
    /// Is this end the server? It receives masked frames and sends unmasked ones.
    pub server: bool,
    /// Messages in one run.
    pub messages: usize,
    /// Frames that each message is received in.
    pub fragments: usize,
    /// Of the messages, how many are encoded before they are flushed.
    pub burst: usize,
    /// The message.
    pub payload: Bytes,
    wire: Rc<[u8]>,
    spy: Spy,
}

impl Case {
    /// Decoding messages of `size` bytes in `fragments` frames each.
    #[must_use]
    pub fn decode(kind: Kind, size: usize, server: bool, fragments: usize) -> Self {
        let mut case = Self::encode(kind, size, server);
        let mut keys = Numbers::new(7);
        let mut tape = Vec::new();
        for _ in 0..case.messages {
            let key = server.then(|| keys.key());
            wire::message(&mut tape, kind, &case.payload, fragments, key);
        }
        (case.wire, case.fragments) = (tape.into(), fragments);
        case
    }

    /// Encoding messages of `size` bytes.
    #[must_use]
    pub fn encode(kind: Kind, size: usize, server: bool) -> Self {
        let burst = (BURST / size).max(1);
        let messages = (RUN / size).max(FEW);
        Self {
            kind,
            server,
            messages: messages.next_multiple_of(burst),
            fragments: 1,
            burst,
            payload: kind.payload(size).into(),
            wire: Rc::new([]),
            spy: Spy::default(),
        }
    }

    /// The transport that plays these messages, or takes them.
    #[must_use]
    pub fn tape(&self) -> Tape {
        Tape::new(Rc::clone(&self.wire), Rc::clone(&self.spy))
    }

    /// All frames of one run, as they are received.
    #[must_use]
    pub fn wire(&self) -> Rc<[u8]> {
        Rc::clone(&self.wire)
    }

    /// The message as text.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.payload).expect("only asked for text")
    }

    /// Runs a job once and checks that it handled every message.
    ///
    /// # Panics
    /// If it did not, or encoded something else than these messages.
    pub fn check(&self, who: &str, class: Class, job: &mut Job) {
        self.spy.replace(Some(Vec::new()));
        let tally = job();
        let bytes = (self.messages * self.payload.len()) as u64;
        assert_eq!(
            tally,
            Tally {
                messages: self.messages as u64,
                bytes
            },
            "{who}"
        );
        let seen = self.spy.replace(None).unwrap_or_default();
        if class == Class::Limit || !self.wire.is_empty() {
            return;
        }
        let first = if self.kind.is_text() { 0x81 } else { 0x82 };
        let mut rest = &seen[..];
        for _ in 0..self.messages {
            let (head, payload, len) = wire::parse(rest).unwrap_or_default();
            let masked = rest[1] & 0x80 != 0;
            assert_eq!(
                (head, masked),
                (first, !self.server),
                "{who}: a whole frame"
            );
            assert!(payload == self.payload, "{who}: the payload");
            rest = &rest[len..];
        }
        assert!(rest.is_empty(), "{who}: nothing else");
    }
}

/// What one run did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    messages: u64,
    bytes: u64,
}

impl Tally {
    /// Counts a message, and makes the compiler believe that somebody looks at it.
    #[inline(always)]
    pub fn count(&mut self, payload: &[u8]) {
        std::hint::black_box(payload.as_ptr());
        self.messages += 1;
        self.bytes += payload.len() as u64;
    }

    /// Messages so far.
    #[must_use]
    pub const fn messages(&self) -> u64 {
        self.messages
    }

    /// Counts `messages` of `len` bytes each.
    pub fn count_all(&mut self, messages: usize, len: usize) {
        self.messages += messages as u64;
        self.bytes += (messages * len) as u64;
    }
}

/// Handles all messages of a case, over and over on one connection.
pub type Job = Box<dyn FnMut() -> Tally>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_long_enough_and_whole_bursts() {
        for (size, messages, burst) in [(16, 32_768, 1024), (16_384, 32, 1), (1 << 20, 4, 1)] {
            let case = Case::encode(Kind::Binary, size, true);
            assert_eq!((case.messages, case.burst), (messages, burst), "{size}");
        }
    }

    #[test]
    fn an_encoder_that_writes_something_else_is_found_out() {
        let case = Case::encode(Kind::Binary, 100, true);
        let job = |payload: &'static [u8]| -> Job {
            let mut tape = case.tape();
            let messages = case.messages;
            Box::new(move || {
                let mut tally = Tally::default();
                for _ in 0..messages {
                    let mut out = Vec::new();
                    wire::message(&mut out, Kind::Binary, payload, 1, None);
                    tape.swallow(&out);
                }
                tally.count_all(messages, 100);
                tally
            })
        };
        case.check(
            "right",
            Class::Full,
            &mut job(Kind::Binary.payload(100).leak()),
        );
        let mut wrong = job(&[7; 100]);
        let checked = std::panic::AssertUnwindSafe(|| case.check("wrong", Class::Full, &mut wrong));
        assert!(std::panic::catch_unwind(checked).is_err());
    }
}
