//! Why a proxy opened no way. Never holds credentials.

use alloc::boxed::Box;
use core::fmt;

use thiserror::Error;

use crate::error::Explanation;
use crate::handshake::{HandshakeError, Rejection};
use crate::policy::IoClass;
use crate::url::UrlError;

/// A proxy did not open the way.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("proxy {proxy}: {fault}")]
#[non_exhaustive]
pub struct ProxyError {
    /// Which proxy, without user and password.
    pub proxy: Box<str>,
    /// What happened.
    pub fault: ProxyFault,
}

/// What happened at a proxy.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ProxyFault {
    /// It wants to know who asks (HTTP 407, or a SOCKS5 proxy that takes none of the ways to log in
    /// that were offered), and no credentials were given.
    #[error("it wants credentials")]
    AuthRequired,
    /// It refused the credentials.
    #[error("it refused the credentials")]
    AuthRefused,
    /// What names it is not the URL of a proxy.
    #[error("{0}")]
    BadUrl(UrlError),
    /// What it says is not HTTP/1.1, is over a limit, or came too late or not at all.
    #[error("{0}")]
    Handshake(HandshakeError),
    /// User or password are longer than the 255 bytes that SOCKS5 can carry (RFC 1929), or empty.
    #[error("the credentials can't be carried by socks5")]
    LoginTooLong,
    /// What it says is not SOCKS5.
    #[error("it does not speak socks5")]
    NotSocks,
    /// It answered `CONNECT` with another status than 2xx.
    #[error("it refused with status {}", .0.status)]
    Refused(Box<Rejection>),
    /// It answered the SOCKS5 request with an error (RFC 1928 §6).
    #[error("{0}")]
    Socks(SocksFault),
}

/// The answers of a SOCKS5 proxy that could not, or would not, connect (RFC 1928 §6).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum SocksFault {
    /// 1: general failure.
    General,
    /// 2: not allowed by its rules.
    NotAllowed,
    /// 3: network unreachable.
    NetworkUnreachable,
    /// 4: host unreachable.
    HostUnreachable,
    /// 5: connection refused.
    ConnectionRefused,
    /// 6: the time to live ran out.
    TtlExpired,
    /// 7: it does not know `CONNECT`.
    CommandNotSupported,
    /// 8: it does not know this type of address.
    AddressNotSupported,
    /// A number that RFC 1928 does not assign.
    Unassigned(u8),
}

impl SocksFault {
    /// What a reply stands for; `None` for 0, success.
    pub(super) const fn from_reply(reply: u8) -> Option<Self> {
        Some(match reply {
            0 => return None,
            1 => Self::General,
            2 => Self::NotAllowed,
            3 => Self::NetworkUnreachable,
            4 => Self::HostUnreachable,
            5 => Self::ConnectionRefused,
            6 => Self::TtlExpired,
            7 => Self::CommandNotSupported,
            8 => Self::AddressNotSupported,
            other => Self::Unassigned(other),
        })
    }
}

impl fmt::Display for SocksFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::General => "it failed",
            Self::NotAllowed => "its rules forbid this destination",
            Self::NetworkUnreachable => "it can't reach the network",
            Self::HostUnreachable => "it can't reach the host",
            Self::ConnectionRefused => "the host refused it",
            Self::TtlExpired => "the host is too many hops away from it",
            Self::CommandNotSupported => "it does not open connections",
            Self::AddressNotSupported => "it does not know this type of address",
            Self::Unassigned(reply) => return write!(f, "it failed with reply {reply}"),
        })
    }
}

impl ProxyError {
    /// What the environment names is no proxy; it is not shown, since it may hold a password.
    #[cfg(feature = "std")]
    pub(crate) fn of_environment(error: UrlError) -> Self {
        Self {
            proxy: "of the environment".into(),
            fault: ProxyFault::BadUrl(error),
        }
    }

    /// The transport was given up before the proxy said anything.
    #[cfg(feature = "pump")]
    pub(crate) fn gone(proxy: &super::Proxy) -> Self {
        let fault = HandshakeError::Ended {
            end: crate::TransportEnd::Other,
            received: 0,
        };
        Self {
            proxy: super::name(proxy),
            fault: fault.into(),
        }
    }

    /// What kind of failure it is, for the policies.
    #[must_use]
    pub const fn class(&self) -> IoClass {
        match &self.fault {
            ProxyFault::Handshake(HandshakeError::Timeout)
            | ProxyFault::Socks(SocksFault::TtlExpired) => IoClass::TimedOut,
            ProxyFault::Handshake(HandshakeError::Ended { .. }) => IoClass::Reset,
            ProxyFault::Socks(SocksFault::ConnectionRefused) => IoClass::Refused,
            ProxyFault::Socks(SocksFault::HostUnreachable | SocksFault::NetworkUnreachable) => {
                IoClass::Unreachable
            }
            ProxyFault::AuthRefused
            | ProxyFault::AuthRequired
            | ProxyFault::BadUrl(_)
            | ProxyFault::Handshake(_)
            | ProxyFault::LoginTooLong
            | ProxyFault::NotSocks
            | ProxyFault::Refused(_)
            | ProxyFault::Socks(_) => IoClass::Other,
        }
    }

    /// What happened and what to do about it.
    #[must_use]
    pub const fn explain(&self) -> Explanation {
        match &self.fault {
            ProxyFault::AuthRequired => Explanation::new(
                "The proxy wants to know who asks",
                "Put user and password into the proxy's URL, or set them with Proxy::login",
            ),
            ProxyFault::AuthRefused => Explanation::new(
                "The proxy refused the user or the password",
                "Check both; they are those of the proxy, not of the server",
            ),
            ProxyFault::BadUrl(_) => Explanation::new(
                "What the environment names as the proxy is not the URL of one",
                "Set the variable to http://HOST:PORT or socks5://HOST:PORT",
            ),
            ProxyFault::LoginTooLong => Explanation::new(
                "SOCKS5 carries users and passwords of 1 to 255 bytes",
                "Use an HTTP proxy, or shorter credentials",
            ),
            ProxyFault::NotSocks => Explanation::new(
                "The proxy does not speak SOCKS5",
                "Check host, port and scheme of the proxy; http:// is for CONNECT",
            ),
            ProxyFault::Handshake(HandshakeError::Timeout) => Explanation::new(
                "The proxy did not open the way in time",
                "Check the proxy, or raise DialConfig::proxy_timeout",
            ),
            ProxyFault::Handshake(HandshakeError::Ended { .. }) => Explanation::new(
                "The proxy ended the connection before it opened the way",
                "Check that host, port and scheme are those of the proxy",
            ),
            ProxyFault::Handshake(_) => Explanation::new(
                "The proxy does not speak HTTP/1.1 as it should",
                "Check host, port and scheme of the proxy; socks5:// is for SOCKS",
            ),
            ProxyFault::Refused(_) => Explanation::new(
                "The proxy does not connect to this destination",
                "Read the status and body of its answer; its rules may forbid host or port",
            ),
            ProxyFault::Socks(SocksFault::NotAllowed) => Explanation::new(
                "The proxy's rules forbid this destination",
                "Ask whoever runs the proxy",
            ),
            ProxyFault::Socks(_) => Explanation::new(
                "The proxy could not connect to the destination",
                "Check host and port of the URL, and the proxy's own network",
            ),
        }
    }
}
