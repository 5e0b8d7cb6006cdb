//! Failed handshakes in plain words.
//!
//! It decides nothing about trying again.

use crate::TransportEnd;
use crate::error::Explanation;
use crate::handshake::HandshakeError;

impl HandshakeError {
    /// What happened and what to do about it.
    #[must_use]
    pub const fn explain(&self) -> Explanation {
        match self {
            Self::AcceptMismatch => Explanation::new(
                "The server did not prove that it read the key of this request",
                "Look for a cache or a proxy that answers in the server's place",
            ),
            #[cfg(feature = "deflate")]
            Self::BadDeflate(error) => error.explain(),
            Self::BadExtensions(error) => error.explain(),
            Self::BodyAnnounced => Explanation::new(
                "A request for a WebSocket has no body",
                "Send it without Content-Length and Transfer-Encoding",
            ),
            Self::EarlyData { .. } => Explanation::new(
                "The peer sent frames before the handshake was complete",
                "Have it wait for that, as RFC 6455, section 4.1 says",
            ),
            Self::Ended { end, received } => explain_end(*end, *received),
            Self::ExtensionNotOffered { .. } | Self::ExtensionRepeated { .. } => Explanation::new(
                "The server uses an extension that this client did not ask for",
                "Switch the extension off at the server, or offer it",
            ),
            Self::HeadTooLarge { .. } | Self::TooManyHeaders { .. } => Explanation::new(
                "The peer sent more headers than this end accepts",
                "Send fewer or smaller cookies and headers, or raise Limits::max_head and \
                 Limits::max_headers",
            ),
            Self::NotHttp => Explanation::new(
                "The peer does not speak HTTP",
                "Check that host and port are those of a WebSocket server",
            ),
            Self::Refused { .. } => Explanation::new(
                "The application refused the request",
                "Nothing is wrong with the connection; the status says why",
            ),
            Self::Rejected(rejection) => rejection.explain(),
            Self::SubprotocolNotOffered { .. } => Explanation::new(
                "The server speaks a subprotocol that this client did not offer",
                "Offer the subprotocol that the server names, or configure the server",
            ),
            Self::Timeout => Explanation::new(
                "The peer did not finish the opening handshake in time",
                "Check that it is a WebSocket server and not overloaded, or raise Limits::timeout",
            ),
            Self::TlsFromClient => Explanation::new(
                "The client speaks TLS and this port does not",
                "Use a ws:// URL, or put TLS in front of this server",
            ),
            Self::TlsFromServer => Explanation::new(
                "This is a TLS server, and it was asked without TLS",
                "Do TLS first, and pass the stream that speaks it to the client function or builder",
            ),
            Self::Undecided => Explanation::new(
                "The application took too long to decide about a request",
                "Decide faster, or raise Limits::timeout",
            ),
            Self::UpgradeMissing { .. } => Explanation::new(
                "The peer, or a proxy on the way, does not take part in the upgrade",
                "Make the proxy pass on the headers Upgrade and Connection",
            ),
            Self::NotAnUpgrade => Explanation::new(
                "A browser or another HTTP client asked, or a proxy removed the upgrade headers",
                "Use a WebSocket client, and make a proxy pass on Upgrade and Connection",
            ),
            Self::WrongVersion => Explanation::new(
                "The client speaks another version of the WebSocket protocol",
                "Use a client of RFC 6455, which is version 13",
            ),
            Self::BadHead { .. }
            | Self::BadHeader { .. }
            | Self::BadHttpVersion
            | Self::BadTarget
            | Self::DuplicateHeader { .. }
            | Self::MethodNotAllowed { .. }
            | Self::MissingHeader { .. } => Explanation::new(
                "The peer's part of the opening handshake breaks HTTP/1.1 or RFC 6455",
                "Report this to whoever wrote the peer; nothing at this end is at fault",
            ),
        }
    }
}

const fn explain_end(end: TransportEnd, received: u64) -> Explanation {
    match (end, received) {
        (TransportEnd::TimedOut, _) => Explanation::new(
            "The network lost the connection during the opening handshake",
            "Check the network and try again",
        ),
        (_, 0) => Explanation::new(
            "The peer closed the connection without a word",
            "Check that the port speaks HTTP, and whether it wants TLS",
        ),
        (TransportEnd::Eof | TransportEnd::Other | TransportEnd::Reset, _) => Explanation::new(
            "The connection ended in the middle of the opening handshake",
            "Try again; if it stays so, look at the peer's log",
        ),
    }
}
