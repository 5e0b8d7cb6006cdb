//! Who may send now, or when someone may.
//!
//! It takes nothing out of the queue.

use super::turns::{self, SHARING};
use super::{Lanes, Queue};
use crate::policy::{Cost, Lane, Limiter};
use crate::time::Instant;

/// The outcome of asking every lane.
pub(super) struct Plan {
    /// The lane, and whether it is served out of its turn.
    pub(super) winner: Option<(Lane, bool)>,
    /// The sizes that the lanes which share would take turns with.
    pub(super) sizes: [Option<u64>; SHARING],
    pub(super) wake: Option<Instant>,
}

impl<T> Queue<T> {
    /// Decides who may send. A lane that waits for the limiter claims what it waits for, against
    /// the lanes below it, and against all that share once it has waited too long.
    pub(super) fn plan(&self, open: Lanes, limiter: &Limiter, now: Instant) -> Plan {
        let mut plan = Plan {
            winner: None,
            sizes: [None; SHARING],
            wake: None,
        };
        let mut claims = Cost::FREE;
        for (lane, aged) in self.candidates(now) {
            if !open.contains(lane) {
                continue;
            }
            let Some((_, head)) = self.lines[lane as usize].head(now) else {
                continue;
            };
            let claimed = claims.competes_with(&head.cost);
            let ready = limiter.ready_at(&head.cost, limited_as(lane, aged), now);
            if ready == Some(now) && !claimed {
                match sharing(lane) {
                    Some(shared) if !aged => {
                        plan.sizes[shared] = Some(turns::size(head.bytes, &head.cost));
                    }
                    _ => {
                        plan.winner = Some((lane, aged));
                        return plan;
                    }
                }
                continue;
            }
            if let Some(ready) = ready {
                claims = claims.plus(&head.cost);
                plan.wake_at(ready, now);
            }
            if let (false, Some(_), Some(age)) = (aged, sharing(lane), self.config.age_after) {
                plan.wake_at(self.lines[lane as usize].since + age, now);
            }
        }
        let shared = self.turns.next(plan.sizes);
        plan.winner = shared.map(|shared| (Lane::ALL[Lane::ALL.len() - SHARING + shared], false));
        plan
    }

    /// The lanes in the order in which they are asked: the strict ones, those that have waited too
    /// long, the longest first, and the rest by rank.
    fn candidates(&self, now: Instant) -> [(Lane, bool); Lane::ALL.len()] {
        let mut candidates = Lane::ALL.map(|lane| (lane, self.is_aged(lane, now)));
        candidates.sort_unstable_by_key(|(lane, aged)| match (sharing(*lane), aged) {
            (None, _) => (0, Instant::ORIGIN, *lane),
            (Some(_), true) => (1, self.lines[*lane as usize].since, *lane),
            (Some(_), false) => (2, Instant::ORIGIN, *lane),
        });
        candidates
    }

    fn is_aged(&self, lane: Lane, now: Instant) -> bool {
        let line = &self.lines[lane as usize];
        let age = self.config.age_after.filter(|_| sharing(lane).is_some());
        !line.is_empty() && age.is_some_and(|age| now - line.since >= age)
    }
}

impl Plan {
    fn wake_at(&mut self, at: Instant, now: Instant) {
        if at > now {
            self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
        }
    }
}

/// The place of a lane among those that share; the strict ones have none.
pub(super) const fn sharing(lane: Lane) -> Option<usize> {
    (lane as usize).checked_sub(Lane::ALL.len() - SHARING)
}

/// A lane that has waited too long need not leave a reserve any more.
pub(super) const fn limited_as(lane: Lane, aged: bool) -> Lane {
    if aged { Lane::Request } else { lane }
}
