//! The closing handshake (RFC 6455 §7): who closed, what is still owed, and what becomes of the
//! transport. Every transition of that state machine is in this file.
//!
//! It writes nothing itself: it says what is owed, and what the transport is for now.
//!
//! ```text
//!            local_close            peer_close
//!    Open ───────────────▶ Waiting ───────────▶ Done ──┐ lost, timeout (server: at once)
//!     │ │ └──────────────── peer_close ───────────▶    │
//!     │ └── fault ──▶ Lingering ── drained, lost, timeout ──▶ Over
//!     │ └── silence ─▶ Leaving ──── written, lost, timeout ──▶ Over
//!     └── unwritable ─▶ Broken ──── peer_close, lost, timeout ─▶ Over
//! ```
//!
//! The end is told, by `Closed`, when everything owed to the peer is written or given up.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::time::Duration;

use super::event::{By, Cause, Closed};
use crate::buf::RecvBuf;
use crate::close::CloseCode;
use crate::error::ProtocolError;
use crate::frame::Reply;
use crate::linger::Linger;
use crate::machine::{Deadline, Transport, TransportEnd};
use crate::{Instant, Role};

/// A Close frame that this end's application has queued.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LocalClose {
    pub(super) code: CloseCode,
    pub(super) reason: String,
}

#[derive(Debug)]
pub(super) struct Closing {
    role: Role,
    phase: Phase,
    /// How it ended, once that is decided.
    closed: Option<Box<Closed>>,
    /// What the peer's Close frame said, where it answers ours: for records alone.
    #[cfg(feature = "testing")]
    answer: Option<Box<(CloseCode, String)>>,
    told: bool,
    /// In nanoseconds, which take half the room of a `Duration`.
    timeout: u64,
    /// Bytes that may be dropped while lingering: as much as one message of the largest size.
    budget: u32,
}

/// What may be dropped while lingering however small messages must be. The peer sends on until it
/// has read our Close frame, and what fills the path by then has nothing to do with our limits.
const BUDGET_MIN: usize = 1 << 20;

#[derive(Debug)]
enum Phase {
    /// No Close frame yet, either way.
    Open,
    /// Ours is queued, the peer's has not come.
    Waiting { until: Instant },
    /// Both are queued or received. The server hangs up, the client waits for that (§7.1.1).
    Done { until: Instant },
    /// The peer broke the rules: our Close goes out, and what it still sends is dropped.
    Lingering(Box<Linger>),
    /// The peer is silent: our Close goes out, and nothing is waited for.
    Leaving { until: Instant },
    /// Nothing can be written; the peer's Close may still be on its way to us.
    Broken { until: Instant },
    /// Nothing is left to do.
    Over,
}

impl Closing {
    pub(super) fn new(role: Role, timeout: Duration, budget: usize) -> Self {
        Self {
            role,
            phase: Phase::Open,
            closed: None,
            #[cfg(feature = "testing")]
            answer: None,
            told: false,
            timeout: timeout.as_nanos().try_into().unwrap_or(u64::MAX),
            budget: budget.max(BUDGET_MIN).try_into().unwrap_or(u32::MAX),
        }
    }

