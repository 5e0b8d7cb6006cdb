//! The peers that compress: yawc's socket, and the codec of sockudo-ws without a stream.

use bytes::BytesMut;
use futures_util::SinkExt;
use sockudo_ws::deflate::DeflateConfig;
use sockudo_ws::protocol::{CompressedProtocol, Message};
use tokio::io::{AsyncRead, AsyncWrite};
use yawc::{CompressionLevel, Frame, OpCode, Options, Role, WebSocket};

use super::{Case, LEVEL, Subject};
use crate::codec::{Job, Tally};
use crate::table::Class;
use crate::tape::{READ, drive};
use crate::wire::LIMIT;

const fn subject(name: &'static str, job: fn(&Case) -> Job) -> Subject {
    Subject {
        name,
        class: Class::Full,
        owns: true,
        job,
    }
}

pub(super) const ENCODERS: [Subject; 2] = [
    subject("sockudo-ws", encode_sockudo),
    subject("yawc", encode_yawc),
];

pub(super) const DECODERS: [Subject; 2] = [
    subject("sockudo-ws", decode_sockudo),
    subject("yawc", decode_yawc),
];

pub(super) fn yawc<S>(stream: S, takeover: bool) -> WebSocket<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut options = Options::default()
        .with_limits(LIMIT, LIMIT)
        .with_compression_level(CompressionLevel::new(LEVEL.into()))
        .with_utf8();
    let mut agreed = String::from("permessage-deflate");
    if !takeover {
        options = options
            .server_no_context_takeover()
            .client_no_context_takeover();
        agreed += "; server_no_context_takeover; client_no_context_takeover";
    }
    WebSocket::from_stream_with_extensions(stream, Role::Server, Some(&agreed), options)
        .expect("what was agreed on")
}

pub(super) fn sockudo(takeover: bool) -> CompressedProtocol {
    let config = DeflateConfig {
        server_no_context_takeover: !takeover,
        client_no_context_takeover: !takeover,
        compression_level: LEVEL.into(),
        ..DeflateConfig::default()
    };
    CompressedProtocol::server(LIMIT, LIMIT, config)
}

fn encode_yawc(case: &Case) -> Job {
    let mut socket = yawc(case.tape(), case.takeover);
    let messages = case.messages.clone();
    Box::new(move || {
        drive(async {
            let mut tally = Tally::default();
            for message in &messages {
                if socket.send(Frame::text(message.clone())).await.is_ok() {
                    tally.count_all(1, message.len());
                }
            }
            tally
        })
    })
}

fn decode_yawc(case: &Case) -> Job {
    let (mut socket, count) = (yawc(case.tape(), case.takeover), case.messages.len());
    Box::new(move || {
        drive(async {
            let mut tally = Tally::default();
            for _ in 0..count {
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

fn encode_sockudo(case: &Case) -> Job {
    let (mut protocol, mut tape) = (sockudo(case.takeover), case.tape());
    let messages = case.messages.clone();
    let mut out = BytesMut::with_capacity(READ);
    Box::new(move || {
        let mut tally = Tally::default();
        for message in &messages {
            let text = Message::Text(message.clone());
            if protocol.encode_message(&text, &mut out).is_ok() {
                tally.count_all(1, message.len());
            }
            tape.swallow(&out);
            out.clear();
        }
        tally
    })
}

fn decode_sockudo(case: &Case) -> Job {
    let (mut protocol, mut tape) = (sockudo(case.takeover), case.tape());
    let count = case.messages.len();
    let mut buf = BytesMut::with_capacity(READ);
    let mut batch = Vec::new();
    Box::new(move || {
        let mut tally = Tally::default();
        let mut left = count;
        while left > 0 {
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
