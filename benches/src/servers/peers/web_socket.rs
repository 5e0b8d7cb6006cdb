//! web-socket: whole frames; text is echoed unchecked.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::net::TcpStream;
use web_socket::{DataType, Event, MessageType, WebSocket};

use super::coalesce::Coalesce;
use super::handshake::upgraded;

pub(super) async fn echo(stream: TcpStream) -> io::Result<()> {
    let stream = upgraded(stream).await?;
    run(BufReader::new(stream)).await
}

pub(super) async fn echo_coalesced(stream: TcpStream) -> io::Result<()> {
    let stream = upgraded(stream).await?;
    run(BufReader::new(Coalesce::new(stream))).await
}

async fn run<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> io::Result<()> {
    let mut socket = WebSocket::server(stream);
    loop {
        match socket.recv().await? {
            Event::Data {
                ty: DataType::Complete(MessageType::Binary),
                data,
            } => {
                socket.send(&data[..]).await?;
            }
            Event::Data {
                ty: DataType::Complete(MessageType::Text),
                data,
            } => {
                let text = std::str::from_utf8(&data).map_err(io::Error::other)?;
                socket.send(text).await?;
            }
            Event::Ping(data) => socket.send_pong(data).await?,
            Event::Close { .. } | Event::Error(_) => return Ok(()),
            Event::Data { .. } | Event::Pong(_) => {}
        }
    }
}
