//! How long a peer may be silent: the keepalive ping and the idle limit.
//!
//! Receiving only notes the time. A deadline that fires looks at that note and moves itself on, so
//! no timer is touched per message. Whether the peer is alive is judged by received bytes, not by
//! whole frames: a peer in the middle of a long message is alive.

use core::time::Duration;

use super::config::{Config, Keepalive};
use crate::Instant;
use crate::machine::Deadline;

/// The keepalive and idle timers of one connection.
#[derive(Debug)]
pub(super) struct Silence {
    keepalive: Option<Keepalive>,
    idle: Option<Duration>,
    last_heard: Instant,
    ping_at: Option<Instant>,
    idle_at: Option<Instant>,
    ping: Option<Ping>,
    /// Pings sent so far; the payload of a ping is its number.
    pings: u64,
    /// How many of them were answered.
    pongs: u64,
    /// The next ping is a question of its owner's, and this is how long the answer may take.
    probe: Option<Duration>,
    round_trip: Option<Duration>,
}

/// What a connection knows about its peer's life.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pulse {
    pub(crate) last_heard: Instant,
    pub(crate) pings: u64,
    pub(crate) pongs: u64,
    pub(crate) next_ping_at: Option<Instant>,
}

/// A ping on its way.
#[derive(Debug)]
struct Ping {
    queued_at: Instant,
    pong_by: Instant,
    /// The position in the send queue behind the ping.
    mark: u64,
    /// How much was written when the deadline was last set.
    written: u64,
    heard_since: bool,
    /// How long the peer may take.
    timeout: Duration,
}

/// What a deadline that fired asks for.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Due {
    /// Queue a ping with this payload, then say [`pinged`](Silence::pinged).
    Ping([u8; 8]),
    /// The peer has been silent for too long.
    Silent(Deadline),
}

impl Silence {
    /// `None` if nothing is configured, which costs nothing then.
    pub(super) fn new(config: &Config, now: Instant) -> Option<Self> {
        let Config {
            keepalive,
            idle_timeout: idle,
            ..
        } = *config;
        (keepalive.is_some() || idle.is_some()).then(|| Self {
            keepalive,
            ping_at: keepalive.map(|keepalive| now + keepalive.interval),
            idle,
            idle_at: idle.map(|idle| now + idle),
            ..Self::idle(now)
        })
    }

    /// Nothing is watched until something is asked.
    pub(super) const fn idle(now: Instant) -> Self {
        Self {
            keepalive: None,
            idle: None,
            last_heard: now,
            ping_at: None,
            idle_at: None,
            ping: None,
            pings: 0,
            pongs: 0,
            probe: None,
            round_trip: None,
        }
    }

    /// Is the peer still there? Gives the payload of a ping to be queued, unless one is out: then
    /// its answer is due that much sooner.
    pub(super) fn probe(&mut self, timeout: Duration, now: Instant) -> Option<[u8; 8]> {
        if let Some(ping) = &mut self.ping {
            ping.timeout = ping.timeout.min(timeout);
            ping.pong_by = ping.pong_by.min(now + timeout);
            ping.heard_since = false;
            return None;
        }
        self.probe = Some(timeout);
        self.pings += 1;
        Some(self.pings.to_be_bytes())
    }

    pub(super) const fn pulse(&self) -> Pulse {
        Pulse {
            last_heard: self.last_heard,
            pings: self.pings,
            pongs: self.pongs,
            next_ping_at: self.ping_at,
        }
    }

    /// Bytes were received.
    #[inline]
    pub(super) fn heard(&mut self, now: Instant) {
        self.last_heard = now;
        if let Some(ping) = &mut self.ping {
            ping.heard_since = true;
            if let Some(keepalive) = self.keepalive {
                // The next ping is due before this one's time is up, if the timeout is the longer one.
                ping.pong_by = ping.pong_by.min(now + keepalive.interval);
            }
        }
    }

