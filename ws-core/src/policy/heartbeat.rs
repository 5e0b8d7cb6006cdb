//! How a session watches over its connections, beyond the pings of each connection.

use core::time::Duration;

use super::Percent;

/// Signs of life that a session gives and expects. The pings themselves are those of the connection:
/// `connection::Config::keepalive` and `idle_timeout`.
///
/// ```
/// use core::time::Duration;
/// use ws_core::policy::Heartbeat;
///
/// let heartbeat = Heartbeat::default().app(Some(Duration::from_secs(10)));
/// assert_eq!(heartbeat.probe_timeout, Duration::from_secs(3));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Heartbeat {
    /// Each connection's ping interval is longer or shorter by up to this share, drawn at its
    /// beginning, so that a fleet does not ping in step. Default 10 %.
    pub jitter: Percent,
    /// How often the dialect says its own heartbeat while the connection is set up. Default `None`.
    pub app: Option<Duration>,
    /// Gives the connection up when the dialect has reported no heartbeat of the server's for this
    /// long. Default `None`.
    pub expect: Option<Duration>,
    /// Gives the connection up when no text or binary message came for this long, whatever pings
    /// say. Default `None`.
    pub idle_data: Option<Duration>,
    /// How long a peer may take to answer when it is asked whether it is still there. Default 3 s.
    pub probe_timeout: Duration,
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self {
            jitter: Percent(10),
            app: None,
            expect: None,
            idle_data: None,
            probe_timeout: Duration::from_secs(3),
        }
    }
}

impl Heartbeat {
    /// Sets [`jitter`](Self#structfield.jitter).
    #[must_use]
    pub const fn jitter(mut self, jitter: Percent) -> Self {
        self.jitter = jitter;
        self
    }

    /// Sets [`app`](Self#structfield.app).
    #[must_use]
    pub const fn app(mut self, interval: Option<Duration>) -> Self {
        self.app = interval;
        self
    }

    /// Sets [`expect`](Self#structfield.expect).
    #[must_use]
    pub const fn expect(mut self, within: Option<Duration>) -> Self {
        self.expect = within;
        self
    }

    /// Sets [`idle_data`](Self#structfield.idle_data).
    #[must_use]
    pub const fn idle_data(mut self, limit: Option<Duration>) -> Self {
        self.idle_data = limit;
        self
    }

    /// Sets [`probe_timeout`](Self#structfield.probe_timeout).
    #[must_use]
    pub const fn probe_timeout(mut self, timeout: Duration) -> Self {
        self.probe_timeout = timeout;
        self
    }
}
