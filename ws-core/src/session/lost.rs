//! Why there is no connection: failed attempts, lost connections, and the end of all.

use core::fmt;
use core::time::Duration;

use thiserror::Error;

use crate::connection::{By, Cause, Closed};
use crate::error::Explanation;
use crate::handshake::HandshakeError;
use crate::machine::{Deadline, TransportEnd};
use crate::policy::{Exhausted, FailureKind, IoClass, Stage};
use crate::wall::UnixTime;

use super::auth::LoginFailure;

/// Why a transport could not be connected.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("{class} ({stage})")]
#[non_exhaustive]
pub struct DialError {
    /// How far it got.
    pub stage: Stage,
    /// What kind of failure it was.
    pub class: IoClass,
}

impl DialError {
    /// An error of this kind at this stage.
    #[must_use]
    pub const fn new(stage: Stage, class: IoClass) -> Self {
        Self { stage, class }
    }

    /// What an error of the operating system is, at this stage.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn from_io(stage: Stage, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        #[allow(clippy::wildcard_enum_match_arm, reason = "a foreign enum that grows")]
        let class = match error.kind() {
            ErrorKind::ConnectionRefused => IoClass::Refused,
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof => IoClass::Reset,
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => IoClass::Unreachable,
            ErrorKind::TimedOut => IoClass::TimedOut,
            // The standard library has one kind for every way in which a lookup fails.
            _ if stage == Stage::Resolve => IoClass::ResolveFailed,
            _ => IoClass::Other,
        };
        Self { stage, class }
    }

    /// What happened and what to do about it.
    #[must_use]
    pub const fn explain(&self) -> Explanation {
        match self.class {
            IoClass::Certificate => Explanation::new(
                "The server's certificate can't be trusted",
                "Check its dates and its name, or add the root that signed it",
            ),
            IoClass::NameNotFound => Explanation::new(
                "The host of the URL does not exist",
                "Verify the spelling of the host",
            ),
            IoClass::Refused => Explanation::new(
                "Nothing accepts connections at this address",
                "Check that the server is running, and the host and port of the URL",
            ),
            IoClass::ResolveFailed => {
                Explanation::new("The name service did not answer", "Check the network")
            }
            IoClass::TimedOut => Explanation::new(
                "The host did not answer in time",
                "Check the network, or raise SessionConfig::attempt_timeout",
            ),
            IoClass::Unreachable => Explanation::new(
                "There is no way to this host",
                "Check the network and the address",
            ),
            IoClass::Other | IoClass::Reset | IoClass::Tls => Explanation::new(
                "The connection could not be made",
                "Check that the address leads to a server that speaks this protocol",
            ),
        }
    }
}

/// Why an attempt failed, or a connection was lost.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Lost {
    /// The connection ended: with a Close frame of either side, by a timeout, by a fault of the
    /// peer, or with its transport.
    #[error("{0}")]
    Closed(Closed),
    /// There was no transport.
    #[error("the dial failed: {0}")]
    Dial(DialError),
    /// The opening handshake failed.
    #[error("the opening handshake failed: {0}")]
    Handshake(HandshakeError),
    /// There is no login, and without it the connection is of no use.
    #[error("{0}")]
    Login(LoginLost),
    /// The connection could not be set up.
    #[error("the connection could not be set up: {0}")]
    Setup(SetupError),
    /// The peer fell silent, in the terms of the application protocol.
    #[error("nothing was heard for {0:?}")]
    Silent(Duration),
    /// The computer was asleep for so long that the peer must have given up.
    #[error("the computer slept for {0:?}")]
    Slept(Duration),
}

/// Why there is no login.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum LoginLost {
    /// No credentials will do.
    #[error("the login was refused for good")]
    Denied {
        /// The server's code, if it was the server.
        code: Option<i64>,
    },
    /// It expired without having been renewed.
    #[error("the login expired")]
    Expired,
    /// It came to nothing this time.
    #[error("the login failed: {0}")]
    Failed(LoginFailure),
}

