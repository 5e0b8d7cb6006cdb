//! How many pings and pongs a peer sends in a second. It answers none.

use core::time::Duration;

use crate::Instant;
use crate::error::ProtocolError;

/// Pings and pongs in the second under way.
#[derive(Debug)]
pub(super) struct ControlRate {
    limit: u32,
    since: Instant,
    count: u32,
}

impl ControlRate {
    pub(super) const fn new(limit: u32, now: Instant) -> Self {
        Self {
            limit,
            since: now,
            count: 0,
        }
    }

    pub(super) fn count(&mut self, now: Instant) -> Result<(), ProtocolError> {
        if now - self.since >= Duration::from_secs(1) {
            (self.since, self.count) = (now, 0);
        }
        self.count += 1;
        let limit = self.limit;
        if self.count > limit {
            Err(ProtocolError::ControlRate { limit })
        } else {
            Ok(())
        }
    }
}
