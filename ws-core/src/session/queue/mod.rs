//! What waits to be sent: a bounded queue with lanes, priorities, lifetimes and second thoughts.
//!
//! The control and the auth lane go first, strictly. The others take turns by weight, so that a
//! restore of a thousand subscriptions does not hold back a request, and the other way round. Inside
//! a lane the higher priority goes first and equals keep their order; nothing overtakes the head of
//! its own lane, however cheap it is. A lane that may not send because the limiter says no keeps the
//! lanes below it from eating the units it is waiting for.
//!
//! The queue knows its items only by size and cost. It owns no limiter and sends nothing: it hands an
//! item out at the moment its cost is taken.

mod config;
mod line;
mod plan;
mod turns;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

pub use config::{Lanes, Overflow, Place, QueueConfig};
use line::{Entry, Line};
use plan::{limited_as, sharing};
use thiserror::Error;
use turns::Turns;

use crate::policy::{Cost, Lane, Limiter, Percent};
use crate::time::Instant;

/// A bounded queue in front of a connection.
///
/// ```
/// use ws_core::Instant;
/// use ws_core::policy::{Lane, Limiter, LimiterPolicy};
/// use ws_core::session::queue::{Lanes, Place, Queue, QueueConfig};
///
/// let now = Instant::ORIGIN;
/// let mut limiter = Limiter::new(&LimiterPolicy::default(), now);
/// let mut queue = Queue::new(QueueConfig::default());
/// queue.push("later", Place::default(), now).unwrap();
/// queue.push("login", Place::default().lane(Lane::Auth), now).unwrap();
/// let urgent = queue.push("urgent", Place::default().priority(1), now).unwrap();
/// assert_eq!(queue.cancel(urgent.id).unwrap().item, "urgent");
///
/// let mut next = || queue.poll(Lanes::ALL, &mut limiter, now).map(|taken| taken.item);
/// assert_eq!((next(), next(), next()), (Some("login"), Some("later"), None));
/// ```
#[derive(Clone, Debug)]
pub struct Queue<T> {
    config: QueueConfig,
    lines: [Line<T>; Lane::ALL.len()],
    /// Where each item is: its lane and priority.
    places: BTreeMap<ItemId, (Lane, u8)>,
    expiries: BTreeSet<(Instant, ItemId)>,
    turns: Turns,
    next: u64,
    blocked: bool,
}

/// The name of an item in its queue; never used twice.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ItemId(u64);

/// An accepted item, and what had to go for it.
#[derive(Debug)]
#[must_use = "displaced items are lost otherwise"]
pub struct Pushed<T> {
    /// The new item's.
    pub id: ItemId,
    /// Dropped to make room; the new item itself with [`Overflow::DropNewest`].
    pub displaced: Vec<Taken<T>>,
}

/// An item that has left the queue, one way or another.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Taken<T> {
    /// Its name.
    pub id: ItemId,
    /// The item.
    pub item: T,
    /// Its lane.
    pub lane: Lane,
    /// What it costs; taken from the limiter only if it came out of [`Queue::poll`].
    pub cost: Cost,
    /// When it was pushed.
    pub queued_at: Instant,
}

/// A refused item, handed back.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("{why}")]
pub struct Refused<T> {
    /// The item.
    pub item: T,
    /// Why.
    pub why: Full,
}

/// Which bound an item would pass.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Full {
    /// So many bytes may wait.
    #[error("the queue holds no more than {0} bytes")]
    Bytes(usize),
    /// So many items may wait.
    #[error("the queue holds no more than {0} items")]
    Items(usize),
}

impl<T> Queue<T> {
    /// An empty queue.
    #[must_use]
    pub const fn new(config: QueueConfig) -> Self {
        Self {
            config,
            lines: [const { Line::new() }; Lane::ALL.len()],
            places: BTreeMap::new(),
            expiries: BTreeSet::new(),
            turns: Turns::new(),
            next: 0,
            blocked: false,
        }
    }