/// Why a connection could not be set up.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum SetupError {
    /// What the dialect had to say did not fit into the send queue.
    #[error("its first messages could not be sent")]
    NotSent,
    /// The server refused what the connection begins with.
    #[error("the server refused it")]
    Refused,
    /// It took too long.
    #[error("it took too long")]
    TimedOut,
    /// The peer sent more messages than may come before that.
    #[error("too many messages came before that")]
    TooMany,
}

impl Lost {
    /// Was it that nothing was heard?
    pub(super) const fn is_silence(&self) -> bool {
        match self {
            Self::Closed(closed) => {
                matches!(
                    closed.cause,
                    Cause::Timeout(Deadline::Idle | Deadline::Pong)
                )
            }
            Self::Silent(_) => true,
            Self::Dial(_)
            | Self::Handshake(_)
            | Self::Login(_)
            | Self::Setup(_)
            | Self::Slept(_) => false,
        }
    }

    /// What happened and what to do about it.
    #[must_use]
    pub fn explain(&self) -> Explanation {
        match self {
            Self::Closed(closed) => closed.explain(),
            Self::Dial(error) => error.explain(),
            Self::Handshake(error) => error.explain(),
            Self::Login(LoginLost::Denied { .. }) => Explanation::new(
                "The server accepts none of these credentials",
                "Check the key and its rights",
            ),
            Self::Login(_) => Explanation::new(
                "The login got no good answer in time",
                "Check the provider of credentials and the server, or raise AuthConfig::timeout",
            ),
            Self::Setup(SetupError::NotSent) => Explanation::new(
                "The frames that begin a connection did not fit into the send queue",
                "Raise Config::send_limit, or begin with less",
            ),
            Self::Setup(SetupError::Refused) => Explanation::new(
                "The server did not accept what the connection begins with",
                "Check the options that the dialect sets on each connection",
            ),
            Self::Setup(SetupError::TimedOut) => Explanation::new(
                "The server did not answer what the connection begins with",
                "Check that it speaks this protocol, or raise SessionConfig::setup_timeout",
            ),
            Self::Setup(SetupError::TooMany) => Explanation::new(
                "The server sent very many messages before the connection was set up",
                "Raise SessionConfig::max_early",
            ),
            Self::Silent(_) => Explanation::new(
                "The connection was up and said nothing that mattered",
                "Check the server, or raise the limits of SessionConfig::heartbeat",
            ),
            Self::Slept(_) => Explanation::new(
                "The computer was asleep and the connection is gone",
                "Nothing is wrong: the session dials again",
            ),
        }
    }

    /// What the classifier is told; `ready` says whether the connection was in use, `wall` what time
    /// of day it is, if that is known.
    pub(super) fn failure(&self, ready: bool, wall: Option<UnixTime>) -> (Stage, FailureKind<'_>) {
        let late = if ready { Stage::Ready } else { Stage::Setup };
        match self {
            Self::Closed(closed) => (late, of_closed(closed)),
            Self::Dial(error) => match error.class {
                IoClass::TimedOut => (error.stage, FailureKind::Timeout),
                class => (error.stage, FailureKind::Io(class)),
            },
            Self::Handshake(error) => (Stage::Upgrade, of_handshake(error, wall)),
            Self::Login(LoginLost::Denied { .. }) => (Stage::Auth, FailureKind::AuthDenied),
            Self::Login(LoginLost::Failed(_)) => (Stage::Auth, FailureKind::Timeout),
            Self::Login(LoginLost::Expired) => (late, FailureKind::Timeout),
            Self::Setup(SetupError::TimedOut) => (Stage::Setup, FailureKind::Timeout),
            Self::Setup(_) => (Stage::Setup, FailureKind::Protocol),
            Self::Silent(_) => (late, FailureKind::IdleTimeout),
            Self::Slept(_) => (late, FailureKind::Io(IoClass::TimedOut)),
        }
    }
}

