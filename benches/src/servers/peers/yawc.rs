//! yawc: its echo loop with default buffers, and batched with those of its own benchmark.

use std::io;

use futures_util::SinkExt;
use tokio::net::TcpStream;
use yawc::{Frame, OpCode, Options, Role, WebSocket};

use super::batched;
use super::handshake::upgraded;
use crate::servers::BUFFER;

async fn socket(stream: TcpStream, options: Options) -> io::Result<WebSocket<TcpStream>> {
    let stream = upgraded(stream).await?;
    // Its default limits are below the largest message here.
    let options = options.with_limits(64 << 20, 64 << 20).with_utf8();
    WebSocket::from_stream(stream, Role::Server, options).map_err(io::Error::other)
}

fn keep(frame: Frame) -> Option<Frame> {
    matches!(frame.opcode(), OpCode::Text | OpCode::Binary).then_some(frame)
}

pub(super) async fn echo(stream: TcpStream) -> io::Result<()> {
    let mut socket = socket(stream, Options::default()).await?;
    loop {
        let frame = socket.next_frame().await.map_err(io::Error::other)?;
        if let Some(frame) = keep(frame) {
            socket.send(frame).await.map_err(io::Error::other)?;
        }
    }
}

pub(super) async fn echo_batched(stream: TcpStream) -> io::Result<()> {
    let options = Options::default()
        .with_read_buffer_capacity(2 * BUFFER)
        .with_backpressure_boundary(BUFFER);
    batched::echo(socket(stream, options).await?, keep).await
}
