//! Which subscriptions are wanted, which the server has confirmed, and how the one becomes the other.
//!
//! Subscribing is a wish, not a message: what has to be sent follows from the difference between what
//! is wanted and what this connection has. So a reconnect, a refusal that is tried again and a gap
//! that is healed are the same operation, and a wish that is taken back before it was sent costs
//! nothing. Wishes are restored in the order in which they were made.
//!
//! The registry sends nothing and reads no messages: its owner turns a [`Command`] into frames, finds
//! the answers, and says which message belongs to which topic.

mod config;
mod cursor;
mod entry;
mod index;
mod report;
mod wire;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::borrow::Borrow;

pub use config::{Access, Confirm, RegistryConfig, Remedy, Restore, Retry, SubOptions};
pub use cursor::{Bridged, Continued, Continuity, Cursor, Mark, Step};
use entry::{Entry, Wire};
pub use report::{Change, Command, Item, Notice, Resume, Saved, Seen, Ticket};
use thiserror::Error;

use crate::time::Instant;

/// The subscriptions of a session, by topic.
///
/// ```
/// use ws_core::Instant;
/// use ws_core::session::subscriptions::{
///     Access, Command, Registry, RegistryConfig, Resume, State, SubOptions,
/// };
///
/// let now = Instant::ORIGIN;
/// let mut registry = Registry::new(RegistryConfig::default());
/// let trades = registry.subscribe("trades", SubOptions::default()).unwrap();
///
/// // On a connection, what is wanted and missing is to be sent; the answer confirms it.
/// registry.open(Access::Private, now);
/// let Some(Command::Join(items)) = registry.poll(now) else {
///     panic!("one topic is wanted");
/// };
/// assert_eq!(registry.state(trades), Some(State::Pending));
/// registry.confirmed(items[0].ticket, Resume::Unsaid, now);
/// assert_eq!(registry.state(trades), Some(State::Confirmed));
///
/// // After a loss, the next connection has to be told again.
/// registry.lost(now, now);
/// registry.open(Access::Private, now);
/// assert!(matches!(registry.poll(now), Some(Command::Join(_))));
/// ```
#[derive(Clone, Debug)]
pub struct Registry<T> {
    config: RegistryConfig,
    entries: BTreeMap<SubId, Entry<T>>,
    by_topic: BTreeMap<T, SubId>,
    /// Those that have something to send now.
    work: BTreeSet<SubId>,
    deadlines: BTreeSet<(Instant, SubId)>,
    /// Those that are over, oldest first; some may be gone already.
    ended: VecDeque<SubId>,
    live: usize,
    next_id: u64,
    next_attempt: u64,
    /// What the connection may send; `None` without one.
    gate: Option<Access>,
    next_batch_at: Instant,
    stale_answers: u64,
}

/// A subscription, by the order in which they were made; never used twice.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SubId(pub(in crate::session) u64);

/// Where a subscription stands.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum State {
    /// The server confirmed it on this connection.
    Confirmed,
    /// The server did not answer in time.
    Expired,
    /// The server refused it.
    Failed,
    /// It is wanted, and not confirmed yet.
    Pending,
    /// Nobody wants it any more.
    Unsubscribed,
}

/// Too many subscriptions are wanted.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("more than {0} topics are subscribed to")]
pub struct TooManyTopics(pub usize);

impl<T: Ord + Clone> Registry<T> {
    /// A registry without wishes and without a connection.
    #[must_use]
    pub const fn new(config: RegistryConfig) -> Self {
        Self {
            config,
            entries: BTreeMap::new(),
            by_topic: BTreeMap::new(),
            work: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            ended: VecDeque::new(),
            live: 0,
            next_id: 0,
            next_attempt: 0,
            gate: None,
            next_batch_at: Instant::ORIGIN,
            stale_answers: 0,
        }
    }

