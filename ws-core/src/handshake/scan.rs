//! Finds the end of a head, byte by byte, and refuses a malformed one at the first byte that shows
//! it (RFC 9112 §2.2, §3, §5).
//!
//! Looks at every byte once, however the bytes arrive, and remembers only where it stopped. Knows
//! the line structure and nothing of what the lines say.

use crate::ext::token::is_token_byte;
use crate::handshake::token::is_value_byte;
use crate::handshake::{HandshakeError, HeadFault, Limits};

/// What every answer begins with; HTTP/1.0 is refused later, when its status is known.
const PREFIX: &[u8] = b"HTTP/1.";

/// Which start line is expected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Request,
    Response,
}

/// A complete head.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Span {
    /// Where the start line begins: behind an empty line that came first.
    pub(crate) start: usize,
    /// Behind the empty line at its end.
    pub(crate) end: usize,
    /// Header lines in it.
    pub(crate) headers: usize,
}

/// The state between two looks at a growing head.
#[derive(Debug)]
pub(crate) struct Scanner {
    kind: Kind,
    state: State,
    start: usize,
    pos: usize,
    headers: usize,
    max_head: usize,
    max_headers: usize,
    /// What earlier heads took of the limits; see [`Scanner::restart`].
    spent: (usize, usize),
    #[cfg(test)]
    looks: usize,
}

/// ```text
///  Begin --> StartLine --CR--> LineFeed --LF--> LineStart --CR--> LastFeed --LF--> end
///                                  ^              | ^
///                                  CR   Value <-- Name
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// Nothing but an empty line before a request so far, or a part of [`PREFIX`].
    Begin,
    /// The line feed of that empty line must follow.
    EmptyLine,
    /// The first byte of a TLS record was there.
    Tls,
    StartLine,
    /// The line feed that ends a line must follow.
    LineFeed,
    LineStart,
    Name,
    /// White space follows a name.
    Space,
    Value,
    /// The line feed that ends the head must follow.
    LastFeed,
}

impl Scanner {
    pub(crate) fn new(kind: Kind, limits: &Limits) -> Self {
        Self {
            kind,
            state: State::Begin,
            start: 0,
            pos: 0,
            headers: 0,
            // Positions in a head are held in 32 bits.
            max_head: limits.max_head.min(u32::MAX as usize),
            max_headers: limits.max_headers,
            spent: (0, 0),
            #[cfg(test)]
            looks: 0,
        }
    }

    /// Goes on where it stopped. `bytes` is everything received so far; the answer is `None` while
    /// the head is not complete.
    pub(crate) fn scan(&mut self, bytes: &[u8]) -> Result<Option<Span>, HandshakeError> {
        while let Some(&byte) = bytes.get(self.pos) {
            #[cfg(test)]
            {
                self.looks += 1;
            }
            let last = self.state == State::LastFeed;
            self.state = self.step(byte)?;
            self.pos += 1;
            if last {
                let Self {
                    start,
                    pos: end,
                    headers,
                    ..
                } = *self;
                return Ok(Some(Span {
                    start,
                    end,
                    headers,
                }));
            }
            if self.spent.0 + self.pos >= self.max_head {
                return Err(HandshakeError::HeadTooLarge {
                    limit: self.max_head,
                });
            }
        }
        Ok(None)
    }

    /// Begins again with a head that follows the one just found. Both share the limits.
    pub(crate) fn restart(&mut self) {
        self.spent.0 += self.pos;
        self.spent.1 += self.headers;
        self.state = State::Begin;
        (self.start, self.pos, self.headers) = (0, 0, 0);
    }

    /// Has anything of a head been seen?
    pub(crate) fn has_begun(&self) -> bool {
        self.pos > self.start || self.spent.0 > 0
    }

    fn step(&mut self, byte: u8) -> Result<State, HandshakeError> {
        use HeadFault::*;
        let fault = |fault| HandshakeError::BadHead { fault };
        Ok(match (self.state, byte) {
            (State::Begin, _) => return self.begin(byte),
            (State::EmptyLine, b'\n') => {
                self.start = self.pos + 1;
                State::Begin
            }
            (State::Tls, 3) => return Err(self.tls()),
            (State::Tls, _) => return Err(HandshakeError::NotHttp),

            (State::LineFeed, b'\n') => State::LineStart,
            (State::LastFeed, b'\n') => State::LastFeed,
            (State::LineFeed | State::LastFeed | State::EmptyLine, _) => return Err(fault(BareCr)),

            (State::StartLine | State::Value, b'\r') => State::LineFeed,
            (State::LineStart, b'\r') => State::LastFeed,
            (State::StartLine | State::Value | State::LineStart, b'\n') => {
                return Err(fault(BareLf));
            }

            (State::StartLine, _) if self.is_start_line_byte(byte) => State::StartLine,
            (State::Value, _) if is_value_byte(byte) => State::Value,
            (State::StartLine | State::Value, _) => return Err(fault(Control)),

            (State::LineStart, b' ' | b'\t') => return Err(fault(ObsFold)),
            (State::LineStart, _) if is_token_byte(byte) => {
                if self.spent.1 + self.headers == self.max_headers {
                    return Err(HandshakeError::TooManyHeaders {
                        limit: self.max_headers,
                    });
                }
                self.headers += 1;
                State::Name
            }
            (State::Name, _) if is_token_byte(byte) => State::Name,
            (State::Name, b':') => State::Value,
            (State::Name, b' ' | b'\t') => State::Space,
            (State::Space, b' ' | b'\t') => State::Space,
            (State::Space, b':') => return Err(fault(SpaceBeforeColon)),
            (State::LineStart | State::Name | State::Space, _) => return Err(fault(HeaderName)),
        })
    }

