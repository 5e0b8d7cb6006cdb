//! A client's request, checked, as the application sees it (RFC 6455 §4.2.1).
//!
//! It never answers: that is the machine's.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::ext::Offer;
use crate::handshake::token::list;
use crate::handshake::{BasicAuth, Headers};

/// The header that names subprotocols, in both directions.
pub(crate) const PROTOCOL: &str = "Sec-WebSocket-Protocol";

/// A request that has passed every check.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) resource: Box<str>,
    pub(crate) host: Box<str>,
    pub(crate) headers: Headers,
    pub(crate) extensions: Vec<Offer>,
    /// The `Sec-WebSocket-Accept` of the answer, which proves that the key was read.
    pub(crate) accept: String,
}

impl Incoming {
    /// The subprotocols offered; they were checked to be tokens.
    pub(crate) fn subprotocols(&self) -> impl Iterator<Item = &str> {
        let names = self.headers.get_all(PROTOCOL).flat_map(list);
        names.filter_map(|name| core::str::from_utf8(name).ok())
    }
}

/// A client's request for a WebSocket. It is well formed and of RFC 6455; whether it is welcome is
/// for the application to say.
///
/// `Debug` shows the path, but neither the query nor the values of headers.
#[derive(Clone, Copy)]
pub struct RequestHead<'a>(pub(crate) &'a Incoming);

impl<'a> RequestHead<'a> {
    /// The resource: path and query as they were sent, beginning with a slash.
    #[must_use]
    pub fn target(&self) -> &'a str {
        &self.0.resource
    }

    /// The path, as it was sent: nothing is decoded, no dots are resolved.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.target().split('?').next().unwrap_or_default()
    }

    /// The query behind the first question mark, as it was sent.
    #[must_use]
    pub fn query(&self) -> Option<&'a str> {
        self.target().split_once('?').map(|(_, query)| query)
    }

    /// The host that the client meant, with its port if it was sent: the `Host` header, or what an
    /// absolute target says (RFC 9112 §3.2.2).
    #[must_use]
    pub fn host(&self) -> &'a str {
        &self.0.host
    }

    /// The `Origin` header: where the code that asks was loaded from (RFC 6454 §7). Browsers send
    /// it and can't lie about it; others may send anything. See
    /// [`OriginPolicy`](crate::handshake::OriginPolicy).
    #[must_use]
    pub fn origin(&self) -> Option<&'a str> {
        self.header("Origin")
    }

    /// The first value of a header that is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.0.headers.get(name)
    }

    /// All headers.
    #[must_use]
    pub const fn headers(&self) -> &'a Headers {
        &self.0.headers
    }

    /// The subprotocols that the client offers, the preferred one first.
    pub fn subprotocols(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.0.subprotocols()
    }

    /// The extensions that the client offers, in order of preference; one that is offered twice
    /// gives a choice of parameters.
    #[must_use]
    pub fn extensions(&self) -> &'a [Offer] {
        &self.0.extensions
    }

    /// User and password, if the client sent them with the scheme `Basic` (RFC 7617).
    #[must_use]
    pub fn basic_auth(&self) -> Option<BasicAuth> {
        BasicAuth::parse(self.header("Authorization")?)
    }
}

impl fmt::Debug for RequestHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("host", &self.host())
            .field("path", &self.path())
            .field("headers", &self.headers())
            .finish_non_exhaustive()
    }
}
