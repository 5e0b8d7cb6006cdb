//! What the scenarios agree on.

use std::time::Duration;

use ws_core::connection::Config;
use ws_core::policy::{BackoffPolicy, Growth, Heartbeat, Jitter, Percent, RetryAfter};
use ws_core::session::SessionConfig;

/// The conventions of the scenarios: base 1 s, factor 2, cap 30 s, no jitter, no first delay, a
/// connection counts at once, no dial budget, no pings.
pub(crate) fn plain() -> SessionConfig {
    SessionConfig::default()
        .connection(Config::default())
        .backoff(backoff())
        .budget(None)
        .heartbeat(Heartbeat::default().jitter(Percent(0)))
}

pub(crate) fn backoff() -> BackoffPolicy {
    BackoffPolicy::default()
        .first(None)
        .base(Duration::from_secs(1))
        .cap(Duration::from_secs(30))
        .growth(Growth::Exponential {
            factor: Percent(200),
        })
        .jitter(Jitter::None)
        .wait_jitter(Percent(0))
        .retry_after(RetryAfter::Honor {
            max: Duration::from_secs(900),
        })
        .stable_after(Duration::ZERO)
}
