//! Two ends that compress, joined in memory: whatever they agree on, whatever is sent and however
//! it is cut, the same messages arrive.
#![cfg(feature = "deflate")]

use core::num::NonZeroUsize;

use crate::support::cases;
use crate::support::pieces::join;
use crate::support::squeeze::{connection, noise, prose, terms};
use proptest::collection::vec;
use proptest::prelude::*;
use ws_core::connection::{Config, Connection, OwnedEvent};
use ws_core::deflate::{Compress, Deflate, Takeover};
use ws_core::message::{Delivery, Kind, PreparedMessage};
use ws_core::{Instant, Role};

prop_compose! {
    fn deflate()(
        keep in any::<[bool; 2]>(),
        bits in [9..=15u8, 9..=15u8],
        level in 1..=9u8,
        mem_level in 1..=9u8,
        threshold in prop_oneof![Just(0), Just(64), 0..500usize],
    ) -> Deflate {
        let takeover = |keep| if keep { Takeover::Keep } else { Takeover::Reset };
        Deflate::default()
            .takeover(takeover(keep[0]))
            .peer_takeover(takeover(keep[1]))
            .window_bits(bits[0])
            .peer_window_bits(bits[1])
            .level(level)
            .mem_level(mem_level)
            .threshold(threshold)
    }
}

#[derive(Clone, Debug)]
enum Op {
    /// An end sends.
    Send(usize, Vec<u8>, Compress, bool),
    /// An end sends what others may send too.
    Prepared(usize, Vec<u8>, Compress),
    /// An end sends piece by piece, with a ping in between.
    Pieces(usize, Vec<u8>, usize, Compress),
    /// Some of what an end wrote arrives.
    Carry(usize, usize),
    /// An end takes what there is for it.
    Take(usize, bool),
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    let len = || prop_oneof![8 => 0..300usize, 4 => 0..5_000usize, 1 => 30_000..80_000usize];
    prop_oneof![
        (len(), 0..2000usize).prop_map(|(len, skip)| prose(len + skip).split_off(skip)),
        len().prop_map(noise),
        (any::<u8>(), len()).prop_map(|(byte, len)| vec![byte; len]),
        ".{0,50}".prop_map(String::into_bytes),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let side = || 0..2usize;
    let compress = || {
        prop_oneof![
            6 => Just(Compress::Auto),
            1 => Just(Compress::Always),
            1 => Just(Compress::Never),
        ]
    };
    prop_oneof![
        1 => (side(), payload(), compress())
            .prop_map(|(i, payload, compress)| Op::Prepared(i, payload, compress)),
        4 => (side(), payload(), compress(), any::<bool>())
            .prop_map(|(i, payload, compress, shared)| Op::Send(i, payload, compress, shared)),
        1 => (side(), payload(), 1..1000usize, compress())
            .prop_map(|(i, payload, n, compress)| Op::Pieces(i, payload, n, compress)),
        6 => (side(), prop_oneof![1..20usize, 1..5_000usize]).prop_map(|(i, n)| Op::Carry(i, n)),
        3 => (side(), any::<bool>()).prop_map(|(i, owned)| Op::Take(i, owned)),
    ]
}

/// Text where it can be, so that both kinds are sent.
fn message(payload: &[u8]) -> OwnedEvent {
    match core::str::from_utf8(payload) {
        Ok(text) => OwnedEvent::Text(text.into()),
        Err(_) => OwnedEvent::Binary(payload.to_vec().into()),
    }
}

struct Joined {
    ends: [Connection; 2],
    wires: [Vec<u8>; 2],
    sent: [Vec<OwnedEvent>; 2],
    got: [Vec<OwnedEvent>; 2],
}

impl Joined {
    fn prepared(&mut self, i: usize, payload: &[u8], compress: Compress) {
        let event = message(payload);
        let message = event.clone().into_message().expect("a message");
        let prepared = PreparedMessage::new(message);
        let sender = self.ends[i].sender();
        sender.send_with(&prepared, compress).expect("open");
        self.sent[i].push(event);
    }

    fn send(&mut self, i: usize, payload: &[u8], compress: Compress, shared: bool) {
        let event = message(payload);
        let sender = self.ends[i].sender();
        if shared {
            let message = event.clone().into_message().expect("a message");
            sender.send_with(message, compress).expect("open");
        } else if let OwnedEvent::Text(text) = &event {
            sender.send_with(text.as_str(), compress).expect("open");
        } else {
            sender.send_with(payload, compress).expect("open");
        }
        self.sent[i].push(event);
    }

