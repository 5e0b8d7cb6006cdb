//! Which origins are welcome (RFC 6455 §10.2).
//!
//! It refuses nobody itself: it says whether an origin is on the list.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::handshake::RequestHead;
use crate::url::Url;

/// Where the code may come from that opens connections to a server.
///
/// Browsers let every page open a WebSocket to every server and send cookies along; the `Origin`
/// header is how a server tells its own pages from others. Refuse with 403 what does not pass.
///
/// ```
/// use ws_core::handshake::OriginPolicy;
///
/// let policy = OriginPolicy::allow(["https://example.com", "https://example.org:8443"]);
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum OriginPolicy {
    /// Only these, as in `https://example.com`. A request without an origin does not pass: check
    /// [`RequestHead::origin`] first if others than browsers are welcome.
    Allow(Vec<Box<str>>),
    /// All of them, which is right for servers that trust nothing that a browser adds by itself.
    #[default]
    Any,
    /// The origin whose host and port are those that the request was sent to. Requests without an
    /// origin pass too: they do not come from a browser. A server inside a private network is better
    /// off with [`Allow`](Self::Allow): a foreign page whose name is made to resolve to the server's
    /// address is its own origin.
    SameOrigin,
}

impl OriginPolicy {
    /// [`Allow`](Self::Allow) with these origins.
    pub fn allow<I>(origins: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Box<str>>,
    {
        Self::Allow(origins.into_iter().map(Into::into).collect())
    }

    /// Is the origin of this request welcome?
    #[must_use]
    pub fn check(&self, request: &RequestHead<'_>) -> bool {
        match (self, request.origin()) {
            (Self::Any, _) | (Self::SameOrigin, None) => true,
            (Self::Allow(_), None) => false,
            (Self::Allow(allowed), Some(origin)) => {
                allowed.iter().any(|allowed| is_same(allowed, origin))
            }
            (Self::SameOrigin, Some(origin)) => {
                // The origin's scheme says what the default port of both is.
                let scheme = origin.split("://").next().unwrap_or_default();
                let own = parse(&[scheme, "://", request.host()].concat());
                own.is_some() && own == parse(origin)
            }
        }
    }
}

/// Are two origins the same? Those of the web are compared as URLs, so that the case of the host and
/// a default port that is written out make no difference; others to the letter.
fn is_same(a: &str, b: &str) -> bool {
    match (parse(a), parse(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

/// An origin is a URL without user, path and query (RFC 6454 §6.2).
fn parse(origin: &str) -> Option<Url> {
    let (_, authority) = origin.split_once("://")?;
    if authority.contains(['/', '?', '@']) {
        None
    } else {
        Url::parse(origin).ok()
    }
}
