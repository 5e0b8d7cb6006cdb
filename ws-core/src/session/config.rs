//! What the owner of a session may choose.
//!
//! It holds no state: nothing here changes while a session lasts.

use core::time::Duration;

use super::correlate::CorrelatorConfig;
use crate::connection::{self, Keepalive};
use crate::handshake::Limits;
use crate::policy::{BackoffPolicy, Classifier, DialLimit};

/// How a session behaves. Every field has a default that suits most; the setters chain.
///
/// ```
/// use core::time::Duration;
/// use ws_core::policy::BackoffPolicy;
/// use ws_core::session::{Initial, SessionConfig};
///
/// let config = SessionConfig::default()
///     .initial(Initial::FailFast)
///     .backoff(BackoffPolicy::default().cap(Duration::from_secs(5)));
/// assert_eq!(config.attempt_timeout, Duration::from_secs(20));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionConfig {
    /// How each connection behaves. Default as [`Config`](connection::Config), with a keepalive:
    /// without one a dead peer is never noticed. Messages are always handed out whole.
    pub connection: connection::Config,
    /// Limits of the opening handshake, its deadline among them (10 s by default).
    pub handshake: Limits,
    /// From the start of a dial to the end of the opening handshake. Default 20 s.
    pub attempt_timeout: Duration,
    /// When to dial again after a failure. Default [`BackoffPolicy::default`].
    pub backoff: BackoffPolicy,
    /// What a failure before the first connection means. Default [`Initial::Retry`].
    pub initial: Initial,
    /// Dial again at all? Without it the first failure, or the first loss, is the end. Default
    /// `true`.
    pub reconnect: bool,
    /// A hard limit on how often is dialled, whatever the server does. Default 20 in 60 s; `None`
    /// for no limit.
    pub budget: Option<DialLimit>,
    /// What failures mean.
    pub classifier: Classifier,
    /// Bounds of requests, their timeout among them (30 s by default).
    pub requests: CorrelatorConfig,
}

/// What a failure before the first connection was ready means.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Initial {
    /// The first failure is the end.
    FailFast,
    /// The same as later: the backoff decides.
    #[default]
    Retry,
    /// As later, but no attempt starts after this time since the start.
    RetryFor(Duration),
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            connection: connection::Config::default().keepalive(Some(Keepalive::default())),
            handshake: Limits::default(),
            attempt_timeout: Duration::from_secs(20),
            backoff: BackoffPolicy::default(),
            initial: Initial::Retry,
            reconnect: true,
            budget: Some(DialLimit::default()),
            classifier: Classifier::default(),
            requests: CorrelatorConfig::default(),
        }
    }
}

impl SessionConfig {
    /// Sets [`connection`](Self#structfield.connection).
    #[must_use]
    pub fn connection(mut self, config: connection::Config) -> Self {
        self.connection = config;
        self
    }

    /// Sets [`handshake`](Self#structfield.handshake).
    #[must_use]
    pub fn handshake(mut self, limits: Limits) -> Self {
        self.handshake = limits;
        self
    }

    /// Sets [`attempt_timeout`](Self#structfield.attempt_timeout).
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// Sets [`backoff`](Self#structfield.backoff).
    #[must_use]
    pub fn backoff(mut self, policy: BackoffPolicy) -> Self {
        self.backoff = policy;
        self
    }

    /// Sets [`initial`](Self#structfield.initial).
    #[must_use]
    pub fn initial(mut self, initial: Initial) -> Self {
        self.initial = initial;
        self
    }

    /// Sets [`reconnect`](Self#structfield.reconnect).
    #[must_use]
    pub fn reconnect(mut self, reconnect: bool) -> Self {
        self.reconnect = reconnect;
        self
    }

    /// Sets [`budget`](Self#structfield.budget).
    #[must_use]
    pub fn budget(mut self, budget: Option<DialLimit>) -> Self {
        self.budget = budget;
        self
    }

    /// Sets [`classifier`](Self#structfield.classifier).
    #[must_use]
    pub fn classifier(mut self, classifier: Classifier) -> Self {
        self.classifier = classifier;
        self
    }

    /// Sets [`requests`](Self#structfield.requests).
    #[must_use]
    pub fn requests(mut self, config: CorrelatorConfig) -> Self {
        self.requests = config;
        self
    }
}