fn of_closed(closed: &Closed) -> FailureKind<'_> {
    match &closed.cause {
        Cause::Local => FailureKind::Local,
        Cause::Protocol(_) => FailureKind::Protocol,
        Cause::Timeout(Deadline::Idle) => FailureKind::IdleTimeout,
        Cause::Timeout(Deadline::Pong) => FailureKind::PongTimeout,
        // The peer had closed before it fell silent, or this end had.
        Cause::Timeout(_) if closed.by == By::Local => FailureKind::Local,
        Cause::Peer | Cause::Timeout(_) => FailureKind::Close {
            code: closed.code,
            reason: &closed.reason,
        },
        Cause::Transport(end) => of_end(*end),
    }
}

fn of_handshake(error: &HandshakeError, wall: Option<UnixTime>) -> FailureKind<'_> {
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "whatever else is wrong with an answer"
    )]
    match error {
        HandshakeError::Ended { end, .. } => of_end(*end),
        HandshakeError::Rejected(rejection) => FailureKind::Http {
            status: rejection.status,
            retry_after: rejection
                .header("Retry-After")
                .and_then(|value| retry_after(value, rejection.header("Date"), wall)),
            body: &rejection.body,
        },
        HandshakeError::Timeout => FailureKind::Timeout,
        _ => FailureKind::Protocol,
    }
}

const fn of_end(end: TransportEnd) -> FailureKind<'static> {
    match end {
        TransportEnd::Eof => FailureKind::Eof,
        TransportEnd::Other => FailureKind::Io(IoClass::Other),
        TransportEnd::Reset => FailureKind::Io(IoClass::Reset),
        TransportEnd::TimedOut => FailureKind::Io(IoClass::TimedOut),
    }
}

/// How long to wait by a `Retry-After` (RFC 9110 §10.2.3). A date is compared with the one at which
/// the server answered, where it says so, for its clock may differ from ours.
fn retry_after(value: &str, sent: Option<&str>, wall: Option<UnixTime>) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = UnixTime::from_http(value)?;
    let now = sent.and_then(UnixTime::from_http).or(wall)?;
    Some(date.saturating_duration_since(now))
}

/// How a session ended.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum End {
    /// The session was closed, or the verdict on the last failure was that the end was wanted. With
    /// how the last connection ended, if there was one.
    Closed(Option<Closed>),
    /// The limit of attempts, or of time, was reached.
    Exhausted {
        /// Which limit.
        limit: Exhausted,
        /// The last failure; `None` if no attempt was allowed at all.
        lost: Option<Lost>,
    },
    /// A failure that another attempt would not heal.
    Fatal(Lost),
}

impl End {
    /// Did the session end because it was to?
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        matches!(self, Self::Closed(_))
    }

    /// What happened and what to do about it.
    #[must_use]
    pub fn explain(&self) -> Explanation {
        match self {
            Self::Closed(_) => Explanation::new("The session was closed", "Nothing is wrong"),
            Self::Exhausted {
                lost: Some(lost), ..
            }
            | Self::Fatal(lost) => lost.explain(),
            Self::Exhausted { lost: None, .. } => Explanation::new(
                "The backoff allows no attempt",
                "Raise BackoffPolicy::max_attempts",
            ),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(Some(closed)) => write!(f, "{closed}"),
            Self::Closed(None) => f.write_str("closed"),
            Self::Exhausted { limit, lost } => {
                match limit {
                    Exhausted::Attempts(times) => write!(f, "gave up after {times} attempts")?,
                    Exhausted::Elapsed(most) => write!(f, "gave up within {most:?}")?,
                }
                match lost {
                    Some(lost) => write!(f, ": {lost}"),
                    None => Ok(()),
                }
            }
            Self::Fatal(lost) => write!(f, "{lost}"),
        }
    }
}

impl core::error::Error for End {}
