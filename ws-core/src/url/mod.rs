//! Where a connection goes: `ws`, `wss`, `http` and `https` URLs (RFC 6455 §3, RFC 3986).
//!
//! Knows how a URL is written and what of it goes into the opening handshake; refuses to resolve a
//! name or to guess what a wrong URL may have meant.

mod error;
mod host;
mod parse;

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

pub use error::UrlError;
pub use host::Host;
pub(crate) use parse::parse_authority;

/// The longest URL that is accepted, in bytes.
pub(crate) const MAX_LEN: usize = 8192;

/// A URL to open a WebSocket with.
///
/// `http` and `https` are other names of `ws` and `wss`. Two URLs are equal if they lead to the same
/// resource as the same user. Neither `Display` nor `Debug` shows user and password; `Display`
/// shows everything else, query included.
///
/// ```
/// use ws_core::url::{Host, Url};
///
/// let url: Url = "wss://ann:s3cret@example.com:9001?room=7".parse()?;
/// assert!(url.is_secure());
/// assert_eq!(url.host(), &Host::Domain("example.com".into()));
/// assert_eq!(url.authority(), "example.com:9001");
/// assert_eq!(url.target(), "/?room=7");
/// assert_eq!(url.password(), Some("s3cret"));
/// assert_eq!(url.to_string(), "wss://example.com:9001/?room=7");
/// # Ok::<(), ws_core::url::UrlError>(())
/// ```
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct Url {
    secure: bool,
    userinfo: Option<UserInfo>,
    host: Host,
    port: u16,
    target: Box<str>,
}

#[derive(Clone, Eq, Hash, PartialEq)]
pub(crate) struct UserInfo {
    pub(crate) user: Box<str>,
    pub(crate) password: Option<Box<str>>,
}

impl Url {
    /// Reads a URL of at most 8192 bytes.
    ///
    /// # Errors
    /// What [`UrlError`] lists; a URL is taken as it stands or refused, never repaired.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        parse::parse(text)
    }

    /// Is it `wss` (or `https`): WebSocket over TLS?
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// `"ws"` or `"wss"`.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        if self.secure { "wss" } else { "ws" }
    }

    /// The host to connect to, and the name to verify with TLS.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The port to connect to: 80 or 443 unless the URL names one.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The value of the `Host` header: the host, with the port unless it is the scheme's default
    /// (RFC 6455 §4.1).
    #[must_use]
    pub fn authority(&self) -> String {
        if self.port == Self::default_port(self.secure) {
            alloc::format!("{}", self.host)
        } else {
            alloc::format!("{}:{}", self.host, self.port)
        }
    }

    /// The resource: path and query, `/` if the path is empty (RFC 6455 §3).
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The user, decoded.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.userinfo.as_ref().map(|userinfo| &*userinfo.user)
    }

    /// The password, decoded.
    #[must_use]
    pub fn password(&self) -> Option<&str> {
        self.userinfo.as_ref()?.password.as_deref()
    }

    /// As much of it as may be shown wherever secrets may not: scheme, host and port. What follows
    /// them may be a key, in the path as well as in the query.
    pub(crate) const fn origin(&self) -> Origin<'_> {
        Origin(self)
    }

    /// Do both lead to the same scheme, host and port?
    pub(crate) fn is_same_origin(&self, other: &Self) -> bool {
        (self.secure, &self.host, self.port) == (other.secure, &other.host, other.port)
    }

    /// Takes over user and password unless it has its own.
    pub(crate) fn inherit_user(&mut self, other: &Self) {
        if self.userinfo.is_none() {
            self.userinfo = other.userinfo.clone();
        }
    }

    const fn default_port(secure: bool) -> u16 {
        if secure { 443 } else { 80 }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.target)
    }
}

/// Where a URL leads, and not to what: `wss://example.com:9001`.
pub(crate) struct Origin<'a>(&'a Url);

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.0.authority())
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let userinfo = if self.userinfo.is_some() {
            "[redacted]@"
        } else {
            ""
        };
        write!(
            f,
            "Url({}://{userinfo}{}{})",
            self.scheme(),
            self.authority(),
            self.target
        )
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for Url {
    type Error = UrlError;

    fn try_from(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

impl TryFrom<&String> for Url {
    type Error = UrlError;

    fn try_from(text: &String) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Url {
    type Error = UrlError;

    fn try_from(text: String) -> Result<Self, UrlError> {
        Self::parse(&text)
    }
}

impl From<&Self> for Url {
    fn from(url: &Self) -> Self {
        url.clone()
    }
}