    /// Adds an item.
    ///
    /// # Errors
    /// It does not fit, and the overflow policy makes no room for it.
    pub fn push(&mut self, item: T, place: Place, now: Instant) -> Result<Pushed<T>, Refused<T>> {
        let entry = entry(item, &place, now);
        let mut displaced = Vec::new();
        if let Some(why) = self.lacks(&place) {
            match self.config.overflow {
                _ if place.lane == Lane::Control => return Err(refused(entry, why)),
                Overflow::DropNewest => {
                    let id = self.name();
                    displaced.push(taken(id, place.lane, entry));
                    return Ok(Pushed { id, displaced });
                }
                overflow => match self.make_room(overflow, &place) {
                    Some(dropped) => displaced = dropped,
                    None => return Err(refused(entry, why)),
                },
            }
        }
        let id = self.insert(&place, entry);
        Ok(Pushed { id, displaced })
    }

    /// Adds an item whatever the bounds say: for the few that the owner itself depends on, such as a
    /// login, and sends one at a time.
    pub fn insist(&mut self, item: T, place: Place, now: Instant) -> ItemId {
        self.insert(&place, entry(item, &place, now))
    }

    /// Takes the next item that one of the open lanes may send now, and its cost from the limiter.
    /// `None`: see [`ready_at`](Self::ready_at). Items that have waited too long stay for
    /// [`poll_expired`](Self::poll_expired).
    pub fn poll(&mut self, open: Lanes, limiter: &mut Limiter, now: Instant) -> Option<Taken<T>> {
        let plan = self.plan(open, limiter, now);
        let (lane, aged) = plan.winner?;
        let (id, head) = self.lines[lane as usize].head(now)?;
        if !limiter.commit(&head.cost, limited_as(lane, aged), now) {
            return None;
        }
        if !aged && sharing(lane).is_some() {
            self.turns.spend(plan.sizes);
        }
        let taken = self.cancel(id);
        self.lines[lane as usize].since = now;
        taken
    }

    /// When the next item may leave through one of the open lanes: `now`, later, or `None` if that
    /// depends on more than time. It may turn out then that another moment has to be waited for.
    #[must_use]
    pub fn ready_at(&self, open: Lanes, limiter: &Limiter, now: Instant) -> Option<Instant> {
        let plan = self.plan(open, limiter, now);
        plan.winner.map_or(plan.wake, |_| Some(now))
    }

    /// Takes the next item that has waited longer than it may, the earliest first.
    pub fn poll_expired(&mut self, now: Instant) -> Option<Taken<T>> {
        let (at, id) = *self.expiries.first()?;
        if at > now {
            return None;
        }
        self.cancel(id)
    }

    /// When the next item will have waited too long.
    #[must_use]
    pub fn expires_at(&self) -> Option<Instant> {
        self.expiries.first().map(|(at, _)| *at)
    }

    /// Takes an item back; `None` if it is not in the queue any more.
    pub fn cancel(&mut self, id: ItemId) -> Option<Taken<T>> {
        let (lane, priority) = self.places.remove(&id)?;
        let line = &mut self.lines[lane as usize];
        let entry = line.remove(id, priority)?;
        if let (true, Some(shared)) = (line.is_empty(), sharing(lane)) {
            self.turns.emptied(shared);
        }
        if let Some(at) = entry.expires {
            self.expiries.remove(&(at, id));
        }
        self.mark();
        Some(taken(id, lane, entry))
    }

    /// Takes all items that `which` picks, in the order they came: those that a lost connection ends.
    pub fn take_if(&mut self, mut which: impl FnMut(&T) -> bool) -> Vec<Taken<T>> {
        let lines = self.lines.iter().flat_map(Line::iter);
        let picked = lines.filter_map(|(id, item)| which(item).then_some(id));
        let mut picked: Vec<ItemId> = picked.collect();
        picked.sort_unstable();
        picked
            .into_iter()
            .filter_map(|id| self.cancel(id))
            .collect()
    }

