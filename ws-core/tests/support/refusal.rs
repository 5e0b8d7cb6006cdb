//! A fault of the peer, from its first visible byte to the end of the transport.
//!
//! Every refusal of the protocol looks the same from outside, so one function checks all of it:
//! what arrived before the fault is delivered, the fault is told once, exactly one Close frame with
//! its code goes out, the write side is shut down, what the peer still sends is read and dropped for
//! a bounded time and size, and only then comes the one `Closed`.

use bytes::Bytes;
use ws_core::connection::{By, Cause, Closed, Config, OwnedEvent};
use ws_core::error::{ProtocolError, SendError};
use ws_core::message::Limits;
use ws_core::{Deadline, Role, Transport};

use super::{End, Frame, at, close, frame};

/// Limits that are small enough to be reached.
pub(crate) fn small() -> Limits {
    Limits::default().max_message(1000).max_frame(600)
}

/// What an end of this `role` does with `bad`, whose last byte is the first that shows `error`.
/// `prelude` is what must come before it, and `rest` what completes the bad frame.
pub(crate) struct Refusal<'a> {
    pub(crate) role: Role,
    pub(crate) limits: Limits,
    pub(crate) prelude: &'a [u8],
    pub(crate) bad: &'a [u8],
    pub(crate) rest: &'a [u8],
    pub(crate) error: ProtocolError,
}

/// Checks the refusal of `bad`, which needs nothing before and behind it, under small limits.
pub(crate) fn refused(role: Role, bad: &[u8], error: ProtocolError) {
    refused_after(role, &[], bad, error);
}

/// The same behind `prelude`.
pub(crate) fn refused_after(role: Role, prelude: &[u8], bad: &[u8], error: ProtocolError) {
    Refusal {
        role,
        limits: small(),
        prelude,
        bad,
        rest: &[],
        error,
    }
    .check();
}

/// How the bytes arrive.
#[derive(Clone, Copy, Debug)]
enum Reads {
    /// Good messages, the fault and what follows it, all in one read.
    Whole,
    /// One byte per read, looking for events after each.
    Bytes,
}

/// What ends the draining.
#[derive(Clone, Copy, Debug)]
enum Ending {
    Budget,
    Deadline,
    Eof,
    WriteError,
}

impl Refusal<'_> {
    pub(crate) fn check(&self) {
        for reads in [Reads::Whole, Reads::Bytes] {
            for ending in [
                Ending::Budget,
                Ending::Deadline,
                Ending::Eof,
                Ending::WriteError,
            ] {
                self.check_one(reads, ending);
            }
        }
    }

    fn check_one(&self, reads: Reads, ending: Ending) {
        let what = format!("{:?} {reads:?} {ending:?} {}", self.role, self.error);
        let mut end = End::new(self.role, &Config::default().limits(self.limits.clone()));
        end.sleep_until(10_000);
        let before = frame(self.role, 0x81, b"before");
        let told = OwnedEvent::ProtocolError(self.error.clone());
        match reads {
            Reads::Whole => {
                end.receive(&[&before, self.prelude, self.bad, self.rest].concat());
                assert_eq!(
                    end.events(),
                    [OwnedEvent::Text("before".into()), told],
                    "{what}"
                );
            }
            Reads::Bytes => {
                end.receive(&before);
                assert_eq!(end.events(), [OwnedEvent::Text("before".into())], "{what}");
                let (last, good) = self.bad.split_last().expect("a bad byte");
                for byte in self.prelude.iter().chain(good) {
                    end.receive(&[*byte]);
                    assert_eq!(end.events(), [], "{what}: told too early");
                }
                assert_eq!(end.transport(), Transport::Open, "{what}");
                end.receive(&[*last]);
                assert_eq!(
                    end.events(),
                    [told],
                    "{what}: not told at the first bad byte"
                );
                end.receive(self.rest);
            }
        }
        self.check_close(&mut end, &what);
        self.check_end(&mut end, ending, &what);
    }

    /// The Close frame goes out, once, and the transport is shut down behind it.
    fn check_close(&self, end: &mut End, what: &str) {
        assert_eq!(
            end.transport(),
            Transport::Open,
            "{what}: the Close is not written yet"
        );
        assert_eq!(end.text("too late"), Err(SendError::Closed), "{what}");
        let (code, reason) = (self.error.close_code().get(), self.error.to_string());
        assert_eq!(end.write(), [Frame::close(code, &reason)], "{what}");
        assert_eq!(end.transport(), Transport::Shutdown, "{what}");
        assert_eq!(
            end.deadline(),
            Some((at(15_000), Deadline::Close)),
            "{what}"
        );

        // Whatever the peer says now is dropped.
        end.receive_frame(0x81, b"behind");
        end.receive_frame(0x89, b"behind");
        end.receive(&close(self.role, 1000, "behind"));
        assert_eq!(end.events(), [], "{what}: what follows a fault is dropped");
        assert_eq!(end.write(), [], "{what}: and not answered");
        assert!(end.connection.io().0.filled().is_empty(), "{what}");
        assert_eq!(end.transport(), Transport::Shutdown, "{what}");
    }

    /// The end is told when the draining is over, and not before.
    fn check_end(&self, end: &mut End, ending: Ending, what: &str) {
        assert_eq!(end.connection.closed(), None, "{what}");
        match ending {
            Ending::Budget => {
                let most = self.limits.max_message.max(1 << 20);
                let noise = vec![0; most];
                end.receive(&noise[..most / 2]);
                assert_eq!(end.events(), [], "{what}");
                assert_eq!(
                    end.transport(),
                    Transport::Shutdown,
                    "{what}: within the budget"
                );
                end.receive(&noise);
            }
            Ending::Deadline => {
                end.wake_at(14_999);
                assert_eq!(end.events(), [], "{what}");
                assert_eq!(end.transport(), Transport::Shutdown, "{what}");
                end.wake_at(15_000);
                assert_eq!(end.transport(), Transport::Close, "{what}");
            }
            Ending::Eof => end.eof(),
            Ending::WriteError => ws_core::Machine::unwritable(&mut end.connection, end.now),
        }
        let closed = end.events();
        let [
            OwnedEvent::Closed(Closed {
                by,
                code,
                reason,
                cause,
                ..
            }),
        ] = &closed[..]
        else {
            panic!("{what}: {closed:?}");
        };
        assert_eq!((by, code), (&By::Local, &self.error.close_code()), "{what}");
        assert_eq!(reason, &self.error.to_string(), "{what}");
        assert_eq!(cause, &Cause::Protocol(self.error.clone()), "{what}");
        assert_eq!(end.write(), [], "{what}");
        end.assert_over();
    }
}

pub(crate) fn binary(data: &[u8]) -> OwnedEvent {
    OwnedEvent::Binary(Bytes::copy_from_slice(data))
}

pub(crate) fn text(text: &str) -> OwnedEvent {
    OwnedEvent::Text(text.into())
}
