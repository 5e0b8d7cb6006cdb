//! Futures of the async sockets that are dropped before they are ready lose nothing, at any of
//! their await points: over a transport that moves a few bytes at a time and refuses every other
//! call, each future is given a few polls, dropped, and made anew.
#![cfg(feature = "pump")]

use crate::pump_support::{Clock, Io, Wire, encoded, opened, peer, poll_up_to};
use ws_core::close::CloseCode;
use ws_core::connection::{By, Cause, Config, Event, OwnedEvent};
use ws_core::message::Message;
use ws_core::pump::{Reader, WebSocket, Writer};
use ws_core::{Instant, Role};

const MESSAGES: usize = 20;

fn message(i: usize) -> String {
    format!("message {i} {}", "x".repeat(i * 37 % 200))
}

/// What a client sends: text with pings in between, then a Close.
fn conversation() -> Vec<u8> {
    let mut client = peer(Role::Client);
    for i in 0..MESSAGES {
        client.sender().text(&message(i)).unwrap();
        if i % 3 == 0 {
            client.sender().ping(&[1, 2, 3]).unwrap();
        }
    }
    client
        .close(CloseCode::GOING_AWAY, "bye", Instant::ORIGIN)
        .unwrap();
    encoded(&mut client)
}

fn wire(step: usize) -> Io {
    let io = Io::default();
    let incoming = conversation().into();
    *io.0.borrow_mut() = Wire {
        incoming,
        step,
        stubborn: true,
        ..Wire::default()
    };
    io
}

/// The events of the conversation, in order.
fn expected() -> Vec<OwnedEvent> {
    let mut events = Vec::new();
    for i in 0..MESSAGES {
        events.push(OwnedEvent::Text(message(i).into()));
        if i % 3 == 0 {
            events.push(OwnedEvent::Ping(vec![1, 2, 3].into()));
        }
    }
    events
}

/// What the client gets to read: echoes in order, one pong per ping, one Close.
fn check_answers(written: &[u8], echoes: usize) {
    let mut client = peer(Role::Client);
    client.io().0.extend_from_slice(written);
    let (mut texts, mut pongs) = (0, 0);
    while let Some((event, _)) = client.poll(Instant::ORIGIN) {
        match event {
            Event::Text(text) => {
                assert_eq!(text, message(texts));
                texts += 1;
            }
            Event::Pong(payload) => {
                assert_eq!(payload, [1, 2, 3]);
                pongs += 1;
            }
            event => panic!("{event:?}"),
        }
    }
    assert_eq!((texts, pongs), (echoes, MESSAGES.div_ceil(3)));
    encoded(&mut client);
    let Some((Event::Closed(closed), _)) = client.poll(Instant::ORIGIN) else {
        panic!()
    };
    assert_eq!((closed.by, closed.code), (By::Peer, CloseCode::GOING_AWAY));
}

fn each_patience(mut run: impl FnMut(usize, usize)) {
    for polls in 1..8 {
        for step in [1, 2, 3, 7, 1000] {
            run(polls, step);
        }
    }
}

#[test]
fn a_dropped_next_loses_no_event_and_no_reply() {
    each_patience(|polls, step| {
        let io = wire(step);
        let mut socket: WebSocket<_, Clock> = WebSocket::upgraded_on(
            Clock::default(),
            io.clone(),
            opened(Role::Server),
            &Config::default(),
        );
        let mut events = Vec::new();
        for _ in 0..100_000 {
            match poll_up_to(polls, socket.next()) {
                None => {}
                Some(Some(event)) => events.push(event),
                Some(None) => break,
            }
        }
        let Some(OwnedEvent::Closed(closed)) = events.pop() else {
            panic!("{events:?}")
        };
        assert_eq!(
            (closed.cause, closed.code),
            (Cause::Peer, CloseCode::GOING_AWAY)
        );
        assert_eq!(events, expected());
        assert!(io.0.borrow().shut);
        check_answers(&io.0.borrow().written, 0);
    });
}

