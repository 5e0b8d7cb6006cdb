//! Which answer belongs to which request, and what becomes of those that get none.
//!
//! Every accepted request comes to exactly one end: its answer, its deadline, its cancellation or the
//! loss of its connection. Numbers are given out once in a session, so that an answer can never be
//! taken for that of a request on another connection; what arrives after the end is told apart as
//! late, duplicate or unknown. The correlator reads no messages and sends none: its owner finds the
//! key in an answer and knows how much of a request has left.

mod config;
mod graves;
mod outcome;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
pub use config::{CorrelatorConfig, Timing};
use graves::Graves;
pub use outcome::{Answer, Answered, End, Ended, RequestError, Sent, Strays, Unmatched};

use crate::policy::{LatencyStats, LatencyWindow};
use crate::time::Instant;

/// Requests without an answer, each with a tag of its owner's.
///
/// ```
/// use core::time::Duration;
/// use ws_core::Instant;
/// use ws_core::session::correlate::{Answer, Correlator, CorrelatorConfig, Key, Sent, Timing};
///
/// let now = Instant::ORIGIN;
/// let mut requests = Correlator::new(CorrelatorConfig::default());
/// let first = requests.begin("first", Timing::default(), now).unwrap();
/// let second = requests.begin("second", Timing::default(), now).unwrap();
///
/// let later = now + Duration::from_millis(3);
/// let Answer::Matched(answer) = requests.answered(&Key::Number(second.number()), later) else {
///     panic!("it is awaited");
/// };
/// assert_eq!((answer.tag, answer.round_trip), ("second", Duration::from_millis(3)));
///
/// let deadline = requests.poll_timeout().unwrap();
/// assert_eq!(deadline, now + Duration::from_secs(30));
/// let ended = requests.poll_expired(|_| Sent::Full, deadline).unwrap();
/// assert_eq!(ended.id, first);
/// ```
#[derive(Clone, Debug)]
pub struct Correlator<T> {
    config: CorrelatorConfig,
    next: u64,
    pending: BTreeMap<RequestId, Pending<T>>,
    live: BTreeMap<Key, RequestId>,
    /// Requests that are answered in order, by class; those that ended unanswered keep their place.
    ordered: BTreeMap<u16, VecDeque<Place>>,
    deadlines: BTreeSet<(Instant, RequestId)>,
    graves: Graves,
    latency: LatencyWindow,
    strays: Strays,
}

/// A request, by its number in the session; never used twice.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RequestId(u64);

/// What an answer says it belongs to.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Key {
    /// A number; where numbers are given out, they are those of the [`RequestId`].
    Number(u64),
    /// Nothing: answers of this class come in the order of their requests.
    Order(u16),
    /// A text.
    Text(Box<str>),
}

#[derive(Clone, Debug)]
struct Pending<T> {
    tag: T,
    key: Key,
    timing: Timing,
    began: Instant,
    sent_at: Option<Instant>,
    deadline: Instant,
}

/// A place in a row of requests that are answered in order.
#[derive(Clone, Debug)]
struct Place {
    id: RequestId,
    ended_at: Option<Instant>,
}

/// 2^53 - 1, the last integer that every JSON reader keeps.
const LAST_NUMBER: u64 = (1 << 53) - 1;

impl RequestId {
    /// The id with this number.
    pub(in crate::session) const fn numbered(number: u64) -> Self {
        Self(number)
    }

    /// The number: the id on the wire unless the request has a key of its own.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl<T> Correlator<T> {
    /// A correlator without requests; its first number is 1.
    #[must_use]
    pub fn new(config: CorrelatorConfig) -> Self {
        Self {
            next: 1,
            pending: BTreeMap::new(),
            live: BTreeMap::new(),
            ordered: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            graves: Graves::new(config.remembered),
            latency: LatencyWindow::new(config.latency_samples),
            strays: Strays::default(),
            config,
        }
    }

