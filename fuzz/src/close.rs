//! The payload of a Close frame: read, answered, and written.

use bytes::{Buf, Bytes};
use ws_core::close::{CloseCode, parse_close};
use ws_core::connection::{By, Cause, Config, Connection, OwnedEvent};
use ws_core::error::SendError;
use ws_core::handshake::{Agreed, Opened};
use ws_core::message::Limits;
use ws_core::{Instant, Role, Seed};

use crate::frame::frame;
use crate::plain::{End, decode};

const NOW: Instant = Instant::ORIGIN;

/// A Close frame: both roles understand it in the same way and echo it, or answer its fault; and an
/// application may send exactly what a peer may receive.
///
/// Input: the payload.
pub fn close(data: &[u8]) {
    let payload = &data[..data.len().min(125)];
    let parsed = parse_close(payload);
    if let Ok((code, reason)) = parsed {
        assert_eq!(code == CloseCode::NO_STATUS, payload.is_empty());
        assert!(payload.is_empty() || code.is_sendable());
        assert_eq!(payload.get(2..).unwrap_or_default(), reason.as_bytes());
    }
    for role in [Role::Client, Role::Server] {
        let wire = frame(role.peer(), 0x88, payload);
        let plain = decode(role.peer(), &Limits::default(), &wire).end;
        let mut end = open(role);
        end.io().0.extend_from_slice(&wire);
        let first = end.poll_owned(NOW);
        let answer = written(&mut end);
        let answer = decode(role, &Limits::default(), &answer).end;
        match &parsed {
            Ok((code, reason)) => {
                assert_eq!(first, None, "told when the echo is written");
                assert_eq!(plain, End::Close(payload.to_vec()));
                assert_eq!(answer, plain);
                let Some(OwnedEvent::Closed(closed)) = end.poll_owned(NOW) else {
                    panic!("the end is not told");
                };
                assert_eq!((closed.by, closed.cause), (By::Peer, Cause::Peer));
                assert_eq!((closed.code, &*closed.reason), (*code, *reason));
            }
            Err(error) => {
                let code = error.close_code().get();
                assert_eq!(plain, End::Fault(code));
                assert_eq!(first, Some(OwnedEvent::ProtocolError(error.clone())));
                let answered = matches!(&answer, End::Close(p) if p[..2] == code.to_be_bytes());
                assert!(answered, "{answer:?} to {error}");
            }
        }
    }
    send(data);
}

/// An application closes with the same code and reason.
fn send(data: &[u8]) {
    let (code, reason) = match data {
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]).into(), reason),
        rest => (CloseCode::NO_STATUS, rest),
    };
    let reason = String::from_utf8_lossy(reason);
    for role in [Role::Client, Role::Server] {
        let mut end = open(role);
        let answer = end.close(code, &reason, NOW);
        let wire = written(&mut end);
        let bare = code == CloseCode::NO_STATUS && reason.is_empty();
        if bare || code.is_sendable() && reason.len() <= 123 {
            assert_eq!(answer, Ok(()));
            let payload = [&code.get().to_be_bytes(), reason.as_bytes()].concat();
            let payload = if bare { vec![] } else { payload };
            assert_eq!(
                decode(role, &Limits::default(), &wire).end,
                End::Close(payload)
            );
            assert_eq!(end.close(code, &reason, NOW), Err(SendError::Closed));
        } else {
            assert!(answer.is_err() && wire.is_empty());
            assert!(end.sender().is_open(), "a refusal leaves no trace");
        }
    }
}

fn open(role: Role) -> Connection {
    let opened = Opened::upgraded(role, Agreed::default(), &[], Seed::new([7; 32]));
    Connection::new(opened, &Config::default(), NOW)
}

fn written(end: &mut Connection) -> Bytes {
    let out = end.io().1;
    out.copy_to_bytes(out.remaining())
}