    /// A pong was received; it counts if it answers the ping that is out.
    pub(super) fn ponged(&mut self, payload: &[u8], now: Instant) {
        if let Some(ping) = &self.ping {
            if payload == self.pings.to_be_bytes() {
                self.round_trip = Some(now - ping.queued_at);
                self.pongs += 1;
                self.ping = None;
                self.ping_at = self.keepalive.map(|keepalive| now + keepalive.interval);
            }
        }
    }

    /// From queueing the last answered ping to its pong.
    pub(super) const fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// The ping was queued: it ends at `mark` in the send queue, of which `written` has left.
    pub(super) fn pinged(&mut self, mark: u64, written: u64, now: Instant) {
        let own = self.keepalive.map(|keepalive| keepalive.timeout);
        let Some(timeout) = self.probe.take().or(own) else {
            return;
        };
        let pong_by = now + timeout;
        self.ping = Some(Ping {
            timeout,
            queued_at: now,
            pong_by,
            mark,
            written,
            heard_since: false,
        });
        self.ping_at = None;
    }

    pub(super) fn deadline(&self) -> Option<(Instant, Deadline)> {
        let ping = self.ping_at.map(|at| (at, Deadline::Ping));
        let pong = self
            .ping
            .as_ref()
            .map(|ping| (ping.pong_by, Deadline::Pong));
        let idle = self.idle_at.map(|at| (at, Deadline::Idle));
        [ping, pong, idle].into_iter().flatten().min()
    }

