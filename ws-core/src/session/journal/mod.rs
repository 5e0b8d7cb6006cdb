//! Everything that went into a session, written down so that it can be run again, bit by bit.
//!
//! A session is a function of its seed, its configuration and its inputs: bytes, time, commands. So
//! a journal of the inputs is enough to reproduce whatever it did, and a digest of the outputs after
//! each of them tells where another build does something else. Credentials are not part of a
//! journal, but what was received is: it may hold secrets of the application's.
//!
//! The journal grows in memory until it is [taken](Session::take_journal), up to 64 MiB: what comes
//! beyond that ends it. It writes no files.

mod line;
mod replay;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::mem;

use line::Fields;
pub(super) use line::Line;
pub use replay::{Divergence, Replayed, replay};
pub(super) use replay::{dial_error, network, transport_end};

use super::Session;
use super::dialect::Dialect;
use crate::Instant;

/// The journal of a session.
#[derive(Debug)]
pub(super) struct Tape {
    text: String,
    digest: u64,
    /// What of the present transport has been written down.
    received: u64,
    written: u64,
    /// The last line was a look that found nothing, at this time.
    looked: Option<Instant>,
    outputs: u64,
    /// There was no room for more.
    full: bool,
}

/// Bytes of a journal that may wait to be taken.
const MAX_BYTES: usize = 64 << 20;

/// The first line says which journals this is, and for which configuration.
const HEADER: &str = "ws-journal 1";

impl Tape {
    pub(super) fn new(config: &impl fmt::Debug) -> Self {
        Self {
            text: format!("{HEADER} {:016x}\n", digest_of(config)),
            digest: FNV_START,
            received: 0,
            written: 0,
            looked: None,
            outputs: 0,
            full: false,
        }
    }

    /// An event or an action has come out.
    pub(super) fn told(&mut self, what: &impl fmt::Debug) {
        if self.is_full() {
            return;
        }
        self.digest = fold(self.digest, what);
        self.outputs += 1;
        self.looked = None;
        let line = format!("= {:016x}\n", self.digest);
        self.text.push_str(&line);
    }

    /// Is there no room for another line? Said in the journal itself, once.
    fn is_full(&mut self) -> bool {
        if !self.full && self.text.len() >= MAX_BYTES {
            self.full = true;
            let mut line = Line::new(&mut self.text, "gap", Instant::ORIGIN);
            line.text("overflow");
            line.end();
        }
        self.full
    }

    /// The bytes of another machine follow.
    pub(super) fn rebase(&mut self, received: u64, written: u64) {
        (self.received, self.written) = (received, written);
    }
}

impl<D: Dialect> Session<D> {
    /// Writes down all inputs from now on. To be called before [`start`](Self::start): what came
    /// before is missing.
    pub fn record(&mut self) {
        self.tape = Some(Box::new(Tape::new(&self.config)));
    }

    /// What was written down since this was last asked; lines of text. `None` if nothing is written
    /// down.
    pub fn take_journal(&mut self) -> Option<String> {
        Some(mem::take(&mut self.tape.as_mut()?.text))
    }

    /// Writes an input down, after the bytes that came and went before it.
    #[inline]
    pub(super) fn note(
        &mut self,
        verb: &'static str,
        now: Instant,
        rest: impl FnOnce(&D, &mut Line<'_>),
    ) {
        if self.tape.is_some() {
            self.write_down(verb, now, rest);
        }
    }

    /// Writes down that the owner looked for something to take. Looking twice at the same time finds
    /// nothing new.
    #[inline]
    pub(super) fn note_look(&mut self, verb: &'static str, now: Instant) {
        if self.tape.is_none() {
            return;
        }
        let moved = self.note_bytes();
        if let Some(tape) = &mut self.tape {
            if !tape.is_full() && (moved || tape.looked != Some(now) || verb == "poll") {
                let text = &mut tape.text;
                Line::new(text, verb, now).end();
                tape.looked = Some(now);
            }
        }
    }

    /// Something was done that a journal can't hold: from here on it can't be run again.
    pub(super) fn note_gap(&mut self, what: &'static str) {
        self.note("gap", Instant::ORIGIN, |_, line| line.text(what));
    }

    #[cold]
    fn write_down(
        &mut self,
        verb: &'static str,
        now: Instant,
        rest: impl FnOnce(&D, &mut Line<'_>),
    ) {
        self.note_bytes();
        if let Some(tape) = self.tape.as_mut().filter(|tape| !tape.full) {
            tape.looked = None;
            let mut line = Line::new(&mut tape.text, verb, now);
            rest(&self.dialect, &mut line);
            line.end();
        }
    }

    /// Writes down what was received and written; `false` if nothing was.
    fn note_bytes(&mut self) -> bool {
        let (Some(tape), Some(machine)) = (&mut self.tape, self.link.machine()) else {
            return false;
        };
        if tape.is_full() {
            return false;
        }
        let (recv, send) = machine.io();
        let (received, written) = (recv.received(), send.written());
        let moved = received != tape.received || written != tape.written;
        if received > tape.received {
            let new = usize::try_from(received - tape.received).unwrap_or(usize::MAX);
            for bytes in recv.latest(new) {
                if !bytes.is_empty() {
                    let mut line = Line::new(&mut tape.text, "in", Instant::ORIGIN);
                    line.bytes(bytes);
                    line.end();
                }
            }
        }
        if written > tape.written {
            let mut line = Line::new(&mut tape.text, "out", Instant::ORIGIN);
            line.number(written - tape.written);
            line.end();
        }
        tape.rebase(received, written);
        moved
    }

    /// Another machine has the transport.
    pub(super) fn rebase_journal(&mut self) {
        let (Some(tape), Some(machine)) = (&mut self.tape, self.link.machine()) else {
            return;
        };
        let (recv, send) = machine.io();
        tape.rebase(recv.received(), send.written());
    }
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a over what is shown of a value.
fn fold(digest: u64, what: &impl fmt::Debug) -> u64 {
    struct Sink(u64);
    impl fmt::Write for Sink {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            for byte in text.bytes() {
                self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
            Ok(())
        }
    }
    let mut sink = Sink(digest);
    // Nothing in it can fail but what is shown.
    let _ = fmt::write(&mut sink, format_args!("{what:?}"));
    sink.0
}

fn digest_of(what: &impl fmt::Debug) -> u64 {
    fold(FNV_START, what)
}
