//! `ws-async-std` with smol's sockets.

use std::io;

use smol::net::TcpStream;
use ws_async_std::{Event, accept_with};

use super::OPTIONS;

pub(super) async fn lent(stream: TcpStream) -> io::Result<()> {
    let socket = accept_with(stream, &OPTIONS).await;
    let mut socket = socket.map_err(io::Error::other)?;
    while let Some((event, reply)) = socket.read().await {
        // There is room for an answer, so this fails only on a connection that is closing.
        let _ = match event {
            Event::Binary(data) => reply.binary(data),
            Event::Text(text) => reply.text(text),
            _ => Ok(()),
        };
    }
    Ok(())
}
