//! The handle to a server, for those who look after it from outside. It decides nothing: the
//! [`Admission`] does.

use alloc::sync::Arc;
use core::fmt;
use core::future::poll_fn;

use super::super::gate::Gate;
use super::super::runtime::Runtime;
use crate::server::{Admission, Counts, Phase};

/// A handle to a server, to look at its numbers and to shut it down. Clones are of the same server.
#[derive(Clone)]
pub struct Handle<R> {
    pub(super) gate: Arc<Gate>,
    pub(super) runtime: R,
}

impl<R: Runtime> Handle<R> {
    /// Accepts nobody from now on, closes all connections with 1001, and drops those that are left
    /// when `ServerLimits::drain_timeout` has passed. Saying it again changes nothing.
    pub fn shutdown(&self) {
        let now = self.runtime.now();
        self.gate.with(|door| door.shutdown(now));
    }

    /// Ends the server at once: all its connections are dropped.
    pub fn abort(&self) {
        self.gate.with(Admission::abort);
    }

    /// The server's numbers.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.gate.ask(Admission::counts)
    }

    /// How far the server's life has come.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.gate.ask(Admission::phase)
    }

    /// Waits until the server is asked to go down: for the tasks of an application that are not
    /// handlers.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub async fn closing(&self) {
        let mut watch = self.gate.bell.watch();
        poll_fn(|cx| watch.poll(Phase::Closing, cx)).await;
    }
}

impl<R> fmt::Debug for Handle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("counts", &self.gate.ask(Admission::counts))
            .finish_non_exhaustive()
    }
}
