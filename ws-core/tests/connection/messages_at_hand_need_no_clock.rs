//! A driver that looks at its clock for a message only when the time matters.

use core::time::Duration;

use ws_core::close::CloseCode;
use ws_core::connection::{Config, Connection, Event, OwnedEvent};
use ws_core::error::ProtocolError;
use ws_core::handshake::{Agreed, Opened};
use ws_core::{Deadline, Instant, Machine, Role, Seed};

const HELLO: &[u8] = b"\x81\x05hello";
const PING: &[u8] = b"\x89\x00";
const BAD_TEXT: &[u8] = b"\x81\x01\xff";

fn at(seconds: u64) -> Instant {
    Instant::ORIGIN + Duration::from_secs(seconds)
}

/// A client that has received these frames, at second 1.
fn received(frames: &[&[u8]]) -> Connection {
    let opened = Opened::upgraded(Role::Client, Agreed::default(), &[], Seed::new([7; 32]));
    let config = Config::default().close_timeout(Duration::from_secs(10));
    let mut conn = Connection::new(opened, &config, at(0));
    conn.io().0.extend_from_slice(&frames.concat());
    assert!(
        !conn.at_hand(),
        "the time of its arrival is still to be noted"
    );
    conn.ready(at(1));
    conn
}

fn no_clock() -> Instant {
    panic!("the time does not matter")
}

#[test]
fn messages_of_one_read_are_handed_out_without_the_time() {
    let mut conn = received(&[HELLO, HELLO, HELLO]);
    for _ in 0..2 {
        assert!(conn.at_hand() && conn.at_hand(), "asking changes nothing");
        let (event, _) = conn.poll_with(no_clock).unwrap();
        assert_eq!(event, Event::Text("hello"));
    }
    assert!(conn.at_hand());
    let event = conn.poll_owned_with(no_clock);
    assert_eq!(event, Some(OwnedEvent::Text("hello".into())));
    assert!(!conn.at_hand());
}

#[test]
fn what_is_not_a_whole_message_needs_the_time() {
    for frame in [
        PING,
        b"\x88\x00",
        b"\x01\x01a",
        b"\x81\x05hell",
        b"\xff\xff",
    ] {
        let mut conn = received(&[HELLO, frame]);
        assert!(conn.at_hand());
        conn.poll_with(no_clock);
        assert!(!conn.at_hand(), "{frame:?}");
    }
}

#[test]
fn the_deadline_of_a_fault_at_hand_begins_when_it_is_found() {
    let mut conn = received(&[HELLO, BAD_TEXT]);
    conn.poll_with(no_clock);
    assert!(conn.at_hand());
    let fault = conn.poll_with(|| at(60)).map(|(event, _)| event);
    assert_eq!(
        fault,
        Some(Event::ProtocolError(&ProtocolError::InvalidUtf8))
    );
    assert_eq!(conn.poll_timeout(), Some((at(70), Deadline::Close)));
    assert!(!conn.at_hand());
}

#[test]
fn a_close_that_was_queued_in_between_needs_the_time() {
    let mut conn = received(&[HELLO, HELLO]);
    conn.sender().close(CloseCode::NORMAL, "").unwrap();
    assert!(!conn.at_hand());
    assert!(conn.ready(at(60)));
    assert_eq!(conn.poll_timeout(), Some((at(70), Deadline::Close)));
}
