//! web-socket: one frame at a time, text unchecked.

use tokio::io::BufReader;
use web_socket::{DataType, Event, WebSocket};

use crate::codec::{Case, Job, Tally};
use crate::tape::{READ, Tape, drive};
use crate::wire::LIMIT;

fn socket(case: &Case) -> WebSocket<BufReader<Tape>> {
    let io = BufReader::with_capacity(READ, case.tape());
    let mut socket = if case.server {
        WebSocket::server(io)
    } else {
        WebSocket::client(io)
    };
    socket.max_payload_len = LIMIT;
    socket
}

/// Fragments are the user's to assemble: only whole messages.
pub(super) fn decode(case: &Case) -> Option<Job> {
    let (mut socket, messages) = (socket(case), case.messages);
    (case.fragments == 1).then(|| -> Job {
        Box::new(move || {
            drive(async {
                let mut tally = Tally::default();
                for _ in 0..messages {
                    match socket.recv().await {
                        Ok(Event::Data {
                            ty: DataType::Complete(_),
                            data,
                        }) => tally.count(&data),
                        _ => break,
                    }
                }
                tally
            })
        })
    })
}

/// It has no queue: every frame is a write of its own.
pub(super) fn encode(case: &Case) -> Job {
    let (mut socket, messages) = (socket(case), case.messages);
    let text = case.kind.is_text().then(|| String::from(case.text()));
    let data = case.payload.clone();
    Box::new(move || {
        drive(async {
            let mut tally = Tally::default();
            for _ in 0..messages {
                let sent = match &text {
                    Some(text) => socket.send(text.as_str()).await,
                    None => socket.send(&data[..]).await,
                };
                if sent.is_ok() {
                    tally.count_all(1, data.len());
                }
            }
            tally
        })
    })
}
