//! What the tests of `ws-core` share: frames as literal bytes, one end of a connection with a clock
//! that is counted up by hand, and the number of cases of a random test.
//!
//! # Random tests
//! Every property has a default number of cases that keeps `cargo test` short. `WS_CASES` sets it
//! for all of them, so that a long run uses the same tests:
//!
//! ```text
//! WS_CASES=100000 cargo test -p ws-core --test connection pair
//! ```
//!
//! A failing property prints its smallest failing input and writes the seed of it into a file
//! `<test>.regressions` next to the test; running the test again replays that seed first. Turn what
//! it shows into a test of its own, named after the symptom, and delete the file.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub(crate) mod heap;
pub(crate) mod pair;
pub(crate) mod pieces;
pub(crate) mod reference;
pub(crate) mod refusal;
pub(crate) mod script;
pub(crate) mod sending;
pub(crate) mod sources;
#[cfg(feature = "deflate")]
pub(crate) mod squeeze;

use core::time::Duration;

use bytes::Buf;
use proptest::test_runner::{Config as Cases, FileFailurePersistence};
use ws_core::connection::{Config, Connection, OwnedEvent};
use ws_core::handshake::{Agreed, Opened};
use ws_core::{Deadline, Instant, Machine, Role, Seed, Transport, TransportEnd};

pub(crate) const BOTH: [Role; 2] = [Role::Client, Role::Server];

/// How many cases a property runs: `WS_CASES`, or else `default`.
pub(crate) fn cases(default: u32) -> Cases {
    let wanted = std::env::var("WS_CASES").ok();
    Cases {
        cases: wanted.and_then(|n| n.parse().ok()).unwrap_or(default),
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..Cases::default()
    }
}

/// The point `ms` milliseconds after the origin.
pub(crate) fn at(ms: u64) -> Instant {
    Instant::ORIGIN + Duration::from_millis(ms)
}

pub(crate) fn connection(role: Role, config: &Config) -> Connection {
    let opened = Opened::upgraded(role, Agreed::default(), &[], Seed::new([7; 32]));
    Connection::new(opened, config, Instant::ORIGIN)
}

/// A frame on the wire, taken apart by hand.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Frame {
    /// FIN, the reserved bits and the opcode.
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    pub(crate) fn new(first: u8, payload: &[u8]) -> Self {
        let payload = payload.to_vec();
        Self { first, payload }
    }

    /// A Close frame.
    pub(crate) fn close(code: u16, reason: &str) -> Self {
        let payload = [&code.to_be_bytes(), reason.as_bytes()].concat();
        Self::new(0x88, &payload)
    }
}

/// The masking key of every frame that a test sends as a client.
pub(crate) const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame for the end `to`, with its length bytes given as they are; masked if `to` is a server.
pub(crate) fn raw(to: Role, first: u8, len: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut wire = vec![first];
    wire.extend(len);
    if to == Role::Server {
        wire[1] |= 0x80;
        wire.extend(KEY);
        wire.extend(payload.iter().zip(KEY.iter().cycle()).map(|(b, k)| b ^ k));
    } else {
        wire.extend(payload);
    }
    wire
}

/// A frame for the end `to`, as its peer would send it.
pub(crate) fn frame(to: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    raw(to, first, &length(payload.len()), payload)
}

/// The header of a frame for the end `to` that announces `len` bytes.
pub(crate) fn header(to: Role, first: u8, len: usize) -> Vec<u8> {
    raw(to, first, &length(len), &[])
}

/// The length bytes of a header, in the shortest form (RFC 6455 §5.2).
pub(crate) fn length(len: usize) -> Vec<u8> {
    let wide = u64::try_from(len).expect("64 bits").to_be_bytes();
    match len {
        0..=125 => wide[7..].to_vec(),
        126..=0xffff => [&[126], &wide[6..]].concat(),
        _ => [&[127], &wide[..]].concat(),
    }
}

/// A Close frame for the end `to`.
pub(crate) fn close(to: Role, code: u16, reason: &str) -> Vec<u8> {
    frame(to, 0x88, &Frame::close(code, reason).payload)
}

