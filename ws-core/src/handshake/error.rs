//! What ends an opening handshake without a connection.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use thiserror::Error;

use crate::TransportEnd;
#[cfg(feature = "deflate")]
use crate::deflate::TermsError;
use crate::ext::ExtError;
use crate::handshake::Rejection;

/// The opening handshake failed; there is no connection. Both roles.
///
/// A server that reports one of these has answered its client with
/// [`status_hint`](Self::status_hint), if it was still there to read that. Nothing was said for want
/// of a status; nor after a [`Timeout`](Self::Timeout) of a client that had not sent a byte of its
/// request; nor where the request had been accepted and the 101 did not leave in time
/// (`Timeout`), or more than fits came ahead of it ([`EarlyData`](Self::EarlyData)).
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum HandshakeError {
    /// `Sec-WebSocket-Accept` is not what the key demands (RFC 6455 §4.1).
    #[error("sec-websocket-accept does not answer the key")]
    AcceptMismatch,
    /// The server's answer to the offer of permessage-deflate can't be followed (RFC 7692 §7).
    #[cfg(feature = "deflate")]
    #[error("permessage-deflate: {0}")]
    BadDeflate(TermsError),
    /// The extensions are not written as RFC 6455 §9.1 says.
    #[error("sec-websocket-extensions: {0}")]
    BadExtensions(ExtError),
    /// The head is not HTTP/1.1 (RFC 9112).
    #[error("malformed head: {fault}")]
    BadHead {
        /// The first thing that is wrong.
        fault: HeadFault,
    },
    /// A header whose value is not what this header holds.
    #[error("the value of {name} is not valid")]
    BadHeader {
        /// The header.
        name: &'static str,
    },
    /// A version of HTTP below 1.1, or another major one (RFC 6455 §4.2.1).
    #[error("the version of http is not 1.1 or later")]
    BadHttpVersion,
    /// The target is neither a path nor an absolute URL (RFC 6455 §4.2.1).
    #[error("the request target is not valid")]
    BadTarget,
    /// A request that announces a body: what follows it must be frames.
    #[error("the request announces a body")]
    BodyAnnounced,
    /// A header that may appear once appears again.
    #[error("{name} appears twice")]
    DuplicateHeader {
        /// The header.
        name: &'static str,
    },
    /// The peer sent more data ahead of the answer than is kept for it.
    #[error("more than {limit} bytes came ahead of the answer")]
    EarlyData {
        /// The limit that was passed, in bytes.
        limit: usize,
    },
    /// The transport ended before the handshake was complete.
    #[error("{end} after {received} bytes of the handshake")]
    Ended {
        /// How it ended.
        end: TransportEnd,
        /// Bytes received until then.
        received: u64,
    },
    /// The server answered with an extension that was not offered (RFC 6455 §4.1).
    #[error("extension {name} was not offered")]
    ExtensionNotOffered {
        /// The extension.
        name: Box<str>,
    },
    /// The server answered with the same extension twice, or one of its parameters twice.
    #[error("extension {name} or one of its parameters appears twice")]
    ExtensionRepeated {
        /// The extension.
        name: Box<str>,
    },
    /// The head is longer than `Limits::max_head`.
    #[error("the head is over the limit of {limit} bytes")]
    HeadTooLarge {
        /// The limit that was passed, in bytes.
        limit: usize,
    },
    /// A method other than GET (RFC 6455 §4.1).
    #[error("method {method} is not GET")]
    MethodNotAllowed {
        /// The method, cut to 64 bytes.
        method: Box<str>,
    },
    /// A header that must be there is not.
    #[error("{name} is missing")]
    MissingHeader {
        /// The header.
        name: &'static str,
    },
    /// A request of ordinary HTTP, without any sign of an upgrade.
    #[error("the request does not ask for a websocket")]
    NotAnUpgrade,
    /// The first bytes can't begin an HTTP head.
    #[error("the peer does not speak http")]
    NotHttp,
    /// The application refused the request.
    #[error("the request was refused with status {status}")]
    Refused {
        /// The status that it chose.
        status: u16,
    },
    /// The server answered with a status other than 101.
    #[error("the server refused with status {}", .0.status)]
    Rejected(Box<Rejection>),
    /// The server chose a subprotocol that was not offered (RFC 6455 §4.1).
    #[error("subprotocol {name} was not offered")]
    SubprotocolNotOffered {
        /// What it chose, cut to 64 bytes.
        name: Box<str>,
    },
    /// `Limits::timeout` passed.
    #[error("the opening handshake took too long")]
    Timeout,
    /// A client began a TLS handshake with a plain server.
    #[error("the client speaks tls to a plain port")]
    TlsFromClient,
    /// A server answered a plain request with TLS.
    #[error("the server speaks tls")]
    TlsFromServer,
    /// More header lines than `Limits::max_headers`.
    #[error("more than {limit} headers")]
    TooManyHeaders {
        /// The limit that was passed.
        limit: usize,
    },
    /// The application let `Limits::timeout` pass without answering the request.
    #[error("the request was not answered in time")]
    Undecided,
    /// `Upgrade` does not list `websocket`, or `Connection` not `upgrade` (RFC 6455 §4.1, §4.2.1).
    #[error("{name} does not announce the upgrade")]
    UpgradeMissing {
        /// The header.
        name: &'static str,
    },
    /// `Sec-WebSocket-Version` is missing or not 13 (RFC 6455 §4.4).
    #[error("the version of the websocket protocol is not 13")]
    WrongVersion,
}

