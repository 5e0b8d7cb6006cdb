//! What follows what: every transition of a session.
//!
//! ```text
//!          start                    dialed             101            set up
//!   Idle ────────▶ (Waiting) ──▶ Dialing ──▶ Upgrading ────▶ (Setup) ────────▶ Ready
//!                      ▲            │            │              │                │
//!                      │            └── failed ──┴── lost ──────┴──── lost ──────┘
//!                      │                              │
//!                      └────────────── judge ◀────────┘
//!                                        └──▶ Terminal
//! ```
//!
//! An attempt has its timers inside its link: when the link is gone so are they, and nothing of an
//! old attempt can disturb a new one.

use alloc::boxed::Box;
use core::mem;

use super::dialect::{Dialect, Out};
use super::event::{Action, ConnId, Event};
use super::link::Link;
use super::lost::{DialError, End, Lost};
use super::{Initial, Session};
use crate::Instant;
use crate::close::CloseCode;
use crate::connection::{Closed, Connection, check_close};
use crate::error::SendError;
use crate::handshake::{ClientHandshake, Opened};
use crate::message::Delivery;
use crate::policy::{self, Decision, Exhausted, Failure, IoClass, Next, Stage, Stop};

/// What the session is at; the link says the rest.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    Idle,
    Waiting { attempt: u32, at: Instant },
    Trying { attempt: u32 },
    Over,
}

/// What follows the end of the connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Afterwards {
    /// The verdict on why it ended.
    Judge,
    /// Another, without delay: the owner asked for it.
    Dial,
    /// Nothing: the owner closed.
    Stop,
}

impl<D: Dialect> Session<D> {
    /// Begins with the first dial. Does nothing on a session that was started before.
    pub fn start(&mut self, now: Instant) {
        if !matches!(self.phase, Phase::Idle) {
            return;
        }
        self.started = now;
        match self.backoff.start(now) {
            Next::Dial { at, attempt, .. } => self.wait(attempt, at, now),
            Next::Exhausted(limit) => self.terminate(End::Exhausted { limit, lost: None }),
        }
    }

    /// Ends the session: with a Close frame and the wait for the peer's if there is a connection, at
    /// once otherwise. Whatever was scheduled is called off.
    ///
    /// # Errors
    /// [`SendError::BadCloseCode`], [`SendError::ControlTooLong`] for a reason over 123 bytes;
    /// nothing happens then.
    pub fn close(&mut self, code: CloseCode, reason: &str, now: Instant) -> Result<(), SendError> {
        check_close(code, reason)?;
        if matches!(self.phase, Phase::Over) {
            return Ok(());
        }
        match &mut self.link {
            Link::Open { connection, .. } => {
                // Otherwise the connection is closing already.
                if connection.sender().is_open() {
                    connection.close(code, reason, now)?;
                }
                self.afterwards = Afterwards::Stop;
            }
            Link::Down | Link::Dialing { .. } | Link::Opening { .. } => {
                self.hang_up();
                self.terminate(End::Closed(None));
            }
        }
        Ok(())
    }

    /// Replaces the connection, or ends the wait for the next one. A connection that is being made
    /// is left alone, and a closed session stays closed. The dial budget holds.
    pub fn reconnect(&mut self, now: Instant) {
        match (self.phase, &mut self.link) {
            (Phase::Idle, _) => self.start(now),
            (Phase::Waiting { attempt, .. }, _) => self.wait(attempt, now, now),
            (Phase::Trying { .. }, Link::Open { connection, .. })
                if self.afterwards == Afterwards::Judge =>
            {
                if connection.sender().is_open() {
                    // A reason of no bytes always fits.
                    let _ = connection.close(CloseCode::NORMAL, "", now);
                }
                self.afterwards = Afterwards::Dial;
            }
            (Phase::Trying { .. } | Phase::Over, _) => {}
        }
    }