    fn pieces(&mut self, i: usize, payload: &[u8], size: usize, compress: Compress) {
        let sender = self.ends[i].sender();
        let mut pieces = payload.chunks(size);
        let first = pieces.next().unwrap_or_default();
        sender
            .fragment_with(Kind::Binary, first, compress)
            .expect("open");
        // The last piece may be empty, and one in the middle.
        let last = if size % 2 == 0 {
            pieces.next_back()
        } else {
            None
        };
        for (at, piece) in pieces.enumerate() {
            if at == 1 {
                sender.continuation(b"").expect("open");
            }
            sender.continuation(piece).expect("open");
        }
        sender.ping(b"between").expect("open");
        sender.finish(last.unwrap_or_default()).expect("open");
        self.sent[i].push(OwnedEvent::Binary(payload.to_vec().into()));
    }

    fn carry(&mut self, i: usize, n: usize) {
        while let Some(bytes) = self.ends[i].io().1.pop() {
            self.wires[i].extend_from_slice(&bytes);
        }
        let n = n.min(self.wires[i].len());
        let bytes: Vec<u8> = self.wires[i].drain(..n).collect();
        self.ends[1 - i].io().0.extend_from_slice(&bytes);
    }

    fn take(&mut self, i: usize, owned: bool) {
        let now = Instant::ORIGIN;
        loop {
            let event = if owned {
                self.ends[i].poll_owned(now)
            } else {
                self.ends[i].poll(now).map(|(event, _)| event.to_owned())
            };
            match event {
                Some(OwnedEvent::Ping(_) | OwnedEvent::Pong(_)) => {}
                Some(event) => self.got[i].push(event),
                None => break,
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn any_messages_survive_any_agreement_and_any_cuts(
        client in deflate(),
        server in deflate(),
        fragment in prop::option::of(1..5_000usize),
        share_min in prop_oneof![Just(0), Just(1000), Just(16 << 10)],
        chunks in any::<bool>(),
        ops in vec(op(), 1..40),
    ) {
        let delivery = if chunks { Delivery::Chunks } else { Delivery::Messages };
        let config = Config::default()
            .delivery(delivery)
            .fragment_size(fragment.and_then(NonZeroUsize::new))
            .share_min(share_min)
            .send_limit(usize::MAX);
        let (client, server) = terms(&client, &server);
        let mut joined = Joined {
            ends: [
                connection(Role::Client, client, &config),
                connection(Role::Server, server, &config),
            ],
            wires: Default::default(),
            sent: Default::default(),
            got: Default::default(),
        };
        for op in ops {
            match op {
                Op::Send(i, payload, compress, shared) => joined.send(i, &payload, compress, shared),
                Op::Prepared(i, payload, compress) => joined.prepared(i, &payload, compress),
                Op::Pieces(i, payload, size, compress) => joined.pieces(i, &payload, size, compress),
                Op::Carry(i, n) => joined.carry(i, n),
                Op::Take(i, owned) => joined.take(i, owned),
            }
        }
        for i in 0..2 {
            joined.carry(i, usize::MAX);
            joined.take(1 - i, true);
        }
        let [a, b] = joined.sent;
        prop_assert_eq!(joined.got.map(join), [b, a]);
    }

    #[test]
    fn no_bytes_of_a_peer_make_it_panic_or_pass_its_limits(
        bytes in vec(any::<u8>(), 0..200),
        first in prop_oneof![Just(0xc1u8), Just(0xc2), Just(0x41)],
        cut in 0..200usize,
        keep in any::<bool>(),
    ) {
        let takeover = if keep { Takeover::Keep } else { Takeover::Reset };
        let deflate = Deflate::max_ratio().peer_takeover(takeover).takeover(takeover);
        let limits = ws_core::message::Limits::default().max_message(10_000);
        let config = Config::default().limits(limits);
        let mut end = crate::support::squeeze::end(Role::Client, &deflate, &config);
        end.receive_frame(0xc1, b"\xf2\x48\xcd\xc9\xc9\x07\x00");
        let (one, two) = bytes.split_at(cut.min(bytes.len()));
        end.receive_frame(first & 0x7f, one);
        end.receive_frame(0x80, two);
        for event in end.events() {
            if let OwnedEvent::Binary(data) = &event {
                prop_assert!(data.len() <= 10_000);
            }
        }
    }
}
