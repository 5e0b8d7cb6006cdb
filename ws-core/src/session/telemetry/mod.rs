//! Events for people and dashboards: what each is called, how much it matters, and what is counted.
//!
//! The events of a session are the only source: an [`Entry`] says one in plain words, [`Metrics`] adds
//! them up, and a [`History`] remembers the last. Nothing here sends, writes or logs anything, and no
//! message, credential or header value gets into it.
//!
//! | event | name | level | category |
//! |---|---|---|---|
//! | `Awaited`, `Binary`, `Call`, `Data`, `Text` | `received` | trace | data |
//! | `Lagged` | `lagged` | warn | data |
//! | `Ping`, `Pong` | `ping`, `pong` | trace | heartbeat |
//! | `PingAnswered`, `PingLost` | `ping_answered`, `ping_lost` | debug, warn | heartbeat |
//! | `Response`, `RequestEnded`, `Unmatched` | `answered`, `unanswered`, `unmatched` | debug, warn, warn | request |
//! | `WaitEnded` | `wait_ended` | debug | request |
//! | `MessageSent`, `MessageLost`, `Pressure` | `sent`, `unsent`, `pressure` | debug, warn, warn | send |
//! | `Login` | `login` | info, or warn for a failure | auth |
//! | `Subscription`, `Continuity` | `topic`, `continuity` | info, or warn for a failure or a gap | subscription |
//! | `Opened`, `Ready`, `Redirected` | `opened`, `ready`, `redirected` | debug, info, info | connection |
//! | `Disconnected`, `Failed`, `RetryScheduled` | `disconnected`, `failed`, `retry` | warn, warn, info | connection |
//! | `ProtocolError` | `protocol_error` | error | connection |
//! | `ClockJump` | `clock_jump` | warn | connection |
//! | `Drained`, `Terminated` | `drained`, `terminated` | info; error unless it was wanted | connection |
//!
//! ```
//! use ws_core::session::telemetry::{History, Metrics};
//! use ws_core::session::{Event, Session, SessionConfig};
//! use ws_core::{Instant, Seed, handshake::Request};
//!
//! let request = Request::new("ws://example.com/")?;
//! let config = SessionConfig::default();
//! let mut session = Session::new(request, config, Seed::new([7; 32]));
//! let (mut metrics, mut history) = (Metrics::default(), History::new(100));
//! # let now = Instant::ORIGIN;
//! # session.start(now);
//! # session.close(ws_core::close::CloseCode::NORMAL, "", now)?;
//! while let Some(event) = session.poll(now) {
//!     metrics.count(&event, now);
//!     history.remember(&event, now);
//! }
//! assert_eq!(history.to_string(), "+0.000 info connection terminated: closed\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod emit;
mod entry;
mod history;
mod metrics;
#[cfg(test)]
mod tests;

pub use entry::{Category, Detail, Entry, Level};
pub use history::{History, Remembered};
pub use metrics::Metrics;
