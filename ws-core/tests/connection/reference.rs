//! The connection against a reference decoder that is plain enough to be obviously right: random and
//! mutated byte streams give the same messages and the same close code, for both roles, under
//! random limits, however the bytes are cut into reads.
//!
//! `WS_CASES` sets the number of cases; a failure prints how to replay it (see `support`).

use crate::support::reference::{Ended, Seen, decode};
use crate::support::{End, cases, frame, length, raw};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use ws_core::Role;
use ws_core::connection::{Config, OwnedEvent};
use ws_core::message::Limits;

#[allow(clippy::wildcard_enum_match_arm, reason = "an enum that grows")]
fn seen(event: OwnedEvent) -> Result<Seen, u16> {
    match event {
        OwnedEvent::Binary(data) => Ok(Seen::Binary(data.to_vec())),
        OwnedEvent::Ping(data) => Ok(Seen::Ping(data.to_vec())),
        OwnedEvent::Pong(data) => Ok(Seen::Pong(data.to_vec())),
        OwnedEvent::ProtocolError(error) => Err(error.close_code().get()),
        OwnedEvent::Text(text) => Ok(Seen::Text(text.as_str().into())),
        other => panic!("{other:?}"),
    }
}

/// What the connection makes of the same bytes.
fn connection(role: Role, limits: &Limits, wire: &[u8], cuts: &[usize]) -> (Vec<Seen>, Ended) {
    let mut end = End::new(role, &Config::default().limits(limits.clone()));
    let (mut events, mut rest) = (Vec::new(), wire);
    for cut in cuts.iter().chain([&usize::MAX]) {
        let (part, behind) = rest.split_at((*cut).min(rest.len()));
        rest = behind;
        end.receive(part);
        events.extend(end.events());
    }
    let mut messages = Vec::new();
    for event in events {
        match seen(event) {
            Ok(message) => messages.push(message),
            Err(code) => {
                let written = end.write();
                let close = written.last().expect("a Close frame");
                assert_eq!(close.payload[..2], code.to_be_bytes());
                return (messages, Ended::Fault(code));
            }
        }
    }
    if end.connection.sender().is_open() {
        return (messages, Ended::Open);
    }
    let echo = end.write().pop().expect("the echo");
    assert_eq!(echo.first, 0x88);
    (messages, Ended::Closed(echo.payload))
}

/// Mostly text, mostly short; sometimes too long for the path of short messages.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let long = (65_500..66_000usize, ".{1,5}");
    prop_oneof![
        40 => ".{0,6}".prop_map(String::into_bytes),
        20 => "[\u{0}-\u{10ffff}]{0,3}".prop_map(String::into_bytes),
        10 => Just(vec![]),
        5 => vec(any::<u8>(), 0..8),
        5 => vec(any::<u8>(), 120..140),
        1 => long.prop_map(|(len, text)| text.repeat(len / text.len()).into_bytes()),
    ]
}

/// A frame that may be wrong in many ways.
fn odd(role: Role) -> impl Strategy<Value = Vec<u8>> {
    let opcode = select(vec![0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x08, 0x09, 0x8a]);
    let first = prop_oneof![opcode, any::<u8>()];
    (first, payload(), 0..5u8).prop_map(move |(first, payload, odd)| match odd {
        0 => raw(role.peer(), first, &length(payload.len()), &payload),
        1 => raw(role, first, &[126, 0, 5], &payload),
        2 => raw(role, first, &[&[127][..], &[0; 7], &[9]].concat(), &payload),
        3 => raw(role, first, &[255; 9], &payload),
        _ => raw(role, first, &length(payload.len()), &payload),
    })
}

/// What an honest peer sends at a time: a control frame, or a message with some in between.
fn honest(role: Role) -> impl Strategy<Value = Vec<u8>> {
    let codes = select(vec![
        1000u16, 1005, 1011, 1014, 1015, 2999, 3000, 4999, 5000, 0,
    ]);
    let close = prop_oneof![
        vec(any::<u8>(), 0..4),
        (codes, "é{0,2}").prop_map(|(code, why)| [&code.to_be_bytes(), why.as_bytes()].concat()),
    ];
    let control = move || {
        (select(vec![0x89, 0x8a]), vec(any::<u8>(), 0..5))
            .prop_map(move |(first, payload)| frame(role, first, &payload))
    };
    let between = prop_oneof![2 => Just(vec![]), 1 => control()];
    let pieces = vec((any::<Index>(), between), 0..4);
    let message = (select(vec![1, 2]), payload(), pieces).prop_map(move |(kind, data, cuts)| {
        let mut cuts: Vec<_> = cuts
            .into_iter()
            .map(|(cut, between)| (cut.index(data.len() + 1), between))
            .collect();
        cuts.sort();
        let (mut wire, mut at, mut first) = (Vec::new(), 0, kind);
        for (cut, between) in cuts {
            wire.extend([frame(role, first, &data[at..cut]), between].concat());
            (at, first) = (cut, 0);
        }
        wire.extend(frame(role, first | 0x80, &data[at..]));
        wire
    });
    prop_oneof![
        20 => message,
        4 => control(),
        1 => close.prop_map(move |payload| frame(role, 0x88, &payload)),
    ]
}

