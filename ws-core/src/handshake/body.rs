//! The body of a refusal (RFC 9112 §6): read for what it says, bounded in every way.
//!
//! Never waits for more than the framing asks for and never keeps more than the limit. A body that
//! is broken or too long ends where it is; the status it came with is never lost.

use alloc::boxed::Box;
use alloc::vec::Vec;

use httparse::{Status, parse_chunk_size};

use crate::handshake::token::lists;
use crate::handshake::{Headers, Rejection};

/// The longest line that announces a chunk, its extensions included.
const MAX_CHUNK_LINE: usize = 256;

/// A refusal whose body is being read.
#[derive(Debug)]
pub(crate) struct Body {
    status: u16,
    headers: Headers,
    data: Vec<u8>,
    max: usize,
    framing: Framing,
    /// The line between two chunks, as far as it is there.
    line: Vec<u8>,
    truncated: bool,
}

/// What comes next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Framing {
    /// This many bytes of a chunk (RFC 9112 §7.1).
    Chunk(u64),
    /// The line break behind a chunk.
    ChunkEnd,
    /// The line that announces a chunk.
    ChunkSize,
    /// Nothing, or nothing that is wanted.
    Done,
    /// This many bytes.
    Length(u64),
    /// Everything until the end of the stream.
    ToEnd,
}

impl Body {
    /// The body that follows a head (RFC 9112 §6.3).
    pub(crate) fn new(status: u16, headers: Headers, max: usize) -> Self {
        let coded = headers.get_all("Transfer-Encoding").next().is_some();
        let framing = match (status, coded) {
            (204 | 304, _) => Framing::Done,
            (_, true) if lists(headers.get_all("Transfer-Encoding"), "chunked") => {
                Framing::ChunkSize
            }
            (_, true) => Framing::ToEnd,
            (_, false) => length(&headers).map_or(Framing::ToEnd, Framing::Length),
        };
        let line = Vec::new();
        let mut body = Self {
            status,
            headers,
            data: Vec::new(),
            max,
            framing,
            line,
            truncated: false,
        };
        body.settle();
        body
    }

    /// Is there nothing more to read?
    pub(crate) fn is_done(&self) -> bool {
        self.framing == Framing::Done
    }

    /// Takes the next bytes.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) {
        while let Some((&byte, rest)) = bytes.split_first() {
            match &mut self.framing {
                Framing::Done => return,
                Framing::ToEnd => {
                    self.keep(bytes);
                    return;
                }
                Framing::Chunk(left) | Framing::Length(left) => {
                    let n = bytes
                        .len()
                        .min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= n as u64;
                    let (part, rest) = bytes.split_at(n);
                    bytes = rest;
                    self.keep(part);
                    self.settle();
                }
                Framing::ChunkEnd | Framing::ChunkSize => {
                    bytes = rest;
                    self.line.push(byte);
                    if byte == b'\n' {
                        self.end_of_line();
                    } else if self.line.len() == MAX_CHUNK_LINE {
                        self.cut();
                    }
                }
            }
        }
    }

    /// The refusal with what is there. `ended` says that the stream ended in an orderly way, which
    /// is how some bodies end.
    pub(crate) fn finish(self, ended: bool) -> Box<Rejection> {
        let whole = self.is_done() || ended && self.framing == Framing::ToEnd;
        Box::new(Rejection {
            status: self.status,
            headers: self.headers,
            body: self.data,
            truncated: self.truncated || !whole,
        })
    }

    fn end_of_line(&mut self) {
        let line = core::mem::take(&mut self.line);
        // The parser takes an empty line for the last chunk.
        let digit = line.first().is_some_and(u8::is_ascii_hexdigit);
        match (self.framing, parse_chunk_size(&line)) {
            (Framing::ChunkEnd, _) if line == b"\r\n" => self.framing = Framing::ChunkSize,
            (Framing::ChunkSize, _) if !digit => self.cut(),
            // Trailers are not waited for: nobody asks for them.
            (Framing::ChunkSize, Ok(Status::Complete((_, 0)))) => self.framing = Framing::Done,
            (Framing::ChunkSize, Ok(Status::Complete((_, size)))) => {
                self.framing = Framing::Chunk(size);
                self.settle();
            }
            _ => self.cut(),
        }
    }

    fn keep(&mut self, part: &[u8]) {
        let room = self.max - self.data.len();
        self.data.extend_from_slice(&part[..part.len().min(room)]);
        if part.len() > room {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.truncated = true;
        self.framing = Framing::Done;
    }

    /// Leaves what is complete, and what there is no room for.
    fn settle(&mut self) {
        match self.framing {
            Framing::Chunk(0) => self.framing = Framing::ChunkEnd,
            Framing::Length(0) => self.framing = Framing::Done,
            Framing::Chunk(_) | Framing::Length(_) if self.data.len() == self.max => self.cut(),
            Framing::Chunk(_)
            | Framing::ChunkEnd
            | Framing::ChunkSize
            | Framing::Done
            | Framing::Length(_)
            | Framing::ToEnd => {}
        }
    }
}

