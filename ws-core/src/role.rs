//! Which end of the connection a machine is; knows nothing else.

/// The two ends of a connection (RFC 6455 §1.3).
///
/// Exhaustive on purpose: the protocol has exactly two.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Role {
    /// The end that opened the connection; masks every frame it sends (§5.3).
    Client,
    /// The end that accepted it; never masks.
    Server,
}

impl Role {
    /// The other end.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}