    /// Is the connection as it should be, with nothing closed either way?
    #[inline]
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open)
    }

    /// Are received frames still looked at?
    #[inline]
    pub(super) const fn is_receiving(&self) -> bool {
        matches!(
            self.phase,
            Phase::Open | Phase::Waiting { .. } | Phase::Broken { .. }
        )
    }

    /// How it ended, or, before that is told, how it will end as far as can be seen.
    pub(super) fn closed(&self) -> Option<&Closed> {
        self.closed.as_deref()
    }

    /// The Close frame that the peer sent, first or in answer, if there was one.
    #[cfg(feature = "testing")]
    pub(super) fn peer_said(&self) -> Option<(CloseCode, &str)> {
        match (&self.closed, &self.answer) {
            (_, Some(answer)) => Some((answer.0, &answer.1)),
            (Some(closed), None) if closed.cause == Cause::Peer => {
                Some((closed.code, &closed.reason))
            }
            _ => None,
        }
    }

    pub(super) const fn timeout(&self) -> Duration {
        Duration::from_nanos(self.timeout)
    }

    /// Was the end told?
    pub(super) const fn is_told(&self) -> bool {
        self.told
    }

    /// May the end be told? `unwritten`: is something still in the send queue?
    fn is_settled(&self, unwritten: bool) -> bool {
        match &self.phase {
            Phase::Open | Phase::Waiting { .. } | Phase::Broken { .. } => false,
            Phase::Done { .. } | Phase::Leaving { .. } => !unwritten,
            Phase::Lingering(linger) => linger.is_over(),
            Phase::Over => true,
        }
    }

    /// Is it time to tell the end? Says yes once.
    pub(super) fn tell(&mut self, unwritten: bool) -> bool {
        let due = self.closed.is_some() && !self.told && self.is_settled(unwritten);
        self.told |= due;
        due
    }

    /// The Close frame that belongs to the end: the echo of the peer's, or the answer to its fault.
    pub(super) fn reply(&self) -> Option<Reply> {
        let closed = self.closed.as_ref()?;
        Reply::close(closed.code, &closed.reason).ok()
    }

    /// The application has queued a Close frame.
    pub(super) fn local_close(&mut self, close: LocalClose, now: Instant) {
        if self.is_open() {
            let LocalClose { code, reason } = close;
            self.phase = Phase::Waiting {
                until: now + self.timeout(),
            };
            self.end(By::Local, code, reason, Cause::Local);
        }
    }

    /// The peer's Close frame has come; `true` if it must be answered with [`reply`](Self::reply).
    pub(super) fn peer_close(&mut self, code: CloseCode, reason: &str, now: Instant) -> bool {
        let until = now + self.timeout();
        match self.phase {
            Phase::Open => {
                self.phase = Phase::Done { until };
                self.end(By::Peer, code, reason.into(), Cause::Peer);
                true
            }
            // The first Close wins: what our own said stands.
            Phase::Waiting { .. } => {
                #[cfg(feature = "testing")]
                {
                    self.answer = Some(Box::new((code, reason.into())));
                }
                self.phase = Phase::Done { until };
                false
            }
            Phase::Broken { .. } => {
                self.phase = Phase::Over;
                self.closed = None;
                self.end(By::Peer, code, reason.into(), Cause::Peer);
                false
            }
            Phase::Done { .. } | Phase::Lingering(_) | Phase::Leaving { .. } | Phase::Over => false,
        }
    }

    /// The peer broke the rules; `true` if [`reply`](Self::reply) must be sent.
    pub(super) fn fault(&mut self, error: ProtocolError, now: Instant) -> bool {
        let was_open = self.is_open();
        if !self.is_receiving() {
            return false;
        }
        self.phase = if matches!(self.phase, Phase::Broken { .. }) {
            Phase::Over
        } else {
            Phase::Lingering(Box::new(Linger::new(
                now + self.timeout(),
                self.budget as usize,
            )))
        };
        self.closed = None;
        let (code, reason) = (error.close_code(), error.to_string());
        self.end(By::Local, code, reason, Cause::Protocol(error));
        was_open
    }

    /// The peer has been silent for too long; `true` if [`reply`](Self::reply) must be sent.
    pub(super) fn silent(&mut self, deadline: Deadline, now: Instant) -> bool {
        if !self.is_open() {
            return false;
        }
        let until = now + self.timeout();
        let (phase, code, reason) = if deadline == Deadline::Idle {
            // It may only have nothing to say: a closing handshake is in order.
            (
                Phase::Waiting { until },
                CloseCode::GOING_AWAY,
                "idle timeout",
            )
        } else {
            (
                Phase::Leaving { until },
                CloseCode::INTERNAL_ERROR,
                "keepalive ping timeout",
            )
        };
        self.phase = phase;
        self.end(By::Local, code, reason.into(), Cause::Timeout(deadline));
        true
    }

    /// Nothing more will be received.
    pub(super) fn lost(&mut self, end: TransportEnd) {
        if self.is_receiving() {
            self.closed = None;
            self.end(
                By::Transport,
                CloseCode::ABNORMAL,
                String::new(),
                Cause::Transport(end),
            );
        }
        self.phase = Phase::Over;
    }

    /// Nothing more can be written.
    pub(super) fn unwritable(&mut self, now: Instant) {
        match self.phase {
            Phase::Open | Phase::Waiting { .. } => {
                self.phase = Phase::Broken {
                    until: now + self.timeout(),
                };
            }
            Phase::Done { .. } | Phase::Lingering(_) | Phase::Leaving { .. } => {
                self.phase = Phase::Over;
            }
            Phase::Broken { .. } | Phase::Over => {}
        }
    }

    /// Drops what was received after the end was decided.
    pub(super) fn drain(&mut self, buf: &mut RecvBuf) {
        if let Phase::Lingering(linger) = &mut self.phase {
            linger.drain(buf);
        } else {
            buf.clear();
        }
    }

    pub(super) fn transport(&self, unwritten: bool) -> Transport {
        match &self.phase {
            Phase::Open | Phase::Waiting { .. } | Phase::Broken { .. } => Transport::Open,
            Phase::Done { .. } if unwritten || self.role == Role::Client => Transport::Open,
            Phase::Leaving { .. } if unwritten => Transport::Open,
            Phase::Lingering(linger) => linger.transport(unwritten),
            Phase::Done { .. } | Phase::Leaving { .. } | Phase::Over => Transport::Close,
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Waiting { until }
            | Phase::Done { until }
            | Phase::Leaving { until }
            | Phase::Broken { until } => Some(*until),
            Phase::Lingering(linger) => linger.deadline(),
            Phase::Open | Phase::Over => None,
        }
    }

    /// Acts on the deadline if it has passed.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.deadline().is_none_or(|until| now < until) {
            return;
        }
        match self.phase {
            Phase::Waiting { .. } => {
                let closed = self.closed.as_mut();
                // Of an idle peer it was asked whether it is there at all, and that is the answer.
                let idle = Cause::Timeout(Deadline::Idle);
                if let Some(closed) = closed.filter(|closed| closed.cause != idle) {
                    closed.cause = Cause::Timeout(Deadline::Close);
                }
            }
            Phase::Broken { .. } => {
                self.closed = None;
                let cause = Cause::Transport(TransportEnd::Other);
                self.end(By::Transport, CloseCode::ABNORMAL, String::new(), cause);
            }
            Phase::Open
            | Phase::Done { .. }
            | Phase::Lingering(_)
            | Phase::Leaving { .. }
            | Phase::Over => {}
        }
        self.phase = Phase::Over;
    }

    /// Records how it ended; the first record stands.
    fn end(&mut self, by: By, code: CloseCode, reason: String, cause: Cause) {
        self.closed.get_or_insert_with(|| {
            Box::new(Closed {
                by,
                code,
                reason,
                cause,
            })
        });
    }
}
