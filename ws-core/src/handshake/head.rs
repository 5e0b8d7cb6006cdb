//! The headers of a head, owned and findable by name (RFC 9110 §5).
//!
//! One pass over a complete head, one copy of what is worth keeping. Knows names and values; refuses
//! to know what they mean.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use httparse::{EMPTY_HEADER, Status, parse_headers};

use crate::handshake::scan::Span;
use crate::handshake::token::trim;
use crate::handshake::{HandshakeError, HeadFault};

/// The headers that a peer sent, in order and as often as it sent them.
///
/// Names are compared without regard to case. Values are bytes: HTTP allows more than text in them,
/// and [`get`](Self::get) shows those that are text. `Debug` shows names only, because values may
/// be secret.
#[derive(Clone, Eq, PartialEq)]
pub struct Headers {
    /// Names and values, one after the other and without anything in between.
    block: Box<[u8]>,
    fields: Box<[Field]>,
}

/// Where in the block a header ends.
#[derive(Clone, Copy, Eq, PartialEq)]
struct Field {
    name_end: u32,
    value_end: u32,
}

impl Headers {
    /// The first value with this name that is text (UTF-8).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_all(name)
            .find_map(|value| core::str::from_utf8(value).ok())
    }

    /// The values of all headers with this name.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.iter()
            .filter(move |header| header.0.eq_ignore_ascii_case(name))
            .map(|header| header.1)
    }

    /// All names, as they were sent, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let mut at = 0;
        self.fields.iter().map(move |field| {
            let name = &self.block[at..field.name_end as usize];
            at = field.value_end as usize;
            // Names are tokens, and tokens are ASCII.
            let name = core::str::from_utf8(name).unwrap_or_default();
            (name, &self.block[field.name_end as usize..at])
        })
    }

    /// How many headers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Are there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The value of a header that may appear once.
    pub(crate) fn only(&self, name: &'static str) -> Result<Option<&[u8]>, HandshakeError> {
        let mut values = self.get_all(name);
        let value = values.next();
        match values.next() {
            Some(_) => Err(HandshakeError::DuplicateHeader { name }),
            None => Ok(value),
        }
    }

    /// Copies headers whose names are tokens, into a block of about `size` bytes.
    pub(crate) fn collect<'a>(
        size: usize,
        headers: impl Iterator<Item = (&'a str, &'a [u8])>,
    ) -> Self {
        let mut block = Vec::with_capacity(size);
        let mut end = |part: &[u8]| {
            block.extend_from_slice(part);
            // The scanner ends heads at 4 GiB.
            u32::try_from(block.len()).unwrap_or(u32::MAX)
        };
        let fields = headers.map(|(name, value)| Field {
            name_end: end(name.as_bytes()),
            value_end: end(trim(value)),
        });
        let fields = fields.collect();
        Self {
            block: block.into(),
            fields,
        }
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|header| header.0))
            .finish()
    }
}

/// Takes a head that the scanner has passed apart: its first line, and its headers.
pub(crate) fn parse(bytes: &[u8], span: Span) -> Result<(&[u8], Headers), HandshakeError> {
    let head = &bytes[span.start..span.end];
    let end = head
        .iter()
        .position(|&byte| byte == b'\r')
        .unwrap_or(head.len());
    let (line, rest) = head.split_at(end);
    let rest = rest.strip_prefix(b"\r\n").unwrap_or(rest);
    let mut headers = vec![EMPTY_HEADER; span.headers];
    match parse_headers(rest, &mut headers) {
        Ok(Status::Complete((_, headers))) => {
            let fields = headers.iter().map(|header| (header.name, header.value));
            let size = { fields.clone() }.map(|(name, value)| name.len() + value.len());
            Ok((line, Headers::collect(size.sum(), fields)))
        }
        // The scanner is at least as strict; this is the second opinion.
        Ok(Status::Partial) | Err(_) => Err(HandshakeError::BadHead {
            fault: HeadFault::HeaderName,
        }),
    }
}

