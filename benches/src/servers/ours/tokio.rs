//! `ws-tokio`.

use std::io;

use tokio::net::TcpStream;
use ws_tokio::{Event, OwnedEvent, accept_with};

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

pub(super) async fn owned(stream: TcpStream) -> io::Result<()> {
    let socket = accept_with(stream, &OPTIONS).await;
    let mut socket = socket.map_err(io::Error::other)?;
    while let Some(event) = socket.next().await {
        let _ = match event {
            OwnedEvent::Binary(data) => socket.feed(data).await,
            OwnedEvent::Text(text) => socket.feed(text).await,
            _ => Ok(()),
        };
    }
    Ok(())
}
