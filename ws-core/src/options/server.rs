//! How a server serves: whom it lets in, and how it accepts them. It listens to nothing.

#[cfg(feature = "tls")]
use alloc::sync::Arc;

use super::AcceptOptions;
use crate::handshake::OriginPolicy;
use crate::server::ServerLimits;
#[cfg(feature = "tls")]
use crate::tls::rustls::ServerConfig;

/// How a server serves.
///
/// ```
/// use ws_core::options::{AcceptOptions, ServerOptions};
/// use ws_core::handshake::OriginPolicy;
/// use ws_core::server::ServerLimits;
///
/// let options = ServerOptions::default()
///     .accept(AcceptOptions::default().subprotocols(["chat"]))
///     .origins(OriginPolicy::allow(["https://example.com"]))
///     .limits(ServerLimits::default().max_connections(1000));
/// assert_eq!(options.limits.max_handshakes, 4096);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerOptions {
    /// How connections are accepted. Its time limit for the opening handshake is counted from when
    /// the connection was accepted, TLS included; its `origins` are not looked at, but those below.
    pub accept: AcceptOptions,
    /// Which pages may connect; others get 403. Default: [`OriginPolicy::SameOrigin`], so that pages
    /// of other sites can't use what browsers know of this one. Clients that are not browsers send
    /// no origin and pass.
    pub origins: OriginPolicy,
    /// How many may be there at once.
    pub limits: ServerLimits,
    /// TLS, for all connections. Default `None`: none of them has it.
    #[cfg(feature = "tls")]
    pub tls: Option<Arc<ServerConfig>>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            accept: AcceptOptions::default(),
            origins: OriginPolicy::SameOrigin,
            limits: ServerLimits::default(),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

impl ServerOptions {
    /// The defaults where each connection takes a thread ([`ServerLimits::threads`]).
    #[must_use]
    pub fn threads() -> Self {
        Self::default().limits(ServerLimits::threads())
    }

    /// Sets [`accept`](Self#structfield.accept).
    #[must_use]
    pub fn accept(mut self, options: AcceptOptions) -> Self {
        self.accept = options;
        self
    }

    /// Sets [`origins`](Self#structfield.origins).
    #[must_use]
    pub fn origins(mut self, origins: OriginPolicy) -> Self {
        self.origins = origins;
        self
    }

    /// Sets [`limits`](Self#structfield.limits).
    #[must_use]
    pub fn limits(mut self, limits: ServerLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets [`tls`](Self#structfield.tls).
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, config: Option<Arc<ServerConfig>>) -> Self {
        self.tls = config;
        self
    }

    /// How requests are judged: as [`accept`](Self#structfield.accept) says, but for the origins.
    #[must_use]
    pub fn judging(&self) -> AcceptOptions {
        self.accept.clone().origins(self.origins.clone())
    }
}
