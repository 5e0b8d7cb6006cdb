//! Drivers own the buffers: one that exchanges them in the middle of a long message gets nonsense for
//! its pains, but never text that is no text, and never a panic.

use crate::support::{End, frame};
use proptest::prelude::*;
use ws_core::Role;
use ws_core::buf::{Pool, RecvBuf};
use ws_core::connection::{Config, Event, OwnedEvent};
use ws_core::error::ProtocolError;
use ws_core::message::Delivery;

/// A client that has received so much of a frame, and has looked at it.
fn under_way(opcode: u8, payload: &[u8], received: usize) -> End {
    let mut end = End::new(Role::Client, &Config::default());
    let wire = frame(Role::Client, opcode, payload);
    end.receive(&wire[..wire.len() - payload.len() + received]);
    assert!(!end.connection.ready(end.now));
    end
}

/// What comes of the rest: text that is checked, or a fault.
fn outcome(end: &mut End, rest: &[u8]) -> Option<OwnedEvent> {
    end.receive(rest);
    let event = end.connection.poll_owned(end.now);
    if let Some(OwnedEvent::Text(text)) = &event {
        assert!(core::str::from_utf8(text.as_bytes()).is_ok());
    }
    event
}

const NOT_UTF8: Option<OwnedEvent> = Some(OwnedEvent::ProtocolError(ProtocolError::InvalidUtf8));

#[test]
fn the_buffer_of_another_connection_does_not_pass_for_checked_text() {
    for other in [0x82, 0x81] {
        let mut text = under_way(0x81, &[b'a'; 100_000], 40_000);
        let byte = if other == 0x82 { 0xff } else { b'b' };
        let mut binary = under_way(other, &[byte; 100_000], 40_000);
        core::mem::swap(text.connection.io().0, binary.connection.io().0);
        let event = outcome(&mut text, &[b'a'; 60_000]);
        assert_eq!(event == NOT_UTF8, other == 0x82, "{other:#x}");
    }
}

#[test]
fn what_another_connection_has_unmasked_in_a_buffer_is_checked_when_that_comes_back() {
    let server = |received: usize| {
        let mut end = End::new(Role::Server, &Config::default());
        // With this key what was unmasked before becomes no text.
        let head = [
            0x81, 0xff, 0, 0, 0, 0, 0, 1, 0x86, 0xa0, 0xff, 0xff, 0xff, 0xff,
        ];
        let wire = [&head[..], &[!b'a'; 100_000]].concat();
        end.receive(&wire[..received]);
        assert!(!end.connection.ready(end.now));
        (end, wire)
    };
    let ((mut one, wire), (mut other, _)) = (server(40_000), server(30_000));
    core::mem::swap(one.connection.io().0, other.connection.io().0);
    // It takes what the first has looked at already for its own.
    let _ = other.connection.ready(other.now);
    core::mem::swap(one.connection.io().0, other.connection.io().0);
    one.receive(&wire[40_000..]);
    match one.connection.poll_owned(one.now) {
        Some(OwnedEvent::Text(text)) => assert!(core::str::from_utf8(text.as_bytes()).is_ok()),
        event => assert_eq!(event, NOT_UTF8),
    }
}

#[test]
fn half_a_character_that_went_with_its_buffer_is_missed() {
    let payload = ["a".repeat(40_000), "é".into(), "a".repeat(60_000)].concat();
    let mut end = under_way(0x81, payload.as_bytes(), 40_001);
    *end.connection.io().0 = RecvBuf::new();
    let event = outcome(&mut end, &payload.as_bytes()[40_001..]);
    assert_eq!(event, NOT_UTF8);
}

#[test]
fn a_buffer_that_comes_back_late_is_looked_at_again() {
    let payload = ["a".repeat(40_000), "é".into(), "a".repeat(70_000)].concat();
    let mut end = under_way(0x81, payload.as_bytes(), 40_001);
    let lent = core::mem::take(end.connection.io().0);
    end.receive(&payload.as_bytes()[40_001..50_000]);
    assert!(!end.connection.ready(end.now));
    *end.connection.io().0 = lent;
    let event = outcome(&mut end, &payload.as_bytes()[50_000..]);
    assert!(event.is_none() || event == NOT_UTF8, "{event:?}");
}

/// One event, lent or owned. Was there one?
fn polled(end: &mut End, owned: bool) -> bool {
    if owned {
        let event = end.connection.poll_owned(end.now);
        if let Some(OwnedEvent::Text(text)) = &event {
            assert!(core::str::from_utf8(text.as_bytes()).is_ok());
        }
        return event.is_some();
    }
    let event = end.connection.poll(end.now);
    if let Some((Event::Text(text), _)) = &event {
        assert!(core::str::from_utf8(text.as_bytes()).is_ok());
    }
    event.is_some()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn buffers_may_be_exchanged_whenever_one_likes(
        role in prop::sample::select(&[Role::Client, Role::Server][..]),
        messages in prop::collection::vec((0..6_u8, prop::sample::select(&[300, 17_000, 90_000][..])), 1..16),
        times in prop::sample::select(&[1, 1, 12][..]),
        turns in prop::collection::vec((0..10_u8, any::<bool>(), 1..140_000_usize), 1..50),
        chunks: bool,
    ) {
        let mut wires = [Vec::new(), Vec::new()];
        for (i, (kind, len)) in messages.into_iter().enumerate() {
            let text = "é".repeat(len / 2).into_bytes();
            let wire = match kind {
                0 => frame(role, 0x82, &vec![0xff; len]),
                1 => [frame(role, 0x01, &text[..len / 4]), frame(role, 0x80, &text[len / 4..])].concat(),
                2 => [frame(role, 0x02, &vec![0xfe; len]), frame(role, 0x80, &[0xfe])].concat(),
                3 => frame(role, 0x89, b"ping"),
                _ => frame(role, 0x81, &text),
            };
            wires[i % 2].extend(wire.repeat(times));
        }
        let delivery = if chunks { Delivery::Chunks } else { Delivery::Messages };
        let mut ends = [(); 2].map(|()| End::new(role, &Config::default().delivery(delivery)));
        let mut rests = wires.each_ref().map(|wire| &wire[..]);
        let mut pool = Pool::new();
        for (turn, which, most) in turns {
            let (end, rest) = (&mut ends[usize::from(which)], &mut rests[usize::from(which)]);
            match turn {
                0..=3 => {
                    pool.supply(end.connection.io().0);
                    let (room, most) = match turn {
                        0 => (end.connection.io().0.spare(), most),
                        // All that it is let.
                        _ => (end.connection.io().0.spare_hot(), usize::MAX),
                    };
                    let (now, later) = rest.split_at(room.len().min(most).min(rest.len()));
                    room[..now.len()].copy_from_slice(now);
                    end.connection.io().0.commit(now.len());
                    *rest = later;
                }
                4 => drop(end.connection.ready(end.now)),
                5 => drop(polled(end, which)),
                6 => while polled(end, which) {},
                7 => {
                    end.connection.ready(end.now);
                    end.connection.read_chunk(&mut [0; 10]);
                }
                _ => {
                    let [a, b] = &mut ends;
                    core::mem::swap(a.connection.io().0, b.connection.io().0);
                }
            }
        }
        for end in ends {
            drop(end.connection.into_leftover());
        }
    }
}