/// Takes what the end `from` wrote apart: whole frames, masked if and only if it is a client.
pub(crate) fn frames(from: Role, mut wire: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let [first, second, rest @ ..] = wire {
        assert_eq!(second & 0x80 != 0, from == Role::Client, "who masks");
        let (len, rest) = match (second & 0x7f, rest) {
            (126, [a, b, rest @ ..]) => (usize::from(u16::from_be_bytes([*a, *b])), rest),
            (127, rest) => {
                let (len, rest) = rest.split_at(8);
                let len = u64::from_be_bytes(len.try_into().expect("eight bytes"));
                (usize::try_from(len).expect("a length that fits"), rest)
            }
            (len, rest) => (usize::from(len), rest),
        };
        let (key, rest) = rest.split_at(if from == Role::Client { 4 } else { 0 });
        let (payload, rest) = rest.split_at(len);
        let key = if key.is_empty() { &[0][..] } else { key };
        let payload: Vec<u8> = payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(b, k)| b ^ k)
            .collect();
        frames.push(Frame::new(*first, &payload));
        wire = rest;
    }
    assert!(wire.is_empty(), "a cut-off frame on the wire: {wire:02x?}");
    frames
}

/// One end of a connection and its clock.
pub(crate) struct End {
    pub(crate) role: Role,
    pub(crate) connection: Connection,
    pub(crate) now: Instant,
}

impl End {
    pub(crate) fn new(role: Role, config: &Config) -> Self {
        let connection = connection(role, config);
        let now = Instant::ORIGIN;
        Self {
            role,
            connection,
            now,
        }
    }

    /// `wire` arrives in one read.
    pub(crate) fn receive(&mut self, wire: &[u8]) {
        self.connection.io().0.extend_from_slice(wire);
    }

    /// A frame arrives.
    pub(crate) fn receive_frame(&mut self, first: u8, payload: &[u8]) {
        self.receive(&frame(self.role, first, payload));
    }

    /// Takes all events that there are.
    pub(crate) fn events(&mut self) -> Vec<OwnedEvent> {
        core::iter::from_fn(|| self.connection.poll_owned(self.now)).collect()
    }

    /// Writes everything out and takes it apart.
    pub(crate) fn write(&mut self) -> Vec<Frame> {
        let out = self.connection.io().1;
        let mut wire = Vec::new();
        // A pong that was held back joins the queue once there is room.
        while out.has_remaining() {
            wire.extend(out.copy_to_bytes(out.remaining()));
        }
        frames(self.role, &wire)
    }

    /// Moves the clock to `ms` milliseconds after the origin, without looking at deadlines.
    pub(crate) fn sleep_until(&mut self, ms: u64) {
        assert!(self.now <= at(ms), "time never goes back");
        self.now = at(ms);
    }

    /// Moves the clock and acts on what is due.
    pub(crate) fn wake_at(&mut self, ms: u64) {
        self.sleep_until(ms);
        self.connection.handle_timeout(self.now);
    }

    pub(crate) fn transport(&self) -> Transport {
        self.connection.transport()
    }

    pub(crate) fn deadline(&self) -> Option<(Instant, Deadline)> {
        self.connection.poll_timeout()
    }

    pub(crate) fn eof(&mut self) {
        self.connection.lost(TransportEnd::Eof);
    }

    pub(crate) fn text(&mut self, text: &str) -> Result<(), ws_core::error::SendError> {
        self.connection.sender().text(text)
    }

    /// Nothing more comes of this end, whatever is tried: no event, no byte, no deadline.
    pub(crate) fn assert_over(&mut self) {
        assert_eq!(self.transport(), Transport::Close);
        self.receive_frame(0x81, b"late");
        self.receive_frame(0x89, b"late");
        self.receive(&close(self.role, 1000, "late"));
        for _ in 0..2 {
            assert!(!self.connection.ready(self.now));
            assert_eq!(self.connection.peek(), None);
            assert_eq!(self.events(), []);
            self.connection.handle_timeout(self.now);
            self.now += Duration::from_secs(3600);
        }
        self.connection.unwritable(self.now);
        self.eof();
        assert_eq!(self.events(), []);
        assert_eq!(self.deadline(), None);
        assert!(self.connection.closed().is_some());
        assert_eq!(self.text("late"), Err(ws_core::error::SendError::Closed));
        assert!(self.connection.io().1.is_empty());
        assert_eq!(self.transport(), Transport::Close);
    }
}
