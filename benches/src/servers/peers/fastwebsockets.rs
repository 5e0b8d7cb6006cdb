//! fastwebsockets: the loop of its echo example.

use std::io;

use fastwebsockets::{FragmentCollector, OpCode, Role, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::unconstrained;

use super::coalesce::Coalesce;
use super::handshake::upgraded;

pub(super) async fn echo(stream: TcpStream) -> io::Result<()> {
    let stream = upgraded(stream).await?;
    unconstrained(run(stream)).await
}

pub(super) async fn echo_coalesced(stream: TcpStream) -> io::Result<()> {
    let stream = upgraded(stream).await?;
    unconstrained(run(Coalesce::new(stream))).await
}

async fn run<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> io::Result<()> {
    let mut socket = FragmentCollector::new(WebSocket::after_handshake(stream, Role::Server));
    loop {
        let frame = socket.read_frame().await.map_err(io::Error::other)?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => {
                socket.write_frame(frame).await.map_err(io::Error::other)?;
            }
            _ => {}
        }
    }
}
