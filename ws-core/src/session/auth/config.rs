//! What the owner of an [`Auth`](super::Auth) may choose.
//!
//! Nothing is decided here.

use core::time::Duration;

use crate::policy::{BackoffPolicy, Credentials, Growth, Percent};

/// How a session logs in and stays logged in.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct AuthConfig {
    /// How long the server may take to answer a login. Default 10 s.
    pub timeout: Duration,
    /// How long the provider may take to come up with credentials. Default 10 s.
    pub fetch_timeout: Duration,
    /// When a login that will expire is renewed. Default [`Refresh::Auto`].
    pub refresh: Refresh,
    /// How long to wait after a renewal that failed for the time being. Default 1 s, doubled up to
    /// 30 s.
    pub retry: BackoffPolicy,
    /// No renewal is begun later than this before the expiry. Default 1 s.
    pub guard: Duration,
    /// Whether asking again gives other credentials. Default [`Credentials::Renewable`].
    pub credentials: Credentials,
}

/// When a login that will expire is renewed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refresh {
    /// After four fifths of its life, or a minute or five slow round trips before its end, whichever
    /// comes first, but not in its first half; and up to 5 % earlier, at random.
    #[default]
    Auto,
    /// Exactly this long before its end; at half of its life if that is shorter than this.
    Before(Duration),
    /// Not at all: it expires.
    Never,
}

impl Default for AuthConfig {
    fn default() -> Self {
        let doubled = Growth::Exponential {
            factor: Percent(200),
        };
        Self {
            timeout: Duration::from_secs(10),
            fetch_timeout: Duration::from_secs(10),
            refresh: Refresh::Auto,
            retry: BackoffPolicy::default()
                .first(None)
                .base(Duration::from_secs(1))
                .growth(doubled),
            guard: Duration::from_secs(1),
            credentials: Credentials::Renewable,
        }
    }
}

impl AuthConfig {
    /// Sets [`timeout`](Self#structfield.timeout).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets [`fetch_timeout`](Self#structfield.fetch_timeout).
    #[must_use]
    pub fn fetch_timeout(mut self, timeout: Duration) -> Self {
        self.fetch_timeout = timeout;
        self
    }

    /// Sets [`refresh`](Self#structfield.refresh).
    #[must_use]
    pub fn refresh(mut self, refresh: Refresh) -> Self {
        self.refresh = refresh;
        self
    }

    /// Sets [`retry`](Self#structfield.retry).
    #[must_use]
    pub fn retry(mut self, retry: BackoffPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Sets [`guard`](Self#structfield.guard).
    #[must_use]
    pub fn guard(mut self, guard: Duration) -> Self {
        self.guard = guard;
        self
    }

    /// Sets [`credentials`](Self#structfield.credentials).
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = credentials;
        self
    }
}
