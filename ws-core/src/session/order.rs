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
use alloc::collections::BTreeMap;
use core::mem;

use super::action::{Action, ConnId};
use super::correlate::{self, Sent};
use super::dialect::Dialect;
use super::event::Event;
use super::link::Link;
use super::lost::{DialError, End, Lost};
use super::outbox::Token;
use super::{Session, journal, vitals};
use crate::Instant;
use crate::close::CloseCode;
use crate::connection::{Closed, Connection, check_close};
use crate::error::SendError;
use crate::handshake::{ClientHandshake, Opened};
use crate::message::Delivery;
use crate::policy::{IoClass, Next, Stage};

/// What the session is at; the link says the rest.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    Idle,
    Waiting {
        attempt: u32,
        at: Instant,
    },
    /// Waiting for a network.
    Parked {
        attempt: u32,
    },
    Trying {
        attempt: u32,
    },
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
        self.note("start", now, |_, _| {});
        self.begin(now);
    }

    fn begin(&mut self, now: Instant) {
        if !matches!(self.phase, Phase::Idle) {
            return;
        }
        self.started = now;
        self.outbox.limits.start(&self.config.limits, now);
        match self.backoff.start(now) {
            Next::Dial { at, attempt, .. } => self.wait(attempt, at, now),
            Next::Exhausted(limit) => self.terminate(End::Exhausted { limit, lost: None }, now),
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
        self.note("close", now, |_, line| {
            line.number(code.get());
            line.text(reason);
        });
        self.close_now(code, reason, now)
    }

    pub(super) fn close_now(
        &mut self,
        code: CloseCode,
        reason: &str,
        now: Instant,
    ) -> Result<(), SendError> {
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
                self.drain = None;
                self.changed();
                self.stop_outbox(now);
            }
            Link::Down | Link::Dialing { .. } | Link::Opening { .. } => {
                self.hang_up();
                self.terminate(End::Closed(None), now);
            }
        }
        Ok(())
    }

    /// Replaces the connection, or ends the wait for the next one. A connection that is being made
    /// is left alone, and a closed session stays closed. The dial budget holds.
    pub fn reconnect(&mut self, now: Instant) {
        self.note("reconnect", now, |_, _| {});
        match (self.phase, &mut self.link) {
            (Phase::Idle, _) => self.begin(now),
            (Phase::Waiting { attempt, .. } | Phase::Parked { attempt }, _) => {
                self.wait(attempt, now, now);
            }
            (Phase::Trying { .. }, Link::Open { connection, .. })
                if self.afterwards == Afterwards::Judge =>
            {
                if connection.sender().is_open() {
                    // A reason of no bytes always fits.
                    let _ = connection.close(CloseCode::NORMAL, "", now);
                }
                self.afterwards = Afterwards::Dial;
                self.drain = None;
                self.changed();
            }
            (Phase::Trying { .. } | Phase::Over, _) => {}
        }
    }

    /// The transport of an [`Action::Dial`] is connected, TLS included. If this says `false` the
    /// connection is not wanted any more, and the transport is to be dropped.
    pub fn dialed(&mut self, conn: ConnId, now: Instant) -> bool {
        self.note("dialed", now, |_, line| line.number(conn.0));
        let (by, request) = match &self.link {
            Link::Dialing {
                conn: current,
                by,
                request,
                signed: true,
            } if conn == *current => (*by, request),
            _ => {
                self.stale += 1;
                return false;
            }
        };
        let mut limits = self.config.handshake.clone();
        limits.timeout = limits.timeout.min(by - now);
        let handshake = ClientHandshake::new(request, limits, self.rng.seed(), now);
        self.changed();
        self.link = Link::Opening {
            conn,
            handshake: Box::new(handshake),
        };
        self.rebase_journal();
        true
    }

    /// An [`Action::Dial`] could not be carried out.
    pub fn dial_failed(&mut self, conn: ConnId, error: DialError, now: Instant) {
        self.note("failed", now, |_, line| {
            line.number(conn.0);
            for part in journal::dial_error(error) {
                line.number(part);
            }
        });
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
            (_, Link::Dialing { conn, by, .. }) if now >= *by => {
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
        let mut config = self.config.connection.clone().delivery(Delivery::Messages);
        if let Some(keepalive) = &mut config.keepalive {
            let jitter = self.config.heartbeat.jitter;
            keepalive.interval = vitals::spread(keepalive.interval, jitter, &mut self.rng);
        }
        #[cfg_attr(not(feature = "testing"), allow(unused_mut))]
        let mut connection = Box::new(Connection::new(opened, &config, now));
        #[cfg(feature = "testing")]
        if let Some(log) = &mut self.log {
            let asked = self.detour.place().unwrap_or(&self.request);
            log.opened(conn, asked, &mut connection, now);
        }
        let agreed = connection.agreed().clone();
        self.judge.accepted(0);
        self.end_detour();
        self.events.push_back(Event::Opened {
            conn,
            agreed: agreed.clone(),
        });
        self.link = Link::Open {
            conn,
            connection,
            ready: None,
        };
        self.changed();
        self.rebase_journal();
        self.begin_set_up(&agreed, now);
    }

    /// The connection can be used.
    pub(super) fn set_up(&mut self, now: Instant) {
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
        self.readies += 1;
        self.changed();
        self.backoff.ready(now);
        self.vitals.ready(&self.config.heartbeat, now);
    }

    /// The handshake failed, or the connection is over, or of no use.
    pub(super) fn lost_link(&mut self, lost: Lost, now: Instant) {
        let ready = self.link.ready().is_some();
        let open = matches!(self.link, Link::Open { .. });
        self.note_sent(now);
        #[cfg(feature = "testing")]
        self.log_last_written(now);
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
        self.forget(&sent, lost.is_silence(), now);
        if ready {
            self.down_since = Some(now);
        }
        match mem::replace(&mut self.afterwards, Afterwards::Judge) {
            Afterwards::Judge => self.judge(lost, ready, now),
            Afterwards::Dial => match self.backoff.start(now) {
                Next::Dial { at, attempt, .. } => self.wait(attempt, at, now),
                Next::Exhausted(limit) => self.terminate(
                    End::Exhausted {
                        limit,
                        lost: Some(lost),
                    },
                    now,
                ),
            },
            Afterwards::Stop => self.terminate(End::Closed(lost.into_closed()), now),
        }
    }

    /// All that belonged to the connection ends with it.
    fn forget(&mut self, sent: &BTreeMap<Token, Sent>, silent: bool, now: Instant) {
        self.forget_set_up();
        self.forget_login();
        self.forget_parcels();
        self.fail_requests(sent, now);
        self.end_waiters(correlate::End::Disconnected);
        self.forget_vitals(silent, now);
        let heard = self.vitals.heard_at.unwrap_or(now);
        for notice in self.topics.lost(heard, now) {
            self.tell_notice(Some(notice));
        }
        if self.drain.take().is_some() {
            self.afterwards = Afterwards::Stop;
        }
        self.changed();
    }

    /// Drops the connection, if there is one, and says nothing of it.
    pub(super) fn drop_link(&mut self, now: Instant) {
        self.note_sent(now);
        #[cfg(feature = "testing")]
        self.log_last_written(now);
        let sent = self.extents();
        let open = matches!(self.link, Link::Open { .. });
        if self.hang_up().is_some() && open {
            self.forget(&sent, false, now);
        }
    }

    pub(super) fn failed(&mut self, conn: ConnId, lost: Lost, now: Instant) {
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

    /// Has the transport dropped, or the dial given up.
    pub(super) fn hang_up(&mut self) -> Option<ConnId> {
        let unsigned = matches!(self.link, Link::Dialing { signed: false, .. });
        let link = mem::replace(&mut self.link, Link::Down);
        let conn = link.conn()?;
        // Nobody need come up with credentials any more.
        self.actions
            .retain(|action| !matches!(action, Action::Credentials { .. }));
        let dial = |action: &Action| matches!(action, Action::Dial { conn: c, .. } if *c == conn);
        if unsigned {
            // It was not to be dialled yet.
        } else if self.actions.iter().any(dial) {
            // Nobody has begun yet.
            self.actions.retain(|action| !dial(action));
        } else {
            self.actions.push_back(Action::Drop { conn });
        }
        Some(conn)
    }

    pub(super) fn terminate(&mut self, end: End, now: Instant) {
        self.phase = Phase::Over;
        self.changed();
        self.stop_outbox(now);
        self.end_waiters(correlate::End::Closed);
        self.events.push_back(Event::Terminated(end));
    }
}

impl Lost {
    pub(super) fn into_closed(self) -> Option<Closed> {
        match self {
            Self::Closed(closed) => Some(closed),
            Self::Dial(_)
            | Self::Handshake(_)
            | Self::Login(_)
            | Self::Setup(_)
            | Self::Silent(_)
            | Self::Slept(_) => None,
        }
    }
}
