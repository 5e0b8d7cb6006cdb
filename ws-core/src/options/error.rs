//! How connecting and accepting can fail.
//!
//! As everywhere in this crate, the text of an error has the whole story, so `source()` never tells
//! a part of it again; what is underneath is in the variant. Nothing here decides what to do next.

use std::io;

use thiserror::Error;

use super::plain::NO_TLS;
use crate::error::Explanation;
use crate::handshake::{AnswerError, HandshakeError, RedirectError, RequestError};
use crate::policy::{IoClass, Stage};
use crate::proxy::ProxyError;
use crate::session::{DialError, End};
#[cfg(feature = "tls")]
use crate::tls::TlsError;
#[cfg(feature = "tls")]
use crate::url::Url;
use crate::url::UrlError;

const NO_RANDOM: Explanation = Explanation::new(
    "The operating system gave no random bytes",
    "Try again; early in a boot there may be none yet",
);

/// A client could not connect.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The host could not be looked up, or no address of it could be connected to; or those of the
    /// proxy.
    #[error("{} {authority} failed: {error}", if *stage == Stage::Resolve { "looking up" } else { "connecting to" })]
    Dial {
        /// Host and port.
        authority: alloc::string::String,
        /// [`Stage::Resolve`] or [`Stage::Connect`].
        stage: Stage,
        /// What the operating system said.
        error: io::Error,
    },
    /// The server did not open the WebSocket.
    #[error("the opening handshake failed: {0}")]
    Handshake(HandshakeError),
    /// The proxy did not open the way.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The operating system gave no random bytes to mask with.
    #[error("no random bytes: {0}")]
    Random(io::Error),
    /// The server sends the client to where it does not go.
    #[error(transparent)]
    Redirect(#[from] RedirectError),
    /// There is nothing that could be asked for.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// There is no TLS with the server.
    #[cfg(feature = "tls")]
    #[error("tls with {authority}: {error}")]
    Tls {
        /// Host and port.
        authority: alloc::string::String,
        /// What happened.
        error: TlsError,
    },
    /// `wss` is not built into this binding.
    #[error("{authority} wants tls")]
    TlsNotBuilt {
        /// Host and port.
        authority: alloc::string::String,
    },
}

impl From<HandshakeError> for ConnectError {
    fn from(error: HandshakeError) -> Self {
        Self::Handshake(error)
    }
}

impl From<UrlError> for ConnectError {
    fn from(error: UrlError) -> Self {
        Self::Request(error.into())
    }
}

impl ConnectError {
    /// What happened and what to do about it.
    #[must_use]
    pub fn explain(&self) -> Explanation {
        match self {
            Self::Dial { stage, error, .. } => explain_dial(*stage, error.kind()),
            Self::Handshake(error) => error.explain(),
            Self::Proxy(error) => error.explain(),
            Self::Random(_) => NO_RANDOM,
            Self::Redirect(error) => error.explain(),
            Self::Request(error) => error.explain(),
            #[cfg(feature = "tls")]
            Self::Tls { error, .. } => error.explain(),
            Self::TlsNotBuilt { .. } => NO_TLS,
        }
    }

    /// A failure of TLS with the host of the URL.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(url: &Url, error: TlsError) -> Self {
        let authority = url.authority();
        Self::Tls { authority, error }
    }

    /// What a session makes of it.
    #[must_use]
    pub fn dial_error(&self) -> DialError {
        match self {
            Self::Dial { stage, error, .. } => DialError::from_io(*stage, error),
            Self::Proxy(error) => DialError::new(Stage::Proxy, error.class()),
            #[cfg(feature = "tls")]
            Self::Tls { error, .. } => DialError::new(Stage::Tls, error.class()),
            Self::TlsNotBuilt { .. } => DialError::new(Stage::Tls, IoClass::Tls),
            Self::Handshake(_) | Self::Random(_) | Self::Redirect(_) | Self::Request(_) => {
                DialError::new(Stage::Upgrade, IoClass::Other)
            }
        }
    }
}

fn explain_dial(stage: Stage, kind: io::ErrorKind) -> Explanation {
    #[allow(clippy::wildcard_enum_match_arm, reason = "a foreign enum that grows")]
    match kind {
        _ if stage == Stage::Resolve => Explanation::new(
            "The host could not be looked up",
            "Check the spelling of the host, and the network; DialConfig::resolve_timeout bounds it",
        ),
        io::ErrorKind::ConnectionRefused => Explanation::new(
            "Nothing accepts connections at this address",
            "Check that the server is running, and the host and port of the URL",
        ),
        io::ErrorKind::TimedOut => Explanation::new(
            "The host did not answer in time",
            "Check the network and the address, or raise DialConfig::connect_timeout",
        ),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Explanation::new(
            "There is no way to this host",
            "Check the network and the address",
        ),
        _ => Explanation::new(
            "The host could not be reached",
            "Check the spelling of the host, that it can be looked up, and the network",
        ),
    }
}

/// A session could not be started, or ended before its first connection was ready.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// It ended.
    #[error("no connection: {0}")]
    Ended(End),
    /// The operating system gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(io::Error),
    /// A file that the session is to be recorded in can't be opened.
    #[cfg(feature = "testing")]
    #[error("no record: {0}")]
    Record(io::Error),
    /// There is nothing that could be asked for.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The operating system gave no thread to run the session, or nothing for it to wait on.
    #[error("no thread: {0}")]
    Thread(io::Error),
    /// `wss` is not built into this binding.
    #[error("{authority} wants tls")]
    TlsNotBuilt {
        /// Host and port.
        authority: alloc::string::String,
    },
}

impl From<End> for StartError {
    fn from(end: End) -> Self {
        Self::Ended(end)
    }
}

impl From<UrlError> for StartError {
    fn from(error: UrlError) -> Self {
        Self::Request(error.into())
    }
}

impl StartError {
    /// What happened and what to do about it.
    #[must_use]
    pub fn explain(&self) -> Explanation {
        match self {
            Self::Ended(end) => end.explain(),
            Self::Random(_) => NO_RANDOM,
            #[cfg(feature = "testing")]
            Self::Record(_) => Explanation::new(
                "A file of SessionOptions::record can't be opened",
                "Check that its folder is there and may be written to",
            ),
            Self::Request(error) => error.explain(),
            Self::Thread(_) => Explanation::new(
                "The operating system refused a thread, or a descriptor",
                "Close what is not needed, or raise the limits of this process",
            ),
            Self::TlsNotBuilt { .. } => NO_TLS,
        }
    }
}

/// A server could not accept.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// The application's answer can't be given; nothing was sent, and the stream is closed.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// There is no WebSocket; the client was told, if it was still there.
    #[error("the opening handshake failed: {0}")]
    Handshake(HandshakeError),
}

impl From<HandshakeError> for AcceptError {
    fn from(error: HandshakeError) -> Self {
        Self::Handshake(error)
    }
}

impl AcceptError {
    /// What happened and what to do about it.
    #[must_use]
    pub fn explain(&self) -> Explanation {
        match self {
            Self::Answer(error) => error.explain(),
            Self::Handshake(error) => error.explain(),
        }
    }
}
