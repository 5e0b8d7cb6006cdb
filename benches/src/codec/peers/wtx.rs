//! wtx: frames lent from its network buffer (`Adaptive`).

use wtx::collection::Vector;
use wtx::rng::{ChaCha20, CryptoSeedableRng};
use wtx::stream::{StreamReader, StreamWriter};
use wtx::web_socket::{Frame, OpCode, WebSocket, WebSocketBuffer, WebSocketPayloadOrigin};

use crate::codec::{Case, Job, Tally};
use crate::tape::{READ, Tape, drive};
use crate::wire::LIMIT;

/// A tape in the terms of wtx.
struct Wtx(Tape);

impl StreamReader for Wtx {
    #[inline]
    async fn read(&mut self, bytes: &mut [u8]) -> wtx::Result<usize> {
        let part = self.0.part(bytes.len());
        bytes[..part.len()].copy_from_slice(part);
        Ok(part.len())
    }
}

impl StreamWriter for Wtx {
    #[inline]
    async fn write_all(&mut self, bytes: &[u8]) -> wtx::Result<()> {
        self.0.swallow(bytes);
        Ok(())
    }

    #[inline]
    async fn write_all_vectored(&mut self, bytes: &[&[u8]]) -> wtx::Result<()> {
        bytes.iter().for_each(|piece| self.0.swallow(piece));
        Ok(())
    }
}

type Socket<const CLIENT: bool> = WebSocket<(), ChaCha20, Wtx, WebSocketBuffer, CLIENT>;

fn socket<const CLIENT: bool>(case: &Case) -> Socket<CLIENT> {
    let rng = ChaCha20::from_seed([7; 32]).expect("a seed");
    let buffer = WebSocketBuffer::with_capacity(READ, 0, 0).expect("memory");
    let mut socket = WebSocket::new((), false, rng, Wtx(case.tape()), buffer);
    socket.set_max_payload_len(LIMIT);
    socket
}

pub(super) fn decode(case: &Case) -> Job {
    if case.server {
        decode_as::<false>(case)
    } else {
        decode_as::<true>(case)
    }
}

fn decode_as<const CLIENT: bool>(case: &Case) -> Job {
    let (mut socket, messages) = (socket::<CLIENT>(case), case.messages);
    let mut buffer = Vector::new();
    Box::new(move || {
        drive(async {
            let mut tally = Tally::default();
            for _ in 0..messages {
                buffer.clear();
                let origin = WebSocketPayloadOrigin::Adaptive;
                match socket.read_frame(&mut buffer, origin).await {
                    Ok(frame) => tally.count(frame.payload()),
                    Err(_) => break,
                }
            }
            tally
        })
    })
}

pub(super) fn encode(case: &Case) -> Job {
    if case.server {
        encode_as::<false>(case)
    } else {
        encode_as::<true>(case)
    }
}

/// It has no queue: every frame is a write of its own. A client masks in place, so the payload is
/// copied first, as an application that keeps its message would.
fn encode_as<const CLIENT: bool>(case: &Case) -> Job {
    let (mut socket, messages) = (socket::<CLIENT>(case), case.messages);
    let opcode = if case.kind.is_text() {
        OpCode::Text
    } else {
        OpCode::Binary
    };
    let (message, mut copy) = (case.payload.to_vec(), case.payload.to_vec());
    Box::new(move || {
        drive(async {
            let mut tally = Tally::default();
            for _ in 0..messages {
                if CLIENT {
                    copy.copy_from_slice(&message);
                }
                let mut frame = Frame::<_, CLIENT>::new_fin(opcode, &mut copy[..]);
                if socket.write_frame(&mut frame).await.is_ok() {
                    tally.count_all(1, message.len());
                }
            }
            tally
        })
    })
}
