//! fastwebsockets: `FragmentCollector`, which assembles messages and checks text.

use fastwebsockets::{FragmentCollector, Frame, OpCode, Payload, Role, WebSocket};

use crate::codec::{Case, Job, Tally};
use crate::tape::{Tape, drive};
use crate::wire::LIMIT;

fn socket(case: &Case) -> WebSocket<Tape> {
    let role = if case.server {
        Role::Server
    } else {
        Role::Client
    };
    let mut socket = WebSocket::after_handshake(case.tape(), role);
    socket.set_max_message_size(LIMIT);
    socket
}

pub(super) fn decode(case: &Case) -> Job {
    let (mut socket, messages) = (FragmentCollector::new(socket(case)), case.messages);
    Box::new(move || {
        drive(async {
            let mut tally = Tally::default();
            for _ in 0..messages {
                match socket.read_frame().await {
                    Ok(Frame {
                        opcode: OpCode::Binary | OpCode::Text,
                        payload,
                        ..
                    }) => {
                        tally.count(&payload);
                    }
                    _ => break,
                }
            }
            tally
        })
    })
}

/// It has no queue: every frame is a write of its own.
pub(super) fn encode(case: &Case) -> Job {
    let (mut socket, messages) = (socket(case), case.messages);
    let (payload, text) = (case.payload.to_vec(), case.kind.is_text());
    Box::new(move || {
        drive(async {
            let mut tally = Tally::default();
            for _ in 0..messages {
                let payload = Payload::Borrowed(&payload);
                let len = payload.len();
                let frame = if text {
                    Frame::text(payload)
                } else {
                    Frame::binary(payload)
                };
                if socket.write_frame(frame).await.is_ok() {
                    tally.count_all(1, len);
                }
            }
            tally
        })
    })
}
