//! The lanes that outgoing traffic is sorted into, by what its delay would cost.
//!
//! It orders nothing itself.

/// What an outgoing message is for. The order is that of their rank, the most urgent first.
///
/// Exhaustive on purpose: queues and limiters have one place for each.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Lane {
    /// Keeps the connection alive: heartbeats and their answers. Never waits for a limiter.
    Control,
    /// Logins and their renewal.
    Auth,
    /// Takes something back: an order, a request.
    Cancel,
    /// What the application asks for now; where messages go unless they say otherwise.
    Request,
    /// Subscriptions and their restoration after a reconnect. Leaves a reserve to those above.
    Subscribe,
    /// What can wait. Leaves a reserve to those above.
    Bulk,
}

impl Lane {
    /// All lanes by rank.
    pub const ALL: [Self; 6] = [
        Self::Control,
        Self::Auth,
        Self::Cancel,
        Self::Request,
        Self::Subscribe,
        Self::Bulk,
    ];

    /// Must this lane leave the reserve of a bucket alone?
    #[must_use]
    pub const fn leaves_reserve(self) -> bool {
        matches!(self, Self::Subscribe | Self::Bulk)
    }
}