impl HandshakeError {
    /// The status with which a server answers this fault of its client, where it answers: see
    /// [`HandshakeError`] for when it says nothing.
    #[must_use]
    pub const fn status_hint(&self) -> Option<u16> {
        Some(match self {
            Self::BadExtensions(_)
            | Self::BadHead { .. }
            | Self::BadHeader { .. }
            | Self::BadTarget
            | Self::BodyAnnounced
            | Self::DuplicateHeader { .. }
            | Self::EarlyData { .. }
            | Self::MissingHeader { .. }
            | Self::NotHttp
            | Self::TlsFromClient
            | Self::UpgradeMissing { .. } => 400,
            Self::MethodNotAllowed { .. } => 405,
            Self::Timeout => 408,
            Self::NotAnUpgrade | Self::WrongVersion => 426,
            Self::HeadTooLarge { .. } | Self::TooManyHeaders { .. } => 431,
            Self::Undecided => 503,
            Self::BadHttpVersion => 505,
            Self::Refused { status } => *status,
            #[cfg(feature = "deflate")]
            Self::BadDeflate(_) => return None,
            Self::AcceptMismatch
            | Self::Ended { .. }
            | Self::ExtensionNotOffered { .. }
            | Self::ExtensionRepeated { .. }
            | Self::Rejected(_)
            | Self::SubprotocolNotOffered { .. }
            | Self::TlsFromServer => return None,
        })
    }
}

/// What makes a head malformed. Each is refused at the first byte that shows it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum HeadFault {
    /// A carriage return without a line feed.
    BareCr,
    /// A line feed without a carriage return.
    BareLf,
    /// A control character, NUL included, or in a request line a byte that is not ASCII.
    Control,
    /// A header whose name is empty or not a token.
    HeaderName,
    /// A header that goes on in the next line (RFC 9112 §5.2).
    ObsFold,
    /// White space between the name of a header and its colon (RFC 9112 §5.1).
    SpaceBeforeColon,
    /// A request line or status line that is not made of the parts it should be.
    StartLine,
}

impl fmt::Display for HeadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BareCr => "a carriage return without a line feed",
            Self::BareLf => "a line feed without a carriage return",
            Self::Control => "a character that is not allowed",
            Self::HeaderName => "the name of a header is not a token",
            Self::ObsFold => "a header goes on in the next line",
            Self::SpaceBeforeColon => "white space before a colon",
            Self::StartLine => "the first line is malformed",
        })
    }
}

/// What the peer sent, for an error: not more than a line of it.
pub(crate) fn excerpt(bytes: &[u8]) -> Box<str> {
    String::from_utf8_lossy(&bytes[..bytes.len().min(64)]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_small() {
        assert!(size_of::<HandshakeError>() <= 32);
    }

    #[test]
    fn excerpts_are_short_and_always_text() {
        assert_eq!(&*excerpt(b"POST"), "POST");
        assert_eq!(&*excerpt(b"\xff"), "\u{fffd}");
        assert!(excerpt(&[b'x'; 100]).len() == 64);
    }
}
