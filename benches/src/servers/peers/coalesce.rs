//! A stream that gathers writes until its user waits for input: for peers that write every frame
//! at once and offer no way to write a burst.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::servers::BUFFER;

pub(super) struct Coalesce<S> {
    stream: S,
    out: Vec<u8>,
    written: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Coalesce<S> {
    pub(super) const fn new(stream: S) -> Self {
        Self {
            stream,
            out: Vec::new(),
            written: 0,
        }
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.out.len() {
            let rest = &self.out[self.written..];
            match ready!(Pin::new(&mut self.stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                n => self.written += n,
            }
        }
        self.out.clear();
        self.written = 0;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Coalesce<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if read.is_pending()
            && !self.out.is_empty()
            && let Poll::Ready(Err(error)) = self.poll_drain(cx)
        {
            return Poll::Ready(Err(error));
        }
        read
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Coalesce<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.out.is_empty() && buf.len() >= BUFFER {
            return Pin::new(&mut self.stream).poll_write(cx, buf);
        }
        if self.out.len() >= BUFFER {
            ready!(self.poll_drain(cx))?;
        }
        self.out.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    /// What was written leaves when its user waits for input.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::Waker;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[test]
    fn writes_leave_together_when_a_read_waits() {
        let mut cx = Context::from_waker(Waker::noop());
        let (near, mut far) = duplex(100);
        let mut stream = Coalesce::new(near);
        for part in [&b"ab"[..], b"cd"] {
            let _ = pin!(stream.write_all(part)).poll(&mut cx);
        }
        let mut seen = [0; 10];
        assert!(pin!(far.read(&mut seen)).poll(&mut cx).is_pending());
        assert!(pin!(stream.read(&mut [0; 1])).poll(&mut cx).is_pending());
        assert!(matches!(
            pin!(far.read(&mut seen)).poll(&mut cx),
            Poll::Ready(Ok(4))
        ));
        assert_eq!(&seen[..4], b"abcd");
    }
}
