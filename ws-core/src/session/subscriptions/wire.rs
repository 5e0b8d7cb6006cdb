//! The connection's side of a registry: what to send, what was answered, what took too long.
//!
//! It writes nothing itself.

use alloc::vec::Vec;
use core::borrow::Borrow;
use core::time::Duration;

use super::config::{Access, Confirm, Remedy, Restore, SubOptions};
use super::cursor::{Bridged, Continuity};
use super::entry::Wire;
use super::report::{Change, Command, Item, Notice, Resume, Ticket};
use super::{Registry, State, SubId, kept};
use crate::time::Instant;

impl<T: Ord + Clone> Registry<T> {
    /// A connection may send subscriptions: the public ones while it logs in, all of them
    /// ([`Access::Private`]) from then on.
    pub fn open(&mut self, access: Access, now: Instant) {
        self.next_batch_at = self.next_batch_at.max(now);
        self.reopen(Some(access));
    }

    /// The connection is gone; the last byte came at `last_heard`. Returns those that do not outlive
    /// it.
    pub fn lost(&mut self, last_heard: Instant, now: Instant) -> Vec<Notice<T>> {
        self.reopen(None);
        self.next_batch_at = now;
        let ids: Vec<SubId> = self.entries.keys().copied().collect();
        let lost = |id| self.lose(id, last_heard);
        ids.into_iter().filter_map(lost).collect()
    }

    /// What to send now, or `None`: see [`poll_timeout`](Self::poll_timeout).
    pub fn poll(&mut self, now: Instant) -> Option<Command<T>> {
        if now < self.next_batch_at {
            return None;
        }
        let wire = self.entries.get(self.work.first()?)?.wire;
        let same = |id: &&SubId| self.entries.get(id).is_some_and(|entry| entry.wire == wire);
        let batch = self.work.iter().filter(same).take(self.config.batch.max(1));
        let batch: Vec<SubId> = batch.copied().collect();
        let to = match wire {
            Wire::Absent => Wire::Joining,
            _ => Wire::Leaving,
        };
        let items = batch.into_iter().filter_map(|id| self.send(id, to, now));
        let items: Vec<Item<T>> = items.collect();
        self.next_batch_at = now + self.config.spacing;
        Some(match to {
            Wire::Joining => Command::Join(items),
            _ => Command::Leave(items),
        })
    }

