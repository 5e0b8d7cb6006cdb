//! tokio-websockets: the loop and the settings of its echo example, but with its limits on.

use std::io;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::task::unconstrained;
use tokio_websockets::{Config, Error, Message, ServerBuilder, WebSocketStream};

use super::batched;
use super::handshake::upgraded;
use crate::servers::BUFFER;

async fn socket(stream: TcpStream, threshold: usize) -> io::Result<WebSocketStream<TcpStream>> {
    let stream = upgraded(stream).await?;
    let config = Config::default()
        .frame_size(usize::MAX)
        .flush_threshold(threshold);
    Ok(ServerBuilder::new().config(config).serve(stream))
}

fn keep(message: Result<Message, Error>) -> Option<Message> {
    message
        .ok()
        .filter(|message| message.is_text() || message.is_binary())
}

pub(super) async fn echo(stream: TcpStream) -> io::Result<()> {
    let mut socket = socket(stream, BUFFER).await?;
    unconstrained(async {
        while let Some(message) = socket.next().await {
            if let Some(message) = keep(message) {
                socket.send(message).await.map_err(io::Error::other)?;
            }
        }
        Ok(())
    })
    .await
}

pub(super) async fn echo_batched(stream: TcpStream) -> io::Result<()> {
    unconstrained(batched::echo(socket(stream, BUFFER).await?, keep)).await
}
