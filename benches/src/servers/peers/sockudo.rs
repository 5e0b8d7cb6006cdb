//! sockudo-ws: the loop of its examples, and batched.

use std::io;

use futures_util::{SinkExt, StreamExt};
use sockudo_ws::protocol::Message;
use sockudo_ws::{Config, WebSocketStream};
use tokio::net::TcpStream;

use super::batched;
use super::handshake::upgraded;

async fn socket(stream: TcpStream) -> io::Result<WebSocketStream<TcpStream>> {
    let stream = upgraded(stream).await?;
    // As for everybody else: no keepalive.
    let config = Config {
        auto_ping: false,
        idle_timeout: 0,
        ..Config::default()
    };
    Ok(WebSocketStream::server(stream, config))
}

fn keep(message: Result<Message, sockudo_ws::Error>) -> Option<Message> {
    message
        .ok()
        .filter(|message| message.is_text() || message.is_binary())
}

pub(super) async fn echo(stream: TcpStream) -> io::Result<()> {
    let mut socket = socket(stream).await?;
    while let Some(message) = socket.next().await {
        if let Some(message) = keep(message) {
            socket.send(message).await.map_err(io::Error::other)?;
        }
    }
    Ok(())
}

pub(super) async fn echo_batched(stream: TcpStream) -> io::Result<()> {
    batched::echo(socket(stream).await?, keep).await
}
