//! The two halves of a connection, each in a thread of its own.

use std::io::Write;
use std::sync::mpsc;
use std::thread;

use super::raw::{self, CLOSE, PING, PONG, TEXT};
use super::{guard, join, pair_with, server_and_raw};
use crate::rt::{self, wait, ws};
use ws::{
    AcceptOptions, By, Cause, CloseCode, Config, ConnectOptions, OwnedEvent, Reader, SendError,
    WebSocket,
};

fn text(text: &str) -> Option<OwnedEvent> {
    Some(OwnedEvent::Text(text.into()))
}

#[test]
fn pongs_and_the_answer_to_a_close_leave_while_nobody_sends() {
    guard(|| {
        let (socket, mut peer) = server_and_raw(&AcceptOptions::default());
        let (mut reader, mut writer) = rt::split(socket);
        let reading = thread::spawn(move || {
            let mut pings = 0;
            while let Some(OwnedEvent::Ping(_)) = wait!(reader.next()) {
                pings += 1;
            }
            (pings, reader)
        });
        for i in 0..100 {
            peer.write_all(&raw::masked(PING, &[i])).unwrap();
            assert_eq!(raw::read_frame(&mut peer).unwrap(), (PONG, vec![i]));
        }
        peer.write_all(&raw::masked(CLOSE, &raw::close(4001, "why not")))
            .unwrap();
        let close = (CLOSE, raw::close(4001, "why not"));
        assert_eq!(raw::read_frame(&mut peer).unwrap(), close);
        let (pings, mut reader) = join(reading);
        assert_eq!(pings, 100);
        let closed = reader.closed().expect("an end").clone();
        assert_eq!((closed.by, closed.code), (By::Peer, CloseCode::new(4001)));
        assert_eq!(wait!(reader.next()), None);
        let refused = wait!(writer.send("too late"));
        assert!(matches!(refused, Err(ws::Error::Send(SendError::Closed))));
    });
}

#[test]
fn the_writer_sends_while_the_reader_waits() {
    guard(|| {
        let (socket, mut peer) = server_and_raw(&AcceptOptions::default());
        let (mut reader, mut writer) = rt::split(socket);
        let reading = thread::spawn(move || (wait!(reader.next()), wait!(reader.next())));
        peer.write_all(&raw::masked(TEXT, b"a question")).unwrap();
        for i in 0..100_u32 {
            wait!(writer.send(&i.to_be_bytes())).unwrap();
            let sent = i.to_be_bytes().to_vec();
            assert_eq!(raw::read_frame(&mut peer).unwrap().1, sent);
        }
        wait!(writer.feed("an")).unwrap();
        wait!(writer.feed("swer")).unwrap();
        wait!(writer.flush()).unwrap();
        assert_eq!(raw::read_frame(&mut peer).unwrap().1, b"an");
        assert_eq!(raw::read_frame(&mut peer).unwrap().1, b"swer");
        peer.write_all(&raw::masked(TEXT, b"thanks")).unwrap();
        assert_eq!(join(reading), (text("a question"), text("thanks")));
    });
}

#[test]
fn a_reader_goes_on_without_its_writer() {
    guard(|| {
        let (socket, mut peer) = server_and_raw(&AcceptOptions::default());
        let (mut reader, writer) = rt::split(socket);
        drop(writer);
        peer.write_all(&raw::masked(PING, b"?")).unwrap();
        let ping = Some(OwnedEvent::Ping(b"?".as_slice().into()));
        assert_eq!(wait!(reader.next()), ping);
        peer.write_all(&raw::masked(TEXT, b"x")).unwrap();
        assert_eq!(wait!(reader.next()), text("x"));
        peer.write_all(&raw::masked(CLOSE, &raw::close(1000, "")))
            .unwrap();
        let Some(OwnedEvent::Closed(closed)) = wait!(reader.next()) else {
            panic!("the end is told");
        };
        assert!(closed.is_clean());
        assert_eq!(wait!(reader.next()), None);
        drop(reader);
        assert_eq!(raw::read_frame(&mut peer).unwrap().0, PONG);
        assert_eq!(raw::read_frame(&mut peer).unwrap().0, CLOSE);
        assert_eq!(raw::drain(&mut peer), b"");
    });
}

#[test]
fn a_writer_goes_on_without_its_reader() {
    guard(|| {
        let (socket, mut peer) = server_and_raw(&AcceptOptions::default());
        let (reader, mut writer) = rt::split(socket);
        drop(reader);
        wait!(writer.send("one")).unwrap();
        wait!(writer.send("two")).unwrap();
        assert_eq!(raw::read_frame(&mut peer).unwrap(), (TEXT, b"one".to_vec()));
        assert_eq!(raw::read_frame(&mut peer).unwrap(), (TEXT, b"two".to_vec()));
        wait!(writer.close(CloseCode::GOING_AWAY, "")).unwrap();
        drop(writer);
        assert_eq!(raw::read_frame(&mut peer).unwrap().0, CLOSE);
        assert_eq!(raw::drain(&mut peer), b"");
    });
}

