//! How a server closes what its handlers leave open. It closes nothing itself.

use super::Phase;
use crate::close::CloseCode;

/// Why the server closes a connection, and with which words.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Farewell {
    /// The handler returned and left the connection open.
    Done,
    /// The handler panicked.
    Panic,
    /// The server goes down.
    Shutdown,
}

impl Farewell {
    /// Why a connection is closed that a handler has let go of, by a panic or not. `None` once the
    /// server is over: then it is dropped.
    #[must_use]
    pub const fn of(phase: Phase, panicked: bool) -> Option<Self> {
        match phase {
            Phase::Over => None,
            _ if panicked => Some(Self::Panic),
            Phase::Closing => Some(Self::Shutdown),
            Phase::Serving => Some(Self::Done),
        }
    }

    /// The code of the Close frame: 1000, 1011 or 1001 (RFC 6455 §7.4.1).
    #[must_use]
    pub const fn code(self) -> CloseCode {
        match self {
            Self::Done => CloseCode::NORMAL,
            Self::Panic => CloseCode::INTERNAL_ERROR,
            Self::Shutdown => CloseCode::GOING_AWAY,
        }
    }

    /// The reason that goes with it.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Done => "",
            Self::Panic => "internal error",
            Self::Shutdown => "server shutting down",
        }
    }
}
