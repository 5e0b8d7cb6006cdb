//! What went wrong, as data: where, what kind, and at which endpoint.
//!
//! It says nothing about what follows from it.

use core::fmt;
use core::time::Duration;

use crate::close::CloseCode;

/// One failed dial or one lost connection, as the classifier sees it.
///
/// ```
/// use ws_core::policy::{Failure, FailureKind, Stage};
///
/// let failure = Failure::new(Stage::Upgrade, FailureKind::Http {
///     status: 503,
///     retry_after: None,
///     body: b"",
/// });
/// assert_eq!(failure.endpoint, 0);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Failure<'a> {
    /// How far the attempt had come.
    pub stage: Stage,
    /// What happened.
    pub kind: FailureKind<'a>,
    /// Which endpoint it happened at, by the caller's numbering. Default 0.
    pub endpoint: u32,
    /// Has the session ever been ready? Default [`Phase::Reconnect`].
    pub phase: Phase,
}

impl<'a> Failure<'a> {
    /// A failure at endpoint 0 of a session that has been ready before.
    #[must_use]
    pub const fn new(stage: Stage, kind: FailureKind<'a>) -> Self {
        Self {
            stage,
            kind,
            endpoint: 0,
            phase: Phase::Reconnect,
        }
    }

    /// Sets [`endpoint`](Self#structfield.endpoint).
    #[must_use]
    pub const fn endpoint(mut self, endpoint: u32) -> Self {
        self.endpoint = endpoint;
        self
    }

    /// Sets [`phase`](Self#structfield.phase).
    #[must_use]
    pub const fn phase(mut self, phase: Phase) -> Self {
        self.phase = phase;
        self
    }
}

/// Whether a session is still looking for its first connection.
///
/// Exhaustive on purpose: it has been ready, or not.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Phase {
    /// It has never been ready: a wrong address is likelier than an outage.
    Initial,
    /// It has been ready before.
    #[default]
    Reconnect,
}

/// How far an attempt had come, in the order of an attempt.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Stage {
    /// Looking up the name.
    Resolve,
    /// The TCP connection, or what stands for it.
    Connect,
    /// The connection through a proxy.
    Proxy,
    /// The TLS handshake.
    Tls,
    /// The opening handshake of WebSocket.
    Upgrade,
    /// The login inside the connection.
    Auth,
    /// The rest of what a connection needs before it is ready.
    Setup,
    /// In use.
    Ready,
    /// Closing on purpose.
    Draining,
}

/// What happened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FailureKind<'a> {
    /// The login says that no credentials will ever do: an account that is closed.
    AuthDenied,
    /// The login refused these credentials.
    AuthRejected {
        /// The dialect's number for it.
        code: i64,
    },
    /// The peer closed with a Close frame; 1005 if it gave no code.
    Close {
        /// Its code.
        code: CloseCode,
        /// Its reason, possibly empty.
        reason: &'a str,
    },
    /// The transport ended without a Close frame.
    Eof,
    /// An answer to the opening handshake that is not 101.
    Http {
        /// The status.
        status: u16,
        /// Its `Retry-After`, as a wait from now.
        retry_after: Option<Duration>,
        /// The beginning of the body.
        body: &'a [u8],
    },
    /// Nothing was received for too long.
    IdleTimeout,
    /// The transport failed.
    Io(IoClass),
    /// This end closed on purpose.
    Local,
    /// No answer to a ping.
    PongTimeout,
    /// The peer broke the protocol or a limit, an invalid 101 included.
    Protocol,
    /// The stage took too long.
    Timeout,
}

/// What kind of failure the transport reports; bindings sort their errors into these.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum IoClass {
    /// The certificate of the server is expired, unknown, for another name, or otherwise no good.
    Certificate,
    /// The name does not exist.
    NameNotFound,
    /// None of the others.
    Other,
    /// Nobody listens.
    Refused,
    /// The connection was reset or broken.
    Reset,
    /// The name service did not answer.
    ResolveFailed,
    /// The operating system gave up waiting.
    TimedOut,
    /// TLS failed for a reason other than the certificate.
    Tls,
    /// No route to the host or network.
    Unreachable,
}

/// The class of a failure: two failures of one class at one endpoint are "the same again".
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Class {
    AuthDenied,
    AuthRejected(i64),
    Close(u16),
    Eof,
    Http(u16),
    IdleTimeout,
    Io(IoClass),
    Local,
    PongTimeout,
    Protocol,
    Timeout(Stage),
}

impl Failure<'_> {
    pub(super) const fn class(&self) -> Class {
        match self.kind {
            FailureKind::AuthDenied => Class::AuthDenied,
            FailureKind::AuthRejected { code } => Class::AuthRejected(code),
            FailureKind::Close { code, .. } => Class::Close(code.get()),
            FailureKind::Eof => Class::Eof,
            FailureKind::Http { status, .. } => Class::Http(status),
            FailureKind::IdleTimeout => Class::IdleTimeout,
            FailureKind::Io(class) => Class::Io(class),
            FailureKind::Local => Class::Local,
            FailureKind::PongTimeout => Class::PongTimeout,
            FailureKind::Protocol => Class::Protocol,
            FailureKind::Timeout => Class::Timeout(self.stage),
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "name lookup",
            Self::Connect => "connect",
            Self::Proxy => "proxy",
            Self::Tls => "tls handshake",
            Self::Upgrade => "opening handshake",
            Self::Auth => "login",
            Self::Setup => "set-up",
            Self::Ready => "traffic",
            Self::Draining => "closing",
        })
    }
}

impl fmt::Display for IoClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "the certificate is no good",
            Self::NameNotFound => "the name does not exist",
            Self::Other => "the transport failed",
            Self::Refused => "the connection was refused",
            Self::Reset => "the connection was reset",
            Self::ResolveFailed => "the name service did not answer",
            Self::TimedOut => "it took too long",
            Self::Tls => "tls failed",
            Self::Unreachable => "the host can't be reached",
        })
    }
}
