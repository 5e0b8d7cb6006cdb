//! How much of a server its clients may take. Nothing is enforced here.

use core::time::Duration;

/// Limits of a server.
///
/// ```
/// use core::time::Duration;
/// use ws_core::server::ServerLimits;
///
/// let limits = ServerLimits::default().max_connections(50_000).drain_timeout(Duration::from_secs(30));
/// assert_eq!(limits.max_per_address, 1024);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ServerLimits {
    /// Connections at once, those whose opening handshake is under way included. Default 16 384;
    /// whoever is over it gets 503 ([`Refusal::Full`](super::Refusal::Full)). The process needs as
    /// many descriptors and some more (`ulimit -n`).
    pub max_connections: usize,
    /// Connections at once from one address, likewise. Default 1024; whoever is over it gets 429
    /// ([`Refusal::Address`](super::Refusal::Address)). An IPv6 address counts together with all
    /// that share its first 64 bits. Behind a proxy all clients have one address: set it to
    /// `usize::MAX` there, and let the proxy count.
    pub max_per_address: usize,
    /// Opening handshakes under way at once, TLS included. Default 4096; whoever is over it gets 503
    /// ([`Refusal::Handshakes`](super::Refusal::Handshakes)). How long each client may
    /// take is `handshake::Limits::timeout`; what the application takes to answer comes on top.
    pub max_handshakes: usize,
    /// Refusals under way at once: each takes a handshake to be understood. Default 256; whoever is
    /// over it is hung up on without an answer ([`Verdict::Drop`](super::Verdict::Drop)).
    pub max_refusals: usize,
    /// What `Retry-After` tells those who are refused, in whole seconds. Default 5 s.
    pub retry_after: Duration,
    /// How long a client may take nothing of what is sent to it before it is given up. Default 30 s.
    /// It counts where each connection takes a thread, which does nothing else while it writes;
    /// elsewhere the keepalive sees to it.
    pub write_timeout: Duration,
    /// How long connections have to close when the server goes down; those that have not are
    /// dropped then. Default 10 s.
    pub drain_timeout: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            max_connections: 16_384,
            max_per_address: 1024,
            max_handshakes: 4096,
            max_refusals: 256,
            retry_after: Duration::from_secs(5),
            write_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(10),
        }
    }
}

impl ServerLimits {
    /// The defaults where each connection takes a thread: 256 connections, 32 of one address, 64
    /// handshakes under way, 16 refusals. Everything else as by default.
    #[must_use]
    pub fn threads() -> Self {
        Self {
            max_connections: 256,
            max_per_address: 32,
            max_handshakes: 64,
            max_refusals: 16,
            ..Self::default()
        }
    }

    /// Sets [`max_connections`](Self#structfield.max_connections).
    #[must_use]
    pub const fn max_connections(mut self, count: usize) -> Self {
        self.max_connections = count;
        self
    }

    /// Sets [`max_per_address`](Self#structfield.max_per_address).
    #[must_use]
    pub const fn max_per_address(mut self, count: usize) -> Self {
        self.max_per_address = count;
        self
    }

    /// Sets [`max_handshakes`](Self#structfield.max_handshakes).
    #[must_use]
    pub const fn max_handshakes(mut self, count: usize) -> Self {
        self.max_handshakes = count;
        self
    }

    /// Sets [`max_refusals`](Self#structfield.max_refusals).
    #[must_use]
    pub const fn max_refusals(mut self, count: usize) -> Self {
        self.max_refusals = count;
        self
    }

    /// Sets [`retry_after`](Self#structfield.retry_after).
    #[must_use]
    pub const fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = wait;
        self
    }

    /// Sets [`write_timeout`](Self#structfield.write_timeout).
    #[must_use]
    pub const fn write_timeout(mut self, timeout: Duration) -> Self {
        self.write_timeout = timeout;
        self
    }

    /// Sets [`drain_timeout`](Self#structfield.drain_timeout).
    #[must_use]
    pub const fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain_timeout = timeout;
        self
    }
}
