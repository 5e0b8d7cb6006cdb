//! The opening handshakes: any bytes, in any pieces, while time passes and transports fail.

mod client;
pub(crate) mod http;
mod server;

pub use client::client_handshake;
pub use server::server_handshake;

use bytes::Buf;
use ws_core::handshake::Limits;
use ws_core::{Instant, Machine, Transport, TransportEnd};

use crate::config::TIMES;
use crate::input::Input;
use crate::time::wake;

/// When everything happens that does not take time.
const NOW: Instant = Instant::from_nanos(1_000_000_000);

/// The nonce of the example in RFC 6455 §1.3, and what it is on the wire.
const NONCE: [u8; 16] = *b"the sample nonce";
const KEY: &[u8] = b"dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// What is kept of what a peer sends ahead.
const EARLY: usize = 64 << 10;

fn limits(input: &mut Input<'_>) -> Limits {
    if !input.flag() {
        return Limits::default();
    }
    Limits::default()
        .max_head(input.pick(&[16 << 10, 0, 1, 16, 200, 1000, usize::MAX]))
        .max_headers(input.pick(&[100, 0, 1, 4, 5, 6, usize::MAX]))
        .max_body(input.pick(&[16 << 10, 0, 1, 5, 100, usize::MAX]))
        .timeout(input.pick(TIMES))
}

/// A handshake with its transport and its clock.
struct Driven<M> {
    machine: M,
    now: Instant,
    max_head: usize,
    /// The most bytes that were in the receive buffer at once.
    most_held: usize,
    written: Vec<u8>,
}

impl<M: Machine> Driven<M> {
    fn new(machine: M, limits: &Limits) -> Self {
        Self {
            machine,
            now: NOW,
            max_head: limits.max_head,
            most_held: 0,
            written: Vec::new(),
        }
    }

    fn receive(&mut self, bytes: &[u8]) {
        let recv = self.machine.io().0;
        recv.extend_from_slice(bytes);
        self.most_held = self.most_held.max(recv.filled().len());
        let ready = self.machine.ready(self.now);
        let recv = self.machine.io().0;
        let most = self.max_head.max(EARLY);
        assert!(ready || recv.filled().len() <= most, "{recv:?}");
        let most = 2 * self.most_held + (16 << 10);
        assert!(recv.capacity() <= most, "{recv:?}, {most}");
    }

    fn write(&mut self, n: usize) {
        let out = self.machine.io().1;
        let n = n.min(out.remaining());
        self.written.extend_from_slice(&out.copy_to_bytes(n));
    }

    fn write_all(&mut self) {
        self.write(usize::MAX);
    }

    /// One of the things that happen to every handshake.
    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 8 {
            0 => {}
            1 => self.write(input.number()),
            2 => self.write_all(),
            3 => self.now += input.pick(TIMES),
            4 => {
                self.now += input.pick(TIMES);
                wake(&mut self.machine, self.now);
            }
            5 => self
                .machine
                .lost(input.pick(&[TransportEnd::Eof, TransportEnd::Reset])),
            6 => self.machine.unwritable(self.now),
            _ => self.receive(&vec![input.byte(); 40_000]),
        }
        self.check();
    }

    /// What must hold at any time.
    fn check(&mut self) {
        let ready = self.machine.ready(self.now);
        assert_eq!(
            self.machine.ready(self.now),
            ready,
            "asking changes nothing"
        );
        let over = self.machine.transport() == Transport::Close;
        assert!(!over || ready, "whoever says close has a reason to give");
        assert!(ready || self.machine.poll_timeout().is_some());
    }

    /// Lets time pass until there is something to take.
    fn finish(&mut self) {
        for _ in 0..4 {
            self.write_all();
            if self.machine.ready(self.now) {
                return;
            }
            let (at, _) = self.machine.poll_timeout().expect("waits for ever");
            self.now = self.now.max(at);
            self.machine.handle_timeout(self.now);
        }
        panic!("time alone brings every handshake to an end");
    }
}
