//! Drivers own the buffers: one that exchanges them in the middle of a long message gets nonsense for
//! its pains, but never text that is no text, and never a panic.

use crate::support::{End, frame};
use ws_core::Role;
use ws_core::buf::RecvBuf;
use ws_core::connection::{Config, OwnedEvent};
use ws_core::error::ProtocolError;

/// A client that has received so much of a frame, and has looked at it.
fn under_way(opcode: u8, payload: &[u8], received: usize) -> End {
    let mut end = End::new(Role::Client, &Config::default());
    let wire = frame(Role::Client, opcode, payload);
    end.receive(&wire[..wire.len() - payload.len() + received]);
    assert!(!end.connection.ready(end.now));
    end
}

/// What comes of the rest: text that is checked, or a fault.
fn outcome(end: &mut End, rest: &[u8]) -> Option<OwnedEvent> {
    end.receive(rest);
    let event = end.connection.poll_owned(end.now);
    if let Some(OwnedEvent::Text(text)) = &event {
        assert!(core::str::from_utf8(text.as_bytes()).is_ok());
    }
    event
}

const NOT_UTF8: Option<OwnedEvent> = Some(OwnedEvent::ProtocolError(ProtocolError::InvalidUtf8));

#[test]
fn the_buffer_of_another_connection_does_not_pass_for_checked_text() {
    for other in [0x82, 0x81] {
        let mut text = under_way(0x81, &[b'a'; 100_000], 40_000);
        let byte = if other == 0x82 { 0xff } else { b'b' };
        let mut binary = under_way(other, &[byte; 100_000], 40_000);
        core::mem::swap(text.connection.io().0, binary.connection.io().0);
        let event = outcome(&mut text, &[b'a'; 60_000]);
        assert_eq!(event == NOT_UTF8, other == 0x82, "{other:#x}");
    }
}

#[test]
fn half_a_character_that_went_with_its_buffer_is_missed() {
    let payload = ["a".repeat(40_000), "é".into(), "a".repeat(60_000)].concat();
    let mut end = under_way(0x81, payload.as_bytes(), 40_001);
    *end.connection.io().0 = RecvBuf::new();
    let event = outcome(&mut end, &payload.as_bytes()[40_001..]);
    assert_eq!(event, NOT_UTF8);
}

#[test]
fn a_buffer_that_comes_back_late_is_looked_at_again() {
    let payload = ["a".repeat(40_000), "é".into(), "a".repeat(70_000)].concat();
    let mut end = under_way(0x81, payload.as_bytes(), 40_001);
    let lent = core::mem::take(end.connection.io().0);
    end.receive(&payload.as_bytes()[40_001..50_000]);
    assert!(!end.connection.ready(end.now));
    *end.connection.io().0 = lent;
    let event = outcome(&mut end, &payload.as_bytes()[50_000..]);
    assert!(event.is_none() || event == NOT_UTF8, "{event:?}");
}
