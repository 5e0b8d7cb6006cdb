//! Whether the peer lives, beyond what the connection finds out by itself: heartbeats of the
//! application protocol, silence in its terms, pings of the application's, and sleeps of the
//! computer's. Whatever fails here leads to another connection, never only to a count.

use core::time::Duration;

use super::clock::{ClockConfig, ClockJump, ClockWatch};
use super::correlate::{Answer, Correlator, CorrelatorConfig, Key, Sent, Timing};
use super::dialect::Dialect;
use super::errands::What;
use super::event::{Event, PingId};
use super::link::Link;
use super::lost::{Lost, SetupError};
use super::order::Phase;
use super::send::SendError;
use super::{Session, journal};
use crate::Instant;
use crate::machine::Deadline;
use crate::policy::{Heartbeat, Histogram, Lane, Percent};
use crate::rng::Rng;
use crate::wall::UnixTime;

/// What is known about the signs of life.
#[derive(Debug)]
pub(super) struct Vitals {
    pub(super) watch: ClockWatch,
    pub(super) pings: Correlator<()>,
    pub(super) round_trips: Histogram,
    /// Pongs of this connection that are in the histogram.
    pongs: u64,
    /// When something was last received, as far as the session has looked at it.
    pub(super) heard_at: Option<Instant>,
    data_at: Instant,
    app_at: Option<Instant>,
    expect_at: Option<Instant>,
    idle_at: Option<Instant>,
    /// Heartbeats that were said, and that were heard.
    pub(super) said: u64,
    pub(super) beats: u64,
    pub(super) last_beat_at: Option<Instant>,
    expect: Option<Duration>,
    /// Connections that were given up because nothing was heard.
    pub(super) failures: u64,
}

/// What the owner knows about the network.
///
/// Exhaustive on purpose: it is gone, back, or another one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Network {
    /// There is none: dialling would be of no use.
    Offline,
    /// There is one again: dialling now may be of use.
    Online,
    /// It is another one: the connection may be dead without knowing.
    PathChanged,
}

/// The first byte of the payload of an application's ping; those of the connection's are shorter.
const MARK: u8 = b'p';

/// The number of the ping that a pong answers, if it is one of the application's.
pub(super) fn own_ping(payload: &[u8]) -> Option<u64> {
    let (MARK, number) = payload.split_first().map(|(mark, rest)| (*mark, rest))? else {
        return None;
    };
    number.try_into().ok().map(u64::from_be_bytes)
}

impl Vitals {
    pub(super) fn new(clock: ClockConfig) -> Self {
        Self {
            watch: ClockWatch::new(clock),
            pings: Correlator::new(CorrelatorConfig::default()),
            round_trips: Histogram::default(),
            pongs: 0,
            heard_at: None,
            data_at: Instant::ORIGIN,
            app_at: None,
            expect_at: None,
            idle_at: None,
            said: 0,
            beats: 0,
            last_beat_at: None,
            expect: None,
            failures: 0,
        }
    }

    /// A connection has opened.
    pub(super) fn open(&mut self, now: Instant) {
        self.pongs = 0;
        (self.heard_at, self.data_at) = (Some(now), now);
    }

    /// It is set up: the application protocol's own signs of life begin.
    pub(super) fn ready(&mut self, config: &Heartbeat, now: Instant) {
        self.app_at = config.app.map(|interval| now + interval);
        self.expect = config.expect;
        self.expect_at = config.expect.map(|within| now + within);
        self.idle_at = config.idle_data.map(|limit| now + limit);
        self.data_at = now;
    }

    pub(super) fn close(&mut self) {
        (self.app_at, self.expect_at, self.idle_at) = (None, None, None);
    }

    /// The dialect has recognised a heartbeat of the server's.
    pub(super) fn beat(&mut self, now: Instant) {
        self.beats += 1;
        self.last_beat_at = Some(now);
        if self.expect_at.is_some() {
            self.expect_at = self.expect.map(|within| now + within);
        }
    }

