//! Another dial, and when; or the end. What a failure means the classifier says, how long to wait the
//! backoff, and how often the budget.

use alloc::boxed::Box;
use core::time::Duration;

use super::action::{Action, ConnId};
use super::event::Event;
use super::link::Link;
use super::lost::{End, Lost};
use super::order::Phase;
use super::{Dialect, HandshakeLogin, Initial, Session};
use crate::Instant;
use crate::policy::{self, Decision, Exhausted, Failure, Next, Stop};

impl<D: Dialect> Session<D> {
    /// A failure, or the loss of a connection that was `ready` or not.
    pub(super) fn judge(&mut self, lost: Lost, ready: bool, now: Instant) {
        self.end_detour();
        if self.backoff.is_stable(now) {
            self.judge.stable();
        }
        let wall = self.vitals.watch.time_of_day(now);
        let (stage, kind) = lost.failure(ready, wall);
        let phase = if self.been_ready {
            policy::Phase::Reconnect
        } else {
            policy::Phase::Initial
        };
        let decision = self.judge.judge(&Failure::new(stage, kind).phase(phase));
        let fail_fast = !self.been_ready && self.config.initial == Initial::FailFast;
        let wait = match decision {
            Decision::Stop(Stop::Finished) => {
                return self.terminate(End::Closed(lost.into_closed()), now);
            }
            Decision::Stop(_) => return self.terminate(End::Fatal(lost), now),
            Decision::Retry { .. } if fail_fast || !self.config.reconnect => {
                return self.terminate(End::Fatal(lost), now);
            }
            Decision::Retry { wait, refresh, .. } => {
                self.unauthorized = refresh;
                // The server is not to blame, and whoever woke the computer waits.
                match lost {
                    Lost::Slept(_) => wait.immediate(),
                    _ => wait,
                }
            }
        };
        match self.backoff.failed(wait, &mut self.rng, now) {
            Next::Dial { at, attempt, .. } => {
                let at = self.within_budget(at);
                if let Some(limit) = self.too_late(at) {
                    return self.terminate(
                        End::Exhausted {
                            limit,
                            lost: Some(lost),
                        },
                        now,
                    );
                }
                self.events.push_back(Event::RetryScheduled {
                    attempt,
                    delay: at - now,
                    at,
                });
                self.phase = match self.offline {
                    true => Phase::Parked { attempt },
                    false => Phase::Waiting { attempt, at },
                };
                self.changed();
            }
            Next::Exhausted(limit) => self.terminate(
                End::Exhausted {
                    limit,
                    lost: Some(lost),
                },
                now,
            ),
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

    /// Moves the dial that is waited for: so long from now, or as soon after that as the budget
    /// allows. Told as [`Event::RetryScheduled`]; without effect while none is waited for.
    pub fn retry_in(&mut self, delay: Duration, now: Instant) {
        self.note("retry_in", now, |_, line| line.span(Some(delay)));
        if let Phase::Waiting { attempt, .. } = self.phase {
            let at = self.within_budget(now + delay);
            self.events.push_back(Event::RetryScheduled {
                attempt,
                delay: at - now,
                at,
            });
            self.wait(attempt, at, now);
        }
    }

    /// Dials at `at`, or as soon after it as the budget allows.
    pub(super) fn wait(&mut self, attempt: u32, at: Instant, now: Instant) {
        let at = self.within_budget(at);
        self.phase = Phase::Waiting { attempt, at };
        self.changed();
        if at <= now {
            self.dial(attempt, now);
        }
    }

    pub(super) fn dial(&mut self, attempt: u32, now: Instant) {
        if let Some(budget) = &mut self.budget {
            if !budget.try_dial(now) {
                let at = budget.ready_at(now);
                self.phase = Phase::Waiting { attempt, at };
                return;
            }
        }
        if !self.on_detour() {
            self.end_detour();
            self.backoff.dialing(now);
        }
        self.conns += 1;
        let conn = ConnId(self.conns);
        self.phase = Phase::Trying { attempt };
        self.link = Link::Dialing {
            conn,
            by: now + self.config.attempt_timeout,
            request: Box::new(self.asked().clone()),
            signed: self.config.handshake_login == HandshakeLogin::None,
        };
        self.changed();
        match self.config.handshake_login {
            HandshakeLogin::Fresh => self.ask_before_dial(),
            HandshakeLogin::None => self.actions.push_back(Action::Dial {
                conn,
                request: self.asked().clone(),
            }),
        }
    }
}
