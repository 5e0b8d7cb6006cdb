//! Messages as readers and writers over a transport that moves a few bytes at a time and refuses
//! every other call, with futures that are dropped after a few polls.
#![cfg(feature = "pump")]

use std::future::poll_fn;

use crate::pump_support::{Clock, Io, Wire, encoded, opened, peer, poll_once, poll_up_to};
use ws_core::connection::{Config, OwnedEvent};
use ws_core::message::{Delivery, Kind};
use ws_core::pump::{ByteStream, MessageReader, MessageWriter, ReadBytes, WebSocket, WriteBytes};
use ws_core::stream::BLOCK;
use ws_core::{Instant, Role};

fn chunks() -> Config {
    Config::default().delivery(Delivery::Chunks)
}

fn socket(io: &Io, config: &Config) -> WebSocket<Io, Clock> {
    WebSocket::upgraded_on(Clock::default(), io.clone(), opened(Role::Server), config)
}

async fn read<T: ReadBytes>(from: &mut T, buf: &mut [u8]) -> std::io::Result<usize> {
    poll_fn(|cx| from.poll_read(cx, buf)).await
}

/// Waits until a message is found.
async fn find(socket: &mut WebSocket<Io, Clock>) {
    drop(socket.next_message().await.expect("a message"));
}

/// The message that was found.
fn next(socket: &mut WebSocket<Io, Clock>) -> MessageReader<'_, WebSocket<Io, Clock>> {
    poll_once(socket.next_message())
        .0
        .expect("found")
        .expect("open")
}

/// What a client hears.
fn heard(io: &Io) -> Vec<OwnedEvent> {
    let mut client = peer(Role::Client);
    client.io().0.extend_from_slice(&io.take_written());
    std::iter::from_fn(|| client.poll_owned(Instant::ORIGIN)).collect()
}

fn stubborn(incoming: Vec<u8>, step: usize) -> Io {
    let io = Io::default();
    *io.0.borrow_mut() = Wire {
        incoming: incoming.into(),
        step,
        stubborn: true,
        ..Wire::default()
    };
    io
}

fn payload(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251).to_le_bytes()[0]).collect()
}

#[test]
fn reads_that_are_dropped_lose_nothing() {
    for (step, polls) in [(1, 1), (7, 2), (50, 3)] {
        let mut client = peer(Role::Client);
        let sent = [payload(1000), vec![], payload(300)];
        for (i, message) in sent.iter().enumerate() {
            client
                .sender()
                .fragment(Kind::Binary, &message[..message.len() / 2])
                .unwrap();
            client.sender().ping(&[u8::try_from(i).unwrap()]).unwrap();
            client
                .sender()
                .finish(&message[message.len() / 2..])
                .unwrap();
        }
        let io = stubborn(encoded(&mut client), step);
        let mut socket = socket(&io, &chunks());
        for message in &sent {
            // A future that is dropped gives the socket back; the message is found again.
            while poll_up_to(polls, find(&mut socket)).is_none() {}
            let mut reader = next(&mut socket);
            let mut got = Vec::new();
            loop {
                let mut buf = [0; 13];
                match poll_up_to(polls, read(&mut reader, &mut buf)) {
                    Some(Ok(0)) => break,
                    Some(Ok(n)) => got.extend_from_slice(&buf[..n]),
                    Some(Err(error)) => panic!("{error}"),
                    None => {}
                }
            }
            assert!(got == *message);
        }
        while poll_up_to(1, socket.flush()).is_none() {}
        let pongs = (0..3).map(|i| OwnedEvent::Pong(vec![i].into()));
        assert_eq!(heard(&io), pongs.collect::<Vec<_>>());
    }
}

#[test]
fn writes_that_are_dropped_lose_and_repeat_nothing() {
    for (step, polls) in [(1000, 1), (5000, 2), (100_000, 3)] {
        let io = stubborn(Vec::new(), step);
        let mut socket = socket(&io, &Config::default());
        let data = payload(5 * BLOCK + 100);
        let mut writer: MessageWriter<'_, _> = socket.write_message(Kind::Binary);
        let mut rest = &data[..];
        while !rest.is_empty() {
            let piece = &rest[..rest.len().min(10_000)];
            let written = poll_up_to(polls, poll_fn(|cx| writer.poll_write(cx, piece)));
            rest = &rest[written.map_or(0, |n| n.expect("open"))..];
        }
        while poll_up_to(polls, writer.finish()).is_none() {}
        assert!(heard(&io) == [OwnedEvent::Binary(data.into())]);
    }
}

#[test]
fn pings_that_arrive_while_a_message_is_written_are_answered_between_its_frames() {
    let io = Io::willing();
    io.0.borrow_mut().capacity = Some(BLOCK / 2);
    let mut socket = socket(&io, &Config::default());
    let mut client = peer(Role::Client);
    client.sender().ping(b"there?").unwrap();
    client.sender().text("a message").unwrap();
    client.sender().ping(b"behind").unwrap();
    io.receive(&encoded(&mut client));
    let data = payload(4 * BLOCK);
    let mut writer = socket.write_message(Kind::Binary);
    let mut rest = &data[..];
    let mut write = |rest: &mut &[u8]| {
        let piece = &rest[..rest.len().min(10_000)];
        let written = poll_once(poll_fn(|cx| writer.poll_write(cx, piece))).0;
        *rest = &rest[written.as_ref().map_or(0, |n| *n.as_ref().expect("open"))..];
        written.is_some()
    };
    while write(&mut rest) {}
    assert!(rest.len() >= BLOCK, "stuck");
    io.0.borrow_mut().capacity = None;
    while !rest.is_empty() {
        assert!(write(&mut rest));
    }
    let finished = poll_once(writer.finish()).0;
    finished.expect("room").expect("open");
    let heard = heard(&io);
    assert_eq!(heard[0], OwnedEvent::Pong(b"there?".as_slice().into()));
    assert!(heard[1..] == [OwnedEvent::Binary(data.into())]);
    // What came for the application waits for it.
    let event = poll_once(socket.next()).0.expect("at hand");
    assert_eq!(event, Some(OwnedEvent::Text("a message".into())));
}

#[test]
fn two_tasks_share_a_stream_of_bytes() {
    let io = Io::willing();
    let mut stream: ByteStream<_> = socket(&io, &Config::default()).into_byte_stream();
    let mut buf = [0; 10];
    assert!(poll_once(read(&mut stream, &mut buf)).0.is_none());
    let written = poll_once(poll_fn(|cx| stream.poll_write(cx, b"out"))).0;
    assert_eq!(written.expect("room").expect("open"), 3);
    assert_eq!(heard(&io), [OwnedEvent::Binary(b"out".as_slice().into())]);
    let mut client = peer(Role::Client);
    client.sender().binary(b"in").unwrap();
    io.receive(&encoded(&mut client));
    let n = poll_once(read(&mut stream, &mut buf))
        .0
        .expect("at hand")
        .expect("open");
    assert_eq!(buf[..n], *b"in");
}
