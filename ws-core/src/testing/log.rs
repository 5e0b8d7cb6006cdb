//! The reading side of a frame log: line by line, and what is wrong with one harms no other.

use alloc::vec::Vec;
use core::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::entry::{Direction, Entry, OwnedFrame};
use super::json::{self, Value};
use crate::wall::UnixTime;

/// Reads the lines of a frame log, and counts.
///
/// ```
/// use ws_core::testing::LogReader;
///
/// let mut reader = LogReader::default();
/// let line = br#"{"ts":"2026-01-01T00:00:00Z","dir":"in","type":"text","data":"hi"}"#;
/// assert!(reader.line(line).is_some());
/// assert_eq!(reader.line(b"{ not JSON"), None);
/// let metadata = reader.metadata();
/// assert_eq!((metadata.count, metadata.malformed), (1, 1));
/// ```
#[derive(Clone, Debug, Default)]
pub struct LogReader {
    metadata: Metadata,
}

/// What a log holds, in numbers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Metadata {
    /// Entries.
    pub count: u64,
    /// Entries that were received.
    pub inbound: u64,
    /// Entries that were sent.
    pub outbound: u64,
    /// From the first entry that has a time to the last.
    pub duration: Duration,
    /// When the first that has a time was recorded.
    pub first: Option<UnixTime>,
    /// When the last was.
    pub last: Option<UnixTime>,
    /// Lines that were not understood and passed over.
    pub malformed: u64,
}

enum Line {
    Entry(Entry),
    /// An empty line, or a header.
    Nothing,
}

impl LogReader {
    /// Reads a line, with or without its end. `None` for a header or an empty line, and for one that
    /// is not understood, which is counted.
    pub fn line(&mut self, line: &[u8]) -> Option<Entry> {
        let counts = &mut self.metadata;
        match read(line) {
            Some(Line::Entry(entry)) => {
                counts.count += 1;
                match entry.direction {
                    Direction::In => counts.inbound += 1,
                    Direction::Out => counts.outbound += 1,
                }
                if let Some(at) = entry.at {
                    let first = *counts.first.get_or_insert(at);
                    counts.last = Some(at);
                    counts.duration = at.saturating_duration_since(first);
                }
                Some(entry)
            }
            Some(Line::Nothing) => None,
            None => {
                counts.malformed += 1;
                None
            }
        }
    }

    /// The numbers of what was read so far.
    #[must_use]
    pub const fn metadata(&self) -> Metadata {
        self.metadata
    }
}

fn read(line: &[u8]) -> Option<Line> {
    let line = core::str::from_utf8(line).ok()?.trim();
    if line.is_empty() {
        return Some(Line::Nothing);
    }
    let line = json::parse(line)?;
    let kind = line.field("type")?.text()?;
    if kind == "header" {
        return Some(Line::Nothing);
    }
    let at = match line.field("ts")? {
        Value::Null => None,
        time => Some(time.text()?.parse().ok()?),
    };
    let direction = match line.field("dir")?.text()? {
        "in" => Direction::In,
        "out" => Direction::Out,
        _ => return None,
    };
    let data = line.field("data");
    let frame = match kind {
        "text" => OwnedFrame::Text(data?.text()?.into()),
        "binary" => OwnedFrame::Binary(decode(data?)?),
        "ping" => OwnedFrame::Ping(decode(data?)?),
        "pong" => OwnedFrame::Pong(decode(data?)?),
        "close" => close(data?)?,
        "redacted" => OwnedFrame::Redacted {
            len: usize::try_from(line.field("len")?.integer()?).ok()?,
        },
        _ => return None,
    };
    Some(Line::Entry(Entry {
        at,
        direction,
        frame,
    }))
}

fn decode(data: &Value) -> Option<Vec<u8>> {
    STANDARD.decode(data.text()?).ok()
}

