//! Deadlines on real sockets. They are short, and what is looked at is what they lead to.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use super::raw::{self, CLOSE, PING, PONG};
use super::{client_and_raw, guard, join, pair_with, read_to_end, server, server_and_raw};
use crate::rt::{self, wait, ws};
use ws::ws_core::Deadline;
use ws::ws_core::handshake::Limits;
use ws::{
    AcceptError, AcceptOptions, By, Cause, CloseCode, Closed, Config, ConnectOptions,
    HandshakeError, Keepalive, OwnedEvent,
};

const SHORT: Duration = Duration::from_millis(30);

fn assert_timed_out(closed: &Closed, deadline: Deadline, code: CloseCode) {
    assert_eq!(
        (closed.by, closed.code, &closed.cause),
        (By::Local, code, &Cause::Timeout(deadline)),
        "{closed}"
    );
}

#[test]
fn a_peer_that_does_not_answer_a_close_is_left_at_the_deadline() {
    guard(|| {
        let config = Config::default().close_timeout(SHORT);
        let server = server_and_raw(&AcceptOptions::default().config(config.clone()));
        let client = client_and_raw(&ConnectOptions::default().config(config));
        for (mut socket, mut peer) in [server, client] {
            let closed = wait!(socket.close(CloseCode::GOING_AWAY, "bye")).unwrap();
            assert_timed_out(&closed, Deadline::Close, CloseCode::GOING_AWAY);
            drop(socket);
            let close = (CLOSE, raw::close(1001, "bye"));
            assert_eq!(raw::read_frame(&mut peer).unwrap(), close);
            assert_eq!(raw::drain(&mut peer), b"");
        }
    });
}

#[test]
fn a_server_that_answers_a_close_and_does_not_hang_up_is_left_at_the_deadline() {
    guard(|| {
        let config = Config::default().close_timeout(SHORT);
        let (mut socket, mut peer) = client_and_raw(&ConnectOptions::default().config(config));
        let answering = thread::spawn(move || {
            let (_, payload) = raw::read_frame(&mut peer).unwrap();
            peer.write_all(&raw::frame(CLOSE, &payload)).unwrap();
            peer
        });
        let closed = wait!(socket.close(CloseCode::NORMAL, "")).unwrap();
        assert!(closed.is_clean(), "{closed}");
        assert_eq!(wait!(socket.next()), None);
        drop(socket);
        assert_eq!(raw::drain(&mut join(answering)), b"");
    });
}

#[test]
fn a_writer_half_that_closes_bounds_the_wait_of_the_reader_half() {
    guard(|| {
        let config = Config::default().close_timeout(SHORT);
        let (socket, mut peer) = server_and_raw(&AcceptOptions::default().config(config));
        let (mut reader, mut writer) = rt::split(socket);
        let reading = thread::spawn(move || {
            let mut events = Vec::new();
            while let Some(event) = wait!(reader.next()) {
                events.push(event);
            }
            (events, reader)
        });
        // The reader is in the transport by now, or will be: both must come to the same end.
        peer.write_all(&raw::masked(PING, b"")).unwrap();
        assert_eq!(raw::read_frame(&mut peer).unwrap(), (PONG, Vec::new()));
        wait!(writer.close(CloseCode::GOING_AWAY, "bye")).unwrap();
        let (events, reader) = join(reading);
        let [OwnedEvent::Ping(_), OwnedEvent::Closed(closed)] = &events[..] else {
            panic!("{events:?}");
        };
        assert_timed_out(closed, Deadline::Close, CloseCode::GOING_AWAY);
        assert_eq!(reader.closed(), Some(closed));
    });
}

#[test]
fn a_silent_peer_is_pinged_and_then_left_with_1011() {
    guard(|| {
        let keepalive = Keepalive::default().interval(SHORT).timeout(SHORT);
        let config = Config::default().keepalive(Some(keepalive));
        let server = server_and_raw(&AcceptOptions::default().config(config.clone()));
        let client = client_and_raw(&ConnectOptions::default().config(config.clone()));
        for (mut socket, mut peer) in [server, client] {
            let closed = read_to_end(&mut socket, |event| panic!("{event:?}"));
            assert_timed_out(&closed, Deadline::Pong, CloseCode::INTERNAL_ERROR);
            drop(socket);
            assert_eq!(raw::read_frame(&mut peer).unwrap().0, PING);
            let (first, payload) = raw::read_frame(&mut peer).unwrap();
            assert_eq!((first, &payload[..2]), (CLOSE, &1011_u16.to_be_bytes()[..]));
        }

        let (socket, mut peer) = server_and_raw(&AcceptOptions::default().config(config));
        let (mut reader, _writer) = rt::split(socket);
        let Some(OwnedEvent::Closed(closed)) = wait!(reader.next()) else {
            panic!("the reader half keeps watch too");
        };
        assert_timed_out(&closed, Deadline::Pong, CloseCode::INTERNAL_ERROR);
        assert_eq!(raw::read_frame(&mut peer).unwrap().0, PING);
    });
}

