//! Messages written and read as streams of bytes: whatever the writes, the flushes, the reads and
//! the cuts on the way, the same bytes arrive, in messages that end where they were ended.
#![cfg(feature = "std")]

use crate::support::{BOTH, End, cases};
use bytes::Buf;
use proptest::collection::vec;
use proptest::prelude::*;
use ws_core::connection::{Config, Connection};
use ws_core::error::SendError;
use ws_core::message::{Delivery, Kind, Limits};
use ws_core::stream::{BLOCK, ByteInlet, Events, Found, Inlet, Outlet, byte_message};
use ws_core::{Instant, Role};

const NOW: Instant = Instant::ORIGIN;

/// Everything that an end has to write arrives at the other.
fn carry(from: &mut Connection, to: &mut Connection) {
    while let Some(bytes) = from.io().1.pop() {
        to.io().0.extend_from_slice(&bytes);
    }
}

fn end(role: Role, delivery: Delivery) -> Connection {
    End::new(role, &Config::default().delivery(delivery)).connection
}

/// Reads what there is of messages, `step` bytes at a time: kind and bytes of those that are
/// complete.
struct Reading {
    inlet: Option<Inlet>,
    data: Vec<u8>,
    done: Vec<(Kind, Vec<u8>)>,
    step: usize,
}

impl Reading {
    fn new(step: usize) -> Self {
        Self {
            inlet: None,
            data: Vec::new(),
            done: Vec::new(),
            step,
        }
    }

    fn go(&mut self, from: &mut Connection) {
        loop {
            let at_hand = self.inlet.as_ref().is_some_and(Inlet::is_at_hand);
            if !at_hand && !from.ready(NOW) {
                return;
            }
            let Some(inlet) = &mut self.inlet else {
                if let Found::Message(inlet) = Inlet::begin(from, NOW) {
                    self.inlet = Some(inlet);
                }
                continue;
            };
            let mut buf = vec![0; self.step];
            match inlet.read(from, &mut buf, NOW) {
                Some(Ok(0)) => {
                    self.done
                        .push((inlet.kind(), std::mem::take(&mut self.data)));
                    self.inlet = None;
                }
                Some(Ok(n)) => self.data.extend_from_slice(&buf[..n]),
                Some(Err(error)) => panic!("{error}"),
                None => {}
            }
        }
    }
}

#[test]
fn a_message_no_longer_than_a_block_is_one_frame() {
    for role in BOTH {
        for len in [0, 1, 1000, BLOCK] {
            let mut end = End::new(role, &Config::default());
            let mut outlet = Outlet::new(Kind::Binary);
            let sender = end.connection.sender();
            let mut left = vec![7; len];
            while !left.is_empty() {
                let half = left.len().div_ceil(2);
                let n = outlet.write(sender, &left[..half]).expect("room");
                left.drain(..n);
            }
            outlet.finish(sender).expect("room");
            outlet.finish(sender).expect("once is enough");
            assert_eq!(outlet.write(sender, b"x"), Err(SendError::NotMidMessage));
            let frames = end.write();
            assert_eq!((frames.len(), frames[0].payload.len()), (1, len));
            assert_eq!(frames[0].first, 0x82);
        }
    }
}

#[test]
fn no_more_than_two_blocks_wait_whatever_is_written() {
    for role in BOTH {
        let mut end = End::new(role, &Config::default());
        let mut outlet = Outlet::new(Kind::Binary);
        let data = vec![1; 10 * BLOCK];
        let mut written = 0;
        let full = loop {
            match outlet.write(end.connection.sender(), &data[written..]) {
                Ok(n) => written += n,
                Err(error) => break error,
            }
        };
        assert!(matches!(full, SendError::Full { .. }), "{full}");
        assert!(end.connection.io().1.remaining() < 2 * BLOCK);
        // A ping does not wait behind more than what is being written.
        end.connection.sender().ping(b"!").expect("room");
        let firsts: Vec<u8> = end.write().iter().map(|frame| frame.first).collect();
        assert_eq!(firsts, [0x02, 0x89]);
        let n = outlet.write(end.connection.sender(), &data[written..]);
        assert!(n.is_ok(), "{n:?}");
    }
}