    /// Items that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Does nothing wait?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Bytes that wait.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.lines.iter().map(|line| line.bytes).sum()
    }

    /// Items that wait in one lane.
    #[must_use]
    pub fn waiting(&self, lane: Lane) -> usize {
        self.lines[lane as usize].len()
    }

    /// How full it is, by the bound that is nearer.
    #[must_use]
    pub fn fill(&self) -> Percent {
        let (items, bytes) = self.bounded();
        let share = |part: usize, whole: usize| {
            let percent = (part as u128 * 100).checked_div(whole as u128);
            u32::try_from(percent.unwrap_or(100)).unwrap_or(u32::MAX)
        };
        let items = share(items, self.config.max_items);
        Percent(items.max(share(bytes, self.config.max_bytes)))
    }

    /// Should the application hold back? From the high watermark down to the low one.
    #[must_use]
    pub const fn is_blocked(&self) -> bool {
        self.blocked
    }

    fn insert(&mut self, place: &Place, entry: Entry<T>) -> ItemId {
        let id = self.name();
        self.places.insert(id, (place.lane, place.priority));
        if let Some(at) = entry.expires {
            self.expiries.insert((at, id));
        }
        self.lines[place.lane as usize].push(id, place.priority, entry);
        self.mark();
        id
    }

    fn name(&mut self) -> ItemId {
        self.next += 1;
        ItemId(self.next)
    }

    /// What counts against the bounds: all but the control lane.
    fn bounded(&self) -> (usize, usize) {
        let [_control, lines @ ..] = &self.lines;
        let items = lines.iter().map(Line::len).sum();
        (items, lines.iter().map(|line| line.bytes).sum())
    }

    /// The bound that an item would pass.
    fn lacks(&self, place: &Place) -> Option<Full> {
        let config = &self.config;
        if place.lane == Lane::Control {
            let full = self.waiting(Lane::Control) >= config.control_items;
            return full.then_some(Full::Items(config.control_items));
        }
        let (items, bytes) = self.bounded();
        if items >= config.max_items {
            Some(Full::Items(config.max_items))
        } else if bytes.saturating_add(place.bytes) > config.max_bytes {
            Some(Full::Bytes(config.max_bytes))
        } else {
            None
        }
    }

    /// Drops what the policy gives up for an item, if that is enough.
    fn make_room(&mut self, overflow: Overflow, place: &Place) -> Option<Vec<Taken<T>>> {
        let may_go = |lane: Lane| match overflow {
            Overflow::DropOldest => lane > Lane::Auth,
            Overflow::DropLowestLane => lane > place.lane,
            Overflow::DropNewest | Overflow::Reject => false,
        };
        let lanes = || Lane::ALL.into_iter().filter(|lane| may_go(*lane));
        let (items, bytes) = self.bounded();
        let spare = |of: fn(&Line<T>) -> usize| -> usize {
            lanes().map(|lane| of(&self.lines[lane as usize])).sum()
        };
        let (spare_items, spare_bytes) = (spare(Line::len), spare(|line| line.bytes));
        let enough = items - spare_items < self.config.max_items
            && (bytes - spare_bytes).saturating_add(place.bytes) <= self.config.max_bytes;
        if !enough {
            return None;
        }
        let mut dropped = Vec::new();
        while self.lacks(place).is_some() {
            let victim = match overflow {
                Overflow::DropOldest => {
                    let mut oldest = self.places.iter();
                    oldest
                        .find(|(_, (lane, _))| may_go(*lane))
                        .map(|(id, _)| *id)
                }
                _ => lanes()
                    .rev()
                    .find_map(|lane| self.lines[lane as usize].last()),
            };
            dropped.push(self.cancel(victim?)?);
        }
        Some(dropped)
    }

    fn mark(&mut self) {
        let fill = self.fill();
        if fill >= self.config.high {
            self.blocked = true;
        } else if fill <= self.config.low {
            self.blocked = false;
        }
    }
}

fn entry<T>(item: T, place: &Place, now: Instant) -> Entry<T> {
    Entry {
        item,
        bytes: place.bytes,
        cost: place.cost,
        expires: place.ttl.map(|ttl| now + ttl),
        queued_at: now,
    }
}

fn taken<T>(id: ItemId, lane: Lane, entry: Entry<T>) -> Taken<T> {
    Taken {
        id,
        item: entry.item,
        lane,
        cost: entry.cost,
        queued_at: entry.queued_at,
    }
}

fn refused<T>(entry: Entry<T>, why: Full) -> Refused<T> {
    Refused {
        item: entry.item,
        why,
    }
}

impl<T> Taken<T> {
    /// How long it waited.
    #[must_use]
    pub fn waited(&self, now: Instant) -> Duration {
        now - self.queued_at
    }
}

#[cfg(test)]
mod props;
#[cfg(test)]
mod tests;