#[test]
fn bytes_received_before_the_split_are_the_readers() {
    guard(|| {
        let (mut socket, mut peer) = server_and_raw(&AcceptOptions::default());
        let both = [raw::masked(TEXT, b"one"), raw::masked(TEXT, b"two")].concat();
        peer.write_all(&both).unwrap();
        assert_eq!(wait!(socket.next()), text("one"));
        wait!(socket.feed("fed before")).unwrap();
        let (mut reader, mut writer) = rt::split(socket);
        assert_eq!(wait!(reader.next()), text("two"));
        wait!(writer.send("sent after")).unwrap();
        assert_eq!(raw::read_frame(&mut peer).unwrap().1, b"fed before");
        assert_eq!(raw::read_frame(&mut peer).unwrap().1, b"sent after");
    });
}

#[test]
fn both_halves_learn_of_a_reset() {
    guard(|| {
        let (socket, mut peer) = server_and_raw(&AcceptOptions::default());
        let (mut reader, mut writer) = rt::split(socket);
        wait!(writer.send("unread")).unwrap();
        peer.write_all(&raw::masked(TEXT, b"x")).unwrap();
        // Closing a socket whose bytes are unread resets the connection.
        peer.peek(&mut [0]).unwrap();
        drop(peer);
        let mut events = Vec::new();
        while let Some(event) = wait!(reader.next()) {
            events.push(event);
        }
        let Some(OwnedEvent::Closed(closed)) = events.pop() else {
            panic!("{events:?}");
        };
        assert!(matches!(closed.cause, Cause::Transport(_)), "{closed}");
        assert!(wait!(writer.send("to no one")).is_err());
    });
}

/// Sends texts and pings from one thread while another reads; the other end does the same, and what
/// it sent is counted.
fn talk(socket: WebSocket, messages: u32, closes: bool) -> (u32, u32, Reader) {
    let (mut reader, mut writer) = rt::split(socket);
    let (all_read, wait_for_all) = mpsc::channel();
    let sending = thread::spawn(move || {
        let long = "x".repeat(3000);
        for i in 0..messages {
            match i % 4 {
                0 => wait!(writer.send(format!("{i} {long}"))).unwrap(),
                1 => wait!(writer.feed(format!("{i} short"))).unwrap(),
                2 => {
                    let ping = i.to_be_bytes();
                    writer.with_sender(|sender| sender.ping(&ping)).unwrap();
                    wait!(writer.send(format!("{i} after a ping"))).unwrap();
                }
                _ => {
                    let pair = [format!("{i}"), "batched".into()];
                    let pair = [(&pair[0]).into(), (&pair[1]).into()];
                    wait!(writer.send_all(&pair)).unwrap();
                }
            }
        }
        wait!(writer.flush()).unwrap();
        if closes {
            wait_for_all.recv().unwrap();
            wait!(writer.close(CloseCode::NORMAL, "all read")).unwrap();
        }
        // Not dropped before the reader is done: it has to do without.
        wait_for_all.recv().unwrap_err();
    });
    let mut all_read = Some(all_read);
    let (mut next, mut pings) = (0, 0);
    while let Some(event) = wait!(reader.next()) {
        match event {
            OwnedEvent::Text(text) if text == "batched" => {}
            OwnedEvent::Text(text) => {
                let number = text.split(' ').next().expect("a number");
                assert_eq!(number, next.to_string());
                next += 1;
            }
            OwnedEvent::Ping(_) => pings += 1,
            // As many as fit: while the queue is full only the latest is kept.
            OwnedEvent::Pong(_) => {}
            OwnedEvent::Closed(closed) => assert!(closed.is_clean(), "{closed}"),
            event => panic!("{event:?}"),
        }
        if closes && next == messages {
            all_read
                .take()
                .into_iter()
                .for_each(|all| all.send(()).unwrap());
        }
    }
    drop(all_read);
    join(sending);
    (next, pings, reader)
}

#[test]
fn four_threads_on_two_ends_lose_nothing() {
    const MESSAGES: u32 = 4000;
    guard(|| {
        for send_limit in [4000, 1 << 20] {
            let config = Config::default().send_limit(send_limit);
            let (client, server) = pair_with(
                &ConnectOptions::default().config(config.clone()),
                &AcceptOptions::default().config(config),
            );
            let server = thread::spawn(move || talk(server, MESSAGES, false));
            let (texts, pings, _reader) = talk(client, MESSAGES, true);
            assert_eq!((texts, pings), (MESSAGES, MESSAGES / 4));
            let (texts, pings, _reader) = join(server);
            assert_eq!((texts, pings), (MESSAGES, MESSAGES / 4));
        }
    });
}
