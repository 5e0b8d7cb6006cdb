//! The bounded end of a connection whose last words must reach the peer.
//!
//! A transport that is closed while received bytes lie unread makes TCP send a reset, and the reset
//! destroys what the peer has not read yet: the Close frame or the HTTP answer that says what went
//! wrong. So those words are followed by a shutdown of the write side, and everything the peer still
//! sends is read and dropped, up to a deadline and a number of bytes.

use crate::buf::RecvBuf;
use crate::{Instant, Transport};

/// Reading and dropping what comes after the last words.
#[derive(Debug)]
pub(crate) struct Linger {
    until: Instant,
    budget: usize,
    over: bool,
}

impl Linger {
    /// Lingers until `until`, for at most `budget` bytes.
    pub(crate) const fn new(until: Instant, budget: usize) -> Self {
        Self {
            until,
            budget,
            over: false,
        }
    }

    /// Drops what was received.
    pub(crate) fn drain(&mut self, buf: &mut RecvBuf) {
        match self.budget.checked_sub(buf.clear()) {
            Some(left) => self.budget = left,
            None => self.over = true,
        }
    }

    /// The peer has gone, or nothing can reach it any more.
    pub(crate) fn end(&mut self) {
        self.over = true;
    }

    /// Is there nothing left to wait for?
    pub(crate) const fn is_over(&self) -> bool {
        self.over
    }

    /// When lingering ends at the latest.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        (!self.over).then_some(self.until)
    }

    /// Ends the lingering if its time is up.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.over |= now >= self.until;
    }

    /// What the transport should do, given whether the last words are still `unwritten`.
    pub(crate) fn transport(&self, unwritten: bool) -> Transport {
        match (self.over, unwritten) {
            (true, _) => Transport::Close,
            (false, true) => Transport::Open,
            (false, false) => Transport::Shutdown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    #[test]
    fn writes_then_shuts_down_then_drains_within_bounds() {
        let start = Instant::ORIGIN;
        let end = start + Duration::from_secs(5);
        let mut buf = RecvBuf::new();
        let mut linger = Linger::new(end, 10);
        assert_eq!(linger.transport(true), Transport::Open);
        assert_eq!(linger.transport(false), Transport::Shutdown);
        buf.extend_from_slice(&[0; 10]);
        linger.drain(&mut buf);
        assert_eq!((linger.is_over(), buf.filled().len()), (false, 0));
        linger.handle_timeout(start);
        assert_eq!(linger.deadline(), Some(end));
        buf.extend_from_slice(&[0]);
        linger.drain(&mut buf);
        assert_eq!(
            (linger.transport(false), linger.deadline()),
            (Transport::Close, None)
        );

        let mut linger = Linger::new(end, 10);
        linger.handle_timeout(end);
        assert!(linger.is_over());
    }
}
