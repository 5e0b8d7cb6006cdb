//! How a client connects.
//!
//! It connects nothing itself.

use alloc::borrow::Cow;
use core::time::Duration;
use std::io;

use super::{ConnectError, Route};
use crate::Seed;
use crate::connection::Config;
#[cfg(feature = "deflate")]
use crate::deflate::Deflate;
use crate::handshake::{Limits, Request};

/// How a client connects. What it asks the server for is a `Request`.
///
/// ```
/// use core::time::Duration;
/// use ws_core::handshake::Limits;
/// use ws_core::options::ConnectOptions;
///
/// let limits = Limits::default().timeout(Duration::from_secs(3));
/// let options = ConnectOptions::default().handshake(limits);
/// assert!(options.route.dial.nodelay);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ConnectOptions {
    /// How the connection behaves.
    pub config: Config,
    /// Limits of the opening handshake, its deadline among them (10 s by default), which also covers
    /// the handshake of TLS.
    pub handshake: Limits,
    /// How the host is reached: addresses, deadlines, socket options, proxy.
    pub route: Route,
    /// How many redirects are followed: answers of 301, 302, 303, 307 or 308 with a `Location`.
    /// Default 0: none, and such an answer is a refusal. Never from `wss` to `ws`, and credentials
    /// and cookies are not taken along to another origin
    /// ([`Request::redirected`](crate::handshake::Request::redirected)). Each hop has the time limits
    /// of a connection of its own and goes by the same route; only addresses that are known of the
    /// first host, and a client certificate, are not taken along to another. Headers of your own and
    /// subprotocols are, so no secrets belong there.
    pub redirects: u8,
    /// The compression to offer, in place of what the request offers. Default `None`: what the
    /// request offers, and that is none unless it says so.
    #[cfg(feature = "deflate")]
    pub deflate: Option<Deflate>,
    /// Where the masking keys and the handshake key come from. Default `None`: the operating
    /// system. A fixed seed is for tests; it makes every byte on the wire predictable.
    pub seed: Option<Seed>,
}

impl ConnectOptions {
    /// The seed to use: the one that was set, or one that `fill` takes from the operating system.
    ///
    /// # Errors
    /// Those of `fill`.
    pub fn seed_or(
        &self,
        fill: impl FnOnce(&mut [u8; 32]) -> io::Result<()>,
    ) -> Result<Seed, ConnectError> {
        if let Some(seed) = &self.seed {
            return Ok(seed.clone());
        }
        let mut bytes = [0; 32];
        fill(&mut bytes).map_err(ConnectError::Random)?;
        Ok(Seed::new(bytes))
    }

    /// The same, where `spent` of the time for the opening handshake has gone by already.
    #[must_use]
    pub fn after(&self, spent: Duration) -> Cow<'_, Self> {
        if spent.is_zero() {
            return Cow::Borrowed(self);
        }
        let mut later = self.clone();
        later.handshake.timeout = self.handshake.timeout.saturating_sub(spent);
        Cow::Owned(later)
    }

    /// What these options make of a request.
    #[must_use]
    pub fn apply<'a>(&self, request: &'a Request) -> Cow<'a, Request> {
        #[cfg(feature = "deflate")]
        if let Some(deflate) = &self.deflate {
            return Cow::Owned(request.clone().deflate(deflate.clone()));
        }
        Cow::Borrowed(request)
    }

    /// Sets [`config`](Self#structfield.config).
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets [`handshake`](Self#structfield.handshake).
    #[must_use]
    pub fn handshake(mut self, limits: Limits) -> Self {
        self.handshake = limits;
        self
    }

    /// Sets [`route`](Self#structfield.route).
    #[must_use]
    pub fn route(mut self, route: Route) -> Self {
        self.route = route;
        self
    }

    /// Sets [`redirects`](Self#structfield.redirects).
    #[must_use]
    pub fn redirects(mut self, most: u8) -> Self {
        self.redirects = most;
        self
    }

    /// Sets [`deflate`](Self#structfield.deflate).
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, deflate: Option<Deflate>) -> Self {
        self.deflate = deflate;
        self
    }

    /// Sets [`seed`](Self#structfield.seed).
    #[must_use]
    pub fn seed(mut self, seed: Option<Seed>) -> Self {
        self.seed = seed;
        self
    }
}
