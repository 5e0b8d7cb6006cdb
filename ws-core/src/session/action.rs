//! What a session asks of its owner, and the names of connections.
//!
//! Nothing is decided here.

use core::fmt;

use super::auth::{CredId, Purpose};
use crate::handshake::Request;

/// Which connection of a session, counted from 1 in the order of the dials.
///
/// Every input that concerns a connection carries one, so that news of a connection that is over
/// can't be taken for news of the next.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ConnId(pub(super) u64);

impl ConnId {
    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What only the owner of a session can do.
///
/// Exhaustive on purpose: an action that is not carried out is a session that stands still.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    /// Come up with credentials and hand them in with
    /// [`credentials`](super::Session::credentials). They are asked for anew each time.
    Credentials {
        /// Which question this is.
        id: CredId,
        /// To log in, or to stay logged in.
        purpose: Purpose,
        /// The code with which the last ones were refused.
        refused: Option<i64>,
    },
    /// Connect a transport to the host of the request, TLS included, then say
    /// [`dialed`](super::Session::dialed) or [`dial_failed`](super::Session::dial_failed).
    Dial {
        /// Which connection this will be.
        conn: ConnId,
        /// Where to; the session itself speaks HTTP once the transport is there.
        request: Request,
    },
    /// Give up this dial, or close this transport at once. Nothing need be said about it.
    Drop {
        /// Which connection.
        conn: ConnId,
    },
}
