//! tokio-websockets: its `Stream` and `Sink`.

use futures_util::StreamExt;
use tokio_websockets::{ClientBuilder, Config, Limits, Message, ServerBuilder, WebSocketStream};

use super::sink;
use crate::codec::{Case, Job, Tally};
use crate::tape::{READ, Tape, drive};
use crate::wire::LIMIT;

fn socket(case: &Case) -> WebSocketStream<Tape> {
    let limits = Limits::default().max_payload_len(Some(LIMIT));
    let config = Config::default().frame_size(LIMIT).flush_threshold(READ);
    if case.server {
        ServerBuilder::new()
            .limits(limits)
            .config(config)
            .serve(case.tape())
    } else {
        ClientBuilder::new()
            .limits(limits)
            .config(config)
            .take_over(case.tape())
    }
}

pub(super) fn decode(case: &Case) -> Job {
    let (mut socket, messages) = (socket(case), case.messages);
    Box::new(move || {
        drive(async {
            let mut tally = Tally::default();
            for _ in 0..messages {
                match socket.next().await {
                    Some(Ok(message)) => tally.count(message.as_payload()),
                    _ => break,
                }
            }
            tally
        })
    })
}

pub(super) fn encode(case: &Case) -> Job {
    let message = if case.kind.is_text() {
        Message::text(String::from(case.text()))
    } else {
        Message::binary(case.payload.clone())
    };
    sink::encode(case, socket(case), message)
}
