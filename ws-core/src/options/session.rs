//! How a client that stays alive is started.
//!
//! It starts nothing itself: a session that nobody drives does nothing.

use std::io;

use super::{StartError, plain};
use crate::Seed;
use crate::handshake::Request;
use crate::session::{Dialect, Session, SessionConfig};

/// How a session is started. What it asks the server for is a `Request`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionOptions {
    /// How the session behaves.
    pub config: SessionConfig,
    /// Send segments at once instead of waiting to fill them (`TCP_NODELAY`). Default `true`.
    pub nodelay: bool,
    /// Where keys and jitter come from. Default `None`: the operating system. A fixed seed is for
    /// tests; it makes everything predictable.
    pub seed: Option<Seed>,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            config: SessionConfig::default(),
            nodelay: true,
            seed: None,
        }
    }
}

impl SessionOptions {
    /// The session that these options stand for; `fill` takes a seed from the operating system.
    ///
    /// # Errors
    /// The URL asks for TLS, or there are no random bytes.
    pub fn session<D: Dialect>(
        &self,
        request: Request,
        dialect: D,
        fill: impl FnOnce(&mut [u8; 32]) -> io::Result<()>,
    ) -> Result<Session<D>, StartError> {
        plain(request.url())?;
        let seed = match &self.seed {
            Some(seed) => seed.clone(),
            None => {
                let mut bytes = [0; 32];
                fill(&mut bytes).map_err(StartError::Random)?;
                Seed::new(bytes)
            }
        };
        Ok(Session::with_dialect(
            request,
            dialect,
            self.config.clone(),
            seed,
        ))
    }

    /// Sets [`config`](Self#structfield.config).
    #[must_use]
    pub fn config(mut self, config: SessionConfig) -> Self {
        self.config = config;
        self
    }

    /// Sets [`nodelay`](Self#structfield.nodelay).
    #[must_use]
    pub fn nodelay(mut self, nodelay: bool) -> Self {
        self.nodelay = nodelay;
        self
    }

    /// Sets [`seed`](Self#structfield.seed).
    #[must_use]
    pub fn seed(mut self, seed: Option<Seed>) -> Self {
        self.seed = seed;
        self
    }
}