    /// When [`poll`](Self::poll) has a command, which may be now, or
    /// [`poll_expired`](Self::poll_expired) a notice.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let due = [self.next_command(), self.next_deadline()];
        due.into_iter().flatten().min()
    }

    /// When [`poll`](Self::poll) has a command, which may be now.
    #[must_use]
    pub fn next_command(&self) -> Option<Instant> {
        self.work.first().map(|_| self.next_batch_at)
    }

    /// When [`poll_expired`](Self::poll_expired) has something to do.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// A command was not sent yet: the server's time to answer has not begun. The owner says
    /// [`sent`](Self::sent) when it has.
    pub fn waits(&mut self, items: &[Item<T>]) {
        self.redate(items, |_| None);
    }

    /// A command that [waited](Self::waits) has been sent.
    pub fn sent(&mut self, items: &[Item<T>], now: Instant) {
        self.redate(items, |timeout| Some(now + timeout));
    }

    /// A command was not sent after all: it will be made again, not before that time.
    pub fn unsent(&mut self, items: &[Item<T>], not_before: Instant) {
        for Item { ticket, .. } in items {
            self.change(ticket.id, |entry| {
                if entry.ticket != *ticket {
                    return;
                }
                match entry.wire {
                    Wire::Joining if entry.is_wanted() => entry.wire = Wire::Absent,
                    Wire::Joining => entry.end(),
                    Wire::Leaving if entry.is_wanted() => entry.wire = Wire::Absent,
                    Wire::Leaving => entry.wire = Wire::Active,
                    _ => return,
                }
                entry.deadline = None;
            });
        }
        self.next_batch_at = self.next_batch_at.max(not_before);
    }

    /// Somebody else has asked for a topic on this connection: it waits for the answer, and is restored
    /// as any other. If too many are wanted already, nobody knows of it.
    pub fn adopt(&mut self, topic: T, now: Instant) {
        let Ok(id) = self.subscribe(topic, SubOptions::default()) else {
            return;
        };
        if self
            .entries
            .get(&id)
            .is_some_and(|entry| entry.wire == Wire::Absent)
        {
            self.send(id, Wire::Joining, now);
        }
    }

    /// Somebody else has left a topic, on behalf of all who wanted it.
    pub fn disown<Q>(&mut self, topic: &Q) -> Option<Notice<T>>
    where
        T: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let id = self.find(topic)?;
        let ended = self.change(id, |entry| {
            let wanted = entry.is_wanted() && entry.wire != Wire::Over;
            (entry.wanted_by, entry.state) = (0, State::Unsubscribed);
            entry.end();
            wanted
        })?;
        let notice = self.notice(id, Change::Unsubscribed);
        ended.then_some(notice).flatten()
    }

    /// Does one of these attempts still wait for its answer?
    pub fn any_pending(&self, items: &[Item<T>]) -> bool {
        items.iter().any(|item| {
            let entry = self.entries.get(&item.ticket.id);
            entry.is_some_and(|entry| {
                let waits = matches!(entry.wire, Wire::Joining | Wire::Leaving);
                waits && entry.ticket == item.ticket
            })
        })
    }

    fn redate(&mut self, items: &[Item<T>], deadline: impl Fn(Duration) -> Option<Instant>) {
        for Item { ticket, .. } in items {
            self.change(ticket.id, |entry| {
                let waits = matches!(entry.wire, Wire::Joining | Wire::Leaving);
                if waits && entry.ticket == *ticket {
                    entry.deadline = deadline(entry.options.ack_timeout);
                }
            });
        }
    }

    /// The server confirms an attempt to join. `None` if that attempt is over, nobody wants the topic
    /// any more, or only data confirms it.
    pub fn confirmed(&mut self, ticket: Ticket, resume: Resume, now: Instant) -> Option<Notice<T>> {
        if !self.is_current(ticket, Wire::Joining) {
            return None;
        }
        let options = self.entries.get(&ticket.id)?.options;
        if options.confirm == Confirm::FirstData {
            return None;
        }
        self.activate(ticket.id, resume, now)
    }

    /// The server refuses an attempt to join, with a reason of which 256 bytes are kept.
    pub fn failed(&mut self, ticket: Ticket, reason: &str, now: Instant) -> Option<Notice<T>> {
        if !self.is_current(ticket, Wire::Joining) {
            return None;
        }
        self.refuse(ticket.id, Some(reason), now)
    }

    /// The server confirms an attempt to leave, or refuses it, which comes to the same.
    pub fn left(&mut self, ticket: Ticket) {
        if self.is_current(ticket, Wire::Leaving) {
            self.gone(ticket.id);
        }
    }

    /// The next deadline that has passed and that its owner should know of. To be called until it
    /// returns `None`.
    pub fn poll_expired(&mut self, now: Instant) -> Option<Notice<T>> {
        loop {
            let (at, id) = *self.deadlines.first()?;
            if at > now {
                return None;
            }
            let notice = match self.entries.get(&id)?.wire {
                Wire::Joining => self.refuse(id, None, now),
                Wire::Leaving => {
                    self.gone(id);
                    None
                }
                Wire::Waiting => {
                    self.change(id, |entry| {
                        (entry.wire, entry.state) = (Wire::Absent, State::Pending);
                        entry.deadline = None;
                    });
                    None
                }
                _ => self.quiet(id, now),
            };
            if notice.is_some() {
                return notice;
            }
        }
    }

    /// Counts the answers to attempts that are over.
    fn is_current(&mut self, ticket: Ticket, wire: Wire) -> bool {
        let entry = self.entries.get(&ticket.id);
        let current = entry.is_some_and(|entry| entry.ticket == ticket && entry.wire == wire);
        if !current {
            self.stale_answers = self.stale_answers.saturating_add(1);
        }
        current
    }

    fn send(&mut self, id: SubId, to: Wire, now: Instant) -> Option<Item<T>> {
        self.next_attempt += 1;
        let ticket = Ticket {
            id,
            attempt: self.next_attempt,
        };
        self.change(id, |entry| {
            if to == Wire::Leaving && entry.is_wanted() {
                entry.restoring = true;
                entry.blind_since.get_or_insert(now);
            }
            (entry.wire, entry.ticket, entry.rejoin) = (to, ticket, false);
            entry.deadline = Some(now + entry.options.ack_timeout);
            Item {
                ticket,
                topic: entry.topic.clone(),
                cursor: entry.cursor,
            }
        })
    }

    pub(super) fn activate(
        &mut self,
        id: SubId,
        resume: Resume,
        now: Instant,
    ) -> Option<Notice<T>> {
        let (change, continued) = self.change(id, |entry| {
            let change = match entry.restoring {
                true => Change::Restored,
                false => Change::Confirmed,
            };
            entry.activate(now);
            let verdict = match (resume, entry.options.continuity) {
                (Resume::Lost, _) => Some(Bridged::Gap),
                (Resume::Recovered, _) => Some(Bridged::Recovered),
                (Resume::Unsaid, Continuity::None) => Some(Bridged::Unknown),
                // The first message will tell.
                (Resume::Unsaid, _) => None,
            };
            let continued = verdict.and_then(|verdict| entry.see(verdict, now));
            entry.is_wanted().then_some((change, continued))
        })??;
        let mut notice = self.notice(id, change)?;
        notice.continued = continued;
        Some(notice)
    }

    /// An attempt to join has failed, with a reason or by silence.
    fn refuse(&mut self, id: SubId, reason: Option<&str>, now: Instant) -> Option<Notice<T>> {
        let change = self.change(id, |entry| {
            entry.deadline = None;
            if !entry.is_wanted() {
                entry.end();
                return None;
            }
            entry.state = match reason {
                Some(_) => State::Failed,
                None => State::Expired,
            };
            entry.reason = reason.map(kept);
            let reason = entry.reason.clone();
            let again = if entry.proven { None } else { entry.retry() };
            let again = again.map(|after| now + after);
            entry.deadline = again;
            entry.wire = match again {
                Some(_) => Wire::Waiting,
                None if entry.proven => Wire::Wished,
                None => Wire::Over,
            };
            Some(match reason {
                reason if entry.restoring => Change::RestoreFailed { reason },
                Some(reason) => Change::Failed { again, reason },
                None => Change::Expired { again },
            })
        })??;
        self.notice(id, change)
    }

    /// An attempt to leave has come to its end.
    fn gone(&mut self, id: SubId) {
        self.change(id, |entry| {
            entry.deadline = None;
            if entry.is_wanted() {
                (entry.wire, entry.state) = (Wire::Absent, State::Pending);
            } else {
                entry.end();
            }
        });
    }

    /// A topic may have gone quiet: its deadline was not moved with every message.
    fn quiet(&mut self, id: SubId, now: Instant) -> Option<Notice<T>> {
        let stale = self.change(id, |entry| {
            let due = entry
                .options
                .stale_after
                .map(|after| entry.last_data + after);
            entry.deadline = due.filter(|due| *due > now);
            let stale = entry.deadline.is_none() && due.is_some() && entry.is_wanted();
            entry.rejoin |= stale && entry.options.on_stale == Remedy::Resubscribe;
            stale
        })?;
        let notice = self.notice(id, Change::Stale);
        stale.then_some(notice).flatten()
    }

    fn lose(&mut self, id: SubId, last_heard: Instant) -> Option<Notice<T>> {
        let never = self.config.restore == Restore::Never;
        let ended = self.change(id, |entry| {
            let had = !matches!(entry.wire, Wire::Absent | Wire::Over | Wire::Waiting);
            if !had {
                return false;
            }
            entry.deadline = None;
            if entry.wire == Wire::Active {
                entry.blind_since.get_or_insert(last_heard);
            }
            let wanted = entry.is_wanted();
            if !wanted || never || entry.options.restore == Restore::Never {
                entry.wanted_by = 0;
                entry.state = State::Unsubscribed;
                entry.end();
                return wanted;
            }
            (entry.wire, entry.state) = (Wire::Absent, State::Pending);
            entry.restoring = true;
            false
        })?;
        let notice = self.notice(id, Change::Unsubscribed);
        ended.then_some(notice).flatten()
    }
}
