//! wtx: frames lent from its network buffer and written back.

use std::io;

use tokio::net::TcpStream;
use wtx::collection::Vector;
use wtx::rng::{SeedableRng, Xorshift64};
use wtx::web_socket::{OpCode, WebSocket, WebSocketBuffer, WebSocketPayloadOrigin};

use super::handshake::upgraded;

pub(super) async fn echo(stream: TcpStream) -> io::Result<()> {
    let stream = upgraded(stream).await?;
    let rng = Xorshift64::from_simple_seed().map_err(io::Error::other)?;
    let buffer = WebSocketBuffer::new();
    let mut socket = WebSocket::<_, _, _, _, false>::new((), false, rng, stream, buffer);
    let (mut common, mut reader, mut writer) = socket.split_mut();
    let mut buffer = Vector::new();
    loop {
        buffer.clear();
        let origin = WebSocketPayloadOrigin::Adaptive;
        let frame = reader.read_frame(&mut buffer, &mut common, origin).await;
        let mut frame = frame.map_err(io::Error::other)?;
        match frame.op_code() {
            OpCode::Binary | OpCode::Text => {
                let written = writer.write_frame(&mut common, &mut frame).await;
                written.map_err(io::Error::other)?;
            }
            OpCode::Close => return Ok(()),
            OpCode::Continuation | OpCode::Ping | OpCode::Pong => {}
        }
    }
}
