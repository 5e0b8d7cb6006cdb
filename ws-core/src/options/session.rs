//! How a client that stays alive is started.
//!
//! It starts nothing itself: a session that nobody drives does nothing.

use std::io;

#[cfg(feature = "testing")]
use super::Record;
use super::{Inbox, Route, StartError};
use crate::Seed;
use crate::handshake::Request;
use crate::session::{Dialect, Session, SessionConfig};
#[cfg(feature = "testing")]
use crate::testing::RecorderConfig;

/// How a session is started. What it asks the server for is a `Request`.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SessionOptions {
    /// How the session behaves.
    pub config: SessionConfig,
    /// How the host is reached: addresses, deadlines, socket options, proxy.
    pub route: Route,
    /// What may wait for an application that is slower than its peer.
    pub inbox: Inbox,
    /// What is written down of it, and where. Default: nothing.
    #[cfg(feature = "testing")]
    pub record: Record,
    /// Where keys and jitter come from. Default `None`: the operating system. A fixed seed is for
    /// tests; it makes everything predictable.
    pub seed: Option<Seed>,
}

impl SessionOptions {
    /// The session that these options stand for; `fill` takes a seed from the operating system.
    ///
    /// # Errors
    /// There are no random bytes.
    pub fn session<D: Dialect>(
        &self,
        request: Request,
        dialect: D,
        fill: impl FnOnce(&mut [u8; 32]) -> io::Result<()>,
    ) -> Result<Session<D>, StartError> {
        let seed = match &self.seed {
            Some(seed) => seed.clone(),
            None => {
                let mut bytes = [0; 32];
                fill(&mut bytes).map_err(StartError::Random)?;
                Seed::new(bytes)
            }
        };
        let config = self.config.clone();
        #[cfg_attr(not(feature = "testing"), allow(unused_mut))]
        let mut session = Session::with_dialect(request, dialect, config, seed);
        #[cfg(feature = "testing")]
        {
            if self.record.frames.is_some() {
                let config = RecorderConfig::default().max_bytes(self.record.max_bytes);
                session.record_frames(config);
            }
            if self.record.journal.is_some() {
                session.record();
            }
        }
        Ok(session)
    }

    /// Sets [`config`](Self#structfield.config).
    #[must_use]
    pub fn config(mut self, config: SessionConfig) -> Self {
        self.config = config;
        self
    }

    /// Sets [`route`](Self#structfield.route).
    #[must_use]
    pub fn route(mut self, route: Route) -> Self {
        self.route = route;
        self
    }

    /// Sets [`inbox`](Self#structfield.inbox).
    #[must_use]
    pub fn inbox(mut self, inbox: Inbox) -> Self {
        self.inbox = inbox;
        self
    }

    /// Sets [`record`](Self#structfield.record).
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn record(mut self, record: Record) -> Self {
        self.record = record;
        self
    }

    /// Sets [`seed`](Self#structfield.seed).
    #[must_use]
    pub fn seed(mut self, seed: Option<Seed>) -> Self {
        self.seed = seed;
        self
    }
}