    /// The first bytes: they tell HTTP from everything else.
    fn begin(&self, byte: u8) -> Result<State, HandshakeError> {
        match (self.kind, self.pos - self.start, byte) {
            // A TLS record: a handshake or an alert, then the major version 3 (RFC 8446 §5.1).
            (_, 0, 0x15 | 0x16) => Ok(State::Tls),
            (Kind::Request, _, b'\n') => Err(HandshakeError::BadHead {
                fault: HeadFault::BareLf,
            }),
            // "a server that is expecting to receive and parse a request-line SHOULD ignore at
            // least one empty line (CRLF) received prior to the request-line" (RFC 9112 §2.2)
            (Kind::Request, _, b'\r') if self.start == 0 => Ok(State::EmptyLine),
            (Kind::Request, _, _) if is_token_byte(byte) => Ok(State::StartLine),
            (Kind::Response, at, _) if byte == PREFIX[at] => Ok(if at + 1 == PREFIX.len() {
                State::StartLine
            } else {
                State::Begin
            }),
            (Kind::Request | Kind::Response, _, _) => Err(HandshakeError::NotHttp),
        }
    }

    const fn tls(&self) -> HandshakeError {
        match self.kind {
            Kind::Request => HandshakeError::TlsFromClient,
            Kind::Response => HandshakeError::TlsFromServer,
        }
    }