/// Reads a status line: the minor version and the status (RFC 9112 §4).
pub(crate) fn parse_status_line(line: &[u8]) -> Result<(u8, u16), HandshakeError> {
    let fault = HandshakeError::BadHead {
        fault: HeadFault::StartLine,
    };
    let Some([minor, b' ', a, b, c, rest @ ..]) = line.strip_prefix(b"HTTP/1.") else {
        return Err(fault);
    };
    let digits = [minor, a, b, c].into_iter().all(u8::is_ascii_digit);
    if !digits || *a == b'0' || !matches!(rest, [] | [b' ', ..]) {
        return Err(fault);
    }
    let status = [a, b, c]
        .into_iter()
        .fold(0, |status, digit| 10 * status + u16::from(digit - b'0'));
    Ok((minor - b'0', status))
}

/// Reads a request line: method, target and version, still unchecked (RFC 9112 §3).
pub(crate) fn parse_request_line(line: &[u8]) -> Result<[&[u8]; 3], HandshakeError> {
    let mut parts = line.split(|&byte| byte == b' ');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(method), Some(target), Some(version), None) if !target.is_empty() => {
            Ok([method, target, version])
        }
        _ => Err(HandshakeError::BadHead {
            fault: HeadFault::StartLine,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handshake::Limits;
    use crate::handshake::scan::{Kind, Scanner};
    use alloc::format;

    fn headers(lines: &str) -> Headers {
        let head = format!("GET / HTTP/1.1\r\n{lines}\r\n");
        let span = Scanner::new(Kind::Request, &Limits::default()).scan(head.as_bytes());
        parse(head.as_bytes(), span.unwrap().unwrap()).unwrap().1
    }

    #[test]
    fn headers_are_found_by_name_in_any_case_and_in_order() {
        let headers = headers("Host: h\r\nX-A:  1 \t\r\nx-a:2\r\nX-B:\r\n");
        assert_eq!(headers.get("hOST"), Some("h"));
        assert_eq!(headers.get_all("X-A").collect::<Vec<_>>(), [b"1", b"2"]);
        assert_eq!(headers.get("x-b"), Some(""));
        assert_eq!(
            (headers.get("x"), headers.len(), headers.is_empty()),
            (None, 4, false)
        );
        let all: Vec<_> = headers.iter().collect();
        assert_eq!(all[2], ("x-a", &b"2"[..]));
        assert_eq!(headers.only("Host"), Ok(Some(&b"h"[..])));
        assert_eq!(headers.only("Missing"), Ok(None));
        let twice = HandshakeError::DuplicateHeader { name: "X-A" };
        assert_eq!(headers.only("X-A"), Err(twice));
    }

    #[test]
    fn values_that_are_not_text_are_kept_and_debug_shows_names_only() {
        let head = b"GET / HTTP/1.1\r\nX: \xff\r\nX: text\r\n\r\n";
        let span = Span {
            start: 0,
            end: head.len(),
            headers: 2,
        };
        let (line, headers) = parse(head, span).unwrap();
        assert_eq!(line, b"GET / HTTP/1.1");
        assert_eq!(headers.get_all("x").next(), Some(&b"\xff"[..]));
        assert_eq!(headers.get("x"), Some("text"));
        assert_eq!(format!("{headers:?}"), "[\"X\", \"X\"]");
    }

    #[test]
    fn status_lines_are_read_strictly() {
        for (line, expected) in [
            ("HTTP/1.1 101 Switching Protocols", Some((1, 101))),
            ("HTTP/1.0 503 \u{e4}", Some((0, 503))),
            ("HTTP/1.1 101", Some((1, 101))),
            ("HTTP/1.1 101 ", Some((1, 101))),
            ("HTTP/1.1  101", None),
            ("HTTP/1.1 1010", None),
            ("HTTP/1.1 10", None),
            ("HTTP/1.1 0x1 ", None),
            ("HTTP/1.1 099 ", None),
            ("HTTP/1.11 101", None),
            ("HTTP/1.x 101", None),
            ("HTTP/1.1", None),
            ("", None),
        ] {
            assert_eq!(
                parse_status_line(line.as_bytes()).ok(),
                expected,
                "{line:?}"
            );
        }
    }

    #[test]
    fn request_lines_have_three_parts() {
        let parts = parse_request_line(b"GET /a?b HTTP/1.1").unwrap();
        assert_eq!(parts, [&b"GET"[..], b"/a?b", b"HTTP/1.1"]);
        for line in [
            "GET",
            "GET /",
            "GET  HTTP/1.1",
            "GET / HTTP/1.1 ",
            " GET / HTTP/1.1",
            "GET / x y",
        ] {
            assert!(parse_request_line(line.as_bytes()).is_err(), "{line:?}");
        }
    }
}
