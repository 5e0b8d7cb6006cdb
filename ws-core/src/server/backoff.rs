//! What follows from an `accept` that fails. It waits for nothing itself.

use core::time::Duration;

/// The wait after the first failure for want of something; it doubles with each further one.
const FIRST: Duration = Duration::from_millis(50);

/// No wait is longer.
const LONGEST: Duration = Duration::from_secs(1);

/// Why accepting failed.
///
/// Exhaustive on purpose: either one connection is at fault, or the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AcceptFault {
    /// The connection that was to be accepted is gone already; the next one is as good as ever.
    Connection,
    /// Something is used up: descriptors, memory, threads. Trying at once would fail at once.
    Shortage,
}

impl AcceptFault {
    /// What the operating system's error means. What is not known to concern one connection only is
    /// a shortage: a wait that was not needed costs less than a loop that never waits.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn of(error: &std::io::Error) -> Self {
        use std::io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, WouldBlock};
        match error.kind() {
            ConnectionAborted | ConnectionReset | Interrupted | WouldBlock => Self::Connection,
            _ => Self::Shortage,
        }
    }

    /// How long to accept nothing, after so many shortages before this fault.
    pub(super) fn wait(self, before: u32) -> Duration {
        match self {
            Self::Connection => Duration::ZERO,
            Self::Shortage => FIRST.saturating_mul(1 << before.min(8)).min(LONGEST),
        }
    }
}
