//! Where a session stands.
//!
//! No transition is made here: that is `order`.

use core::fmt;

use super::action::ConnId;
use super::setup::Stage;
use crate::Instant;

/// Where a session stands; read at any time with [`Session::state`](super::Session::state).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum State {
    /// Not started.
    Idle,
    /// Between two attempts.
    Waiting {
        /// Which dial of its episode comes next, counted from 1.
        attempt: u32,
        /// When.
        until: Instant,
    },
    /// Between two attempts, and without a network: until
    /// [`Session::network`](super::Session::network) or
    /// [`Session::reconnect`](super::Session::reconnect) says otherwise.
    Parked {
        /// Which dial of its episode comes next, counted from 1.
        attempt: u32,
    },
    /// The transport is being connected.
    Dialing {
        /// Which connection.
        conn: ConnId,
        /// Which dial of its episode, counted from 1.
        attempt: u32,
    },
    /// The opening handshake is under way.
    Upgrading {
        /// Which connection.
        conn: ConnId,
        /// Which dial of its episode, counted from 1.
        attempt: u32,
    },
    /// The connection is open and goes through what precedes its use.
    Setup {
        /// Which connection.
        conn: ConnId,
        /// How far it is.
        stage: Stage,
    },
    /// Messages can be sent.
    Ready {
        /// Which connection.
        conn: ConnId,
        /// Since when.
        since: Instant,
    },
    /// The connection is closing: for good, or to make way for the next.
    Draining {
        /// Which connection.
        conn: ConnId,
    },
    /// Over.
    Terminal,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Setup { stage, .. } => return stage.fmt(f),
            Self::Parked { .. } => "parked",
            Self::Idle => "idle",
            Self::Waiting { .. } => "waiting",
            Self::Dialing { .. } => "dialing",
            Self::Upgrading { .. } => "upgrading",
            Self::Ready { .. } => "ready",
            Self::Draining { .. } => "draining",
            Self::Terminal => "over",
        };
        f.write_str(word)
    }
}
