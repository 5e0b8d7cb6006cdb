//! One lane of the queue: by priority, then in the order of arrival.
//!
//! It knows nothing of the other lanes.

use alloc::collections::BTreeMap;
use core::cmp::Reverse;

use super::ItemId;
use crate::policy::Cost;
use crate::time::Instant;

#[derive(Clone, Debug)]
pub(super) struct Line<T> {
    entries: BTreeMap<Rank, Entry<T>>,
    /// The bytes of all entries.
    pub(super) bytes: usize,
    /// Since when it has been waiting: its last item left then, or its first one came.
    pub(super) since: Instant,
}

/// The place within a lane: higher priority first, then the older one.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Rank(Reverse<u8>, ItemId);

#[derive(Clone, Debug)]
pub(super) struct Entry<T> {
    pub(super) item: T,
    pub(super) bytes: usize,
    pub(super) cost: Cost,
    pub(super) expires: Option<Instant>,
    pub(super) queued_at: Instant,
}

impl<T> Line<T> {
    pub(super) const fn new() -> Self {
        Self {
            entries: BTreeMap::new(),
            bytes: 0,
            since: Instant::ORIGIN,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn push(&mut self, id: ItemId, priority: u8, entry: Entry<T>) {
        if self.is_empty() {
            self.since = entry.queued_at;
        }
        self.bytes = self.bytes.saturating_add(entry.bytes);
        self.entries.insert(Rank(Reverse(priority), id), entry);
    }

    /// The item that is next to leave: the first that has not waited for too long.
    pub(super) fn head(&self, now: Instant) -> Option<(ItemId, &Entry<T>)> {
        let alive = |entry: &Entry<T>| entry.expires.is_none_or(|at| at > now);
        let mut entries = self.entries.iter();
        let (rank, entry) = entries.find(|(_, entry)| alive(entry))?;
        Some((rank.1, entry))
    }

    /// The item that would leave last.
    pub(super) fn last(&self) -> Option<ItemId> {
        self.entries.last_key_value().map(|(rank, _)| rank.1)
    }

    pub(super) fn remove(&mut self, id: ItemId, priority: u8) -> Option<Entry<T>> {
        let entry = self.entries.remove(&Rank(Reverse(priority), id))?;
        self.bytes = self.bytes.saturating_sub(entry.bytes);
        Some(entry)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (ItemId, &T)> {
        self.entries
            .iter()
            .map(|(rank, entry)| (rank.1, &entry.item))
    }
}