/// The length that the headers announce. One that is not a number, or that appears twice, can't be
/// relied on: then the body goes on to the end of the stream, behind which nothing is read anyway.
fn length(headers: &Headers) -> Option<u64> {
    let value = headers.only("Content-Length").ok()??;
    let text = core::str::from_utf8(value).ok()?;
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handshake::head;
    use crate::handshake::scan::Span;
    use alloc::format;

    fn body(status: u16, lines: &str, max: usize) -> Body {
        let head = format!("X\r\n{lines}\r\n");
        let headers = lines.matches("\r\n").count();
        let span = Span {
            start: 0,
            end: head.len(),
            headers,
        };
        Body::new(status, head::parse(head.as_bytes(), span).unwrap().1, max)
    }

    /// Reads `bytes` in pieces of every size up to the end of the stream; all must agree. The
    /// answer: what was kept, whether it is cut short, and whether the body ended by itself.
    fn read(lines: &str, max: usize, bytes: &[u8]) -> (Vec<u8>, bool, bool) {
        let mut results = (1..=bytes.len().max(1)).map(|step| {
            let mut body = body(500, lines, max);
            bytes.chunks(step).for_each(|piece| body.feed(piece));
            let done = body.is_done();
            assert!(body.data.len() <= max && body.line.len() <= MAX_CHUNK_LINE);
            let rejection = body.finish(true);
            (rejection.body, rejection.truncated, done)
        });
        let first = results.next().unwrap();
        results.for_each(|other| assert_eq!(other, first));
        first
    }

    const LENGTH: &str = "Content-Length: 5\r\n";
    const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

    #[test]
    fn a_body_with_a_length_ends_there() {
        assert_eq!(
            read(LENGTH, 9, b"hello, more"),
            (b"hello".to_vec(), false, true)
        );
        assert_eq!(read(LENGTH, 5, b"hello"), (b"hello".to_vec(), false, true));
        assert_eq!(read(LENGTH, 4, b"hell"), (b"hell".to_vec(), true, true));
        assert_eq!(read(LENGTH, 9, b"hell"), (b"hell".to_vec(), true, false));
        assert_eq!(
            read("Content-Length: 0\r\n", 9, b""),
            (b"".to_vec(), false, true)
        );
        assert_eq!(read(LENGTH, 0, b""), (b"".to_vec(), true, true));
    }

    #[test]
    fn a_body_without_a_usable_length_ends_with_the_stream() {
        for lines in [
            "",
            "Content-Length: 5, 5\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: 99999999999999999999\r\n",
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: 3\r\nTransfer-Encoding: gzip\r\n",
        ] {
            assert_eq!(
                read(lines, 9, b"hello"),
                (b"hello".to_vec(), false, false),
                "{lines}"
            );
            assert_eq!(
                read(lines, 5, b"hello"),
                (b"hello".to_vec(), false, false),
                "{lines}"
            );
            assert_eq!(
                read(lines, 4, b"hello"),
                (b"hell".to_vec(), true, true),
                "{lines}"
            );
        }
    }

    #[test]
    fn a_chunked_body_is_put_together() {
        let wire = b"3;x=y\r\nhel\r\n02\r\nlo\r\n0\r\nTrailer: t\r\n\r\n";
        assert_eq!(read(CHUNKED, 5, wire), (b"hello".to_vec(), false, true));
        assert_eq!(read(CHUNKED, 4, wire), (b"hell".to_vec(), true, true));
        assert_eq!(read(CHUNKED, 3, wire), (b"hel".to_vec(), true, true));
        assert_eq!(
            read(CHUNKED, 9, &wire[..15]),
            (b"hel".to_vec(), true, false)
        );
        let both = "Content-Length: 1\r\nTransfer-Encoding: gzip, CHUNKED\r\n";
        assert_eq!(read(both, 9, wire), (b"hello".to_vec(), false, true));
    }

    #[test]
    fn a_broken_chunk_ends_the_body_where_it_is() {
        let long = format!("1;{}", "x".repeat(300));
        for wire in [
            "3\r\nhelXlo\r\n",
            "3\r\nhel\r\nx\r\n",
            "3\r\nhel\n0\r\n",
            "3\r\nhel\r\n-1\r\n",
        ] {
            assert_eq!(
                read(CHUNKED, 9, wire.as_bytes()),
                (b"hel".to_vec(), true, true),
                "{wire:?}"
            );
        }
        for wire in ["ffffffffffffffffff\r\nx", "\r\n", long.as_str()] {
            assert_eq!(
                read(CHUNKED, 9, wire.as_bytes()),
                (b"".to_vec(), true, true),
                "{wire:?}"
            );
        }
    }

    #[test]
    fn some_answers_have_no_body_whatever_they_say() {
        for status in [204, 304] {
            assert!(body(status, LENGTH, 9).is_done());
        }
    }
}
