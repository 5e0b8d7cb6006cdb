//! `ws-blocking`.

use std::io;
use std::net::TcpStream;

use ws_blocking::{Event, accept_with};

use super::OPTIONS;

pub(super) fn lent(stream: TcpStream) -> io::Result<()> {
    let mut socket = accept_with(stream, &OPTIONS).map_err(io::Error::other)?;
    while let Some((event, reply)) = socket.read() {
        // There is room for an answer, so this fails only on a connection that is closing.
        let _ = match event {
            Event::Binary(data) => reply.binary(data),
            Event::Text(text) => reply.text(text),
            _ => Ok(()),
        };
    }
    Ok(())
}
