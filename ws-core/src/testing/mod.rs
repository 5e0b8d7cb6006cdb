//! Recording what went over a connection, and playing it back (feature `testing`).
//!
//! A [`Recorder`] turns frames into lines of JSON, a [`LogReader`] turns lines into frames, and a
//! [`Replay`] hands them out at the pace at which they came. None of them touches a file: lines are
//! handed out when it is time to write them, and read one by one.
//!
//! ```
//! use ws_core::testing::{Direction, Frame, LogReader, Recorder, RecorderConfig};
//! use ws_core::{Instant, UnixTime};
//!
//! let mut recorder = Recorder::new(RecorderConfig::default());
//! let (wall, now) = (UnixTime::from_nanos(0), Instant::ORIGIN);
//! recorder.record(Direction::In, Frame::Text("hello"), wall, now);
//! let file = recorder.take();
//!
//! let mut reader = LogReader::default();
//! let entry = reader.line(&file).unwrap();
//! assert_eq!(entry.frame.borrowed(), Frame::Text("hello"));
//! ```

mod entry;
mod json;
mod log;
mod recorder;
mod replay;

pub use entry::{Direction, Entry, Frame, OwnedFrame};
pub use log::{LogReader, Metadata};
pub use recorder::{Recorder, RecorderConfig, RecorderStats};
pub use replay::{Pace, Replay};
