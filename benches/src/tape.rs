//! A transport in memory: reads play a tape over and over, writes copy as a kernel would.

use std::cell::RefCell;
use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes handed out by one read at most: what a busy socket gives.
pub const READ: usize = 64 * 1024;

/// Keeps what is written to a tape while it is on: how a check sees what an encoder wrote.
pub type Spy = Rc<RefCell<Option<Vec<u8>>>>;

/// Reads play a tape of whole frames for ever; a read never crosses its end, and there is always
/// more, so nothing ever waits. Writes are copied into a scratch buffer, each behind the one before and
/// round and round, as a kernel would: one long piece costs what several short ones do.
#[derive(Debug)]
pub struct Tape {
    bytes: Rc<[u8]>,
    at: usize,
    scratch: Box<[u8]>,
    /// Where in `scratch` the next byte goes.
    end: usize,
    spy: Spy,
}

impl Tape {
    /// A transport that plays `bytes` and shows a spy what is written.
    #[must_use]
    pub fn new(bytes: Rc<[u8]>, spy: Spy) -> Self {
        let scratch = vec![0; READ].into();
        Self {
            bytes,
            at: 0,
            scratch,
            end: 0,
            spy,
        }
    }

    /// The next part of the tape, at most `room` bytes.
    #[inline]
    pub fn part(&mut self, room: usize) -> &[u8] {
        if self.at == self.bytes.len() {
            self.at = 0;
        }
        let len = room.min(READ).min(self.bytes.len() - self.at);
        let from = self.at;
        self.at += len;
        &self.bytes[from..from + len]
    }

    /// Takes everything in `data`.
    #[inline]
    pub fn swallow(&mut self, data: &[u8]) {
        let mut rest = data;
        while !rest.is_empty() {
            let room = &mut self.scratch[self.end..];
            let (now, later) = rest.split_at(rest.len().min(room.len()));
            room[..now.len()].copy_from_slice(now);
            self.end = (self.end + now.len()) % READ;
            rest = later;
        }
        std::hint::black_box(&self.scratch);
        if let Some(seen) = self.spy.borrow_mut().as_mut() {
            seen.extend_from_slice(data);
        }
    }

    fn swallow_all(&mut self, pieces: &[IoSlice<'_>]) -> usize {
        pieces.iter().for_each(|piece| self.swallow(piece));
        pieces.iter().map(|piece| piece.len()).sum()
    }
}

impl Read for Tape {
    #[inline]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let part = self.part(buf.len());
        buf[..part.len()].copy_from_slice(part);
        Ok(part.len())
    }
}

impl Write for Tape {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.swallow(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Tape {
    #[inline]
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        buf.put_slice(self.part(buf.remaining()));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tape {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.swallow(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.swallow_all(bufs)))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Polls a future over tapes to its end. It never waits for anything but its own next turn.
pub fn drive<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut cx = Context::from_waker(std::task::Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[test]
    fn the_tape_plays_over_and_over_and_swallows_what_is_written() {
        let spy = Spy::new(RefCell::new(Some(Vec::new())));
        let mut tape = Tape::new(Rc::from(&b"abcdefg"[..]), Rc::clone(&spy));
        let mut seen = Vec::new();
        for room in [3, 100, 2] {
            seen.extend_from_slice(tape.part(room));
            seen.push(b'|');
        }
        assert_eq!(seen, b"abc|defg|ab|");
        drive(async {
            let mut buf = [0; 10];
            assert_eq!(AsyncReadExt::read(&mut tape, &mut buf).await.unwrap(), 5);
            AsyncWriteExt::write_all(&mut tape, &buf[..5])
                .await
                .unwrap();
        });
        assert_eq!(spy.borrow().as_deref(), Some(&b"cdefg"[..]));
    }
}
