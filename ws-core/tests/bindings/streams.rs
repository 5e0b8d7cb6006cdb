//! Messages read and written piece by piece, and connections as streams of bytes.

use std::thread;

use super::{guard, join, pair_with, payload, read_to_end};
use crate::rt::{self, wait, ws};
use rt::ext::*;
use ws::{
    AcceptOptions, CloseCode, Config, ConnectOptions, Delivery, Event, Kind, Limits, OwnedEvent,
    SendError, WebSocket,
};

/// Long enough to pass every buffer on the way.
const LONG: usize = 20 << 20;

/// Pieces, of messages of any length.
fn unlimited() -> Config {
    let limits = Limits::default().max_message(usize::MAX);
    Config::default().delivery(Delivery::Chunks).limits(limits)
}

fn streaming(config: &Config) -> (WebSocket, WebSocket) {
    let connect = ConnectOptions::default().config(config.clone());
    let accept = AcceptOptions::default().config(config.clone());
    pair_with(&connect, &accept)
}

#[cfg(feature = "deflate")]
fn compressing() -> (WebSocket, WebSocket) {
    let deflate = Some(ws::Deflate::max_ratio());
    let connect = ConnectOptions::default().config(unlimited());
    let accept = AcceptOptions::default().config(unlimited());
    pair_with(&connect.deflate(deflate.clone()), &accept.deflate(deflate))
}

/// Echoes every message while it arrives.
fn echo(socket: WebSocket) {
    let (mut reader, mut writer) = rt::split(socket);
    let mut buf = vec![0; 10_000];
    while let Some(mut message) = wait!(reader.next_message()) {
        let mut answer = writer.write_message(message.kind());
        loop {
            let n = wait!(message.read(&mut buf)).expect("a whole message");
            if n == 0 {
                break;
            }
            wait!(answer.write_all(&buf[..n])).expect("a peer that reads");
        }
        wait!(answer.finish()).expect("a peer that reads");
    }
}

/// Sends a long message and pings through an echo server and compares what comes back.
fn there_and_back(client: WebSocket, server: WebSocket) {
    let server = thread::spawn(move || echo(server));
    let (mut reader, mut writer) = rt::split(client);
    let reading = thread::spawn(move || {
        let mut message = wait!(reader.next_message()).expect("a message");
        assert_eq!(message.kind(), Kind::Binary);
        let mut expected = (0..LONG).map(byte);
        let mut buf = vec![0; 30_000];
        loop {
            match wait!(message.read(&mut buf)).expect("a whole message") {
                0 => break,
                n => assert!(expected.by_ref().take(n).eq(buf[..n].iter().copied())),
            }
        }
        assert_eq!(expected.next(), None);
        drop(message);
        assert!(wait!(reader.next_message()).is_none());
        assert!(reader.closed().expect("an end").is_clean());
    });
    let mut message = writer.write_message(Kind::Binary);
    for at in (0..LONG).step_by(LONG / 64) {
        let piece: Vec<u8> = (at..at + LONG / 64).map(byte).collect();
        wait!(message.write_all(&piece)).expect("a peer that reads");
    }
    wait!(message.finish()).expect("a peer that reads");
    drop(message);
    wait!(writer.close(CloseCode::NORMAL, "")).expect("open");
    join(reading);
    join(server);
}

fn byte(i: usize) -> u8 {
    (i * 31 + i / 251 * 7 + i / 65_537) as u8
}

#[test]
fn a_message_longer_than_any_buffer_streams_there_and_back() {
    guard(|| {
        let (client, server) = streaming(&unlimited());
        there_and_back(client, server);
    });
}

#[cfg(feature = "deflate")]
#[test]
fn so_does_one_that_is_compressed() {
    guard(|| {
        let (client, server) = compressing();
        assert!(client.agreed().deflate.is_some());
        there_and_back(client, server);
    });
}

#[test]
fn whole_messages_can_be_read_as_streams_too() {
    guard(|| {
        let (mut client, mut server) = streaming(&Config::default());
        for (kind, len) in [(Kind::Binary, 0), (Kind::Text, 3), (Kind::Binary, 200_000)] {
            let data = vec![b'x'; len];
            let mut message = client.write_message(kind);
            wait!(message.write_all(&data)).expect("open");
            wait!(message.finish()).expect("open");
            let mut message = wait!(server.next_message()).expect("a message");
            assert_eq!(message.kind(), kind);
            let mut read = Vec::new();
            wait!(message.read_to_end(&mut read)).expect("a whole message");
            assert!(read == data);
        }
    });
}

#[test]
fn a_reader_that_is_dropped_leaves_the_next_message_unharmed() {
    guard(|| {
        let config = unlimited();
        for config in [&config, &Config::default()] {
            let (mut client, mut server) = streaming(config);
            let sending = thread::spawn(move || {
                wait!(client.send(payload(300_000))).expect("open");
                wait!(client.send("next")).expect("open");
                client
            });
            let mut message = wait!(server.next_message()).expect("a message");
            let mut buf = [0; 10];
            assert!(wait!(message.read(&mut buf)).expect("bytes") > 0);
            drop(message);
            let mut message = wait!(server.next_message()).expect("a message");
            let mut text = Vec::new();
            wait!(message.read_to_end(&mut text)).expect("a whole message");
            assert_eq!((message.kind(), &text[..]), (Kind::Text, &b"next"[..]));
            drop(join(sending));
        }
    });
}

