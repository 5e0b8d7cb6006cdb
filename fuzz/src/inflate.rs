//! Compressed messages of a peer: decompressed as they arrive against a plain reader of whole ones.

use ws_core::connection::{Config, Connection, OwnedEvent};
use ws_core::error::ProtocolError;
use ws_core::message::{Delivery, Kind, Limits};
use ws_core::{Instant, Role};

use crate::compressed::{Past, Plain, Unpacked};
use crate::frame::frame;
use crate::input::{Cuts, Input};

const NOW: Instant = Instant::ORIGIN;

/// Blocks that say they are the last, of which a message may not have more than 1024, take two bytes
/// each: shorter payloads can't have that many.
const SHORT: usize = 2048;

/// Compressed payloads, any bytes: what is handed out is what a plain reader makes of each of them,
/// in pieces or whole and however they arrive, and never more than the limit.
///
/// Input: role, what was agreed on, limit, delivery, cuts; then messages: kind, where it is cut into
/// fragments, payload.
pub fn inflate(data: &[u8]) {
    let mut input = Input::new(data);
    let role = input.pick(&[Role::Server, Role::Client]);
    let past = Past::choose(&mut input);
    let max = input.pick(&[1 << 20, 0, 1, 100, 65_536]);
    let delivery = input.pick(&[Delivery::Messages, Delivery::Chunks]);
    let cuts = input.cuts();

    let mut plain = Plain::new(past);
    let (mut wire, mut expected, mut end) = (Vec::new(), Vec::new(), None);
    while !input.is_empty() && end.is_none() {
        let kind = input.pick(&[Kind::Binary, Kind::Text]);
        let at = input.number();
        let payload = input.chunk();
        let opcode = if kind == Kind::Text { 1 } else { 2 };
        let (one, two) = payload.split_at(at.min(payload.len()));
        wire.extend_from_slice(&frame(role.peer(), 0x40 | opcode, one));
        wire.extend_from_slice(&frame(role.peer(), 0x80, two));
        if payload.len() > 2 * max + 1024 {
            // Longer than a compressed message may be, whatever becomes of it.
            end = Some(0);
            break;
        }
        match plain.unpack(payload, max) {
            Unpacked::Whole(data) if kind == Kind::Text => match String::from_utf8(data) {
                Ok(text) => expected.push(OwnedEvent::Text(text.into())),
                Err(_) => end = Some(payload.len()),
            },
            Unpacked::Whole(data) => expected.push(OwnedEvent::Binary(data.into())),
            Unpacked::Bad | Unpacked::TooLong => end = Some(payload.len()),
        }
        if payload.len() >= SHORT {
            end = end.or(Some(payload.len()));
        }
    }

    let limits = Limits::default().max_message(max);
    let config = Config::default().limits(limits);
    let seen = read(
        past.connection(role, &config.clone().delivery(delivery)),
        cuts,
        &wire,
    );
    let at_once = read(past.connection(role, &config), Cuts::WHOLE, &wire);
    for (messages, fault) in [seen, at_once] {
        let all = messages.len() == expected.len();
        assert!(expected.starts_with(&messages));
        match end {
            None => assert!(all && fault.is_none(), "{fault:?}"),
            // It may be a message of more last blocks than are allowed, or of fewer.
            Some(SHORT..) => assert!(messages.len() + 1 >= expected.len()),
            Some(_) => assert!(all && fault.is_some()),
        }
    }
}

/// Whole messages, and the fault that ended it.
fn read(mut end: Connection, cuts: Cuts, wire: &[u8]) -> (Vec<OwnedEvent>, Option<ProtocolError>) {
    let (mut messages, mut message, mut fault) = (Vec::new(), Vec::new(), None);
    for part in cuts.parts(wire) {
        end.io().0.extend_from_slice(part);
        while let Some(event) = end.poll_owned(NOW) {
            match event {
                OwnedEvent::Chunk(chunk) => {
                    assert!(!chunk.first || message.is_empty());
                    message.extend_from_slice(&chunk.data);
                    if chunk.last {
                        let data = std::mem::take(&mut message);
                        messages.push(match chunk.kind {
                            Kind::Binary => OwnedEvent::Binary(data.into()),
                            Kind::Text => {
                                let text = String::from_utf8(data).expect("checked");
                                OwnedEvent::Text(text.into())
                            }
                        });
                    }
                }
                OwnedEvent::ProtocolError(error) => fault = Some(error),
                event => messages.push(event),
            }
        }
    }
    (messages, fault)
}