    /// Wants a topic, or wants it once more; the options are those of whoever was first. What was
    /// refused or has expired is tried anew.
    ///
    /// # Errors
    /// More topics are wanted than the configuration allows.
    pub fn subscribe(&mut self, topic: T, options: SubOptions) -> Result<SubId, TooManyTopics> {
        if let Some(&id) = self.by_topic.get(&topic) {
            let again = self.change(id, |entry| {
                let over = entry.wire == Wire::Over;
                if !over {
                    entry.wanted_by = entry.wanted_by.saturating_add(1);
                }
                if !over && entry.wanted_by == 1 {
                    entry.state = match entry.wire {
                        Wire::Active => State::Confirmed,
                        _ => State::Pending,
                    };
                }
                !over
            });
            if again == Some(true) {
                return Ok(id);
            }
            self.forget(id);
        }
        self.insert(Saved::new(topic, options))
    }

    /// Wants a topic no more, on behalf of one who did. `None` while others still want it.
    pub fn unsubscribe(&mut self, id: SubId) -> Option<Notice<T>> {
        let last = self.change(id, |entry| {
            if entry.wanted_by != 1 {
                entry.wanted_by = entry.wanted_by.saturating_sub(1);
                return false;
            }
            entry.wanted_by = 0;
            entry.state = State::Unsubscribed;
            if matches!(entry.wire, Wire::Absent | Wire::Waiting | Wire::Wished) {
                entry.end();
            }
            true
        })?;
        let notice = self.notice(id, Change::Unsubscribed);
        last.then_some(notice).flatten()
    }

    /// Wants nothing any more, on behalf of all who did.
    pub fn abandon(&mut self) -> Vec<Notice<T>> {
        let wanted = self.entries.iter();
        let wanted = wanted.filter(|(_, entry)| entry.is_wanted() && entry.wire != Wire::Over);
        let wanted: Vec<SubId> = wanted.map(|(id, _)| *id).collect();
        let abandoned = wanted.into_iter().filter_map(|id| {
            self.change(id, |entry| entry.wanted_by = 1);
            self.unsubscribe(id)
        });
        abandoned.collect()
    }

    /// Leaves a topic and joins it again, if it delivers: after a gap that was noticed elsewhere.
    pub fn resubscribe(&mut self, id: SubId) {
        self.change(id, |entry| entry.rejoin = entry.wire == Wire::Active);
    }