    /// Nothing was read for a while, which is not the peer's fault.
    pub(super) fn excuse(&mut self, now: Instant) {
        self.data_at = now;
        if self.expect_at.is_some() {
            self.expect_at = self.expect.map(|within| now + within);
        }
    }

    #[inline]
    pub(super) fn data(&mut self, now: Instant) {
        (self.heard_at, self.data_at) = (Some(now), now);
    }

    pub(super) fn poll_timeout(&self) -> Option<(Instant, Deadline)> {
        let pings = self.pings.poll_timeout().map(|at| (at, Deadline::Pong));
        let beats = [self.app_at, self.expect_at].into_iter().flatten().min();
        let beats = beats.map(|at| (at, Deadline::Heartbeat));
        let idle = self.idle_at.map(|at| (at, Deadline::Idle));
        [pings, beats, idle].into_iter().flatten().min()
    }
}

/// The interval of a connection's pings, longer or shorter by up to a share.
pub(super) fn spread(interval: Duration, jitter: Percent, rng: &mut Rng) -> Duration {
    let most = jitter.of_duration(interval);
    if most.is_zero() {
        return interval;
    }
    rng.between(interval.saturating_sub(most), interval.saturating_add(most))
}

impl<D: Dialect> Session<D> {
    /// Pings the peer. Told once: [`Event::PingAnswered`] with the round trip, or
    /// [`Event::PingLost`] when there is no answer within `timeout`, or no connection any more.
    ///
    /// # Errors
    /// [`SendError::NotReady`] unless the session is ready; as
    /// [`Sender::ping`](crate::connection::Sender::ping).
    pub fn ping(&mut self, timeout: Duration, now: Instant) -> Result<PingId, SendError> {
        self.note("ping", now, |_, line| line.span(Some(timeout)));
        self.live_sender()?;
        let timing = Timing::default().timeout(Some(timeout));
        let Ok(id) = self.vitals.pings.begin((), timing, now) else {
            return Err(super::queue::Full::Items(CorrelatorConfig::default().max_pending).into());
        };
        let mut payload = [MARK; 9];
        payload[1..].copy_from_slice(&id.number().to_be_bytes());
        if let Err(error) = self.live_sender()?.ping(&payload) {
            self.vitals.pings.cancel(id, Sent::No, now);
            return Err(error.into());
        }
        Ok(PingId(id.number()))
    }

    /// Both clocks, read at the same time: to be called when the owner wakes up after a wait. Where
    /// the time of day has run ahead, the computer was asleep: the connection is asked whether it is
    /// still there, or given up if the server must have given it up, and a wait for the next dial is
    /// over. See [`clock`](super::clock).
    ///
    /// It may be said at every wake-up: readings that tell nothing new are passed over.
    pub fn wall_clock(&mut self, wall: UnixTime, now: Instant) {
        #[cfg(feature = "testing")]
        if let Some(log) = &mut self.log {
            log.wall_clock(wall, now);
        }
        if self.vitals.watch.is_old_news(wall, now) {
            return;
        }
        self.note("wall", now, |_, line| line.number(wall.as_nanos()));
        if let Some(jump) = self.vitals.watch.observe(wall, now) {
            self.jumped(jump, now);
        }
    }

    /// What the owner knows about the network. Without one nothing is dialled until there is.
    pub fn network(&mut self, network: Network, now: Instant) {
        self.note("network", now, |_, line| {
            line.number(journal::network(network))
        });
        match (network, self.phase) {
            (Network::Offline, Phase::Waiting { attempt, .. }) => {
                self.phase = Phase::Parked { attempt };
                self.changed();
            }
            (Network::Online, Phase::Parked { attempt } | Phase::Waiting { attempt, .. }) => {
                self.wait(attempt, now, now);
            }
            (Network::PathChanged, _) => self.probe(now),
            _ => {}
        }
        self.offline = match network {
            Network::Offline => true,
            Network::Online | Network::PathChanged => false,
        };
    }

    fn probe(&mut self, now: Instant) {
        if let Link::Open { connection, .. } = &mut self.link {
            connection.probe(self.config.heartbeat.probe_timeout, now);
        }
    }

