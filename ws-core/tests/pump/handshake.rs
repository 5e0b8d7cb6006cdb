//! The opening handshakes of the async sockets, over a transport that moves a few bytes at a time:
//! whenever their futures are dropped the stream goes with them, a client that has ended its side
//! still gets its answer, and the deadline holds for the whole of it.
#![cfg(feature = "pump")]

use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use crate::pump_support::{Clock, Io, Wire, encoded, peer, poll_up_to};
use ws_core::connection::{Cause, OwnedEvent};
use ws_core::handshake::{Accept, HandshakeError, HeadFault, Request};
use ws_core::options::{AcceptError, AcceptOptions, ConnectOptions};
use ws_core::pump::{accept, client, upgrade};
use ws_core::{Role, Seed, TransportEnd};

/// The example of RFC 6455 §1.3, without what is optional.
const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\n\
    Host: server.example.com\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

fn wire(incoming: &[u8], step: usize, eof: bool) -> Io {
    let io = Io::default();
    *io.0.borrow_mut() = Wire {
        incoming: incoming.iter().copied().collect(),
        step,
        stubborn: true,
        eof,
        ..Wire::default()
    };
    io
}

fn options() -> AcceptOptions {
    AcceptOptions::default()
}

fn text_of_client() -> Vec<u8> {
    let mut client = peer(Role::Client);
    client.sender().text("early").unwrap();
    encoded(&mut client)
}

/// The future comes to its end, however long that takes.
fn finish<F: Future>(future: F) -> F::Output {
    poll_up_to(100_000, future).expect("it ends")
}

#[test]
fn a_dropped_handshake_drops_its_stream() {
    let request = Request::new("ws://127.0.0.1/").unwrap();
    for polls in 0..200 {
        let io = wire(REQUEST, 2, false);
        drop(poll_up_to(
            polls,
            accept(io.clone(), Clock::default(), &options()),
        ));
        assert_eq!(Rc::strong_count(&io.0), 1, "{polls} polls of accept");

        let io = wire(REQUEST, 2, false);
        drop(poll_up_to(polls, async {
            let upgrade = upgrade(io.clone(), Clock::default(), &options()).await;
            upgrade.unwrap().reject(404, &[], b"no").await
        }));
        assert_eq!(Rc::strong_count(&io.0), 1, "{polls} polls of reject");

        let io = wire(
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
            2,
            false,
        );
        let (clock, options) = (Clock::default(), ConnectOptions::default());
        let seed = Seed::new([7; 32]);
        drop(poll_up_to(
            polls,
            client(io.clone(), clock, &request, &options, seed),
        ));
        assert_eq!(Rc::strong_count(&io.0), 1, "{polls} polls of client");
    }
}

#[test]
fn a_client_that_has_ended_its_side_is_still_refused_in_full() {
    for step in [1, 7, 1000] {
        let io = wire(b"GET / HTTP/1.1\nHost: x\n\n", step, true);
        let error = finish(accept(io.clone(), Clock::default(), &options())).unwrap_err();
        let AcceptError::Handshake(HandshakeError::BadHead { fault }) = error else {
            panic!("{error}")
        };
        assert_eq!(fault, HeadFault::BareLf);
        let answer = String::from_utf8(io.take_written()).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let length = format!("Content-Length: {}", body.len());
        assert!(head.contains(&length), "{answer}");
    }
}

#[test]
fn a_client_that_has_ended_its_side_is_still_rejected_in_full() {
    for step in [1, 7, 1000] {
        let io = wire(REQUEST, step, true);
        finish(async {
            let upgrade = upgrade(io.clone(), Clock::default(), &options()).await;
            upgrade.unwrap().reject(404, &[], b"nothing here").await
        })
        .unwrap();
        assert!(io.take_written().ends_with(b"\r\n\r\nnothing here"));
    }
}

#[test]
fn a_client_that_has_ended_its_side_is_still_accepted_and_heard() {
    for step in [1, 7, 1000] {
        let io = wire(&[REQUEST, &text_of_client()].concat(), step, true);
        let mut socket = finish(accept(io.clone(), Clock::default(), &options())).unwrap();
        assert!(io.0.borrow().written.ends_with(b"\r\n\r\n"));
        assert_eq!(
            finish(socket.next()),
            Some(OwnedEvent::Text("early".into()))
        );
        let Some(OwnedEvent::Closed(closed)) = finish(socket.next()) else {
            panic!()
        };
        assert_eq!(closed.cause, Cause::Transport(TransportEnd::Eof));
    }
}

#[test]
fn the_deadline_of_a_handshake_is_one_for_all_of_it() {
    let second = Duration::from_secs(1);
    // One byte a second, from the first to the last.
    let trickle = |clock: &Clock, io: &Io, bytes: &[u8], i: usize| {
        clock.advance(second);
        io.receive(&bytes[i..=i]);
    };
    let (clock, options) = (Clock::default(), AcceptOptions::default());
    let io = wire(b"", 1000, false);
    let mut future = Box::pin(accept(io.clone(), clock.clone(), &options));
    let (seconds, result) = loop_until(&mut future, |i| trickle(&clock, &io, REQUEST, i));
    let error = result.unwrap_err();
    assert!(matches!(
        error,
        AcceptError::Handshake(HandshakeError::Timeout)
    ));
    // The client is told, and then has a second to hear it.
    assert_eq!(seconds, 11);
    assert!(io.take_written().starts_with(b"HTTP/1.1 408 "));

    let clock = Clock::default();
    let io = wire(b"", 1000, false);
    let request = Request::new("ws://127.0.0.1/").unwrap();
    let options = ConnectOptions::default();
    let seed = Seed::new([7; 32]);
    let client = client(io.clone(), clock.clone(), &request, &options, seed);
    let mut future = Box::pin(client);
    let answer = b"HTTP/1.1 101 Switching Protocols\r\n";
    let (seconds, result) = loop_until(&mut future, |i| trickle(&clock, &io, answer, i));
    assert_eq!(result.unwrap_err(), HandshakeError::Timeout);
    assert_eq!(seconds, 10);
}

/// Polls until there is a result; before every poll but the first, `step` moves the world.
fn loop_until<F: Future + Unpin>(
    future: &mut F,
    mut step: impl FnMut(usize),
) -> (usize, F::Output) {
    for i in 0..30 {
        // A transport that is not ready every other time needs a few polls.
        if let Some(output) = poll_up_to(5, &mut *future) {
            return (i, output);
        }
        step(i);
    }
    panic!("it never ends")
}

#[test]
fn an_answer_of_the_application_that_cannot_be_given_is_its_own_error() {
    let io = wire(REQUEST, 100, false);
    let upgraded = finish(upgrade(io.clone(), Clock::default(), &options())).unwrap();
    assert_eq!(upgraded.request().path(), "/chat");
    let answer = Accept::new().subprotocol("not offered");
    let error = finish(upgraded.accept(answer)).unwrap_err();
    assert!(matches!(error, AcceptError::Answer(_)), "{error}");
    assert!(io.take_written().is_empty());
    assert_eq!(Rc::strong_count(&io.0), 1, "the stream is closed");
}
