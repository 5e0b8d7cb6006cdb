//! Events, added up. What is not an event, such as what waits to be sent, is in the
//! [`Snapshot`](crate::session::Snapshot).

use core::time::Duration;

use super::super::event::Event;
use super::super::subscriptions::Change;
use crate::Instant;

/// Counters of a session since it began, for an exporter to read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Metrics {
    /// Opening handshakes that succeeded.
    pub opened: u64,
    /// Connections that became ready.
    pub ready: u64,
    /// Connections that were lost.
    pub lost: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Redirects that were followed.
    pub redirected: u64,
    /// Faults of the peer.
    pub protocol_errors: u64,
    /// Messages received, answers included.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Events that were dropped, because the application was too slow.
    pub missed: u64,
    /// Pings and pongs received.
    pub control: u64,
    /// Requests that were answered.
    pub answered: u64,
    /// Requests that ended without an answer.
    pub unanswered: u64,
    /// Answers that found no request.
    pub unmatched: u64,
    /// Round trips of the answers, added up: divide by [`answered`](Self::answered).
    pub round_trips: Duration,
    /// Messages sent with options that have left.
    pub sent: u64,
    /// Messages sent with options that never will.
    pub unsent: u64,
    /// Subscriptions that were confirmed or restored.
    pub confirmed: u64,
    /// Subscriptions that were refused, or got no answer.
    pub refused: u64,
    /// How long the session was ready, all connections that are over together.
    pub uptime: Duration,
    ready_since: Option<Instant>,
}

impl Metrics {
    /// Counts an event.
    pub fn count<T: AsRef<str>, B: AsRef<[u8]>>(&mut self, event: &Event<T, B>, at: Instant) {
        let one = match event {
            Event::Awaited { .. }
            | Event::Binary(_)
            | Event::Call { .. }
            | Event::Data { .. }
            | Event::Text(_) => self.message(event),
            Event::Disconnected { .. } => {
                self.down(at);
                &mut self.lost
            }
            Event::Failed { .. } => &mut self.failed,
            Event::Lagged { missed } => {
                self.missed += missed;
                return;
            }
            Event::MessageLost { .. } => &mut self.unsent,
            Event::MessageSent { .. } => &mut self.sent,
            Event::Opened { .. } => &mut self.opened,
            Event::Ping(_) | Event::Pong(_) => &mut self.control,
            Event::ProtocolError(_) => &mut self.protocol_errors,
            Event::Ready { .. } => {
                self.ready_since = Some(at);
                &mut self.ready
            }
            Event::Redirected { .. } => &mut self.redirected,
            Event::RequestEnded { .. } => &mut self.unanswered,
            Event::Response { round_trip, .. } => {
                *self.message(event) += 1;
                self.round_trips += *round_trip;
                &mut self.answered
            }
            Event::Subscription { change, .. } => match change {
                Change::Confirmed | Change::Restored => &mut self.confirmed,
                Change::Expired { .. } | Change::Failed { .. } | Change::RestoreFailed { .. } => {
                    &mut self.refused
                }
                Change::Stale | Change::Unsubscribed => return,
            },
            Event::Unmatched { .. } => {
                *self.message(event) += 1;
                &mut self.unmatched
            }
            Event::Terminated(_) => return self.down(at),
            Event::ClockJump(_)
            | Event::Continuity { .. }
            | Event::Drained { .. }
            | Event::Login(_)
            | Event::PingAnswered { .. }
            | Event::PingLost { .. }
            | Event::Pressure(_)
            | Event::RetryScheduled { .. }
            | Event::WaitEnded { .. } => return,
        };
        *one += 1;
    }

    /// The time that the session was ready until now, the connection of the moment included.
    #[must_use]
    pub fn uptime(&self, now: Instant) -> Duration {
        let present = self.ready_since.map(|since| now - since);
        self.uptime + present.unwrap_or_default()
    }

    fn message<T: AsRef<str>, B: AsRef<[u8]>>(&mut self, event: &Event<T, B>) -> &mut u64 {
        self.bytes += event.entry().size.unwrap_or_default() as u64;
        &mut self.messages
    }

    fn down(&mut self, at: Instant) {
        if let Some(since) = self.ready_since.take() {
            self.uptime += at - since;
        }
    }
}