    /// The transport of an [`Action::Dial`] is connected, TLS included. If this says `false` the
    /// connection is not wanted any more, and the transport is to be dropped.
    pub fn dialed(&mut self, conn: ConnId, now: Instant) -> bool {
        let Link::Dialing { conn: current, by } = self.link else {
            self.stale += 1;
            return false;
        };
        if conn != current {
            self.stale += 1;
            return false;
        }
        let mut limits = self.config.handshake.clone();
        limits.timeout = limits.timeout.min(by - now);
        let handshake = ClientHandshake::new(&self.request, limits, self.rng.seed(), now);
        self.link = Link::Opening {
            conn,
            handshake: Box::new(handshake),
        };
        true
    }

    /// An [`Action::Dial`] could not be carried out.
    pub fn dial_failed(&mut self, conn: ConnId, error: DialError, now: Instant) {
        match self.link {
            Link::Dialing { conn: current, .. } if current == conn => {
                self.link = Link::Down;
                self.failed(conn, Lost::Dial(error), now);
            }
            _ => self.stale += 1,
        }
    }

    /// A deadline of the session itself has passed, not one of its connection.
    pub(super) fn expire(&mut self, now: Instant) {
        match (self.phase, &self.link) {
            (Phase::Waiting { attempt, at }, _) if now >= at => self.dial(attempt, now),
            (_, Link::Dialing { conn, by }) if now >= *by => {
                let conn = *conn;
                self.hang_up();
                let error = DialError::new(Stage::Connect, IoClass::TimedOut);
                self.failed(conn, Lost::Dial(error), now);
            }
            _ => {}
        }
    }

    /// The opening handshake is done.
    pub(super) fn opened(&mut self, conn: ConnId, opened: Opened, now: Instant) {
        // What belongs to the session must be told from what does not, message by message.
        let config = self.config.connection.clone().delivery(Delivery::Messages);
        let mut connection = Box::new(Connection::new(opened, &config, now));
        let agreed = connection.agreed().clone();
        let mut out = Out::new(connection.sender());
        self.dialect.on_connect(&agreed, &mut out);
        let failed = out.failed().is_some();
        self.events.push_back(Event::Opened { conn, agreed });
        self.link = Link::Open {
            conn,
            connection,
            ready: None,
        };
        if failed {
            self.lost_link(Lost::Setup, now);
        } else {
            self.set_up(now);
        }
    }

    /// The connection can be used.
    fn set_up(&mut self, now: Instant) {
        let (Link::Open { conn, ready, .. }, Phase::Trying { attempt }) =
            (&mut self.link, self.phase)
        else {
            return;
        };
        *ready = Some(now);
        let downtime = self
            .been_ready
            .then(|| now - self.down_since.unwrap_or(now));
        self.events.push_back(Event::Ready {
            conn: *conn,
            attempt,
            downtime,
        });
        self.been_ready = true;
        self.backoff.ready(now);
    }

    /// The handshake failed, or the connection is over, or of no use.
    pub(super) fn lost_link(&mut self, lost: Lost, now: Instant) {
        let ready = self.link.ready().is_some();
        let open = matches!(self.link, Link::Open { .. });
        let sent = self.extents();
        let Some(conn) = self.hang_up() else {
            return;
        };
        if !open {
            return self.failed(conn, lost, now);
        }
        self.events.push_back(Event::Disconnected {
            conn,
            lost: lost.clone(),
        });
        self.fail_requests(&sent, now);
        if ready {
            self.down_since = Some(now);
        }
        match mem::replace(&mut self.afterwards, Afterwards::Judge) {
            Afterwards::Judge => self.judge(lost, ready, now),
            Afterwards::Dial => match self.backoff.start(now) {
                Next::Dial { at, attempt, .. } => self.wait(attempt, at, now),
                Next::Exhausted(limit) => self.terminate(End::Exhausted {
                    limit,
                    lost: Some(lost),
                }),
            },
            Afterwards::Stop => self.terminate(End::Closed(lost.into_closed())),
        }
    }

