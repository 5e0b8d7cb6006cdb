//! tokio-tungstenite: the loop of its server example, and batched with a read buffer that suits
//! small messages: it is zeroed at every read, 128 KiB by default.

use std::io;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::batched;
use super::handshake::upgraded;

async fn socket(
    stream: TcpStream,
    config: WebSocketConfig,
) -> io::Result<WebSocketStream<TcpStream>> {
    let stream = upgraded(stream).await?;
    Ok(WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await)
}

fn keep(message: Result<Message, Error>) -> Option<Message> {
    message
        .ok()
        .filter(|message| message.is_text() || message.is_binary())
}

pub(super) async fn echo(stream: TcpStream) -> io::Result<()> {
    let mut socket = socket(stream, WebSocketConfig::default()).await?;
    while let Some(message) = socket.next().await {
        if let Some(message) = keep(message) {
            socket.send(message).await.map_err(io::Error::other)?;
        }
    }
    Ok(())
}

pub(super) async fn echo_batched(stream: TcpStream) -> io::Result<()> {
    let config = WebSocketConfig::default().read_buffer_size(16 << 10);
    batched::echo(socket(stream, config).await?, keep).await
}
