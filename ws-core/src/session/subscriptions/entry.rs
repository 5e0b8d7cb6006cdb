//! One subscription: what is wanted, what is on the wire, and what its owner was told.
//!
//! It sends nothing and knows nothing of the others.
//!
//! ```text
//!   subscribe                 ack                    unsubscribe
//!  ----------> Absent -poll-> Joining --> Active ---------------> Active, to be left
//!                 ^             |  |        |                          | poll
//!                 |   refused,  |  |        | connection lost          v
//!                 |   expired   |  +--------+---> Absent            Leaving --> Over
//!                 |             v                                      | wanted again
//!                 +---------- Waiting, Wished, Over                    +----> Absent
//! ```

use alloc::boxed::Box;
use core::time::Duration;

use super::config::SubOptions;
use super::cursor::{Bridged, Continued, Cursor};
use super::{State, Ticket};
use crate::time::Instant;

/// What is on the wire, as far as is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wire {
    /// Nothing; to be joined as soon as that is possible.
    Absent,
    /// It delivers.
    Active,
    /// Asked for, without an answer yet.
    Joining,
    /// Given up, without an answer yet.
    Leaving,
    /// Nothing, and nothing will be.
    Over,
    /// Nothing; to be joined when its deadline comes.
    Waiting,
    /// Nothing on this connection; to be joined on the next.
    Wished,
}

#[derive(Clone, Debug)]
pub(super) struct Entry<T> {
    pub(super) topic: T,
    pub(super) options: SubOptions,
    /// How many want it.
    pub(super) wanted_by: u32,
    pub(super) wire: Wire,
    pub(super) state: State,
    /// Names what was sent last.
    pub(super) ticket: Ticket,
    /// The one deadline of what is on the wire.
    pub(super) deadline: Option<Instant>,
    /// It was confirmed once, and is wanted until its owner says otherwise.
    pub(super) proven: bool,
    /// The next join is a restoration.
    pub(super) restoring: bool,
    /// It is to be left and joined again.
    pub(super) rejoin: bool,
    pub(super) retries: u32,
    pub(super) reason: Option<Box<str>>,
    pub(super) last_data: Instant,
    pub(super) cursor: Option<Cursor>,
    /// Since when nothing could be received; ends with a verdict.
    pub(super) blind_since: Option<Instant>,
}

impl<T> Entry<T> {
    pub(super) const fn new(topic: T, options: SubOptions, ticket: Ticket) -> Self {
        Self {
            topic,
            options,
            wanted_by: 1,
            wire: Wire::Absent,
            state: State::Pending,
            ticket,
            deadline: None,
            proven: false,
            restoring: false,
            rejoin: false,
            retries: 0,
            reason: None,
            last_data: Instant::ORIGIN,
            cursor: None,
            blind_since: None,
        }
    }

    pub(super) const fn is_wanted(&self) -> bool {
        self.wanted_by > 0
    }

    /// Is there something to be sent for it?
    pub(super) const fn has_work(&self) -> bool {
        match self.wire {
            Wire::Absent => self.is_wanted(),
            // What is being joined is left only once that is known, so that the two answers cannot
            // be taken for each other.
            Wire::Active => !self.is_wanted() || self.rejoin,
            Wire::Joining | Wire::Leaving | Wire::Over | Wire::Waiting | Wire::Wished => false,
        }
    }

    /// It delivers from now on.
    pub(super) fn activate(&mut self, now: Instant) {
        self.wire = Wire::Active;
        if self.is_wanted() {
            self.state = State::Confirmed;
        }
        self.deadline = self.options.stale_after.map(|after| now + after);
        (self.proven, self.restoring, self.retries) = (true, false, 0);
        self.reason = None;
        self.last_data = now;
    }

    /// Nothing more will come of it.
    pub(super) fn end(&mut self) {
        self.wire = Wire::Over;
        self.deadline = None;
    }

    /// The verdict that ends a time of blindness, if there was one.
    pub(super) fn see(&mut self, verdict: Bridged, now: Instant) -> Option<Continued> {
        let blind_for: Duration = now - self.blind_since.take()?;
        Some(Continued { verdict, blind_for })
    }

    /// May it be tried again after a failure before it was ever confirmed?
    pub(super) fn retry(&mut self) -> Option<Duration> {
        let retry = self.options.retry.filter(|r| self.retries < r.times)?;
        self.retries += 1;
        Some(retry.after)
    }
}
