//! tungstenite: the blocking `WebSocket`, which reads and writes through buffers of its own.

use tokio_tungstenite::tungstenite::protocol::{Role, WebSocket, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::codec::{Case, Job, Tally};
use crate::tape::{READ, Tape};
use crate::wire::LIMIT;

fn socket(case: &Case) -> WebSocket<Tape> {
    let role = if case.server {
        Role::Server
    } else {
        Role::Client
    };
    // Buffers are zeroed at every read: no larger than a read gives.
    let config = WebSocketConfig::default()
        .read_buffer_size(READ)
        .max_frame_size(Some(LIMIT))
        .max_message_size(Some(LIMIT));
    WebSocket::from_raw_socket(case.tape(), role, Some(config))
}

pub(super) fn decode(case: &Case) -> Job {
    let (mut socket, messages) = (socket(case), case.messages);
    Box::new(move || {
        let mut tally = Tally::default();
        for _ in 0..messages {
            match socket.read() {
                Ok(Message::Binary(data)) => tally.count(&data),
                Ok(Message::Text(text)) => tally.count(text.as_bytes()),
                _ => break,
            }
        }
        tally
    })
}

pub(super) fn encode(case: &Case) -> Job {
    let mut socket = socket(case);
    let message = if case.kind.is_text() {
        Message::Text(Utf8Bytes::from(case.text()))
    } else {
        Message::Binary(case.payload.clone())
    };
    let (bursts, burst, len) = (case.messages / case.burst, case.burst, case.payload.len());
    Box::new(move || {
        let mut tally = Tally::default();
        for _ in 0..bursts {
            for _ in 0..burst {
                if socket.write(message.clone()).is_ok() {
                    tally.count_all(1, len);
                }
            }
            if socket.flush().is_err() {
                break;
            }
        }
        tally
    })
}
