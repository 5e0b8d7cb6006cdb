//! Through a proxy: HTTP `CONNECT` (RFC 9110 §9.3.6) and SOCKS5 (RFC 1928, RFC 1929), as machines.
//!
//! The owner connects to the proxy's own address, drives a [`Tunnel`] over that transport, and uses
//! the transport as if it led to the host itself from there on, TLS included. Never looks a name up:
//! the proxy does, so that the network on this side does not learn where the way leads. Never reads
//! the environment: [`ProxyEnv`] is handed what stands there.
//!
//! | item | is |
//! |---|---|
//! | [`Proxy`] | which proxy, and as whom |
//! | [`Tunnel`] | the machine that asks it for a way |
//! | [`ProxyError`] | why there is none; names the proxy |
//! | [`ProxyEnv`] | `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY` |
//!
//! ```
//! use bytes::Buf;
//! use ws_core::handshake::Limits;
//! use ws_core::proxy::{Proxy, Tunnel};
//! use ws_core::url::Host;
//! use ws_core::{Instant, Machine};
//!
//! let now = Instant::ORIGIN;
//! let proxy: Proxy = "http://ann:s3cret@proxy.example:3128".parse()?;
//! let host = Host::Domain("server.example.com".into());
//! let mut tunnel = Tunnel::new(&proxy, &host, 443, &Limits::default(), now);
//! let (recv, send) = tunnel.io();
//! assert!(send.chunk().starts_with(b"CONNECT server.example.com:443 HTTP/1.1\r\n"));
//! send.advance(send.remaining());
//! recv.extend_from_slice(b"HTTP/1.1 200 OK\r\n\r\n");
//! assert!(tunnel.poll(now)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod env;
mod error;
mod http;
mod socks;
#[cfg(test)]
mod tests;
mod tunnel;

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

pub use env::ProxyEnv;
pub use error::{ProxyError, ProxyFault, SocksFault};
pub use tunnel::Tunnel;

use crate::url::{Host, UrlError, UserInfo, parse_authority};

/// A proxy to go through: `http://[user[:password]@]host[:port]` or `socks5://...`.
///
/// The port is 80 or 1080 unless it is named. `socks5h` is another name of `socks5`: names are always
/// looked up by the proxy. Neither `Display` nor `Debug` shows user and password.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct Proxy {
    kind: Kind,
    host: Host,
    port: u16,
    login: Option<UserInfo>,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Kind {
    Http,
    Socks5,
}

impl Proxy {
    /// Reads a proxy's URL.
    ///
    /// # Errors
    /// What is wrong with it: [`UrlError::UnknownScheme`] for anything but `http`, `socks5` and
    /// `socks5h`, among others. A path other than `/` is refused, since it would mean nothing.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::NoScheme)?;
        let is = |name| scheme.eq_ignore_ascii_case(name);
        let (kind, default_port) = if is("http") {
            (Kind::Http, 80)
        } else if is("socks5") || is("socks5h") {
            (Kind::Socks5, 1080)
        } else {
            return Err(UrlError::UnknownScheme);
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (login, host, port) = parse_authority(authority, scheme.len() + 3, default_port)?;
        Ok(Self {
            kind,
            host,
            port,
            login,
        })
    }

    /// Whom to connect to.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The port to connect to.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// User and password to present, in place of those of the URL. SOCKS5 can carry at most 255
    /// bytes of each (RFC 1929).
    #[must_use]
    pub fn login(mut self, user: &str, password: &str) -> Self {
        self.login = Some(UserInfo {
            user: user.into(),
            password: Some(password.into()),
        });
        self
    }

    fn credentials(&self) -> Option<(&str, &str)> {
        let login = self.login.as_ref()?;
        Some((&login.user, login.password.as_deref().unwrap_or_default()))
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            Kind::Http => "http",
            Kind::Socks5 => "socks5",
        };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let login = self.login.as_ref().map(|_| "[redacted]");
        f.debug_struct("Proxy")
            .field("url", &format_args!("{self}"))
            .field("login", &login)
            .finish()
    }
}

impl FromStr for Proxy {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

/// `host:port`, as `CONNECT` wants it: always with the port.
fn authority(host: &Host, port: u16) -> String {
    alloc::format!("{host}:{port}")
}

/// The proxy's own name in errors.
fn name(proxy: &Proxy) -> Box<str> {
    alloc::format!("{proxy}").into()
}