    /// Acts on the deadlines that have passed; `written` bytes have left the send queue so far.
    pub(super) fn handle_timeout(&mut self, now: Instant, written: u64) -> Option<Due> {
        if let (Some(idle), Some(at)) = (self.idle, self.idle_at) {
            if now >= at {
                let next = self.last_heard + idle;
                if next <= now {
                    return Some(Due::Silent(Deadline::Idle));
                }
                self.idle_at = Some(next);
            }
        }
        let interval = self.keepalive.map(|keepalive| keepalive.interval);
        if let Some(ping) = &mut self.ping {
            if now < ping.pong_by {
                return None;
            }
            if ping.heard_since && written < ping.mark {
                // The peer is alive and this ping still in the queue: another would add nothing.
                ping.heard_since = false;
                ping.written = written;
                let due = interval.map_or(now, |interval| self.last_heard + interval);
                ping.pong_by = due.max(now) + ping.timeout;
                return None;
            } else if ping.heard_since {
                // Not the pong, but bytes: the peer is alive.
                self.ping = None;
                self.ping_at = interval.map(|interval| self.last_heard + interval);
            } else if ping.written < written && written < ping.mark {
                // The ping has not left yet, and the queue moves: the wait has not begun.
                ping.written = written;
                ping.pong_by = now + ping.timeout;
                return None;
            } else {
                return Some(Due::Silent(Deadline::Pong));
            }
        }
        if self.ping_at.is_none_or(|at| now < at) {
            return None;
        }
        let next = self.last_heard + interval?;
        if next > now {
            self.ping_at = Some(next);
            return None;
        }
        self.pings += 1;
        Some(Due::Ping(self.pings.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::ORIGIN + Duration::from_secs(seconds)
    }

    fn silence(interval: u64, timeout: u64) -> Silence {
        let keepalive = Keepalive::default()
            .interval(Duration::from_secs(interval))
            .timeout(Duration::from_secs(timeout));
        Silence::new(&Config::default().keepalive(Some(keepalive)), at(0)).unwrap()
    }

    const FIRST: [u8; 8] = 1u64.to_be_bytes();

    #[test]
    fn nothing_configured_costs_nothing() {
        assert!(Silence::new(&Config::default(), at(0)).is_none());
    }

    #[test]
    fn a_silent_peer_is_pinged_and_then_given_up() {
        let mut silence = silence(15, 10);
        assert_eq!(silence.deadline(), Some((at(15), Deadline::Ping)));
        assert_eq!(silence.handle_timeout(at(14), 0), None);
        assert_eq!(silence.handle_timeout(at(15), 0), Some(Due::Ping(FIRST)));
        silence.pinged(14, 0, at(15));
        assert_eq!(silence.deadline(), Some((at(25), Deadline::Pong)));
        assert_eq!(silence.handle_timeout(at(24), 14), None);
        assert_eq!(
            silence.handle_timeout(at(25), 14),
            Some(Due::Silent(Deadline::Pong))
        );
    }

    #[test]
    fn only_the_matching_pong_gives_a_round_trip_and_the_interval_starts_over() {
        let mut silence = silence(15, 10);
        silence.handle_timeout(at(15), 0);
        silence.pinged(14, 0, at(15));
        silence.ponged(b"unasked", at(16));
        assert_eq!(silence.round_trip(), None);
        silence.heard(at(17));
        silence.ponged(&FIRST, at(17));
        assert_eq!(silence.round_trip(), Some(Duration::from_secs(2)));
        assert_eq!(silence.deadline(), Some((at(32), Deadline::Ping)));
    }

    #[test]
    fn received_bytes_put_the_ping_off() {
        let mut silence = silence(15, 10);
        silence.heard(at(14));
        assert_eq!(
            silence.deadline(),
            Some((at(15), Deadline::Ping)),
            "no timer per message"
        );
        assert_eq!(silence.handle_timeout(at(15), 0), None);
        assert_eq!(silence.deadline(), Some((at(29), Deadline::Ping)));
    }

    #[test]
    fn bytes_instead_of_a_pong_are_a_sign_of_life() {
        let mut silence = silence(15, 10);
        silence.handle_timeout(at(15), 0);
        silence.pinged(14, 0, at(15));
        silence.heard(at(20));
        assert_eq!(silence.handle_timeout(at(25), 14), None);
        assert_eq!(silence.deadline(), Some((at(35), Deadline::Ping)));
    }

    #[test]
    fn the_wait_for_a_pong_begins_when_the_ping_has_left() {
        let mut silence = silence(15, 10);
        silence.handle_timeout(at(15), 0);
        silence.pinged(1_000_000, 0, at(15));
        assert_eq!(
            silence.handle_timeout(at(25), 500_000),
            None,
            "the queue moves"
        );
        assert_eq!(silence.deadline(), Some((at(35), Deadline::Pong)));
        assert_eq!(
            silence.handle_timeout(at(35), 500_000),
            Some(Due::Silent(Deadline::Pong))
        );
    }

    #[test]
    fn a_probe_needs_no_keepalive_and_hurries_a_ping_that_is_out() {
        let mut silence = Silence::idle(at(0));
        assert_eq!(silence.deadline(), None);
        let three = Duration::from_secs(3);
        assert_eq!(silence.probe(three, at(5)), Some(FIRST));
        silence.pinged(14, 0, at(5));
        assert_eq!(silence.deadline(), Some((at(8), Deadline::Pong)));
        silence.heard(at(6));
        assert_eq!(silence.handle_timeout(at(8), 14), None, "it is alive");
        assert_eq!(silence.deadline(), None);

        let mut silence = self::silence(15, 10);
        silence.handle_timeout(at(15), 0);
        silence.pinged(14, 0, at(15));
        assert_eq!(silence.probe(three, at(16)), None);
        assert_eq!(silence.deadline(), Some((at(19), Deadline::Pong)));
        assert_eq!(
            silence.handle_timeout(at(19), 14),
            Some(Due::Silent(Deadline::Pong))
        );
        assert_eq!((silence.pulse().pings, silence.pulse().pongs), (1, 0));
    }

    #[test]
    fn an_idle_peer_is_noticed_and_a_busy_one_is_not() {
        let config = Config::default().idle_timeout(Some(Duration::from_secs(60)));
        let mut silence = Silence::new(&config, at(0)).unwrap();
        silence.heard(at(59));
        assert_eq!(silence.handle_timeout(at(60), 0), None);
        assert_eq!(silence.deadline(), Some((at(119), Deadline::Idle)));
        assert_eq!(
            silence.handle_timeout(at(119), 0),
            Some(Due::Silent(Deadline::Idle))
        );
    }
}