    fn jumped(&mut self, jump: ClockJump, now: Instant) {
        if !matches!(self.phase, Phase::Idle | Phase::Over) {
            self.events.push_back(Event::ClockJump(jump));
        }
        match (self.phase, jump) {
            (Phase::Waiting { attempt, .. }, _) => self.wait(attempt, now, now),
            (Phase::Trying { .. }, ClockJump::Reconnect { gap }) => {
                if matches!(self.link, Link::Open { .. }) {
                    self.lost_link(Lost::Slept(gap), now);
                }
            }
            (Phase::Trying { .. }, ClockJump::Probe { .. }) => self.probe(now),
            _ => {}
        }
    }

    /// A timer is so late that the process must have been stopped.
    pub(super) fn notice_lateness(&mut self, due: Option<Instant>, now: Instant) {
        let Link::Open { .. } = self.link else {
            return;
        };
        let late = due.and_then(|due| self.vitals.watch.late(due, now));
        if let Some(ClockJump::Probe { gap } | ClockJump::Reconnect { gap }) = late {
            // The clock of the timers has gone on: what is overdue will be found out as it is.
            self.jumped(ClockJump::Probe { gap }, now);
        }
    }

    /// Is this pong the answer to a ping of the application's? Then it is told as that.
    pub(super) fn ponged(&mut self, number: u64, now: Instant) -> bool {
        let answer = self.vitals.pings.answered(&Key::Number(number), now);
        let Answer::Matched(answered) = answer else {
            return false;
        };
        let (id, round_trip) = (PingId(number), answered.round_trip);
        self.vitals.round_trips.record_duration(round_trip);
        self.events
            .push_back(Event::PingAnswered { id, round_trip });
        true
    }

    /// Counts the round trip of a keepalive ping, once.
    pub(super) fn note_round_trip(&mut self) {
        let Link::Open { connection, .. } = &self.link else {
            return;
        };
        let pongs = connection.pulse().map_or(0, |pulse| pulse.pongs);
        if pongs != self.vitals.pongs {
            self.vitals.pongs = pongs;
            if let Some(round_trip) = connection.round_trip() {
                self.vitals.round_trips.record_duration(round_trip);
            }
        }
    }

    pub(super) fn expire_vitals(&mut self, now: Instant) {
        while let Some(ended) = self.vitals.pings.poll_expired(|_| Sent::Full, now) {
            let id = PingId(ended.id.number());
            self.events.push_back(Event::PingLost { id });
        }
        if self.vitals.app_at.is_some_and(|at| at <= now) {
            self.say_heartbeat(now);
        }
        let config = &self.config.heartbeat;
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let silent = if due(self.vitals.expect_at) {
            config.expect
        } else if due(self.vitals.idle_at) {
            // The deadline is not moved with every message.
            let limit = config.idle_data.unwrap_or_default();
            let next = self.vitals.data_at + limit;
            self.vitals.idle_at = Some(next);
            (next <= now).then_some(limit)
        } else {
            None
        };
        if let Some(limit) = silent {
            self.lost_link(Lost::Silent(limit), now);
        }
    }

    fn say_heartbeat(&mut self, now: Instant) {
        self.vitals.app_at = self.config.heartbeat.app.map(|interval| now + interval);
        self.vitals.said += 1;
        let number = self.errands.number();
        let said = self.say(Lane::Control, "heartbeat", number, D::heartbeat, now);
        if said.failed.is_some() {
            return self.lost_link(Lost::Setup(SetupError::NotSent), now);
        }
        self.errands
            .begin(number, What::Reply, said.ids, said.posted);
        self.hear(said.news, &[], now);
        self.pump(now);
    }

    /// The connection is gone, and with it the pings on it.
    pub(super) fn forget_vitals(&mut self, silent: bool, now: Instant) {
        self.vitals.close();
        self.vitals.failures += u64::from(silent);
        let why = super::correlate::End::Disconnected;
        let ended = self.vitals.pings.end_if(why, |_, ()| Some(Sent::Full), now);
        for ended in ended {
            let id = PingId(ended.id.number());
            self.events.push_back(Event::PingLost { id });
        }
    }
}
