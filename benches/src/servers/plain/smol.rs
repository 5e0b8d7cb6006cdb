//! On smol.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use smol::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use smol::net::TcpStream;

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
    let n = ready!(Pin::new(&mut *stream).poll_read(cx, buf))?;
    if n == 0 {
        return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
    }
    let written = match Pin::new(stream).poll_write(cx, &buf[..n]) {
        Poll::Ready(written) => written?,
        Poll::Pending => 0,
    };
    Poll::Ready(Ok(buf[written..n].to_vec()))
}
