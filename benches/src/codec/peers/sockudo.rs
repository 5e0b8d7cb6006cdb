//! sockudo-ws: its `Protocol`, the codec without a stream.

use bytes::BytesMut;
use sockudo_ws::protocol::{Message, Protocol, Role};

use crate::codec::{Case, Job, Tally};
use crate::tape::READ;
use crate::wire::LIMIT;

fn protocol(case: &Case) -> Protocol {
    let role = if case.server {
        Role::Server
    } else {
        Role::Client
    };
    Protocol::new(role, LIMIT, LIMIT)
}

pub(super) fn decode(case: &Case) -> Job {
    let (mut protocol, mut tape, messages) = (protocol(case), case.tape(), case.messages);
    let mut buf = BytesMut::with_capacity(READ);
    let mut batch = Vec::new();
    Box::new(move || {
        let mut tally = Tally::default();
        let mut left = messages;
        while left > 0 {
            // As its own stream does it: ask for a whole window, read what fits.
            buf.reserve(READ);
            buf.extend_from_slice(tape.part(READ));
            if protocol.process_into(&mut buf, &mut batch).is_err() {
                break;
            }
            left -= batch.len();
            for message in batch.drain(..) {
                tally.count(message.as_bytes());
            }
        }
        tally
    })
}

pub(super) fn encode(case: &Case) -> Job {
    let (mut protocol, mut tape) = (protocol(case), case.tape());
    let message = if case.kind.is_text() {
        Message::Text(case.payload.clone())
    } else {
        Message::Binary(case.payload.clone())
    };
    let (bursts, burst, len) = (case.messages / case.burst, case.burst, case.payload.len());
    let mut out = BytesMut::with_capacity(READ);
    Box::new(move || {
        let mut tally = Tally::default();
        for _ in 0..bursts {
            for _ in 0..burst {
                if protocol.encode_message(&message, &mut out).is_ok() {
                    tally.count_all(1, len);
                }
            }
            tape.swallow(&out);
            out.clear();
        }
        tally
    })
}