#[test]
fn a_message_that_is_cut_off_is_an_error_and_not_an_end() {
    guard(|| {
        let (mut client, mut server) = streaming(&unlimited());
        let mut message = client.write_message(Kind::Binary);
        wait!(message.write_all(b"beginning")).expect("open");
        wait!(message.flush()).expect("open");
        drop(message);
        let refused = wait!(client.send("another"));
        let mid = matches!(refused, Err(ws::Error::Send(SendError::MidMessage)));
        assert!(mid, "{refused:?}");
        let closing = thread::spawn(move || wait!(client.close(CloseCode::GOING_AWAY, "")));
        let mut message = wait!(server.next_message()).expect("a message");
        let mut read = Vec::new();
        let cut_off = wait!(message.read_to_end(&mut read)).expect_err("no end");
        assert_eq!(read, b"beginning");
        assert_eq!(cut_off.kind(), std::io::ErrorKind::UnexpectedEof);
        drop(message);
        assert!(wait!(server.next_message()).is_none());
        assert!(join(closing).expect("an end").is_clean());
    });
}

#[test]
fn a_message_dropped_before_its_first_frame_was_never_begun() {
    guard(|| {
        let (mut client, mut server) = streaming(&Config::default());
        let mut message = client.write_message(Kind::Text);
        wait!(message.write_all(b"never sent")).expect("open");
        drop(message);
        wait!(client.send("sent")).expect("open");
        assert_eq!(wait!(server.next()), Some(OwnedEvent::Text("sent".into())));
    });
}

#[test]
fn a_connection_is_a_stream_of_bytes() {
    const LEN: usize = 3 << 20;
    guard(|| {
        let (client, server) = streaming(&Config::default());
        let (reader, writer) = rt::split(server);
        let serving = thread::spawn(move || {
            let (mut reader, mut writer) = (reader.into_byte_stream(), writer.into_byte_stream());
            let mut buf = vec![0; 5000];
            let mut len = 0;
            loop {
                let n = wait!(reader.read(&mut buf)).expect("a clean end");
                if n == 0 {
                    return len;
                }
                len += n;
                wait!(writer.write_all(&buf[..n])).expect("open");
                wait!(writer.flush()).expect("open");
            }
        });
        let mut client = client.into_byte_stream();
        let mut back = vec![0; LEN / 16];
        for at in (0..LEN).step_by(LEN / 16) {
            let piece: Vec<u8> = (at..at + LEN / 16).map(byte).collect();
            wait!(client.write_all(&piece)).expect("open");
            wait!(client.flush()).expect("open");
            wait!(client.read_exact(&mut back)).expect("open");
            assert!(back == piece);
        }
        wait!(rt::shutdown(&mut client)).expect("open");
        assert_eq!(wait!(client.read(&mut back)).expect("a clean end"), 0);
        assert_eq!(join(serving), LEN);
    });
}

#[test]
fn a_stream_of_bytes_is_not_ended_by_text_or_by_failure() {
    guard(|| {
        let (mut client, server) = streaming(&Config::default());
        let mut server = server.into_byte_stream();
        wait!(client.send("text")).expect("open");
        let mut buf = [0; 10];
        let text = wait!(server.read(&mut buf)).expect_err("no bytes");
        assert_eq!(text.kind(), std::io::ErrorKind::InvalidData);

        let (mut client, server) = streaming(&Config::default());
        let reading = thread::spawn(move || {
            let mut server = server.into_byte_stream();
            let failed = wait!(server.read(&mut [0; 10])).expect_err("no end");
            assert_eq!(failed.kind(), std::io::ErrorKind::UnexpectedEof);
        });
        let closed = wait!(client.close(CloseCode::new(1011), "broken")).expect("an end");
        assert!(closed.is_clean());
        join(reading);
    });
}

#[test]
fn pings_are_answered_while_a_message_is_read() {
    guard(|| {
        let (mut client, mut server) = streaming(&unlimited());
        let reading = thread::spawn(move || {
            let mut read = Vec::new();
            let mut message = wait!(server.next_message()).expect("a message");
            wait!(message.read_to_end(&mut read)).expect("a whole message");
            drop(message);
            assert_eq!(read, b"onetwo");
            read_to_end(&mut server, |event| panic!("{event:?}"));
        });
        let mut message = client.write_message(Kind::Binary);
        wait!(message.write_all(b"one")).expect("open");
        wait!(message.flush()).expect("open");
        drop(message);
        client.sender().ping(b"now").expect("open");
        // The pong comes while the message is unfinished.
        match wait!(client.read()) {
            Some((Event::Pong(b"now"), sender)) => sender.finish(b"two").expect("open"),
            event => panic!("{event:?}"),
        }
        wait!(client.close(CloseCode::NORMAL, "")).expect("an end");
        join(reading);
    });
}
