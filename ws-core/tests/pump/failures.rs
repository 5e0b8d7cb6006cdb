//! Transports that fail, and peers that leave: the async sockets say so once, to whoever has to know,
//! and neither spin nor hang.
#![cfg(feature = "pump")]

use std::io::ErrorKind;
use std::time::Duration;

use crate::pump_support::{Clock, Io, encoded, opened, peer, poll_once, poll_up_to};
use ws_core::close::CloseCode;
use ws_core::connection::{By, Cause, Closed, Config, Keepalive, OwnedEvent};
use ws_core::error::{Error, SendError};
use ws_core::pump::{Reader, WebSocket, Writer};
use ws_core::{Deadline, Instant, Role, TransportEnd};

const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

fn socket(io: &Io, clock: &Clock, config: &Config) -> WebSocket<Io, Clock> {
    WebSocket::upgraded_on(clock.clone(), io.clone(), opened(Role::Server), config)
}

fn halves(io: &Io, clock: &Clock) -> (Reader<Io, Io, Clock>, Writer<Io, Clock>) {
    socket(io, clock, &Config::default()).split_with(|io| (io.clone(), io))
}

/// A Close frame of the client's.
fn close_of_peer() -> Vec<u8> {
    let mut client = peer(Role::Client);
    client
        .close(CloseCode::GOING_AWAY, "bye", Instant::ORIGIN)
        .unwrap();
    encoded(&mut client)
}

/// The next event, which is there.
fn next(socket: &mut WebSocket<Io, Clock>) -> Option<OwnedEvent> {
    poll_once(socket.next()).0.expect("it is there")
}

fn told(event: Option<OwnedEvent>) -> Closed {
    match event {
        Some(OwnedEvent::Closed(closed)) => closed,
        event => panic!("{event:?}"),
    }
}

fn is_io(error: &Error, kind: ErrorKind) -> bool {
    matches!(error, Error::Io(error) if error.kind() == kind)
}

#[test]
fn a_transport_whose_flush_fails_does_not_make_the_reader_spin() {
    let (io, clock) = (Io::willing(), Clock::default());
    io.0.borrow_mut().flush_error = Some(ErrorKind::BrokenPipe);
    let mut socket = socket(&io, &clock, &Config::default());
    let error = poll_once(socket.send("hello")).0.unwrap().unwrap_err();
    assert!(is_io(&error, ErrorKind::BrokenPipe), "{error}");
    // Waits for what the peer may still say, and not for ever.
    let (event, again) = poll_once(socket.next());
    assert_eq!((event, again), (None, false));
    clock.advance(CLOSE_TIMEOUT);
    let closed = told(next(&mut socket));
    assert_eq!(closed.cause, Cause::Transport(TransportEnd::Other));
    assert_eq!(next(&mut socket), None);
}

#[test]
fn a_flush_after_a_write_that_failed_elsewhere_is_not_a_success() {
    let (io, clock) = (Io::willing(), Clock::default());
    let mut socket = socket(&io, &clock, &Config::default());
    poll_once(socket.feed("lost")).0.unwrap().unwrap();
    io.0.borrow_mut().write_error = Some(ErrorKind::BrokenPipe);
    assert_eq!(poll_once(socket.next()).0, None, "it fails in here");
    assert!(poll_once(socket.flush()).0.unwrap().is_err());
    let error = poll_once(socket.send("more")).0.unwrap().unwrap_err();
    assert!(matches!(error, Error::Send(SendError::Closed)), "{error}");
}

#[test]
fn a_write_error_seen_by_the_reader_half_reaches_the_writer_half() {
    let (io, clock) = (Io::willing(), Clock::default());
    let (mut reader, mut writer) = halves(&io, &clock);
    poll_once(writer.feed("lost")).0.unwrap().unwrap();
    io.0.borrow_mut().write_error = Some(ErrorKind::BrokenPipe);
    assert_eq!(poll_once(reader.next()).0, None, "it fails in here");
    let error = poll_once(writer.flush()).0.unwrap().unwrap_err();
    assert!(is_io(&error, ErrorKind::BrokenPipe), "{error}");
    let error = poll_once(writer.send("more")).0.unwrap().unwrap_err();
    assert!(matches!(error, Error::Send(SendError::Closed)), "{error}");
}

