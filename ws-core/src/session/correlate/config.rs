//! What the owner of a [`Correlator`](super::Correlator) may choose.
//!
//! Nothing is counted here.

use core::time::Duration;

/// Bounds of a correlator.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct CorrelatorConfig {
    /// How long a request waits for its answer, unless it says otherwise. Default 30 s.
    pub timeout: Duration,
    /// Requests that may wait at a time. Default 1024.
    pub max_pending: usize,
    /// Ended requests that are remembered, to tell a late answer from an unknown one. Default 1024.
    pub remembered: usize,
    /// Samples of the latency window. Default 100.
    pub latency_samples: usize,
}

/// How long a request may take.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Timing {
    /// From the beginning; with a budget, from the moment the request was sent. Default `None`: the
    /// correlator's.
    pub timeout: Option<Duration>,
    /// From the beginning, waiting to be sent included. Default `None`.
    pub budget: Option<Duration>,
}

impl Default for CorrelatorConfig {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            max_pending: 1024,
            remembered: 1024,
            latency_samples: 100,
        }
    }
}

impl CorrelatorConfig {
    /// Sets [`timeout`](Self#structfield.timeout).
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets [`max_pending`](Self#structfield.max_pending).
    #[must_use]
    pub const fn max_pending(mut self, requests: usize) -> Self {
        self.max_pending = requests;
        self
    }

    /// Sets [`remembered`](Self#structfield.remembered).
    #[must_use]
    pub const fn remembered(mut self, requests: usize) -> Self {
        self.remembered = requests;
        self
    }

    /// Sets [`latency_samples`](Self#structfield.latency_samples).
    #[must_use]
    pub const fn latency_samples(mut self, samples: usize) -> Self {
        self.latency_samples = samples;
        self
    }
}

impl Timing {
    /// Sets [`timeout`](Self#structfield.timeout).
    #[must_use]
    pub const fn timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets [`budget`](Self#structfield.budget).
    #[must_use]
    pub const fn budget(mut self, budget: Option<Duration>) -> Self {
        self.budget = budget;
        self
    }
}
