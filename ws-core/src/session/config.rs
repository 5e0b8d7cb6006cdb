//! What the owner of a session may choose.
//!
//! It holds no state: nothing here changes while a session lasts.

use core::time::Duration;

use super::auth::AuthConfig;
use super::clock::ClockConfig;
use super::correlate::CorrelatorConfig;
use super::queue::QueueConfig;
use super::subscriptions::RegistryConfig;
use crate::connection::{self, Keepalive};
use crate::handshake::Limits;
#[cfg(feature = "std")]
use crate::policy::SharedLimiter;
use crate::policy::{BackoffPolicy, Classifier, DialLimit, Heartbeat, LimiterPolicy, Pricing};

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
    /// How many redirects an attempt follows. Default 0: none, and such an answer is a refusal. Never
    /// from `wss` to `ws`, and credentials in the request are not taken along to another origin
    /// ([`Request::redirected`](crate::handshake::Request::redirected)); a session that logs in
    /// follows none to another origin at all. A client certificate of the route goes along, and so do
    /// headers of your own. Each is a dial that counts for the budget, and the next
    /// attempt begins at the target again.
    pub redirects: u8,
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
    /// How many may [wait for a message](super::Session::wait_for) at a time. Default 256.
    pub max_waiting: usize,
    /// How a connection logs in with a message of its own, and stays logged in. Default `None`: it
    /// does not.
    pub login: Option<AuthConfig>,
    /// Whether the opening handshake carries credentials. Default [`HandshakeLogin::None`].
    pub handshake_login: HandshakeLogin,
    /// How long the server may take to answer what a connection begins with, and what follows its
    /// login, from the moment at which that has left. The login has a timeout of its own, and
    /// subscriptions that are restored take the time that limits allow. Default 10 s.
    pub setup_timeout: Duration,
    /// Messages that may come before the connection is set up; they are handed out after
    /// [`Event::Ready`](super::Event::Ready). One more, or 1 MiB, is the end of the connection.
    /// Default 256.
    pub max_early: usize,
    /// Bounds of subscriptions, and how they are restored.
    pub subscriptions: RegistryConfig,
    /// Bounds of what waits to be sent.
    pub queue: QueueConfig,
    /// What waits is handed to the connection while less than this waits there to be written.
    /// Default 64 KiB.
    pub send_window: usize,
    /// How fast to send. Default: no limit.
    pub limits: LimiterPolicy,
    /// Limits that several connections share, such as those of an account; instead of
    /// [`limits`](Self#structfield.limits). A connection learns of units that another gives back
    /// only when it looks for itself: requests in flight are better counted by each alone. Default
    /// `None`.
    #[cfg(feature = "std")]
    pub shared_limits: Option<SharedLimiter>,
    /// What messages cost. Default [`Pricing::default`].
    pub pricing: Pricing,
    /// Signs of life beyond the connection's own.
    pub heartbeat: Heartbeat,
    /// What counts as a sleep of the computer's.
    pub clock: ClockConfig,
}

/// Whether the opening handshake carries credentials.
///
/// Exhaustive on purpose: it does, or does not.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum HandshakeLogin {
    /// Fresh credentials are asked for before each dial, and the dialect
    /// [signs](super::Dialect::sign) the request with them. A 401 is forgiven once.
    Fresh,
    /// The request is sent as it is. A 401 is final.
    #[default]
    None,
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
            redirects: 0,
            backoff: BackoffPolicy::default(),
            initial: Initial::Retry,
            reconnect: true,
            budget: Some(DialLimit::default()),
            classifier: Classifier::default(),
            requests: CorrelatorConfig::default(),
            max_waiting: 256,
            login: None,
            handshake_login: HandshakeLogin::None,
            setup_timeout: Duration::from_secs(10),
            max_early: 256,
            subscriptions: RegistryConfig::default(),
            queue: QueueConfig::default(),
            send_window: 64 << 10,
            limits: LimiterPolicy::default(),
            #[cfg(feature = "std")]
            shared_limits: None,
            pricing: Pricing::default(),
            heartbeat: Heartbeat::default(),
            clock: ClockConfig::default(),
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

    /// Sets [`redirects`](Self#structfield.redirects).
    #[must_use]
    pub const fn redirects(mut self, most: u8) -> Self {
        self.redirects = most;
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

    /// Sets [`max_waiting`](Self#structfield.max_waiting).
    #[must_use]
    pub fn max_waiting(mut self, waiting: usize) -> Self {
        self.max_waiting = waiting;
        self
    }

    /// Sets [`login`](Self#structfield.login).
    #[must_use]
    pub fn login(mut self, login: Option<AuthConfig>) -> Self {
        self.login = login;
        self
    }

    /// Sets [`handshake_login`](Self#structfield.handshake_login).
    #[must_use]
    pub fn handshake_login(mut self, login: HandshakeLogin) -> Self {
        self.handshake_login = login;
        self
    }

    /// Sets [`setup_timeout`](Self#structfield.setup_timeout).
    #[must_use]
    pub fn setup_timeout(mut self, timeout: Duration) -> Self {
        self.setup_timeout = timeout;
        self
    }

    /// Sets [`max_early`](Self#structfield.max_early).
    #[must_use]
    pub fn max_early(mut self, messages: usize) -> Self {
        self.max_early = messages;
        self
    }

    /// Sets [`subscriptions`](Self#structfield.subscriptions).
    #[must_use]
    pub fn subscriptions(mut self, config: RegistryConfig) -> Self {
        self.subscriptions = config;
        self
    }

    /// Sets [`queue`](Self#structfield.queue).
    #[must_use]
    pub fn queue(mut self, config: QueueConfig) -> Self {
        self.queue = config;
        self
    }

    /// Sets [`send_window`](Self#structfield.send_window), in bytes.
    #[must_use]
    pub fn send_window(mut self, bytes: usize) -> Self {
        self.send_window = bytes;
        self
    }

    /// Sets [`limits`](Self#structfield.limits).
    #[must_use]
    pub fn limits(mut self, policy: LimiterPolicy) -> Self {
        self.limits = policy;
        self
    }

    /// Sets [`shared_limits`](Self#structfield.shared_limits).
    #[cfg(feature = "std")]
    #[must_use]
    pub fn shared_limits(mut self, limiter: Option<SharedLimiter>) -> Self {
        self.shared_limits = limiter;
        self
    }

    /// Sets [`pricing`](Self#structfield.pricing).
    #[must_use]
    pub fn pricing(mut self, pricing: Pricing) -> Self {
        self.pricing = pricing;
        self
    }

    /// Sets [`heartbeat`](Self#structfield.heartbeat).
    #[must_use]
    pub fn heartbeat(mut self, heartbeat: Heartbeat) -> Self {
        self.heartbeat = heartbeat;
        self
    }

    /// Sets [`clock`](Self#structfield.clock).
    #[must_use]
    pub fn clock(mut self, config: ClockConfig) -> Self {
        self.clock = config;
        self
    }
}