#[test]
fn a_write_error_seen_by_the_writer_half_reaches_the_reader_half() {
    let (io, clock) = (Io::willing(), Clock::default());
    let (mut reader, mut writer) = halves(&io, &clock);
    assert_eq!(poll_once(reader.next()).0, None);
    io.0.borrow_mut().write_error = Some(ErrorKind::ConnectionReset);
    assert!(poll_once(writer.send("lost")).0.unwrap().is_err());
    // The peer may have said why before it went.
    io.receive(&close_of_peer());
    let closed = told(poll_once(reader.next()).0.unwrap());
    assert_eq!((closed.by, &*closed.reason), (By::Peer, "bye"));
    assert_eq!(poll_once(reader.next()).0.unwrap(), None);
    assert!(poll_once(writer.flush()).0.unwrap().is_err());
}

#[test]
fn flushing_after_an_end_is_an_error_only_if_something_was_left() {
    for left in [false, true] {
        let (io, clock) = (Io::willing(), Clock::default());
        let (mut reader, mut writer) = halves(&io, &clock);
        assert_eq!(poll_once(reader.next()).0, None);
        if left {
            io.0.borrow_mut().capacity = Some(0);
            assert!(poll_once(writer.send("left")).0.is_none());
        }
        io.0.borrow_mut().eof = true;
        let closed = told(poll_once(reader.next()).0.unwrap());
        assert_eq!(closed.cause, Cause::Transport(TransportEnd::Eof));
        assert_eq!(poll_once(writer.flush()).0.unwrap().is_err(), left);
    }
}

#[test]
fn a_transport_that_buffers_is_flushed_before_the_writer_half_says_so() {
    let (io, clock) = (Io::willing(), Clock::default());
    io.0.borrow_mut().turns = [true, true, false];
    io.0.borrow_mut().stubborn = true;
    let (_reader, mut writer) = halves(&io, &clock);
    let sent = |writer: &mut Writer<Io, Clock>| poll_once(writer.flush()).0;
    poll_once(writer.feed("hello")).0.unwrap().unwrap();
    assert!(sent(&mut writer).is_none(), "written, and in a buffer");
    assert_eq!(io.take_written(), b"\x81\x05hello");
    io.0.borrow_mut().flush_error = Some(ErrorKind::BrokenPipe);
    assert!(sent(&mut writer).unwrap().is_err());
}

#[test]
fn whatever_fails_at_whichever_byte_the_end_is_told_once() {
    let conversation = |socket: &mut WebSocket<Io, Clock>, clock: &Clock| {
        let (mut events, mut errors) = (Vec::new(), 0);
        for i in 0..40 {
            if i < 10 {
                errors += usize::from(matches!(
                    poll_up_to(3, socket.send("0123456789")),
                    Some(Err(_))
                ));
            }
            match poll_up_to(3, socket.next()) {
                Some(Some(event)) => events.push(event),
                Some(None) => break,
                None => clock.advance(Duration::from_secs(1)),
            }
        }
        let last = poll_up_to(1, socket.next());
        (events, errors, last)
    };
    for at in 0..60 {
        for answer in [false, true] {
            let (io, clock) = (Io::willing(), Clock::default());
            let mut socket = socket(&io, &clock, &Config::default());
            io.0.borrow_mut().capacity = Some(at);
            poll_up_to(1, socket.send("0123456789"));
            io.0.borrow_mut().write_error = Some(ErrorKind::ConnectionReset);
            if answer {
                io.receive(&close_of_peer());
            }
            let (events, errors, last) = conversation(&mut socket, &clock);
            assert!(errors > 0, "no send failed");
            let [OwnedEvent::Closed(closed)] = &events[..] else {
                panic!("{events:?}")
            };
            assert_eq!(last, Some(None));
            assert_eq!(closed.by == By::Peer, answer, "{closed}");
        }
    }
}