    /// A request line is ASCII with spaces; a status line ends in free text.
    const fn is_start_line_byte(&self, byte: u8) -> bool {
        match self.kind {
            Kind::Request => matches!(byte, b' '..=b'~'),
            Kind::Response => is_value_byte(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use HeadFault::*;
    use alloc::vec::Vec;

    fn span(start: usize, end: usize, headers: usize) -> Span {
        Span {
            start,
            end,
            headers,
        }
    }

    fn limits() -> Limits {
        Limits::default().max_head(100).max_headers(3)
    }

    /// Scans a growing head, a byte more at a time.
    fn scan(kind: Kind, bytes: &[u8]) -> Result<Option<Span>, (usize, HandshakeError)> {
        let mut scanner = Scanner::new(kind, &limits());
        for end in 0..=bytes.len() {
            match scanner.scan(&bytes[..end]) {
                Ok(None) => {}
                Ok(span) => return Ok(span),
                Err(error) => {
                    let whole = Scanner::new(kind, &limits()).scan(bytes);
                    assert_eq!(whole, Err(error.clone()), "all at once gives the same");
                    return Err((end - 1, error));
                }
            }
        }
        Ok(None)
    }

    #[test]
    fn the_end_is_found_and_headers_are_counted() {
        let request = b"GET / HTTP/1.1\r\nHost: h\r\nX:\r\n\r\n\x81";
        let found = span(0, 31, 2);
        assert_eq!(scan(Kind::Request, request), Ok(Some(found)));
        let answer = b"HTTP/1.1 101\r\n\r\n";
        assert_eq!(scan(Kind::Response, answer), Ok(Some(span(0, 16, 0))));
        assert_eq!(scan(Kind::Response, &answer[..15]), Ok(None));
    }

    #[test]
    fn one_empty_line_may_come_before_a_request() {
        let head = |start| {
            Ok(Some(Span {
                start,
                end: start + 18,
                headers: 0,
            }))
        };
        assert_eq!(scan(Kind::Request, b"GET / HTTP/1.1\r\n\r\n"), head(0));
        assert_eq!(scan(Kind::Request, b"\r\nGET / HTTP/1.1\r\n\r\n"), head(2));
        assert_eq!(
            scan(Kind::Request, b"\r\n\r\nGET"),
            Err((2, HandshakeError::NotHttp))
        );
        assert_eq!(
            scan(Kind::Response, b"\r\nHTTP"),
            Err((0, HandshakeError::NotHttp))
        );
        let mut scanner = Scanner::new(Kind::Request, &limits());
        assert_eq!(
            (scanner.scan(b"\r\n"), scanner.has_begun()),
            (Ok(None), false)
        );
        assert_eq!(
            (scanner.scan(b"\r\nG"), scanner.has_begun()),
            (Ok(None), true)
        );
    }

    #[test]
    fn a_fault_is_refused_at_the_byte_that_shows_it() {
        // The vertical bar stands where the offending byte begins.
        for (head, fault) in [
            ("GET /|\0", Control),
            ("GET /|\u{e4}", Control),
            ("GET /|\t", Control),
            ("GET / HTTP/1.1|\n", BareLf),
            ("|\nGET", BareLf),
            ("\r|GET", BareCr),
            ("GET / HTTP/1.1\r|H", BareCr),
            ("GET / HTTP/1.1\r\n|\n", BareLf),
            ("GET / HTTP/1.1\r\n| x", ObsFold),
            ("GET / HTTP/1.1\r\nA: b\r\n|\tc", ObsFold),
            ("GET / HTTP/1.1\r\n|:", HeaderName),
            ("GET / HTTP/1.1\r\nA|\u{e4}", HeaderName),
            ("GET / HTTP/1.1\r\nA|\r\n", HeaderName),
            ("GET / HTTP/1.1\r\nA |b: c", HeaderName),
            ("GET / HTTP/1.1\r\nA|(", HeaderName),
            ("GET / HTTP/1.1\r\nA \t|: b", SpaceBeforeColon),
            ("GET / HTTP/1.1\r\nA: b|\0", Control),
            ("GET / HTTP/1.1\r\nA: b|\u{7f}", Control),
            ("GET / HTTP/1.1\r\nA: b|\n", BareLf),
            ("GET / HTTP/1.1\r\nA: b\r|c", BareCr),
            ("GET / HTTP/1.1\r\nA: b\r\n\r|c", BareCr),
        ] {
            let at = head.find('|').unwrap();
            let error = HandshakeError::BadHead { fault };
            let head = head.replace('|', "");
            assert_eq!(
                scan(Kind::Request, head.as_bytes()),
                Err((at, error)),
                "{head:?}"
            );
        }
    }

    #[test]
    fn limits_are_passed_at_a_byte_too() {
        let mut head = b"GET / HTTP/1.1\r\nA: ".to_vec();
        head.resize(96, b'x');
        let fits = [&head[..], b"\r\n\r\n"].concat();
        assert_eq!(scan(Kind::Request, &fits), Ok(Some(span(0, 100, 1))));
        head.resize(200, b'x');
        let too_large = HandshakeError::HeadTooLarge { limit: 100 };
        assert_eq!(scan(Kind::Request, &head), Err((99, too_large)));

        let lines = |n| [&b"GET / HTTP/1.1\r\n"[..], &b"A:\r\n".repeat(n), b"\r\n"].concat();
        assert_eq!(scan(Kind::Request, &lines(3)).unwrap().unwrap().headers, 3);
        let too_many = HandshakeError::TooManyHeaders { limit: 3 };
        assert_eq!(scan(Kind::Request, &lines(4)), Err((16 + 12, too_many)));
    }

    #[test]
    fn what_is_not_http_fails_with_the_first_byte_that_shows_it() {
        use HandshakeError::*;
        for (bytes, kind, at, error) in [
            (&b"\x16\x03\x01"[..], Kind::Request, 1, TlsFromClient),
            (b"\x15\x03\x03", Kind::Response, 1, TlsFromServer),
            (b"\x16\x04", Kind::Response, 1, NotHttp),
            (b"\x80", Kind::Request, 0, NotHttp),
            (b"SSH-2.0", Kind::Response, 0, NotHttp),
            (b"HTTP/2", Kind::Response, 5, NotHttp),
            (b"http/1.1", Kind::Response, 0, NotHttp),
        ] {
            assert_eq!(scan(kind, bytes), Err((at, error)));
        }
    }

    #[test]
    fn heads_in_a_row_share_the_limits() {
        let mut scanner = Scanner::new(Kind::Response, &limits());
        let interim = b"HTTP/1.1 100 Continue\r\nA:\r\n\r\n";
        for _ in 0..3 {
            assert_eq!(scanner.scan(interim).unwrap().unwrap().headers, 1);
            scanner.restart();
            assert!(scanner.has_begun());
        }
        let too_large = HandshakeError::HeadTooLarge { limit: 100 };
        assert_eq!(scanner.scan(interim), Err(too_large));
    }

    #[test]
    fn every_byte_is_looked_at_once_however_it_arrives() {
        let size = if cfg!(miri) { 400 } else { 16 << 10 };
        let limits = Limits::default().max_head(size);
        let mut head: Vec<u8> = b"GET / HTTP/1.1\r\nA: ".to_vec();
        head.resize(size - 4, b'x');
        head.extend(b"\r\n\r\n");
        for step in [1, 7, size] {
            let mut scanner = Scanner::new(Kind::Request, &limits);
            let ends = (0..size).step_by(step).chain([size]);
            let found: Vec<_> = ends
                .filter_map(|end| scanner.scan(&head[..end]).unwrap())
                .collect();
            assert_eq!(found, [span(0, size, 1)]);
            assert_eq!(scanner.looks, size);
        }
    }
}