    /// Begins a request that is answered by its number.
    ///
    /// # Errors
    /// Too many are waiting, or there are no numbers left.
    pub fn begin(
        &mut self,
        tag: T,
        timing: Timing,
        now: Instant,
    ) -> Result<RequestId, RequestError> {
        // A number that the application has taken itself is passed over, a remembered one as well:
        // its late answer must not become that of another request.
        while self.is_known(&Key::Number(self.next)) {
            self.next += 1;
        }
        self.insert(Key::Number(self.next), tag, timing, now)
    }

    /// Begins a request with a key of its owner's.
    ///
    /// # Errors
    /// The key is in use, too many are waiting, or there are no numbers left.
    pub fn begin_with(
        &mut self,
        key: Key,
        tag: T,
        timing: Timing,
        now: Instant,
    ) -> Result<RequestId, RequestError> {
        if self.live.contains_key(&key) {
            return Err(RequestError::DuplicateId);
        }
        self.insert(key, tag, timing, now)
    }

    /// A number that is no request's and never will be: for messages of the owner's own. Its answer
    /// is nobody's here. When all numbers are given out it is the last one again.
    pub fn reserve(&mut self) -> RequestId {
        while self.is_known(&Key::Number(self.next)) {
            self.next += 1;
        }
        let id = RequestId(self.next.min(LAST_NUMBER));
        self.next = self.next.saturating_add(1).min(LAST_NUMBER + 1);
        id
    }

    /// The only request under way, if there is just one.
    #[must_use]
    pub fn only(&self) -> Option<&Key> {
        let mut pending = self.pending.values();
        let first = pending.next()?;
        pending.next().is_none().then_some(&first.key)
    }

    /// A request has left completely: its round trip begins, and with a budget its timeout.
    pub fn sent(&mut self, id: RequestId, now: Instant) {
        let Some(pending) = self.pending.get_mut(&id) else {
            return;
        };
        pending.sent_at = Some(now);
        if let Some(budget) = pending.timing.budget {
            let timeout = pending.timing.timeout.unwrap_or(self.config.timeout);
            self.deadlines.remove(&(pending.deadline, id));
            pending.deadline = (now + timeout).min(pending.began + budget);
            self.deadlines.insert((pending.deadline, id));
        }
    }

    /// An answer has arrived: ends the request that it belongs to.
    pub fn answered(&mut self, key: &Key, now: Instant) -> Answer<T> {
        let found = match key {
            Key::Order(class) => self.first_in_order(*class, now),
            _ => match self.live.get(key) {
                Some(id) => Ok(*id),
                None => Err(self.graves.visit(key, now)),
            },
        };
        let id = match found {
            Ok(id) => id,
            Err(stray) => {
                self.strays.count(stray);
                return Answer::Unmatched(stray);
            }
        };
        let Some(pending) = self.remove(id) else {
            return Answer::Unmatched(Unmatched::Unknown);
        };
        self.graves.bury(pending.key, id, true, now);
        let round_trip = now - pending.sent_at.unwrap_or(pending.began);
        self.latency.record(round_trip);
        Answer::Matched(Answered {
            id,
            tag: pending.tag,
            round_trip,
        })
    }

    /// Takes a request back; `None` if it is not waiting any more.
    pub fn cancel(&mut self, id: RequestId, sent: Sent, now: Instant) -> Option<Ended<T>> {
        self.end(id, End::Cancelled, sent, now)
    }

    /// Ends the next request whose deadline has passed, in the order of the deadlines; `sent` is
    /// asked how much of it has left.
    pub fn poll_expired(
        &mut self,
        sent: impl FnOnce(RequestId) -> Sent,
        now: Instant,
    ) -> Option<Ended<T>> {
        let (at, id) = *self.deadlines.first()?;
        if at > now {
            return None;
        }
        self.end(id, End::TimedOut, sent(id), now)
    }

    /// The next deadline.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Ends all requests for which `which` says how much of them has left, in the order in which they
    /// began. A lost connection ends those that it carried.
    pub fn end_if(
        &mut self,
        why: End,
        mut which: impl FnMut(RequestId, &T) -> Option<Sent>,
        now: Instant,
    ) -> Vec<Ended<T>> {
        let pending = self.pending.iter();
        let picked = pending.filter_map(|(id, pending)| Some((*id, which(*id, &pending.tag)?)));
        let picked: Vec<(RequestId, Sent)> = picked.collect();
        let ended = picked.into_iter();
        ended
            .filter_map(|(id, sent)| self.end(id, why, sent, now))
            .collect()
    }

