//! yawc: `WebSocket` with the buffers that its README recommends for throughput.

use yawc::{Frame, OpCode, Options, Role, WebSocket};

use super::sink;
use crate::codec::{Case, Job, Tally};
use crate::tape::{READ, Tape, drive};
use crate::wire::LIMIT;

fn socket(case: &Case) -> WebSocket<Tape> {
    let role = if case.server {
        Role::Server
    } else {
        Role::Client
    };
    let options = Options::default()
        .with_limits(LIMIT, LIMIT)
        .with_read_buffer_capacity(2 * READ)
        .with_backpressure_boundary(READ)
        .with_utf8();
    WebSocket::from_stream(case.tape(), role, options).expect("no extensions")
}

pub(super) fn decode(case: &Case) -> Job {
    let (mut socket, messages) = (socket(case), case.messages);
    Box::new(move || {
        drive(async {
            let mut tally = Tally::default();
            for _ in 0..messages {
                match socket.next_frame().await {
                    Ok(frame) if matches!(frame.opcode(), OpCode::Binary | OpCode::Text) => {
                        tally.count(frame.payload());
                    }
                    _ => break,
                }
            }
            tally
        })
    })
}

pub(super) fn encode(case: &Case) -> Job {
    let message = if case.kind.is_text() {
        Frame::text(case.payload.clone())
    } else {
        Frame::binary(case.payload.clone())
    };
    sink::encode(case, socket(case), message)
}
