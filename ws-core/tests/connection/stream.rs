//! Messages handed out piece by piece: the same bytes and the same refusals as whole messages,
//! whatever the cuts, and no more memory than the receive buffer.

use crate::support::pieces::join;
use crate::support::{BOTH, End, Frame, cases, frame, header};
use proptest::collection::vec;
use proptest::prelude::*;
use ws_core::Role;
use ws_core::connection::{Config, OwnedEvent};
use ws_core::error::ProtocolError;
use ws_core::message::{Delivery, Kind, Limits};

fn chunks() -> Config {
    Config::default().delivery(Delivery::Chunks)
}

/// The pieces that there are: kind, bytes, whether it is the first and whether the last.
fn pieces(end: &mut End) -> Vec<(Kind, Vec<u8>, bool, bool)> {
    let events = end.events().into_iter();
    let piece = |event| match event {
        OwnedEvent::Chunk(chunk) => (chunk.kind, chunk.data.to_vec(), chunk.first, chunk.last),
        other => panic!("{other:?}"),
    };
    events.map(piece).collect()
}

#[test]
fn a_frame_is_handed_out_as_it_arrives() {
    for role in BOTH {
        let mut end = End::new(role, &chunks());
        let wire = frame(role, 0x82, b"abcdef");
        let (one, two) = wire.split_at(wire.len() - 3);
        end.receive(one);
        assert_eq!(
            pieces(&mut end),
            [(Kind::Binary, b"abc".to_vec(), true, false)]
        );
        assert_eq!(pieces(&mut end), []);
        end.receive(two);
        assert_eq!(
            pieces(&mut end),
            [(Kind::Binary, b"def".to_vec(), false, true)]
        );
    }
}

#[test]
fn short_and_empty_messages_are_one_piece() {
    for role in BOTH {
        let mut end = End::new(role, &chunks());
        end.receive_frame(0x81, "ä".as_bytes());
        end.receive_frame(0x82, b"");
        end.receive_frame(0x01, b"");
        end.receive_frame(0x80, b"");
        let empty = |kind| (kind, vec![], true, true);
        assert_eq!(
            pieces(&mut end),
            [
                (Kind::Text, "ä".as_bytes().to_vec(), true, true),
                empty(Kind::Binary),
                empty(Kind::Text)
            ]
        );
    }
}

#[test]
fn pings_are_answered_between_the_pieces() {
    for role in BOTH {
        let mut end = End::new(role, &chunks());
        end.receive_frame(0x01, b"one");
        end.receive_frame(0x89, b"?");
        assert_eq!(end.events().len(), 2);
        assert_eq!(end.write(), [Frame::new(0x8a, b"?")]);
        end.receive_frame(0x80, b"two");
        assert_eq!(
            pieces(&mut end),
            [(Kind::Text, b"two".to_vec(), false, true)]
        );
    }
}

#[test]
fn text_is_refused_at_the_first_impossible_byte_though_characters_may_be_cut() {
    for role in BOTH {
        let mut end = End::new(role, &chunks());
        let euro = "€".as_bytes();
        end.receive_frame(0x01, &euro[..2]);
        end.receive_frame(0x00, &euro[2..]);
        assert_eq!(end.events().len(), 2);
        end.receive_frame(0x00, b"\xff");
        let told = OwnedEvent::ProtocolError(ProtocolError::InvalidUtf8);
        assert_eq!(end.events().first(), Some(&told));

        let mut end = End::new(role, &chunks());
        end.receive_frame(0x81, &euro[..2]);
        assert_eq!(end.events().last(), Some(&told));
    }
}

#[test]
fn limits_hold_and_can_be_lifted() {
    for role in BOTH {
        let limits = Limits::default().max_message(1000);
        let mut end = End::new(role, &chunks().limits(limits.clone()));
        end.receive_frame(0x02, &[0; 600]);
        end.receive(&header(role, 0x80, 401));
        let events = end.events();
        let told = OwnedEvent::ProtocolError(ProtocolError::MessageTooLarge { limit: 1000 });
        assert_eq!((events.len(), events.last()), (2, Some(&told)));

        let limits = limits.max_message(usize::MAX).max_frame(usize::MAX);
        let mut end = End::new(role, &chunks().limits(limits));
        end.receive(&header(role, 0x82, usize::MAX >> 1));
        let mut got = 0;
        for _ in 0..1000 {
            end.receive(&[0; 10_000]);
            got += pieces(&mut end)
                .iter()
                .map(|piece| piece.1.len())
                .sum::<usize>();
            let held = end.connection.io().0.capacity();
            assert!(held <= 128 << 10, "{held}");
        }
        assert_eq!(got, 10_000_000);
    }
}

fn stream() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    let payload = || prop_oneof![4 => vec(any::<u8>(), 0..20), 1 => vec(Just(b'x'), 0..70_000)];
    let text = || ".{0,20}".prop_map(String::into_bytes);
    let message = prop_oneof![
        payload().prop_map(|p| vec![(0x82, p)]),
        text().prop_map(|p| vec![(0x81, p)]),
        (text(), text()).prop_map(|(a, b)| vec![(0x01, a), (0x89, vec![1]), (0x80, b)]),
        (payload(), payload(), payload()).prop_map(|(a, b, c)| vec![(0x02, a), (0, b), (0x80, c)]),
        (0..256u16, payload()).prop_map(|(first, p)| vec![(first.to_le_bytes()[0], p)]),
    ];
    vec(message, 0..6).prop_map(|messages| messages.concat())
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn pieces_make_the_messages_that_would_be_handed_out_whole(
        stream in stream(),
        cuts in vec(prop_oneof![1..10usize, 1..100_000usize], 0..20),
        server in any::<bool>(),
    ) {
        let role = if server { Role::Server } else { Role::Client };
        let wire: Vec<u8> = stream.iter().flat_map(|(first, p)| frame(role, *first, p)).collect();
        let mut whole = End::new(role, &Config::default());
        whole.receive(&wire);
        let mut streamed = End::new(role, &chunks());
        let (mut rest, mut events) = (&wire[..], Vec::new());
        for cut in cuts {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            streamed.receive(now);
            events.extend(streamed.events());
            rest = later;
        }
        streamed.receive(rest);
        events.extend(streamed.events());
        prop_assert_eq!(join(events), whole.events());
    }
}
