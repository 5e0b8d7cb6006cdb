//! The one connection of a session at a time, from its dial to its end.
//!
//! It knows which machine bytes and deadlines belong to at each stage, and decides nothing.

use alloc::boxed::Box;

use super::action::ConnId;
use crate::Instant;
use crate::connection::Connection;
use crate::handshake::{ClientHandshake, Request};
use crate::machine::{Deadline, Machine};

#[derive(Debug)]
pub(super) enum Link {
    Down,
    Dialing {
        conn: ConnId,
        /// When the attempt has taken too long, its handshake included.
        by: Instant,
        /// What is asked for.
        request: Box<Request>,
        /// It carries its credentials, if it has to.
        signed: bool,
    },
    Opening {
        conn: ConnId,
        handshake: Box<ClientHandshake>,
    },
    Open {
        conn: ConnId,
        connection: Box<Connection>,
        /// Since when it is set up, if it is.
        ready: Option<Instant>,
    },
}

impl Link {
    pub(super) const fn conn(&self) -> Option<ConnId> {
        match self {
            Self::Down => None,
            Self::Dialing { conn, .. } | Self::Opening { conn, .. } | Self::Open { conn, .. } => {
                Some(*conn)
            }
        }
    }

    pub(super) const fn ready(&self) -> Option<Instant> {
        match self {
            Self::Open { ready, .. } => *ready,
            Self::Down | Self::Dialing { .. } | Self::Opening { .. } => None,
        }
    }

    /// What the bytes of the transport are for.
    pub(super) fn machine(&mut self) -> Option<&mut dyn Machine> {
        match self {
            Self::Down | Self::Dialing { .. } => None,
            Self::Opening { handshake, .. } => Some(&mut **handshake),
            Self::Open { connection, .. } => Some(&mut **connection),
        }
    }

    pub(super) fn machine_ref(&self) -> Option<&dyn Machine> {
        match self {
            Self::Down | Self::Dialing { .. } => None,
            Self::Opening { handshake, .. } => Some(&**handshake),
            Self::Open { connection, .. } => Some(&**connection),
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<(Instant, Deadline)> {
        match self {
            Self::Dialing { by, .. } => Some((*by, Deadline::Dial)),
            Self::Down | Self::Opening { .. } | Self::Open { .. } => {
                self.machine_ref()?.poll_timeout()
            }
        }
    }
}