#[test]
fn text_is_refused_where_it_cannot_be_utf8_and_may_be_cut_within_a_character() {
    let mut end = End::new(Role::Server, &Config::default());
    let sender = end.connection.sender();
    let mut outlet = Outlet::new(Kind::Text);
    outlet.write(sender, &"ü".as_bytes()[..1]).expect("room");
    outlet.flush(sender).expect("room");
    assert_eq!(outlet.finish(sender), Err(SendError::InvalidUtf8));
    outlet.write(sender, &"ü".as_bytes()[1..]).expect("room");
    outlet.finish(sender).expect("a whole character");

    let mut outlet = Outlet::new(Kind::Text);
    outlet.write(sender, b"\xff").expect("not looked at yet");
    assert_eq!(outlet.flush(sender), Err(SendError::InvalidUtf8));
    assert_eq!(outlet.finish(sender), Err(SendError::InvalidUtf8));
    assert!(!sender.is_mid_message());
    let frames: Vec<u8> = end.write().iter().map(|frame| frame.first).collect();
    assert_eq!(frames, [0x01, 0x80]);
}

#[test]
fn nothing_is_written_to_a_connection_that_is_closing() {
    let mut end = End::new(Role::Server, &Config::default());
    let sender = end.connection.sender();
    sender
        .close(ws_core::close::CloseCode::NORMAL, "")
        .expect("open");
    let mut outlet = Outlet::new(Kind::Binary);
    assert_eq!(outlet.write(sender, b"x"), Err(SendError::Closed));
    assert_eq!(outlet.finish(sender), Err(SendError::Closed));
    assert_eq!(byte_message(sender, b"x"), Err(SendError::Closed));
}

#[test]
fn a_piece_that_was_read_in_part_is_found_again_without_it() {
    for role in BOTH {
        let mut end = End::new(role, &Config::default().delivery(Delivery::Chunks));
        end.receive_frame(0x82, b"abcdef");
        assert!(end.connection.ready(NOW));
        let mut buf = [0; 4];
        let read = end.connection.read_chunk(&mut buf).expect("a piece");
        assert_eq!((read.data, read.first, read.last), (4, true, false));
        let ws_core::connection::OwnedEvent::Chunk(rest) = end.events().remove(0) else {
            panic!("a piece");
        };
        assert_eq!(
            (&rest.data[..], rest.first, rest.last),
            (&b"ef"[..], false, true)
        );
        assert!(end.connection.read_chunk(&mut buf).is_none());
    }
}

#[test]
fn bytes_of_many_messages_are_one_stream_up_to_the_close() {
    for delivery in [Delivery::Chunks, Delivery::Messages] {
        let (mut client, mut server) = (end(Role::Client, delivery), end(Role::Server, delivery));
        for piece in [&b"one"[..], b"", b"two"] {
            assert_eq!(byte_message(client.sender(), piece), Ok(piece.len()));
        }
        client.sender().binary(b"").expect("open");
        let mut outlet = Outlet::new(Kind::Binary);
        outlet.write(client.sender(), b"thr").expect("room");
        outlet.flush(client.sender()).expect("room");
        outlet.write(client.sender(), b"ee").expect("room");
        outlet.finish(client.sender()).expect("room");
        client
            .close(ws_core::close::CloseCode::NORMAL, "", NOW)
            .expect("open");
        carry(&mut client, &mut server);
        let (mut inlet, mut read) = (ByteInlet::default(), Vec::new());
        loop {
            if !inlet.is_at_hand() && !server.ready(NOW) {
                carry(&mut server, &mut client);
                assert!(server.ready(NOW));
            }
            let mut buf = [0; 2];
            match inlet.read(&mut server, &mut buf, NOW) {
                Some(Ok(0)) => break,
                Some(n) => read.extend_from_slice(&buf[..n.expect("bytes")]),
                None => {}
            }
        }
        assert_eq!(read, b"onetwothree");
        assert!(inlet.is_at_hand());
        assert_eq!(
            inlet.read(&mut server, &mut [0], NOW).map(Result::ok),
            Some(Some(0))
        );
    }
}

