//! Who waits for a message that looks like something, whatever it is the answer to.
//!
//! For protocols whose answers name nothing: the first to wait that recognises a message gets it, and
//! what nobody recognises is delivered as if nobody waited. It reads no messages itself: whoever waits
//! brings along what to look for.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use thiserror::Error;

use super::correlate::End;
use super::{Dialect, Event, Session, State};
use crate::Instant;
use crate::error::Explanation;
use crate::message::Message;

/// One who waits for a message; never used twice in a session.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct WaitId(u64);

/// Nothing is waited for.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum WaitError {
    /// The session is over: no message will come.
    #[error("the session is over")]
    Over,
    /// Too many wait already.
    #[error("more than {0} wait for a message")]
    TooMany(usize),
}

impl WaitError {
    /// What happened and what to do about it.
    #[must_use]
    pub const fn explain(&self) -> Explanation {
        match self {
            Self::Over => Explanation::new("The session is over", "Start another"),
            Self::TooMany(_) => Explanation::new(
                "Too many wait for messages that have not come",
                "Wait for some, or raise SessionConfig::max_waiting",
            ),
        }
    }
}

type Matcher = Box<dyn FnMut(&Message<'_>) -> bool + Send>;

/// All who wait, in the order in which they began.
#[derive(Default)]
pub(super) struct Waiters {
    last: u64,
    waiting: BTreeMap<WaitId, Waiter>,
}

struct Waiter {
    matcher: Matcher,
    by: Instant,
}

impl Waiters {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.waiting.values().map(|waiter| waiter.by).min()
    }

    /// Who waits for this message; it waits no more.
    #[inline]
    pub(super) fn find(&mut self, message: &Message<'_>) -> Option<WaitId> {
        if self.waiting.is_empty() {
            return None;
        }
        let mut waiting = self.waiting.iter_mut();
        let found = waiting.find_map(|(id, waiter)| (waiter.matcher)(message).then_some(*id))?;
        self.waiting.remove(&found);
        Some(found)
    }

    fn expired(&mut self, now: Instant) -> Vec<WaitId> {
        let due = self.waiting.iter().filter(|(_, waiter)| waiter.by <= now);
        let mut due: Vec<(Instant, WaitId)> = due.map(|(id, waiter)| (waiter.by, *id)).collect();
        due.sort_unstable();
        due.iter().for_each(|(_, id)| drop(self.waiting.remove(id)));
        due.into_iter().map(|(_, id)| id).collect()
    }
}

impl fmt::Debug for Waiters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.waiting.keys()).finish()
    }
}

impl<D: Dialect> Session<D> {
    /// Waits for the first message from now on that `matches`: it is told as [`Event::Awaited`], and
    /// to nobody else. If none comes within `timeout`, if the connection is lost before, or with the
    /// end of the session, [`Event::WaitEnded`] says so. Without a connection the next one is waited
    /// for as well.
    ///
    /// Looked at are all messages that are for the application, those of topics and answers that no
    /// request waits for among them; several who wait are asked in the order in which they began. A
    /// [journal](super::journal) can't hold this, and ends here.
    ///
    /// # Errors
    /// [`SessionConfig::max_waiting`](super::SessionConfig) wait already, or the session is over.
    pub fn wait_for(
        &mut self,
        matches: impl FnMut(&Message<'_>) -> bool + Send + 'static,
        timeout: Duration,
        now: Instant,
    ) -> Result<WaitId, WaitError> {
        self.note_gap("wait_for");
        if self.state() == State::Terminal {
            return Err(WaitError::Over);
        }
        if self.waiters.len() >= self.config.max_waiting {
            return Err(WaitError::TooMany(self.config.max_waiting));
        }
        self.waiters.last += 1;
        let id = WaitId(self.waiters.last);
        let waiter = Waiter {
            matcher: Box::new(matches),
            by: now + timeout,
        };
        self.waiters.waiting.insert(id, waiter);
        Ok(id)
    }

    /// Stops waiting for a message; `false` if it is over already. Nothing is told of it.
    pub fn stop_waiting(&mut self, id: WaitId) -> bool {
        self.note_gap("stop_waiting");
        self.waiters.waiting.remove(&id).is_some()
    }

    pub(super) fn expire_waiters(&mut self, now: Instant) {
        for id in self.waiters.expired(now) {
            let why = End::TimedOut;
            self.events.push_back(Event::WaitEnded { id, why });
        }
    }

    /// What was waited for will not come.
    pub(super) fn end_waiters(&mut self, why: End) {
        for id in core::mem::take(&mut self.waiters.waiting).into_keys() {
            self.events.push_back(Event::WaitEnded { id, why });
        }
    }
}
