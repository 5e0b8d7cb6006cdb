//! A server's refusal, with everything that it said.
//!
//! It never acts on it: to wait, to follow or to give up is the caller's.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::error::Explanation;
use crate::handshake::Headers;

/// The answer of a server that did not open the connection: any status but 101.
///
/// `Debug` shows the names of headers only, and how long the body is.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct Rejection {
    /// The status, from 200 to 999.
    pub status: u16,
    /// All headers of the answer.
    pub headers: Headers,
    /// The body, up to `Limits::max_body` bytes of it.
    pub body: Vec<u8>,
    /// Is the body longer than what is here, or did it break off?
    pub truncated: bool,
}

impl Rejection {
    /// The first value of a header that is text, such as `Retry-After` or `WWW-Authenticate`.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// The body as text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into()
    }

    /// Where the server sends the client instead, if it answers with 301, 302, 303, 307 or 308
    /// (RFC 9110 §15.4). See [`Request::redirected`](crate::handshake::Request::redirected).
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        let redirect = matches!(self.status, 301..=303 | 307 | 308);
        if redirect {
            self.header("Location")
        } else {
            None
        }
    }

    /// What happened and what to do about it.
    #[must_use]
    pub const fn explain(&self) -> Explanation {
        match self.status {
            300..=399 => Explanation::new(
                "The server sends clients to another place",
                "Use the URL in the Location header (Request::redirected checks it)",
            ),
            401 | 403 | 407 => Explanation::new(
                "The server does not let this client in",
                "Check the credentials, and the Origin header if a browser gets in",
            ),
            404 | 410 => Explanation::new(
                "The server has nothing at this path",
                "Check the path of the URL",
            ),
            408 | 429 | 500 | 502..=504 => Explanation::new(
                "The server can't take this connection now",
                "Try again later, after the time in the Retry-After header if there is one",
            ),
            200..=299 | 400 | 405 | 426 | 501 | 505 => Explanation::new(
                "The server answered as if it did not know WebSockets",
                "Check that URL and proxies lead to a WebSocket server",
            ),
            _ => Explanation::new(
                "The server refused the request",
                "Read the status and the body of its answer",
            ),
        }
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejection")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body", &self.body.len())
            .field("truncated", &self.truncated)
            .finish()
    }
}