    fn failed(&mut self, conn: ConnId, lost: Lost, now: Instant) {
        let Phase::Trying { attempt } = self.phase else {
            return;
        };
        self.events.push_back(Event::Failed {
            conn,
            attempt,
            lost: lost.clone(),
        });
        self.judge(lost, false, now);
    }

    fn judge(&mut self, lost: Lost, ready: bool, now: Instant) {
        if self.backoff.is_stable(now) {
            self.judge.stable();
        }
        let (stage, kind) = lost.failure(ready);
        let phase = if self.been_ready {
            policy::Phase::Reconnect
        } else {
            policy::Phase::Initial
        };
        let decision = self.judge.judge(&Failure::new(stage, kind).phase(phase));
        let fail_fast = !self.been_ready && self.config.initial == Initial::FailFast;
        let wait = match decision {
            Decision::Stop(Stop::Finished) => {
                return self.terminate(End::Closed(lost.into_closed()));
            }
            Decision::Stop(_) => return self.terminate(End::Fatal(lost)),
            Decision::Retry { .. } if fail_fast || !self.config.reconnect => {
                return self.terminate(End::Fatal(lost));
            }
            Decision::Retry { wait, .. } => wait,
        };
        match self.backoff.failed(wait, &mut self.rng, now) {
            Next::Dial { at, attempt, .. } => {
                let at = self.within_budget(at);
                if let Some(limit) = self.too_late(at) {
                    return self.terminate(End::Exhausted {
                        limit,
                        lost: Some(lost),
                    });
                }
                self.events.push_back(Event::RetryScheduled {
                    attempt,
                    delay: at - now,
                    at,
                });
                self.phase = Phase::Waiting { attempt, at };
            }
            Next::Exhausted(limit) => self.terminate(End::Exhausted {
                limit,
                lost: Some(lost),
            }),
        }
    }

    /// Does the policy for the first connect forbid a dial at this time?
    fn too_late(&self, at: Instant) -> Option<Exhausted> {
        match self.config.initial {
            Initial::RetryFor(most) if !self.been_ready && at > self.started + most => {
                Some(Exhausted::Elapsed(most))
            }
            _ => None,
        }
    }

    fn within_budget(&self, at: Instant) -> Instant {
        self.budget
            .as_ref()
            .map_or(at, |budget| budget.ready_at(at))
    }

    /// Dials at `at`, or as soon after it as the budget allows.
    fn wait(&mut self, attempt: u32, at: Instant, now: Instant) {
        let at = self.within_budget(at);
        self.phase = Phase::Waiting { attempt, at };
        if at <= now {
            self.dial(attempt, now);
        }
    }

    fn dial(&mut self, attempt: u32, now: Instant) {
        if let Some(budget) = &mut self.budget {
            if !budget.try_dial(now) {
                let at = budget.ready_at(now);
                self.phase = Phase::Waiting { attempt, at };
                return;
            }
        }
        self.backoff.dialing(now);
        self.conns += 1;
        let conn = ConnId(self.conns);
        self.phase = Phase::Trying { attempt };
        self.link = Link::Dialing {
            conn,
            by: now + self.config.attempt_timeout,
        };
        self.actions.push_back(Action::Dial {
            conn,
            request: self.request.clone(),
        });
    }

    /// Has the transport dropped, or the dial given up.
    fn hang_up(&mut self) -> Option<ConnId> {
        let conn = mem::replace(&mut self.link, Link::Down).conn()?;
        let dial = |action: &Action| matches!(action, Action::Dial { conn: c, .. } if *c == conn);
        if self.actions.iter().any(dial) {
            // Nobody has begun yet.
            self.actions.retain(|action| !dial(action));
        } else {
            self.actions.push_back(Action::Drop { conn });
        }
        Some(conn)
    }

    fn terminate(&mut self, end: End) {
        self.phase = Phase::Over;
        self.events.push_back(Event::Terminated(end));
    }
}

impl Lost {
    fn into_closed(self) -> Option<Closed> {
        match self {
            Self::Closed(closed) => Some(closed),
            Self::Dial(_) | Self::Handshake(_) | Self::Setup => None,
        }
    }
}
