//! Everything about a session at one moment, for people and dashboards. Holds no secrets: messages,
//! credentials and header values are not part of it.

use core::time::Duration;

use super::Session;
use super::action::ConnId;
use super::auth::AuthPhase;
use super::correlate::Strays;
use super::dialect::Dialect;
use super::link::Link;
use super::state::State;
use super::subscriptions;
use crate::Instant;
use crate::policy::{BucketId, Histogram, Lane, LatencyStats, Percent};

/// A session at one moment; see [`Session::snapshot`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// Where it stands.
    pub state: State,
    /// The last connection.
    pub conn: ConnId,
    /// Dials of the present episode; 0 once a connection is stable.
    pub attempts: u32,
    /// How often a connection was ready.
    pub connects: u64,
    /// Inputs for connections that were over.
    pub stale_inputs: u64,
    /// Where the login stands, if there is one.
    pub login: Option<AuthPhase>,
    /// The signs of life.
    pub health: Health,
    /// Requests that wait for their answers.
    pub requests: usize,
    /// Who [waits for a message](Session::wait_for).
    pub waiting_for: usize,
    /// Round trips of the last answers.
    pub latency: Option<LatencyStats>,
    /// Answers that found no request.
    pub strays: Strays,
    /// What waits to be sent.
    pub queue: Waiting,
    /// Units that the buckets of the limits hold.
    pub limits: [Option<u32>; 4],
    /// Subscriptions, by their states.
    pub subscriptions: Topics,
}

/// The signs of life of a session; see [`Session::health`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Health {
    /// Is there a connection that pings, or a heartbeat of the application protocol's?
    pub is_watched: bool,
    /// When something was last received on this connection.
    pub last_heard: Option<Instant>,
    /// Keepalive pings of this connection.
    pub pings: u64,
    /// How many of them were answered.
    pub pongs: u64,
    /// When the next one is due if nothing is received before.
    pub next_ping_at: Option<Instant>,
    /// The round trip of the last one that was answered.
    pub round_trip: Option<Duration>,
    /// Heartbeats of the application protocol that were sent.
    pub heartbeats_sent: u64,
    /// Heartbeats of the server's.
    pub heartbeats_heard: u64,
    /// When the last of those came.
    pub last_heartbeat: Option<Instant>,
    /// Connections that were given up because nothing was heard.
    pub failures: u64,
}

/// What waits to be sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Waiting {
    /// Items, by the rank of their [`Lane`].
    pub lanes: [usize; 6],
    /// Bytes.
    pub bytes: usize,
    /// Of the nearer bound.
    pub fill: Percent,
}

/// Subscriptions by their states.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Topics {
    /// Confirmed.
    pub confirmed: usize,
    /// Expired.
    pub expired: usize,
    /// Failed.
    pub failed: usize,
    /// Pending.
    pub pending: usize,
}

impl<D: Dialect> Session<D> {
    /// Everything about the session at this moment.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        let count = |state| self.topics.in_state(state).count();
        Snapshot {
            state: self.state(),
            conn: self.conn(),
            attempts: self.backoff.attempts(now),
            connects: self.readies,
            stale_inputs: self.stale,
            login: self.login(),
            health: self.health(),
            requests: self.requests.pending(),
            waiting_for: self.waiters.len(),
            latency: self.requests.latency(),
            strays: self.requests.strays(),
            queue: Waiting {
                lanes: Lane::ALL.map(|lane| self.outbox.queue.waiting(lane)),
                bytes: self.outbox.queue.bytes(),
                fill: self.outbox.queue.fill(),
            },
            limits: BucketId::ALL.map(|bucket| self.outbox.limits.available(bucket, now)),
            subscriptions: Topics {
                confirmed: count(subscriptions::State::Confirmed),
                expired: count(subscriptions::State::Expired),
                failed: count(subscriptions::State::Failed),
                pending: count(subscriptions::State::Pending),
            },
        }
    }

    /// The signs of life.
    #[must_use]
    pub fn health(&self) -> Health {
        let pulse = match &self.link {
            Link::Open { connection, .. } => connection.pulse(),
            Link::Down | Link::Dialing { .. } | Link::Opening { .. } => None,
        };
        let vitals = &self.vitals;
        let heard = match &self.link {
            Link::Open { .. } => vitals.heard_at,
            _ => None,
        };
        Health {
            is_watched: pulse.is_some() || vitals.poll_timeout().is_some(),
            last_heard: heard.max(pulse.map(|pulse| pulse.last_heard)),
            pings: pulse.map_or(0, |pulse| pulse.pings),
            pongs: pulse.map_or(0, |pulse| pulse.pongs),
            next_ping_at: pulse.and_then(|pulse| pulse.next_ping_at),
            round_trip: self.round_trip(),
            heartbeats_sent: vitals.said,
            heartbeats_heard: vitals.beats,
            last_heartbeat: vitals.last_beat_at,
            failures: vitals.failures,
        }
    }

    /// The round trips of all pings that were answered, over all connections, in nanoseconds.
    #[must_use]
    pub const fn round_trips(&self) -> &Histogram {
        &self.vitals.round_trips
    }
}
