//! The writing side of a frame log: lines are gathered and handed out in blocks.
//!
//! It touches no file.

use alloc::format;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::entry::{Direction, Frame};
use super::json::quote;
use crate::time::Instant;
use crate::wall::UnixTime;

/// How a recorder gathers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RecorderConfig {
    /// Entries after which they are to be written. Default 100.
    pub flush_entries: u32,
    /// How long an entry may wait to be written. Default 1 s.
    pub flush_after: Duration,
    /// Bytes that may wait; what comes beyond them is dropped and counted. Default 4 MiB.
    pub max_bytes: usize,
}

impl Default for RecorderConfig {
    fn default() -> Self {
        Self {
            flush_entries: 100,
            flush_after: Duration::from_secs(1),
            max_bytes: 4 << 20,
        }
    }
}

impl RecorderConfig {
    /// Sets [`flush_entries`](Self#structfield.flush_entries).
    #[must_use]
    pub const fn flush_entries(mut self, entries: u32) -> Self {
        self.flush_entries = entries;
        self
    }

    /// Sets [`flush_after`](Self#structfield.flush_after).
    #[must_use]
    pub const fn flush_after(mut self, after: Duration) -> Self {
        self.flush_after = after;
        self
    }

    /// Sets [`max_bytes`](Self#structfield.max_bytes).
    #[must_use]
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }
}

/// Writes down what goes over a connection, one line of JSON for each frame.
///
/// It never blocks: lines gather until [`poll`](Self::poll) hands them out, and those that no longer
/// fit are dropped and counted. Whoever ends a session, in whatever way, appends what
/// [`take`](Self::take) returns to the file.
///
/// ```
/// use core::time::Duration;
/// use ws_core::testing::{Direction, Frame, Recorder, RecorderConfig};
/// use ws_core::{Instant, UnixTime};
///
/// let (wall, now) = (UnixTime::from_nanos(1_500_000), Instant::ORIGIN);
/// let mut recorder = Recorder::new(RecorderConfig::default());
/// recorder.record(Direction::Out, Frame::Ping(b"hi"), wall, now);
/// assert_eq!(recorder.poll(now), None);
/// assert_eq!(recorder.poll_timeout(), Some(now + Duration::from_secs(1)));
/// assert_eq!(
///     recorder.take(),
///     br#"{"ts":"1970-01-01T00:00:00.001500Z","dir":"out","type":"ping","data":"aGk=","binary":true}
/// "#,
/// );
/// ```
#[derive(Clone, Debug)]
pub struct Recorder {
    config: RecorderConfig,
    lines: Vec<u8>,
    waiting: u32,
    flush_at: Option<Instant>,
    stats: RecorderStats,
}

/// What a recorder has done so far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct RecorderStats {
    /// Entries recorded.
    pub entries: u64,
    /// Bytes of their lines.
    pub bytes: u64,
    /// Entries that no longer fit.
    pub dropped: u64,
}

impl Recorder {
    /// A recorder without entries.
    #[must_use]
    pub const fn new(config: RecorderConfig) -> Self {
        Self {
            config,
            lines: Vec::new(),
            waiting: 0,
            flush_at: None,
            stats: RecorderStats {
                entries: 0,
                bytes: 0,
                dropped: 0,
            },
        }
    }

    /// Begins a session with a line about it: names and values that its owner knows to be harmless.
    /// Readers pass it over. It is an entry of its own in the statistics.
    ///
    /// `wall` is the time of day, or `None` where nobody knows it.
    pub fn header(
        &mut self,
        fields: &[(&str, &str)],
        wall: impl Into<Option<UnixTime>>,
        now: Instant,
    ) {
        let mut line = started(wall.into());
        line.extend(b",\"type\":\"header\",\"version\":1,\"session\":{");
        for (i, (name, value)) in fields.iter().enumerate() {
            if i > 0 {
                line.push(b',');
            }
            quote(name, &mut line);
            line.push(b':');
            quote(value, &mut line);
        }
        line.extend(b"}}\n");
        self.append(&line, now);
    }

    /// Records a frame. `wall` is the time of day, or `None` where nobody knows it.
    pub fn record(
        &mut self,
        direction: Direction,
        frame: Frame<'_>,
        wall: impl Into<Option<UnixTime>>,
        now: Instant,
    ) {
        if self.lines.len() >= self.config.max_bytes {
            self.stats.dropped = self.stats.dropped.saturating_add(1);
            return;
        }
        let mut line = started(wall.into());
        line.extend(match direction {
            Direction::In => &b",\"dir\":\"in\",\"type\":"[..],
            Direction::Out => b",\"dir\":\"out\",\"type\":",
        });
        match frame {
            Frame::Binary(data) => encode("binary", data, &mut line),
            Frame::Close { code, reason } => {
                line.extend(format!("\"close\",\"data\":{{\"code\":{code},\"reason\":").bytes());
                quote(reason, &mut line);
                line.push(b'}');
            }
            Frame::Ping(data) => encode("ping", data, &mut line),
            Frame::Pong(data) => encode("pong", data, &mut line),
            Frame::Redacted { len } => {
                line.extend(format!("\"redacted\",\"len\":{len}").bytes());
            }
            Frame::Text(text) => {
                line.extend(b"\"text\",\"data\":");
                quote(text, &mut line);
            }
        }
        line.extend(b"}\n");
        self.append(&line, now);
    }

