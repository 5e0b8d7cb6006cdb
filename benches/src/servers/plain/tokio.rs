//! On tokio.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

use super::READ;

pub(super) async fn echo(mut stream: TcpStream) -> io::Result<()> {
    loop {
        let rest =
            poll_fn(|cx| READ.with_borrow_mut(|buf| poll_echo(&mut stream, cx, buf))).await?;
        stream.write_all(&rest).await?;
    }
}

/// Reads once and writes at once; hands out what the socket did not take.
fn poll_echo(
    stream: &mut TcpStream,
    cx: &mut Context<'_>,
    buf: &mut [u8],
) -> Poll<io::Result<Vec<u8>>> {
    let mut buf = ReadBuf::new(buf);
    ready!(Pin::new(&mut *stream).poll_read(cx, &mut buf))?;
    let data = buf.filled();
    if data.is_empty() {
        return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
    }
    let written = match stream.try_write(data) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
        written => written?,
    };
    Poll::Ready(Ok(data[written..].to_vec()))
}
