//! The requests that are over, so that a late answer is known for what it is.
//!
//! It ends no request.

use alloc::collections::{BTreeMap, VecDeque};
use core::time::Duration;

use super::{Key, RequestId, Unmatched};
use crate::time::Instant;

/// The last so many requests that came to an end.
#[derive(Clone, Debug)]
pub(super) struct Graves {
    limit: usize,
    by_key: BTreeMap<Key, Grave>,
    /// In the order of their ends; some may be in use again.
    order: VecDeque<(Key, RequestId)>,
}

#[derive(Clone, Debug)]
struct Grave {
    id: RequestId,
    ended_at: Instant,
    answered: bool,
}

impl Graves {
    pub(super) const fn new(limit: usize) -> Self {
        Self {
            limit,
            by_key: BTreeMap::new(),
            order: VecDeque::new(),
        }
    }

    pub(super) fn bury(&mut self, key: Key, id: RequestId, answered: bool, now: Instant) {
        if self.limit == 0 {
            return;
        }
        if self.order.len() >= self.limit {
            if let Some((key, id)) = self.order.pop_front() {
                // The key may have had another request since.
                if self.by_key.get(&key).is_some_and(|grave| grave.id == id) {
                    self.by_key.remove(&key);
                }
            }
        }
        let grave = Grave {
            id,
            ended_at: now,
            answered,
        };
        self.by_key.insert(key.clone(), grave);
        self.order.push_back((key, id));
    }

    pub(super) fn contains(&self, key: &Key) -> bool {
        self.by_key.contains_key(key)
    }

    /// What an answer is that no request waits for.
    pub(super) fn visit(&mut self, key: &Key, now: Instant) -> Unmatched {
        match self.by_key.get_mut(key) {
            None => Unmatched::Unknown,
            Some(grave) if grave.answered => Unmatched::Duplicate { id: grave.id },
            Some(grave) => {
                grave.answered = true;
                let by: Duration = now - grave.ended_at;
                Unmatched::Late { id: grave.id, by }
            }
        }
    }
}