    /// A message of a topic has arrived. `None` if the topic is not wanted.
    pub fn data<Q>(&mut self, topic: &Q, mark: Option<Mark>, now: Instant) -> Option<Seen<T>>
    where
        T: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let id = *self.by_topic.get(topic)?;
        let entry = self
            .entries
            .get_mut(&id)
            .filter(|entry| entry.is_wanted())?;
        entry.last_data = now;
        let options = entry.options;
        let confirms = entry.wire == Wire::Joining && options.confirm != Confirm::Ack;
        let notice = if confirms {
            self.activate(id, Resume::Unsaid, now)
        } else {
            None
        };
        let entry = self.entries.get_mut(&id)?;
        let (mut step, mut after) = options.continuity.follow(entry.cursor, mark);
        let mut continued = None;
        // What still comes while a topic is being left says nothing about the time after it.
        let tells = step != Step::Unmarked && entry.wire != Wire::Leaving;
        if tells && entry.blind_since.is_some() {
            let (verdict, cursor) = options.continuity.resume(entry.cursor, mark);
            continued = entry.see(verdict, now);
            (step, after) = (Step::First, cursor);
        }
        entry.cursor = after;
        let gap = matches!(step, Step::Gap { .. }) && options.on_gap == Remedy::Resubscribe;
        let quiet = entry.deadline.is_none() && options.stale_after.is_some();
        if gap || quiet {
            self.change(id, |entry| {
                if entry.wire == Wire::Active {
                    entry.rejoin |= gap;
                    let stale_at = options.stale_after.map(|after| now + after);
                    entry.deadline = entry.deadline.or(stale_at);
                }
            });
        }
        Some(Seen {
            id,
            step,
            continued,
            notice,
        })
    }

    /// The topic of a subscription; `None` if it is not remembered.
    #[must_use]
    pub fn topic(&self, id: SubId) -> Option<&T> {
        self.entries.get(&id).map(|entry| &entry.topic)
    }

    /// Where a subscription stands; `None` if it is not remembered.
    #[must_use]
    pub fn state(&self, id: SubId) -> Option<State> {
        self.entries.get(&id).map(|entry| entry.state)
    }

    /// Why it was refused last, in the server's words.
    #[must_use]
    pub fn reason(&self, id: SubId) -> Option<&str> {
        self.entries.get(&id)?.reason.as_deref()
    }

    /// The subscription of a topic, the last one if it is over.
    #[must_use]
    pub fn find<Q>(&self, topic: &Q) -> Option<SubId>
    where
        T: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.by_topic.get(topic).copied()
    }

    /// What an answer names that names nothing but a topic: the last attempt.
    #[must_use]
    pub fn ticket(&self, topic: &T) -> Option<Ticket> {
        let entry = self.entries.get(self.by_topic.get(topic)?)?;
        Some(entry.ticket)
    }

    /// The subscriptions in a state, in the order in which they were made.
    pub fn in_state(&self, state: State) -> impl Iterator<Item = (SubId, &T)> {
        let entries = self.entries.iter();
        let entries = entries.filter(move |(_, entry)| entry.state == state);
        entries.map(|(id, entry)| (*id, &entry.topic))
    }

    /// Subscriptions that are not over.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.live
    }

    /// Are there none?
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Does the connection have what is wanted, except for what the server refused, and nothing else?
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.entries.values().all(|entry| match entry.wire {
            Wire::Active => entry.is_wanted() && !entry.rejoin,
            Wire::Over | Wire::Wished => true,
            Wire::Absent | Wire::Joining | Wire::Leaving | Wire::Waiting => false,
        })
    }

    /// Answers that named an attempt that was over.
    #[must_use]
    pub const fn stale_answers(&self) -> u64 {
        self.stale_answers
    }

    /// What is wanted, in the order in which it was.
    pub fn export(&self) -> Vec<Saved<T>> {
        let wanted = self.entries.values();
        let wanted = wanted.filter(|entry| entry.is_wanted() && entry.wire != Wire::Over);
        let saved = wanted.map(|entry| Saved {
            topic: entry.topic.clone(),
            options: entry.options,
            wanted_by: entry.wanted_by,
            proven: entry.proven,
            cursor: entry.cursor,
        });
        saved.collect()
    }

    /// Wants what was exported, after what is wanted already; topics that are wanted already stay as
    /// they are.
    ///
    /// # Errors
    /// More topics are wanted than the configuration allows; those before are wanted.
    pub fn import(&mut self, saved: Vec<Saved<T>>, now: Instant) -> Result<(), TooManyTopics> {
        for saved in saved {
            match self.find(&saved.topic) {
                Some(id) if self.entries[&id].wire != Wire::Over => continue,
                Some(id) => self.forget(id),
                None => {}
            }
            let id = self.insert(saved)?;
            self.change(id, |entry| {
                entry.restoring = true;
                entry.blind_since = entry.proven.then_some(now);
            });
        }
        Ok(())
    }

    fn insert(&mut self, saved: Saved<T>) -> Result<SubId, TooManyTopics> {
        if self.live >= self.config.max_topics {
            return Err(TooManyTopics(self.config.max_topics));
        }
        self.next_id += 1;
        let id = SubId(self.next_id);
        let ticket = Ticket { id, attempt: 0 };
        let mut entry = Entry::new(saved.topic.clone(), saved.options, ticket);
        entry.wanted_by = saved.wanted_by.max(1);
        (entry.proven, entry.cursor) = (saved.proven, saved.cursor);
        self.by_topic.insert(saved.topic, id);
        self.entries.insert(id, entry);
        self.live += 1;
        self.change(id, |_| {});
        Ok(id)
    }
}

/// The part of a reason that is kept.
fn kept(reason: &str) -> Box<str> {
    let end = (0..=reason.len().min(MAX_REASON)).rev();
    let mut ends = end.filter(|at| reason.is_char_boundary(*at));
    Box::from(&reason[..ends.next().unwrap_or_default()])
}

/// Bytes of a server's words that are kept.
const MAX_REASON: usize = 256;

#[cfg(test)]
mod props;
#[cfg(test)]
mod tests;
