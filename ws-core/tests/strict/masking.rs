//! Strictness, frames: a client masks every frame with a key of its own that the peer can't foresee
//! (RFC 6455 §5.3, §10.3), a server masks none.

use std::collections::BTreeSet;

use crate::support::refusal::{binary, text};
use crate::support::{BOTH, End, KEY, connection, frame};
use bytes::{Buf, Bytes};
use ws_core::connection::{Config, Connection, OwnedEvent};
use ws_core::handshake::{Agreed, Opened};
use ws_core::message::Kind;
use ws_core::{Instant, Role, Seed};

/// Everything a connection can send, on the wire.
fn everything(connection: &mut Connection) -> Vec<u8> {
    let ping = frame(connection.role(), 0x89, b"auto");
    connection.io().0.extend_from_slice(&ping);
    while connection.poll(Instant::ORIGIN).is_some() {}
    let sender = connection.sender();
    sender.text("text").expect("room");
    sender.binary(&[0; 300]).expect("room");
    sender.send(Bytes::from(vec![0; 70_000])).expect("room");
    sender.ping(b"ping").expect("room");
    sender.pong(b"").expect("room");
    sender.fragment(Kind::Binary, b"").expect("room");
    sender.continuation(&[0; 100]).expect("room");
    sender.finish(b"end").expect("room");
    sender.batch(&["one".into(), b"two".into()]).expect("room");
    sender.close(1000.into(), "bye").expect("room");
    let out = connection.io().1;
    out.copy_to_bytes(out.remaining()).to_vec()
}

/// The masking keys on the wire, in order.
fn keys(mut wire: &[u8]) -> Vec<[u8; 4]> {
    let mut keys = Vec::new();
    while let [_, second, rest @ ..] = wire {
        assert!(
            second & 0x80 != 0,
            "a client masks every frame, empty ones included"
        );
        let (len, rest) = match second & 0x7f {
            126 => (
                usize::from(u16::from_be_bytes([rest[0], rest[1]])),
                &rest[2..],
            ),
            127 => (
                usize::from(rest[6]) << 8 | usize::from(rest[7]) | 1 << 16,
                &rest[8..],
            ),
            len => (usize::from(len), rest),
        };
        keys.push(rest[..4].try_into().expect("four bytes"));
        wire = &rest[4 + len..];
    }
    keys
}

#[test]
fn every_frame_of_a_client_has_a_masking_key_of_its_own() {
    let wire = everything(&mut connection(Role::Client, &Config::default()));
    let keys = keys(&wire);
    assert_eq!(keys.len(), 12);
    assert_eq!(
        keys.iter().collect::<BTreeSet<_>>().len(),
        12,
        "{keys:02x?}"
    );
}

#[test]
fn no_frame_of_a_server_is_masked() {
    let wire = everything(&mut connection(Role::Server, &Config::default()));
    // `frames` checks it for every frame.
    assert_eq!(crate::support::frames(Role::Server, &wire).len(), 12);
}

#[test]
fn masking_keys_repeat_for_the_same_seed_only() {
    let keys_of = |seed| {
        let opened = Opened::upgraded(Role::Client, Agreed::default(), &[], Seed::new([seed; 32]));
        let mut client = Connection::new(opened, &Config::default(), Instant::ORIGIN);
        keys(&everything(&mut client))
    };
    assert_eq!(keys_of(1), keys_of(1));
    let all: BTreeSet<_> = (0..50).flat_map(keys_of).collect();
    assert_eq!(all.len(), 50 * 12);
}

#[test]
fn masking_keys_use_all_their_bits() {
    let mut client = connection(Role::Client, &Config::default());
    let mut ones = [0u32; 32];
    for _ in 0..1000 {
        client.sender().text("").unwrap();
        let out = client.io().1;
        let wire = out.copy_to_bytes(out.remaining());
        let key = u32::from_be_bytes(wire[2..6].try_into().expect("four bytes"));
        (0..32).for_each(|bit| ones[bit] += key >> bit & 1);
    }
    // Each bit is set in half of the keys: 500 of 1000, give or take six standard deviations.
    assert!(
        ones.iter().all(|count| (405..=595).contains(count)),
        "{ones:?}"
    );
}

#[test]
fn the_masked_and_unmasked_examples_of_rfc_6455_5_7() {
    let hello = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    let masked = [
        0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
    ];
    let fragments = [0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f];
    let ping = [0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    let pong = [
        0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
    ];
    assert_eq!(masked[2..6], KEY);

    let mut client = End::new(Role::Client, &Config::default());
    client.receive(&[&hello[..], &fragments, &ping].concat());
    let events = client.events();
    assert_eq!(events[..2], [text("Hello"), text("Hello")]);
    assert_eq!(events.len(), 3);
    // 256 bytes in a 16-bit length, 64 KiB in a 64-bit length.
    client.receive(&[&[0x82, 0x7e, 0x01, 0x00][..], &[5; 256]].concat());
    client.receive(&[&[0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0][..], &[6; 65_536]].concat());
    assert_eq!(client.events(), [binary(&[5; 256]), binary(&[6; 65_536])]);

    let mut server = End::new(Role::Server, &Config::default());
    server.receive(&[&masked[..], &pong].concat());
    let pong = OwnedEvent::Pong(b"Hello"[..].into());
    assert_eq!(server.events(), [text("Hello"), pong]);
    for role in BOTH {
        let mut end = End::new(role, &Config::default());
        end.text("Hello").unwrap();
        let wire = end.connection.io().1.chunk().to_vec();
        assert_eq!(
            wire.len(),
            if role == Role::Server {
                hello.len()
            } else {
                masked.len()
            }
        );
        if role == Role::Server {
            assert_eq!(wire, hello);
        }
    }
}