    /// The lines to append to the file, if there are enough of them or they have waited long enough.
    pub fn poll(&mut self, now: Instant) -> Option<Vec<u8>> {
        let due = self.flush_at.is_some_and(|at| at <= now);
        let many = self.waiting > 0 && self.waiting >= self.config.flush_entries;
        (due || many).then(|| self.take())
    }

    /// When [`poll`](Self::poll) has lines at the latest.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        self.flush_at
    }

    /// All lines that wait, however few: what a session that ends has left to write.
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        (self.waiting, self.flush_at) = (0, None);
        mem::take(&mut self.lines)
    }

    /// What it has done so far.
    #[must_use]
    pub const fn stats(&self) -> RecorderStats {
        self.stats
    }

    fn append(&mut self, line: &[u8], now: Instant) {
        let stats = &mut self.stats;
        if self.lines.len().saturating_add(line.len()) > self.config.max_bytes {
            stats.dropped = stats.dropped.saturating_add(1);
            return;
        }
        stats.entries = stats.entries.saturating_add(1);
        stats.bytes = stats.bytes.saturating_add(line.len() as u64);
        self.lines.extend(line);
        self.waiting = self.waiting.saturating_add(1);
        self.flush_at.get_or_insert(now + self.config.flush_after);
    }
}

fn started(wall: Option<UnixTime>) -> Vec<u8> {
    match wall {
        Some(wall) => format!("{{\"ts\":\"{wall}\""),
        None => "{\"ts\":null".into(),
    }
    .into_bytes()
}

fn encode(kind: &str, data: &[u8], line: &mut Vec<u8>) {
    quote(kind, line);
    line.extend(b",\"data\":");
    quote(&STANDARD.encode(data), line);
    line.extend(b",\"binary\":true");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ORIGIN + Duration::from_millis(millis)
    }

    const WALL: UnixTime = UnixTime::from_nanos(0);

    fn record(recorder: &mut Recorder, now: Instant) {
        recorder.record(Direction::In, Frame::Text("x"), WALL, now);
    }

    #[test]
    fn s14_lines_are_written_after_a_second_or_a_hundred_of_them() {
        let mut recorder = Recorder::new(RecorderConfig::default());
        assert_eq!(
            (recorder.poll(at(0)), recorder.poll_timeout()),
            (None, None)
        );
        record(&mut recorder, at(0));
        record(&mut recorder, at(500));
        assert_eq!(recorder.poll(at(999)), None);
        assert_eq!(recorder.poll(at(1000)).unwrap().lines().count(), 2);
        assert_eq!(recorder.poll(at(9000)), None);
        for _ in 0..99 {
            record(&mut recorder, at(9000));
        }
        assert_eq!(recorder.poll(at(9000)), None);
        record(&mut recorder, at(9000));
        assert_eq!(recorder.poll(at(9000)).unwrap().lines().count(), 100);
        record(&mut recorder, at(9001));
        assert_eq!(
            recorder.take().lines().count(),
            1,
            "nothing is lost at the end"
        );
        assert_eq!(recorder.stats().entries, 103);
    }

    #[test]
    fn what_no_longer_fits_is_dropped_and_counted() {
        let config = RecorderConfig::default()
            .max_bytes(150)
            .flush_entries(5)
            .flush_after(Duration::from_millis(10));
        let mut recorder = Recorder::new(config);
        for _ in 0..5 {
            record(&mut recorder, at(0));
        }
        let stats = recorder.stats();
        assert_eq!((stats.entries, stats.dropped), (2, 3));
        assert_eq!(recorder.poll_timeout(), Some(at(10)));
        let written = recorder.poll(at(10)).unwrap();
        assert_eq!(written.len() as u64, stats.bytes);
        record(&mut recorder, at(11));
        assert_eq!(recorder.stats().entries, 3, "there is room again");
    }

    trait Lines {
        fn lines(&self) -> impl Iterator<Item = &[u8]>;
    }

    impl Lines for Vec<u8> {
        fn lines(&self) -> impl Iterator<Item = &[u8]> {
            self.split_inclusive(|byte| *byte == b'\n')
        }
    }
}