#[test]
fn a_stuck_flush_does_not_take_in_all_that_the_peer_sends() {
    const MANY: usize = 8 << 20;
    let (io, clock) = (Io::willing(), Clock::default());
    let keepalive = Keepalive::default()
        .interval(Duration::from_secs(10))
        .timeout(Duration::from_secs(10));
    let config = Config::default().keepalive(Some(keepalive));
    let mut socket = socket(&io, &clock, &config);
    // It sends whole messages all the time, and reads nothing at all.
    let mut client = peer(Role::Client);
    client.sender().binary(&[0; 1000]).unwrap();
    let message = encoded(&mut client);
    io.receive(&message.repeat(MANY / message.len()));
    let before = io.0.borrow().incoming.len();
    io.0.borrow_mut().capacity = Some(0);
    let mut socket_is_over = false;
    for _ in 0..100 {
        let (flushed, _) = poll_once(socket.send("stuck"));
        socket_is_over = matches!(flushed, Some(Err(_)));
        if socket_is_over {
            break;
        }
        clock.advance(Duration::from_secs(10));
    }
    let taken = before - io.0.borrow().incoming.len();
    assert!(taken <= 256 << 10, "{taken} bytes were taken in");
    assert!(socket_is_over, "stuck for ever");
    // What was taken in is still delivered.
    let closed = loop {
        match next(&mut socket) {
            Some(OwnedEvent::Binary(data)) => assert_eq!(data.len(), 1000),
            event => break told(event),
        }
    };
    assert_eq!(closed.cause, Cause::Timeout(Deadline::Pong));
}

#[test]
fn asking_on_after_the_end_says_no_more() {
    let (io, clock) = (Io::willing(), Clock::default());
    let mut socket = socket(&io, &clock, &Config::default());
    io.receive(&close_of_peer());
    assert_eq!(told(next(&mut socket)).cause, Cause::Peer);
    assert!(!io.0.borrow().shut, "told before it is done");
    for _ in 0..3 {
        assert_eq!(next(&mut socket), None);
        assert!(poll_once(socket.read()).0.unwrap().is_none());
    }
    assert!(io.0.borrow().shut);
    assert!(poll_once(socket.flush()).0.unwrap().is_ok());
    let again = poll_once(socket.close(CloseCode::NORMAL, "")).0.unwrap();
    assert_eq!(again.unwrap().cause, Cause::Peer);
    let error = poll_once(socket.send("late")).0.unwrap().unwrap_err();
    assert!(matches!(error, Error::Send(SendError::Closed)));
}

#[test]
fn a_close_that_cannot_be_sent_harms_nothing() {
    let (io, clock) = (Io::willing(), Clock::default());
    let mut socket = socket(&io, &clock, &Config::default());
    let bad = poll_once(socket.close(CloseCode::ABNORMAL, "")).0.unwrap();
    assert!(matches!(
        bad,
        Err(Error::Send(SendError::BadCloseCode { code: 1006 }))
    ));
    let long = "x".repeat(124);
    let bad = poll_once(socket.close(CloseCode::NORMAL, &long)).0.unwrap();
    assert!(matches!(
        bad,
        Err(Error::Send(SendError::ControlTooLong { limit: 123, .. }))
    ));
    poll_once(socket.send("still here")).0.unwrap().unwrap();
    assert_eq!(io.take_written(), b"\x81\x0astill here");
}

#[test]
fn a_peer_that_ends_its_side_in_the_middle_of_a_frame_is_told_as_such() {
    let (io, clock) = (Io::willing(), Clock::default());
    let mut socket = socket(&io, &clock, &Config::default());
    io.receive(&[0x81, 0x85, 0, 0]);
    io.0.borrow_mut().eof = true;
    let closed = told(next(&mut socket));
    assert_eq!(
        (closed.by, closed.code),
        (By::Transport, CloseCode::ABNORMAL)
    );
    assert_eq!(closed.cause, Cause::Transport(TransportEnd::Eof));
    assert_eq!(next(&mut socket), None);
    let mut client = peer(Role::Client);
    client.io().0.extend_from_slice(&io.take_written());
    assert!(client.poll(Instant::ORIGIN).is_none(), "nothing was said");
}