#[test]
fn a_peer_that_answers_pings_is_kept() {
    guard(|| {
        let keepalive = Keepalive::default().interval(Duration::from_millis(5));
        let config = Config::default().keepalive(Some(keepalive));
        let (mut client, mut server) = pair_with(
            &ConnectOptions::default(),
            &AcceptOptions::default().config(config),
        );
        let client = thread::spawn(move || {
            read_to_end(&mut client, |event| {
                assert!(matches!(event, OwnedEvent::Ping(_)), "{event:?}");
            })
        });
        for _ in 0..3 {
            let event = wait!(server.next());
            assert!(matches!(event, Some(OwnedEvent::Pong(_))), "{event:?}");
        }
        assert!(server.round_trip().is_some());
        assert!(
            wait!(server.close(CloseCode::NORMAL, ""))
                .unwrap()
                .is_clean()
        );
        assert!(join(client).is_clean());
    });
}

#[test]
fn a_connection_on_which_nothing_is_received_is_closed_with_1001() {
    guard(|| {
        let config = Config::default().idle_timeout(Some(SHORT));
        let (mut socket, mut peer) = server_and_raw(&AcceptOptions::default().config(config));
        let answering = thread::spawn(move || {
            let (first, payload) = raw::read_frame(&mut peer).unwrap();
            assert_eq!((first, &payload[..2]), (CLOSE, &1001_u16.to_be_bytes()[..]));
            peer.write_all(&raw::masked(CLOSE, &payload)).unwrap();
        });
        let closed = read_to_end(&mut socket, |event| panic!("{event:?}"));
        assert_timed_out(&closed, Deadline::Idle, CloseCode::GOING_AWAY);
        join(answering);
    });
}

#[test]
fn a_peer_that_takes_nothing_does_not_hold_a_send_for_ever() {
    guard(|| {
        let config = Config::default()
            .idle_timeout(Some(SHORT))
            .close_timeout(SHORT);
        let options = AcceptOptions::default().config(config);
        let (mut socket, _peer) = server_and_raw(&options);
        // Far more than the buffers of both sockets hold.
        let error = wait!(socket.send(vec![0; 64 << 20])).expect_err("no one reads");
        let ws::Error::Io(error) = error else {
            panic!("{error:?}");
        };
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        let closed = read_to_end(&mut socket, |event| panic!("{event:?}"));
        assert_timed_out(&closed, Deadline::Idle, CloseCode::GOING_AWAY);

        let (socket, _peer) = server_and_raw(&options);
        let (mut reader, mut writer) = rt::split(socket);
        let reading = thread::spawn(move || {
            let Some(OwnedEvent::Closed(closed)) = wait!(reader.next()) else {
                panic!("the end is told");
            };
            assert_eq!(wait!(reader.next()), None);
            closed
        });
        let sent = wait!(writer.send(vec![0; 64 << 20]));
        assert!(matches!(sent, Err(ws::Error::Io(_))), "{sent:?}");
        assert_timed_out(&join(reading), Deadline::Idle, CloseCode::GOING_AWAY);
    });
}

#[test]
fn a_close_that_no_one_takes_ends_at_the_deadline() {
    guard(|| {
        let config = Config::default().close_timeout(SHORT).send_limit(64 << 20);
        let (mut socket, _peer) = server_and_raw(&AcceptOptions::default().config(config));
        // Queued, not written, and more than the buffers of both sockets hold.
        socket.sender().binary(&vec![0; 32 << 20]).unwrap();
        let closed = wait!(socket.close(CloseCode::NORMAL, "")).unwrap();
        assert!(!closed.is_clean(), "{closed}");
        assert_timed_out(&closed, Deadline::Close, CloseCode::NORMAL);
    });
}

#[test]
fn a_client_that_does_not_finish_its_request_is_told_408() {
    guard(|| {
        // One that has said nothing has asked nothing.
        for (part, start) in [("", ""), ("GET / HTTP/1.1\r\n", "HTTP/1.1 408 ")] {
            let limits = Limits::default().timeout(SHORT);
            let options = AcceptOptions::default().handshake(limits);
            let (address, server) =
                server(move |stream| wait!(ws::accept_with(stream, &options)).unwrap_err());
            let mut peer = TcpStream::connect(address).unwrap();
            peer.write_all(part.as_bytes()).unwrap();
            let mut answer = String::new();
            peer.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with(start), "{answer}");
            assert_eq!(answer.is_empty(), part.is_empty());
            drop(peer);
            assert!(matches!(
                join(server),
                AcceptError::Handshake(HandshakeError::Timeout)
            ));
        }
    });
}
