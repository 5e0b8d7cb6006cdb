//! What can be wrong with a URL.
//!
//! It never shows the URL itself, which may hold a password.

use thiserror::Error;

use crate::error::Explanation;
use crate::url::MAX_LEN;

/// The text is not a URL that a WebSocket can be opened with.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum UrlError {
    /// The host is neither a name nor an address.
    #[error("the host is not valid")]
    BadHost,
    /// The host ends in a number and is no IPv4 address: `1.2.3`, `127.1`, `0x7f000001`.
    #[error("the host looks like an ipv4 address and is none")]
    BadIpv4,
    /// An IPv6 address that is not valid, or not in brackets (RFC 3986 §3.2.2).
    #[error("the ipv6 address is not valid")]
    BadIpv6,
    /// The port is not a number from 1 to 65535.
    #[error("the port is not a number from 1 to 65535")]
    BadPort,
    /// User or password are not UTF-8 once decoded, hold a control character, or the user a colon
    /// (RFC 7617 §2).
    #[error("the user or password can't be sent")]
    BadUserInfo,
    /// There is no host.
    #[error("the host is empty")]
    EmptyHost,
    /// There is a fragment (`#...`), which a WebSocket URL must not have (RFC 6455 §3).
    #[error("there is a fragment")]
    Fragment,
    /// A character that may only appear percent-encoded, or a percent sign that encodes nothing.
    #[error("character {found:?} at byte {at} must be percent-encoded")]
    MustEncode {
        /// The character.
        found: char,
        /// Where it is, in bytes.
        at: usize,
    },
    /// There is no scheme.
    #[error("the scheme is missing")]
    NoScheme,
    /// The URL is longer than 8192 bytes.
    #[error("a url of {len} bytes is over the limit of {MAX_LEN}")]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// The scheme is none of `ws`, `wss`, `http` and `https`.
    #[error("the scheme is none of ws, wss, http, https")]
    UnknownScheme,
}

impl UrlError {
    /// What happened and what to do about it.
    #[must_use]
    pub const fn explain(&self) -> Explanation {
        match self {
            Self::BadHost => Explanation::new(
                "The host of the URL is neither a name nor an address",
                "Use letters, digits, hyphens and dots, or an address; IPv6 goes in brackets",
            ),
            Self::BadIpv4 => Explanation::new(
                "The host of the URL ends in a number but is not an IPv4 address",
                "Write all four numbers in decimal and without leading zeros",
            ),
            Self::BadIpv6 => Explanation::new(
                "The IPv6 address in the URL is not valid",
                "Write it in brackets and without a zone, as in ws://[2001:db8::1]:8080/",
            ),
            Self::BadPort => Explanation::new(
                "The port of the URL is not valid",
                "Use a number from 1 to 65535, or leave it out for 80 (ws) or 443 (wss)",
            ),
            Self::BadUserInfo => Explanation::new(
                "The user or password of the URL can't be put in an Authorization header",
                "Use UTF-8 without control characters and no colon in the user, or set the \
                 Authorization header yourself",
            ),
            Self::EmptyHost => Explanation::new(
                "The URL has no host",
                "Write a name or an address after ://, as in wss://example.com/",
            ),
            Self::Fragment => Explanation::new(
                "WebSocket URLs have no fragment",
                "Remove the # and what follows, or write %23 if the # belongs to the path or query",
            ),
            Self::MustEncode { .. } => Explanation::new(
                "The URL holds a character that may not stand there as it is",
                "Percent-encode it, as %20 for a space; write a host that is not ASCII in punycode",
            ),
            Self::NoScheme => Explanation::new(
                "The URL has no scheme",
                "Begin with wss:// (TLS) or ws:// (plain)",
            ),
            Self::TooLong { .. } => Explanation::new(
                "The URL is longer than 8192 bytes",
                "Send the data in a header or in the first message instead",
            ),
            Self::UnknownScheme => Explanation::new(
                "WebSockets are opened with ws and wss URLs",
                "Begin with wss:// (TLS) or ws:// (plain); https:// and http:// mean the same",
            ),
        }
    }
}
