//! A message that is encoded once: queued by reference by any number of server connections, and
//! compressed once for each window, whatever those connections have sent before.

use crate::support::{BOTH, End, Frame};
use ws_core::Role;
use ws_core::connection::Config;
use ws_core::message::{Kind, Message, PreparedMessage};

fn servers(n: usize) -> Vec<End> {
    let end = |_| End::new(Role::Server, &Config::default());
    (0..n).map(end).collect()
}

/// Where the pieces that an end has queued lie in memory, and how long they are.
fn queued(end: &mut End) -> Vec<(*const u8, usize)> {
    let out = end.connection.io().1;
    std::iter::from_fn(|| out.pop().map(|bytes| (bytes.as_ptr(), bytes.len()))).collect()
}

#[test]
fn every_server_queues_the_same_bytes() {
    for len in [0, 1, 200, 100_000] {
        let message = PreparedMessage::new(vec![7; len]);
        let mut places = Vec::new();
        for mut end in servers(100) {
            end.connection.sender().send(&message).unwrap();
            // No storage is held for it: nothing was copied.
            assert_eq!(end.connection.io().1.capacity(), 0);
            places.push(queued(&mut end));
        }
        assert_eq!(places[0].len(), 1);
        assert!(places.iter().all(|place| *place == places[0]));
    }
}

#[test]
fn it_is_a_message_like_any_other() {
    for role in BOTH {
        let mut end = End::new(role, &Config::default());
        let message = PreparedMessage::new("hello");
        assert_eq!(
            (message.kind(), message.payload()),
            (Kind::Text, &b"hello"[..])
        );
        let sender = end.connection.sender();
        sender.send(&message).unwrap();
        sender.text("plain").unwrap();
        sender
            .batch(&[Message::from(&message), Message::Ping(b"?")])
            .unwrap();
        sender.send(message.clone()).unwrap();
        let hello = Frame::new(0x81, b"hello");
        assert_eq!(
            end.write(),
            [
                hello.clone(),
                Frame::new(0x81, b"plain"),
                hello.clone(),
                Frame::new(0x89, b"?"),
                hello
            ]
        );
        assert_eq!(PreparedMessage::new(&message), message);
        assert_eq!(PreparedMessage::new("hello"), message);
        assert_ne!(PreparedMessage::new(b"hello"), message);
    }
}

#[test]
#[should_panic(expected = "text or binary")]
fn a_ping_is_no_message_to_prepare() {
    let _ = PreparedMessage::new(Message::Ping(b""));
}

#[test]
fn one_that_is_longer_than_a_fragment_is_cut_and_shared_all_the_same() {
    let config = Config::default().fragment_size(core::num::NonZeroUsize::new(1000));
    let message = PreparedMessage::new(vec![7; 2500]);
    let mut places = Vec::new();
    for _ in 0..2 {
        let mut end = End::new(Role::Server, &config);
        end.connection.sender().send(&message).unwrap();
        end.connection.sender().ping(b"!").unwrap();
        let pieces = queued(&mut end);
        places.push(
            pieces
                .iter()
                .filter(|(_, len)| *len >= 500)
                .copied()
                .collect::<Vec<_>>(),
        );
        end.connection.sender().send(&message).unwrap();
        let frames = end.write();
        let firsts: Vec<u8> = frames.iter().map(|frame| frame.first).collect();
        assert_eq!(firsts, [0x02, 0x00, 0x80]);
        assert_eq!(
            frames
                .iter()
                .map(|frame| frame.payload.len())
                .sum::<usize>(),
            2500
        );
    }
    assert_eq!(places[0].len(), 3);
    assert_eq!(places[0], places[1]);
}
