//! What keeps the indices of a registry in step with its entries: every change of an entry goes
//! through one function.
//!
//! It decides nothing about an entry.

use super::config::Access;
use super::entry::{Entry, Wire};
use super::report::{Change, Notice};
use super::{Registry, SubId};

impl<T: Ord + Clone> Registry<T> {
    /// Changes an entry, and whatever is derived from it.
    pub(super) fn change<R>(
        &mut self,
        id: SubId,
        change: impl FnOnce(&mut Entry<T>) -> R,
    ) -> Option<R> {
        let entry = self.entries.get_mut(&id)?;
        let (was_over, deadline) = (entry.wire == Wire::Over, entry.deadline);
        let outcome = change(entry);
        if deadline != entry.deadline {
            if let Some(at) = deadline {
                self.deadlines.remove(&(at, id));
            }
            if let Some(at) = entry.deadline {
                self.deadlines.insert((at, id));
            }
        }
        if entry.has_work() && is_open(self.gate, entry) {
            self.work.insert(id);
        } else {
            self.work.remove(&id);
        }
        if entry.wire == Wire::Over && !was_over {
            self.live -= 1;
            self.ended.push_back(id);
            while self.ended.len() > self.config.max_ended {
                let oldest = self.ended.pop_front();
                oldest.into_iter().for_each(|id| self.forget(id));
            }
        }
        Some(outcome)
    }

    /// Removes an entry that is over, if it is still there. A topic has one entry at a time.
    pub(super) fn forget(&mut self, id: SubId) {
        if let Some(entry) = self.entries.remove(&id) {
            self.by_topic.remove(&entry.topic);
        }
    }

    /// Looks at all entries again: what may be sent has changed.
    pub(super) fn reopen(&mut self, gate: Option<Access>) {
        self.gate = gate;
        let entries = self.entries.iter();
        let open = entries.filter(|(_, entry)| entry.has_work() && is_open(gate, entry));
        self.work = open.map(|(id, _)| *id).collect();
    }

    pub(super) fn notice(&self, id: SubId, change: Change) -> Option<Notice<T>> {
        let entry = self.entries.get(&id)?;
        Some(Notice {
            id,
            topic: entry.topic.clone(),
            change,
            continued: None,
        })
    }
}

/// May what an entry needs be sent now?
fn is_open<T>(gate: Option<Access>, entry: &Entry<T>) -> bool {
    match gate {
        None => false,
        Some(Access::Private) => true,
        Some(Access::Public) => entry.options.access == Access::Public,
    }
}
