//! The strict rolling window: a log of what was sent, no longer than its limit.

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::time::Instant;

/// The units of the last `span`, with their times.
#[derive(Clone, Debug)]
pub(super) struct Window {
    limit: u32,
    span: Duration,
    /// Oldest first; at most one entry for each unit of the limit.
    sent: VecDeque<(Instant, u32)>,
}

impl Window {
    pub(super) const fn new(limit: u32, per: Duration, guard: Duration) -> Self {
        Self {
            limit,
            span: per.saturating_add(guard),
            sent: VecDeque::new(),
        }
    }

    /// What still counts at `now`, oldest first.
    fn live(&self, now: Instant) -> impl Iterator<Item = (Instant, u32)> + '_ {
        let entries = self.sent.iter().copied();
        entries.skip_while(move |(at, _)| *at + self.span <= now)
    }

    fn used(&self, now: Instant) -> u64 {
        self.live(now).map(|(_, units)| u64::from(units)).sum()
    }

    pub(super) fn ready_at(&self, need: u32, now: Instant) -> Option<Instant> {
        let limit = u64::from(self.limit);
        let mut used = self.used(now);
        let mut at = now;
        let mut live = self.live(now);
        while used + u64::from(need) > limit {
            let (sent, units) = live.next()?;
            used -= u64::from(units);
            at = sent + self.span;
        }
        Some(at)
    }

    pub(super) fn take(&mut self, units: u32, now: Instant) {
        while self
            .sent
            .front()
            .is_some_and(|(at, _)| *at + self.span <= now)
        {
            self.sent.pop_front();
        }
        match self.sent.back_mut() {
            Some((at, sum)) if *at == now => *sum = sum.saturating_add(units),
            _ if units > 0 => self.sent.push_back((now, units)),
            _ => {}
        }
        // Debits that nobody waited for can pass the limit; the log must not grow with them. The
        // oldest then counts for as long as the one after it.
        let most = usize::try_from(self.limit).unwrap_or(usize::MAX).max(1);
        while self.sent.len() > most {
            let (_, oldest) = self.sent.pop_front().unwrap_or_default();
            if let Some((_, next)) = self.sent.front_mut() {
                *next = next.saturating_add(oldest);
            }
        }
    }

    pub(super) fn leave(&mut self, units: u32, now: Instant) {
        let excess = self.available(now).saturating_sub(units);
        self.take(excess, now);
    }

    pub(super) fn available(&self, now: Instant) -> u32 {
        let left = u64::from(self.limit).saturating_sub(self.used(now));
        u32::try_from(left).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ORIGIN + Duration::from_millis(millis)
    }

    #[test]
    fn the_log_never_outgrows_the_limit_and_forgets_nothing_early() {
        let mut window = Window::new(3, Duration::from_secs(1), Duration::ZERO);
        for millis in 0..100 {
            window.take(1, at(millis));
        }
        assert_eq!(window.sent.len(), 3);
        assert_eq!(window.used(at(100)), 100);
        let ready = window.ready_at(1, at(100)).unwrap();
        assert!(ready >= at(1097), "the third of the last three: {ready:?}");
        window.take(1, at(3000));
        assert_eq!(window.sent.len(), 1);
    }
}
