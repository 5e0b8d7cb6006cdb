//! Playing a frame log back, in virtual time or in real time: the driver says what time it is.
//!
//! It never waits.

use alloc::vec::Vec;
use core::time::Duration;

use super::entry::Entry;
use crate::time::Instant;
use crate::wall::UnixTime;

/// At what pace entries are handed out.
///
/// Exhaustive on purpose: theirs, or none.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Pace {
    /// As far apart as they were recorded.
    #[default]
    AsRecorded,
    /// One after the other.
    AtOnce,
}

/// Hands out the entries of a log, in their order.
///
/// ```
/// use core::time::Duration;
/// use ws_core::Instant;
/// use ws_core::testing::{LogReader, Pace, Replay};
///
/// let mut reader = LogReader::default();
/// let lines = [
///     r#"{"ts":"2026-01-01T00:00:00Z","dir":"in","type":"text","data":"one"}"#,
///     r#"{"ts":"2026-01-01T00:00:03Z","dir":"in","type":"text","data":"two"}"#,
/// ];
/// let entries = lines.iter().filter_map(|line| reader.line(line.as_bytes())).collect();
/// let now = Instant::ORIGIN;
/// let mut replay = Replay::new(entries, Pace::AsRecorded, now);
/// assert!(replay.poll(now).is_some());
/// assert!(replay.poll(now).is_none());
/// assert_eq!(replay.poll_timeout(), Some(now + Duration::from_secs(3)));
/// ```
#[derive(Clone, Debug)]
pub struct Replay {
    entries: alloc::vec::IntoIter<Entry>,
    pace: Pace,
    start: Instant,
    /// The first time that an entry has.
    first: Option<UnixTime>,
}

impl Replay {
    /// Starts with the first entry, now.
    #[must_use]
    pub fn new(entries: Vec<Entry>, pace: Pace, now: Instant) -> Self {
        Self {
            first: entries.iter().find_map(|entry| entry.at),
            entries: entries.into_iter(),
            pace,
            start: now,
        }
    }

    /// The next entry, if its time has come.
    pub fn poll(&mut self, now: Instant) -> Option<Entry> {
        let due = self.poll_timeout().is_some_and(|at| at <= now);
        if due { self.entries.next() } else { None }
    }

    /// When the next entry is due, or `None` at the end. An entry that has no time, or one before
    /// that of the first, is due at once.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let next = self.entries.as_slice().first()?;
        let after = match self.pace {
            Pace::AsRecorded => match (next.at, self.first) {
                (Some(at), Some(first)) => at.saturating_duration_since(first),
                _ => Duration::ZERO,
            },
            Pace::AtOnce => Duration::ZERO,
        };
        Some(self.start + after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Direction, OwnedFrame};

    #[test]
    fn entries_come_at_their_pace_or_at_once() {
        let entry = |seconds: u64| Entry {
            at: (seconds > 0).then(|| UnixTime::from_nanos(seconds * 1_000_000_000)),
            direction: Direction::In,
            frame: OwnedFrame::Text("x".into()),
        };
        let seconds = [0, 100, 101, 0, 99, 104];
        let entries: Vec<_> = seconds.into_iter().map(entry).collect();
        let at = |seconds| Instant::ORIGIN + Duration::from_secs(seconds);
        let times = |pace| {
            let mut replay = Replay::new(entries.clone(), pace, at(5));
            let mut now = at(5);
            let mut times = Vec::new();
            while let Some(due) = replay.poll_timeout() {
                now = now.max(due);
                assert!(replay.poll(now).is_some());
                times.push(now);
            }
            assert_eq!(replay.poll(at(999)), None);
            times
        };
        let paced = [at(5), at(5), at(6), at(6), at(6), at(9)];
        assert_eq!(times(Pace::AsRecorded), paced);
        assert_eq!(times(Pace::AtOnce), [at(5); 6]);
    }
}
