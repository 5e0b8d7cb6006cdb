//! What a server sends back of a long message while that is lent to it: queued without a copy, held
//! no longer than it takes, and the same bytes on the wire as a copy.

use crate::support::{BOTH, End, Frame, frame};
use core::num::NonZeroUsize;
use ws_core::Role;
use ws_core::connection::{Config, Event};

/// Longer than what is handed out from the receive buffer.
const LONG: usize = 100_000;

/// Sends back the part `from..to` of the next message.
fn send_back(end: &mut End, from: usize, to: usize) {
    let (event, reply) = end.connection.poll(end.now).expect("a message");
    match event {
        Event::Binary(data) => reply.binary(&data[from..to]),
        Event::Text(text) => reply.text(&text[from..to]),
        _ => panic!("{event:?}"),
    }
    .expect("there is room");
}

/// Storage that is held for what was copied into the send queue.
fn copied(end: &mut End) -> usize {
    end.connection.io().1.capacity()
}

#[test]
fn a_long_message_is_sent_back_without_a_copy() {
    for first in [0x81, 0x82] {
        let mut end = End::new(Role::Server, &Config::default());
        for round in 0..3 {
            let payload = vec![b'a' + round; LONG];
            end.receive_frame(first, &payload);
            send_back(&mut end, 0, LONG);
            assert!(copied(&mut end) < 100, "{}", copied(&mut end));
            assert_eq!(end.write(), [Frame::new(first, &payload)]);
        }
        assert!(end.events().is_empty());
    }
}

#[test]
fn it_may_be_sent_back_more_than_once_and_among_others() {
    let mut end = End::new(Role::Server, &Config::default());
    let payload = vec![7; LONG];
    end.receive_frame(0x82, &payload);
    let (event, reply) = end.connection.poll(end.now).expect("a message");
    let Event::Binary(data) = event else {
        panic!("{event:?}");
    };
    reply.text("before").unwrap();
    reply.binary(data).unwrap();
    reply.binary(&payload).unwrap();
    reply.ping(b"!").unwrap();
    reply.binary(&data[1..]).unwrap();
    let expected = [
        Frame::new(0x81, b"before"),
        Frame::new(0x82, &payload),
        Frame::new(0x82, &payload),
        Frame::new(0x89, b"!"),
        Frame::new(0x82, &payload[1..]),
    ];
    assert_eq!(end.write(), expected);
}

#[test]
fn a_small_part_is_copied_so_that_it_does_not_hold_the_whole() {
    for (from, to, shares) in [
        (0, LONG / 2, true),
        (LONG / 2, LONG, true),
        (0, LONG / 2 - 1, false),
        (LONG - 20_000, LONG, false),
    ] {
        let mut end = End::new(Role::Server, &Config::default());
        let payload: Vec<u8> = (0..LONG).map(|i| (i % 251).to_le_bytes()[0]).collect();
        end.receive_frame(0x82, &payload);
        send_back(&mut end, from, to);
        assert_eq!(copied(&mut end) < to - from, shares, "{from}..{to}");
        assert_eq!(end.write(), [Frame::new(0x82, &payload[from..to])]);
    }
}

#[test]
fn what_is_cut_into_fragments_is_not_copied_either() {
    let config = Config::default().fragment_size(NonZeroUsize::new(40_000));
    let mut end = End::new(Role::Server, &config);
    let payload = vec![7; LONG];
    end.receive_frame(0x82, &payload);
    send_back(&mut end, 0, LONG);
    assert!(copied(&mut end) < 100, "{}", copied(&mut end));
    let expected = [
        Frame::new(0x02, &payload[..40_000]),
        Frame::new(0x00, &payload[40_000..80_000]),
        Frame::new(0x80, &payload[80_000..]),
    ];
    assert_eq!(end.write(), expected);
}

#[test]
fn a_client_and_one_that_never_shares_copy() {
    for role in BOTH {
        let mut end = End::new(role, &Config::default().share_min(usize::MAX));
        let payload = vec![7; LONG];
        end.receive_frame(0x82, &payload);
        send_back(&mut end, 0, LONG);
        assert!(copied(&mut end) >= LONG);
        assert_eq!(end.write(), [Frame::new(0x82, &payload)]);
    }
    let mut client = End::new(Role::Client, &Config::default());
    client.receive_frame(0x82, &[7; LONG]);
    send_back(&mut client, 0, LONG);
    assert!(copied(&mut client) >= LONG, "what is masked is a copy");
}

#[test]
fn messages_put_together_from_fragments_are_sent_back_the_same_way() {
    let mut end = End::new(Role::Server, &Config::default());
    let payload = vec![7; LONG];
    let wire = [
        frame(Role::Server, 0x02, &payload[..60_000]),
        frame(Role::Server, 0x80, &payload[60_000..]),
    ];
    end.receive(&wire.concat());
    send_back(&mut end, 0, LONG);
    assert!(copied(&mut end) < 100, "{}", copied(&mut end));
    assert_eq!(end.write(), [Frame::new(0x82, &payload)]);
}

#[test]
fn what_was_lent_before_the_halves_were_made_is_nobody_s_any_more() {
    let mut end = End::new(Role::Server, &Config::default());
    end.receive_frame(0x82, &[7; LONG]);
    assert!(end.connection.poll(end.now).is_some());
    let (mut receiver, mut sender) = end.connection.split();
    assert!(receiver.poll(end.now).is_none());
    let storage = receiver.buf().take_long().expect("it is kept");
    assert!(storage.try_into_mut().is_ok(), "nobody else has it");
    sender.binary(b"x").expect("there is room");
}

#[test]
fn a_message_in_far_larger_storage_is_copied() {
    let mut end = End::new(Role::Server, &Config::default());
    let mut wire = frame(Role::Server, 0x82, &[7; LONG]);
    wire.extend(frame(Role::Server, 0x02, &[1; 30_000]));
    wire.extend(frame(Role::Server, 0x80, &[2; 4000]));
    end.receive(&wire);
    assert!(end.connection.poll(end.now).is_some());
    send_back(&mut end, 0, 34_000);
    assert!(copied(&mut end) >= 34_000, "{}", copied(&mut end));
}
