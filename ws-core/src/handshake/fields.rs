//! Headers that this end sends, checked when they are given and not when they are written.
//!
//! What gets in here can't end a header line and begin another, nor contradict the headers that the
//! handshake writes itself (RFC 9110 §5, §7.2).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use thiserror::Error;

use crate::error::Explanation;
use crate::ext::token::is_token;
use crate::handshake::error::excerpt;
use crate::handshake::token::{is_value, trim};

/// Names that are never given from outside, besides all that begin with `Sec-WebSocket-`: the
/// handshake writes them, or they announce what can't follow it.
const RESERVED: &[&str] = &[
    "Connection",
    "Content-Length",
    "Expect",
    "Keep-Alive",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
];

/// A header that can't be sent.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum HeaderError {
    /// The name is not a token (RFC 9110 §5.1).
    #[error("the name of a header is not a token")]
    BadName,
    /// The value holds a line break, NUL or another control character, or is not what this header
    /// holds (RFC 9110 §5.5).
    #[error("the value of {name} can't be sent")]
    BadValue {
        /// The header, cut to 64 bytes.
        name: Box<str>,
    },
    /// The handshake writes this header itself, or it has no place there.
    #[error("{name} is written by the handshake itself, or not at all")]
    Reserved {
        /// The header, cut to 64 bytes.
        name: Box<str>,
    },
}

impl HeaderError {
    pub(crate) fn bad_value(name: &str) -> Self {
        Self::BadValue {
            name: excerpt(name.as_bytes()),
        }
    }

    /// What happened and what to do about it.
    #[must_use]
    pub const fn explain(&self) -> Explanation {
        match self {
            Self::BadName => Explanation::new(
                "The name of a header is not a token",
                "Use letters, digits and hyphens; the colon is added for you",
            ),
            Self::BadValue { .. } => Explanation::new(
                "The value of a header holds something that may not stand there",
                "Remove line breaks and control characters, and never pass on unchecked input",
            ),
            Self::Reserved { .. } => Explanation::new(
                "The handshake itself is in charge of this header",
                "Use the method that is made for it, or leave it out",
            ),
        }
    }
}

/// Checked headers in the order in which they are sent. `Debug` shows names only.
#[derive(Clone, Default, Eq, PartialEq)]
pub(crate) struct Fields(Vec<(Box<str>, Box<str>)>);

impl Fields {
    /// Appends a header.
    pub(crate) fn add(&mut self, name: &str, value: &str) -> Result<(), HeaderError> {
        if !is_token(name.as_bytes()) {
            return Err(HeaderError::BadName);
        }
        let own = name
            .get(..14)
            .is_some_and(|start| start.eq_ignore_ascii_case("Sec-WebSocket-"));
        if own
            || RESERVED
                .iter()
                .any(|reserved| name.eq_ignore_ascii_case(reserved))
        {
            return Err(HeaderError::Reserved {
                name: excerpt(name.as_bytes()),
            });
        }
        if !is_value(value.as_bytes()) {
            return Err(HeaderError::bad_value(name));
        }
        let value = value.trim_matches([' ', '\t']);
        self.0.push((name.into(), value.into()));
        Ok(())
    }

    /// Appends a header that the handshake writes itself.
    pub(crate) fn add_own(&mut self, name: &str, value: &str) {
        debug_assert!(is_token(name.as_bytes()) && is_value(value.as_bytes()));
        self.0.push((name.into(), value.into()));
    }

    /// Appends all of another's.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// All headers, in order.
    #[cfg(feature = "http")]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Removes all headers with this name.
    pub(crate) fn remove(&mut self, name: &str) {
        self.retain(|other| !other.eq_ignore_ascii_case(name));
    }

    /// Keeps the headers whose names pass.
    pub(crate) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.0.retain(|(name, _)| keep(name));
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let named = self
            .0
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name));
        named.map(|(_, value)| &**value)
    }

    /// Writes all headers but those named.
    pub(crate) fn write(&self, head: &mut Vec<u8>, but: &[&str]) {
        for (name, value) in &self.0 {
            if !but.iter().any(|but| name.eq_ignore_ascii_case(but)) {
                write_field(head, name, value);
            }
        }
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

/// Writes one header line.
pub(crate) fn write_field(head: &mut Vec<u8>, name: &str, value: &str) {
    debug_assert_eq!(trim(value.as_bytes()).len(), value.len());
    for part in [name, ": ", value, "\r\n"] {
        head.extend_from_slice(part.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_written_as_they_were_given() {
        let mut fields = Fields::default();
        for (name, value) in [
            ("X-A", " 1\t"),
            ("Host", "h"),
            ("x-a", ""),
            ("X-\u{41}b", "\u{e4}"),
        ] {
            fields.add(name, value).unwrap();
        }
        let mut head = Vec::new();
        fields.write(&mut head, &["host"]);
        assert_eq!(head, "X-A: 1\r\nx-a: \r\nX-Ab: \u{e4}\r\n".as_bytes());
        assert_eq!(
            (fields.get("HOST"), fields.get("X-A")),
            (Some("h"), Some("1"))
        );
        fields.remove("X-A");
        assert_eq!(alloc::format!("{fields:?}"), r#"["Host", "X-Ab"]"#);
    }

    #[test]
    fn nothing_gets_in_that_could_end_a_line_or_contradict_the_handshake() {
        let mut fields = Fields::default();
        for name in ["", "a b", "a:", "a\r\nb", "a\0", "\u{e4}", "(a)"] {
            assert_eq!(fields.add(name, "v"), Err(HeaderError::BadName), "{name:?}");
        }
        for value in ["a\r\nb", "a\n", "\r", "a\0b", "\x7f", "\x1b[0m"] {
            assert_eq!(
                fields.add("X", value),
                Err(HeaderError::bad_value("X")),
                "{value:?}"
            );
        }
        for name in RESERVED
            .iter()
            .chain(&["sec-websocket-key", "SEC-WEBSOCKET-ANYTHING"])
        {
            let error = HeaderError::Reserved {
                name: (*name).into(),
            };
            assert_eq!(fields.add(name, "v"), Err(error));
        }
        assert_eq!(fields, Fields::default());
        assert!(fields.add("Sec-WebSocket", "fine").is_ok());
        assert!(size_of::<HeaderError>() <= 32);
    }
}