#[derive(Clone, Debug)]
enum Op {
    Write(Vec<u8>),
    Flush,
    Finish,
    Ping,
    Carry,
}

fn op() -> impl Strategy<Value = Op> {
    let data = prop_oneof![
        6 => vec(any::<u8>(), 0..100),
        1 => (any::<u8>(), 0..3 * BLOCK).prop_map(|(byte, len)| vec![byte; len]),
    ];
    prop_oneof![
        8 => data.prop_map(Op::Write),
        2 => Just(Op::Flush),
        2 => Just(Op::Finish),
        1 => Just(Op::Ping),
        3 => Just(Op::Carry),
    ]
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn what_is_written_is_what_is_read(
        ops in vec(op(), 1..40),
        chunks in any::<bool>(),
        client_sends in any::<bool>(),
        step in 1..100_000usize,
    ) {
        let delivery = if chunks { Delivery::Chunks } else { Delivery::Messages };
        let (sender, receiver) = match client_sends {
            true => (Role::Client, Role::Server),
            false => (Role::Server, Role::Client),
        };
        let (mut from, mut to) = (end(sender, delivery), end(receiver, delivery));
        let mut reading = Reading::new(step);
        let mut outlet = Outlet::new(Kind::Binary);
        let (mut message, mut sent) = (Vec::new(), Vec::new());
        let queue = |from: &mut Connection, to: &mut Connection, reading: &mut Reading,
                         f: &mut dyn FnMut(&mut Connection) -> Result<usize, SendError>| loop {
            match f(from) {
                Err(SendError::Full { .. }) => { carry(from, to); reading.go(to); }
                done => break done.expect("open"),
            }
        };
        for op in ops.into_iter().chain([Op::Finish, Op::Carry]) {
            match op {
                Op::Write(data) => {
                    let mut rest = &data[..];
                    while !rest.is_empty() {
                        let n = queue(&mut from, &mut to, &mut reading, &mut |from| {
                            outlet.write(from.sender(), rest)
                        });
                        rest = &rest[n..];
                    }
                    message.extend_from_slice(&data);
                }
                Op::Flush => {
                    queue(&mut from, &mut to, &mut reading, &mut |from| {
                        outlet.flush(from.sender()).map(|()| 0)
                    });
                }
                Op::Finish => {
                    queue(&mut from, &mut to, &mut reading, &mut |from| {
                        outlet.finish(from.sender()).map(|()| 0)
                    });
                    sent.push((Kind::Binary, std::mem::take(&mut message)));
                    outlet = Outlet::new(Kind::Binary);
                }
                Op::Ping => from.sender().ping(b"?").expect("room"),
                Op::Carry => { carry(&mut from, &mut to); reading.go(&mut to); }
            }
        }
        prop_assert_eq!(reading.done, sent);
    }
}

/// Both halves of the table above are used through the trait as well.
#[test]
fn a_receiver_alone_is_read_like_a_connection() {
    let limits = Limits::default().max_message(10);
    let config = Config::default().delivery(Delivery::Chunks).limits(limits);
    let mut end = End::new(Role::Client, &config);
    end.receive_frame(0x02, b"12345");
    end.receive_frame(0x00, b"1234567");
    let (mut receiver, _sender) = end.connection.split();
    assert_eq!(receiver.ready(NOW), Ok(true));
    assert!(Events::look(&receiver).is_some());
    let Found::Message(mut inlet) = Inlet::begin(&mut receiver, NOW) else {
        panic!("a message");
    };
    let mut buf = [0; 20];
    let read = inlet.read(&mut receiver, &mut buf, NOW);
    assert_eq!(read.expect("found").expect("bytes"), 5);
    while receiver.ready(NOW).is_err() {}
    let fault = inlet.read(&mut receiver, &mut buf, NOW).expect("found");
    assert_eq!(
        fault.expect_err("too long").kind(),
        std::io::ErrorKind::InvalidData
    );
}