#[test]
fn a_dropped_send_queues_its_message_once_or_not_at_all() {
    each_patience(|polls, step| {
        for send_limit in [1, 300, 1 << 20] {
            let io = wire(step);
            let config = Config::default().send_limit(send_limit);
            let mut socket: WebSocket<_, Clock> =
                WebSocket::upgraded_on(Clock::default(), io.clone(), opened(Role::Server), &config);
            let mut echoes = 0;
            let mut again = Vec::new();
            for _ in 0..100_000 {
                let Some(text) = again.pop() else {
                    match poll_up_to(polls, socket.next()) {
                        None | Some(Some(OwnedEvent::Ping(_) | OwnedEvent::Closed(_))) => {}
                        Some(Some(OwnedEvent::Text(text))) => again.push(text),
                        Some(Some(event)) => panic!("{event:?}"),
                        Some(None) => break,
                    }
                    continue;
                };
                let queued = position(&mut socket);
                let sent = poll_up_to(polls, socket.send(text.clone()));
                match sent {
                    Some(sent) => sent.unwrap(),
                    // Dropped in the middle: the queue tells which of the two it was (a pong that
                    // waited for room is shorter than any message).
                    None if position(&mut socket) < queued + text.len() as u64 => {
                        again.push(text);
                        continue;
                    }
                    None => {}
                }
                echoes += 1;
            }
            assert_eq!(echoes, MESSAGES);
            check_answers(&io.0.borrow().written, MESSAGES);
        }
    });
}

/// How many bytes were ever queued.
fn position(socket: &mut WebSocket<Io, Clock>) -> u64 {
    let buf = socket.sender().buf();
    buf.written() + bytes::Buf::remaining(buf) as u64
}

type Halves = (Reader<Io, Io, Clock>, Writer<Io, Clock>);

fn halves(io: &Io) -> Halves {
    let clock = Clock::default();
    let socket: WebSocket<_, Clock> =
        WebSocket::upgraded_on(clock, io.clone(), opened(Role::Server), &Config::default());
    socket.split_with(|io| (io.clone(), io))
}

#[test]
fn the_reader_half_finishes_what_a_dropped_send_left() {
    each_patience(|polls, step| {
        let io = wire(step);
        let (mut reader, mut writer) = halves(&io);
        let mut events = Vec::new();
        for _ in 0..100_000 {
            match poll_up_to(polls, reader.next()) {
                None => {}
                Some(None) => break,
                Some(Some(event)) => {
                    if let OwnedEvent::Text(text) = &event {
                        // One poll: queued, and hardly written.
                        let _ = poll_up_to(1, writer.send(text.clone()));
                    }
                    events.push(event);
                }
            }
        }
        let Some(OwnedEvent::Closed(closed)) = events.pop() else {
            panic!("{events:?}")
        };
        assert_eq!(closed.cause, Cause::Peer);
        assert_eq!(events, expected());
        check_answers(&io.0.borrow().written, MESSAGES);
        assert!(poll_up_to(1, writer.send("late")).unwrap().is_err());
    });
}

#[test]
fn a_dropped_batch_and_a_dropped_close_are_finished_later() {
    each_patience(|polls, step| {
        let io = Io::default();
        *io.0.borrow_mut() = Wire {
            step,
            stubborn: true,
            ..Wire::default()
        };
        let mut socket: WebSocket<_, Clock> = WebSocket::upgraded_on(
            Clock::default(),
            io.clone(),
            opened(Role::Server),
            &Config::default(),
        );
        let batch = [
            Message::Text("one"),
            Message::Binary(b"two"),
            Message::Ping(b"three"),
        ];
        let _ = poll_up_to(polls, socket.send_all(&batch));
        let mut answered = false;
        let closed = (0..10_000).find_map(|_| {
            let closed = poll_up_to(polls, socket.close(CloseCode::NORMAL, "done"));
            if !answered && io.0.borrow().written.ends_with(b"done") {
                let mut client = peer(Role::Client);
                client
                    .close(CloseCode::NORMAL, "", Instant::ORIGIN)
                    .unwrap();
                io.0.borrow_mut().incoming.extend(encoded(&mut client));
                answered = true;
            }
            closed
        });
        let closed = closed.unwrap().unwrap();
        assert_eq!(
            (closed.by, closed.cause, &*closed.reason),
            (By::Local, Cause::Local, "done")
        );
        let wire = b"\x81\x03one\x82\x03two\x89\x05three\x88\x06\x03\xe8done";
        assert_eq!(io.0.borrow().written, wire);
    });
}