/// What a mutation does to a stream.
#[derive(Clone, Debug)]
enum Mutation {
    Cut(Index),
    Delete(Index),
    Flip(Index, u8),
    Insert(Index, u8),
    Repeat(Index, Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<Index>;
    prop_oneof![
        1 => at().prop_map(Mutation::Cut),
        1 => at().prop_map(Mutation::Delete),
        3 => (at(), 0..8u8).prop_map(|(at, bit)| Mutation::Flip(at, 1 << bit)),
        1 => (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Insert(at, byte)),
        1 => (at(), at()).prop_map(|(from, to)| Mutation::Repeat(from, to)),
    ]
}

fn mutate(wire: &mut Vec<u8>, mutation: &Mutation) {
    if wire.is_empty() {
        return;
    }
    match mutation {
        Mutation::Cut(at) => wire.truncate(at.index(wire.len())),
        Mutation::Delete(at) => drop(wire.remove(at.index(wire.len()))),
        Mutation::Flip(at, bits) => *at.get_mut(wire) ^= bits,
        Mutation::Insert(at, byte) => wire.insert(at.index(wire.len()), *byte),
        Mutation::Repeat(from, to) => {
            let (from, to) = (from.index(wire.len()), to.index(wire.len()));
            let part = wire[from.min(to)..from.max(to)].to_vec();
            wire.splice(from..from, part);
        }
    }
}

fn stream(role: Role) -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![20 => honest(role).boxed(), 1 => odd(role).boxed()];
    let frames = vec(part, 0..12).prop_map(|frames| frames.concat());
    let mutations = prop_oneof![1 => Just(vec![]), 1 => vec(mutation(), 1..3)];
    let mutated = (frames, mutations).prop_map(|(mut wire, mutations)| {
        mutations
            .iter()
            .for_each(|mutation| mutate(&mut wire, mutation));
        wire
    });
    prop_oneof![20 => mutated, 1 => vec(any::<u8>(), 0..60)]
}

prop_compose! {
    fn limits()(
        max_frame in prop_oneof![4 => Just(usize::MAX), 1 => 0..300usize],
        max_message in prop_oneof![4 => Just(usize::MAX), 1 => 0..300usize],
        max_fragments in prop_oneof![4 => Just(u32::MAX), 1 => 0..6u32],
        max_empty_fragments in prop_oneof![4 => Just(32), 1 => 0..4u32],
    ) -> Limits {
        Limits::default()
            .max_frame(max_frame)
            .max_message(max_message)
            .max_fragments(max_fragments)
            .max_empty_fragments(max_empty_fragments)
    }
}

proptest! {
    #![proptest_config(cases(6000))]

    #[test]
    fn a_server_agrees_with_the_reference_decoder(
        limits in limits(),
        wire in stream(Role::Server),
        cuts in vec(prop_oneof![0..30usize, 0..70_000usize], 0..10),
    ) {
        let expected = decode(Role::Server, &limits, &wire);
        prop_assert_eq!(connection(Role::Server, &limits, &wire, &cuts), expected);
    }

    #[test]
    fn a_client_agrees_with_the_reference_decoder(
        limits in limits(),
        wire in stream(Role::Client),
        cuts in vec(prop_oneof![0..30usize, 0..70_000usize], 0..10),
    ) {
        let expected = decode(Role::Client, &limits, &wire);
        prop_assert_eq!(connection(Role::Client, &limits, &wire, &cuts), expected);
    }
}

#[test]
fn the_reference_decoder_knows_the_examples_of_rfc_6455_5_7() {
    let (limits, open) = (Limits::default(), Ended::Open);
    let hello = [
        0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
    ];
    let text = Seen::Text("Hello".into());
    assert_eq!(
        decode(Role::Server, &limits, &hello),
        (vec![text.clone()], open.clone())
    );
    let fragments = [0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f];
    assert_eq!(
        decode(Role::Client, &limits, &fragments),
        (vec![text], open)
    );
    assert_eq!(
        decode(Role::Client, &limits, &hello),
        (vec![], Ended::Fault(1002))
    );
    let close = [0x88, 0x02, 0x03, 0xe8];
    assert_eq!(
        decode(Role::Client, &limits, &close).1,
        Ended::Closed(vec![3, 0xe8])
    );
}
