//! websocket-sans-io: frames in pieces, as they arrive; everything else is the user's.

use websocket_sans_io::{
    FrameInfo, Opcode, WebsocketFrameDecoder, WebsocketFrameEncoder, WebsocketFrameEvent,
};

use crate::codec::{Case, Job, Tally};
use crate::tape::READ;
use crate::wire::Numbers;

/// Pieces are handed out where they are; a message that came in several is never put together.
pub(super) fn decode(case: &Case) -> Option<Job> {
    let (mut decoder, mut tape) = (WebsocketFrameDecoder::new(), case.tape());
    let (messages, mut buf) = (case.messages, vec![0; READ]);
    let (mut at, mut end, mut len) = (0, 0, 0);
    (case.fragments == 1).then(|| -> Job {
        Box::new(move || {
            let mut tally = Tally::default();
            let mut left = messages;
            while left > 0 {
                let Ok(step) = decoder.add_data(&mut buf[at..end]);
                let piece = &buf[at..at + step.consumed_bytes];
                at += step.consumed_bytes;
                match step.event {
                    Some(WebsocketFrameEvent::PayloadChunk { .. }) => {
                        std::hint::black_box(piece.as_ptr());
                        len += piece.len();
                    }
                    Some(WebsocketFrameEvent::End { .. }) => {
                        tally.count_all(1, std::mem::take(&mut len));
                        left -= 1;
                    }
                    Some(WebsocketFrameEvent::Start { .. }) => {}
                    None if step.consumed_bytes == 0 => {
                        let part = tape.part(READ);
                        buf[..part.len()].copy_from_slice(part);
                        (at, end) = (0, part.len());
                    }
                    None => {}
                }
            }
            tally
        })
    })
}

pub(super) fn encode(case: &Case) -> Job {
    let (mut encoder, mut tape, mut keys) =
        (WebsocketFrameEncoder::new(), case.tape(), Numbers::new(3));
    let opcode = if case.kind.is_text() {
        Opcode::Text
    } else {
        Opcode::Binary
    };
    let (payload, server) = (case.payload.clone(), case.server);
    let (bursts, burst) = (case.messages / case.burst, case.burst);
    let mut out = Vec::with_capacity(READ);
    Box::new(move || {
        let mut tally = Tally::default();
        for _ in 0..bursts {
            for _ in 0..burst {
                let info = FrameInfo {
                    opcode,
                    payload_length: payload.len() as u64,
                    mask: (!server).then(|| keys.key().to_be_bytes()),
                    fin: true,
                    reserved: 0,
                };
                out.extend_from_slice(&encoder.start_frame(&info));
                let from = out.len();
                out.extend_from_slice(&payload);
                encoder.transform_frame_payload(&mut out[from..]);
                tally.count_all(1, payload.len());
            }
            tape.swallow(&out);
            out.clear();
        }
        tally
    })
}