    /// A new connection begins: no answer that comes in order can belong to an earlier request.
    pub fn on_new_epoch(&mut self) {
        let pending = &self.pending;
        self.ordered.retain(|_, places| {
            places.retain(|place| pending.contains_key(&place.id));
            !places.is_empty()
        });
    }

    /// Requests that wait for an answer.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// The tag of a request that waits for an answer.
    #[must_use]
    pub fn tag(&self, id: RequestId) -> Option<&T> {
        self.pending.get(&id).map(|pending| &pending.tag)
    }

    /// Round trips of the last answers, or `None` if there were none. It survives reconnects.
    #[must_use]
    pub fn latency(&self) -> Option<LatencyStats> {
        self.latency.stats()
    }

    /// Answers that found no request.
    #[must_use]
    pub const fn strays(&self) -> Strays {
        self.strays
    }

    fn is_known(&self, key: &Key) -> bool {
        self.live.contains_key(key) || self.graves.contains(key)
    }

    fn insert(
        &mut self,
        key: Key,
        tag: T,
        timing: Timing,
        now: Instant,
    ) -> Result<RequestId, RequestError> {
        let max = self.config.max_pending;
        let in_order = match &key {
            Key::Order(class) => self.ordered.get(class).map_or(0, VecDeque::len),
            Key::Number(_) | Key::Text(_) => 0,
        };
        if self.pending.len() >= max || in_order >= max {
            return Err(RequestError::TooMany(max));
        }
        if self.next > LAST_NUMBER {
            return Err(RequestError::Exhausted);
        }
        let id = RequestId(self.next);
        self.next += 1;
        let timeout = timing.timeout.unwrap_or(self.config.timeout);
        let deadline = now + timing.budget.unwrap_or(timeout);
        match &key {
            Key::Order(class) => {
                let places = self.ordered.entry(*class).or_default();
                places.push_back(Place { id, ended_at: None });
            }
            Key::Number(_) | Key::Text(_) => {
                self.live.insert(key.clone(), id);
            }
        }
        self.deadlines.insert((deadline, id));
        let pending = Pending {
            tag,
            key,
            timing,
            began: now,
            sent_at: None,
            deadline,
        };
        self.pending.insert(id, pending);
        Ok(id)
    }

    /// Removes a request from everything but the row of those that are answered in order.
    fn remove(&mut self, id: RequestId) -> Option<Pending<T>> {
        let pending = self.pending.remove(&id)?;
        self.deadlines.remove(&(pending.deadline, id));
        self.live.remove(&pending.key);
        Some(pending)
    }

    fn end(&mut self, id: RequestId, why: End, sent: Sent, now: Instant) -> Option<Ended<T>> {
        let pending = self.remove(id)?;
        if let Key::Order(class) = pending.key {
            // What has left will be answered, and that answer is not the next request's.
            let places = self.ordered.entry(class).or_default();
            if sent == Sent::No {
                places.retain(|place| place.id != id);
            } else if let Some(place) = places.iter_mut().find(|place| place.id == id) {
                place.ended_at = Some(now);
            }
        } else if sent != Sent::No {
            self.graves.bury(pending.key, id, false, now);
        }
        Some(Ended {
            id,
            tag: pending.tag,
            why,
            sent,
        })
    }

    fn first_in_order(&mut self, class: u16, now: Instant) -> Result<RequestId, Unmatched> {
        let places = self.ordered.get_mut(&class);
        let place = places.and_then(VecDeque::pop_front);
        match place {
            None => Err(Unmatched::Unknown),
            Some(Place { id, ended_at: None }) => Ok(id),
            Some(Place {
                id,
                ended_at: Some(at),
            }) => Err(Unmatched::Late { id, by: now - at }),
        }
    }
}

#[cfg(test)]
mod tests;