/// An object, or a string that holds one, as other recorders write it.
fn close(data: &Value) -> Option<OwnedFrame> {
    let inner = data.text().and_then(json::parse);
    let data = inner.as_ref().unwrap_or(data);
    Some(OwnedFrame::Close {
        code: u16::try_from(data.field("code")?.integer()?).ok()?,
        reason: data.field("reason")?.text()?.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Frame, Recorder, RecorderConfig};
    use crate::time::Instant;
    use alloc::string::String;
    use proptest::prelude::*;

    #[test]
    fn s14_what_is_recorded_is_read_in_order_and_malformed_lines_are_counted() {
        let mut recorder = Recorder::new(RecorderConfig::default());
        let wall = |seconds: u64| UnixTime::from_nanos(seconds * 1_000_000_000);
        let frames = [
            (Direction::Out, Frame::Text("{\"a\":\"\u{1}\n\"}")),
            (Direction::In, Frame::Binary(&[0, 255, 7])),
            (Direction::In, Frame::Ping(b"p")),
            (Direction::Out, Frame::Pong(b"")),
            (Direction::Out, Frame::Redacted { len: 99 }),
            (
                Direction::In,
                Frame::Close {
                    code: 1001,
                    reason: "bye",
                },
            ),
        ];
        recorder.header(
            &[("url", "wss://x"), ("version", "1")],
            wall(0),
            Instant::ORIGIN,
        );
        for (seconds, (direction, frame)) in (10..).zip(frames) {
            recorder.record(direction, frame, wall(seconds), Instant::ORIGIN);
        }
        let mut file = recorder.take();
        file.extend(b"\n{\"ts\":\nnonsense\n\xff\n");
        // The next session appends to the file.
        recorder.header(&[], wall(19), Instant::ORIGIN);
        recorder.record(
            Direction::In,
            Frame::Text("again"),
            wall(20),
            Instant::ORIGIN,
        );
        file.extend(recorder.take());

        let mut reader = LogReader::default();
        let lines = file.split(|byte| *byte == b'\n');
        let entries: Vec<Entry> = lines.filter_map(|line| reader.line(line)).collect();
        for (entry, (direction, frame)) in entries.iter().zip(frames) {
            assert_eq!(
                (entry.direction, entry.frame.borrowed()),
                (direction, frame)
            );
        }
        let metadata = reader.metadata();
        assert_eq!((metadata.count, metadata.malformed), (7, 3));
        assert_eq!((metadata.inbound, metadata.outbound), (4, 3));
        assert_eq!(metadata.duration, Duration::from_secs(10));
        assert_eq!(
            (metadata.first, metadata.last),
            (Some(wall(10)), Some(wall(20)))
        );
    }

    #[test]
    fn what_was_recorded_while_nobody_knew_the_time_is_read_without_one() {
        let mut recorder = Recorder::new(RecorderConfig::default());
        let dated = UnixTime::from_nanos(1_700_000_000_000_000_000);
        for wall in [None, Some(dated)] {
            recorder.header(&[], wall, Instant::ORIGIN);
            recorder.record(Direction::In, Frame::Ping(b""), wall, Instant::ORIGIN);
        }
        let file = recorder.take();
        assert!(file.starts_with(b"{\"ts\":null,"));
        let mut reader = LogReader::default();
        let lines = file.split(|byte| *byte == b'\n');
        let entries = lines.filter_map(|line| reader.line(line));
        let times: Vec<_> = entries.map(|entry| entry.at).collect();
        assert_eq!(times, [None, Some(dated)]);
        let metadata = reader.metadata();
        assert_eq!((metadata.count, metadata.malformed), (2, 0));
        assert_eq!((metadata.first, metadata.last), (Some(dated), Some(dated)));
    }

    #[test]
    fn a_close_may_be_a_string_and_other_fields_do_not_matter() {
        let mut reader = LogReader::default();
        let line = br#"{"x":[1],"ts":"2026-01-01T00:00:00.5Z","dir":"in","type":"close","data":"{\"code\":1000,\"reason\":\"\"}"}"#;
        let entry = reader.line(line).unwrap();
        let (code, reason) = (1000, "");
        assert_eq!(entry.frame.borrowed(), Frame::Close { code, reason });
        for bad in [
            r#"{"ts":"2026-01-01T00:00:00Z","dir":"up","type":"text","data":""}"#,
            r#"{"ts":"2026-01-01T00:00:00Z","dir":"in","type":"odd","data":""}"#,
            r#"{"ts":"yesterday","dir":"in","type":"text","data":""}"#,
            r#"{"ts":"2026-01-01T00:00:00Z","dir":"in","type":"binary","data":"?"}"#,
            r#"{"ts":"2026-01-01T00:00:00Z","dir":"in","type":"close","data":{"code":70000,"reason":""}}"#,
        ] {
            assert_eq!(reader.line(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(reader.metadata().malformed, 5);
    }

    proptest! {
        #[test]
        fn every_frame_comes_back(text: String, data: Vec<u8>, code: u16, micros in 0..u64::MAX / 1000) {
            let mut recorder = Recorder::new(RecorderConfig::default());
            let wall = UnixTime::from_nanos(micros * 1000);
            for frame in [
                Frame::Text(&text),
                Frame::Binary(&data),
                Frame::Ping(&data),
                Frame::Close { code, reason: &text },
            ] {
                recorder.record(Direction::In, frame, wall, Instant::ORIGIN);
                let line = recorder.take();
                prop_assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
                let entry = LogReader::default().line(&line).unwrap();
                prop_assert_eq!(entry.at, Some(wall));
                prop_assert_eq!(entry.frame.borrowed(), frame);
            }
        }

        #[test]
        fn no_line_panics(line: Vec<u8>) {
            let mut reader = LogReader::default();
            prop_assert_eq!(reader.line(&line), None);
        }
    }
}
