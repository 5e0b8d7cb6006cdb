//! Events that wait for someone to take them: never more than the [`Inbox`] says, whatever the policy.
//!
//! It wakes nobody and reads nothing.

use alloc::collections::VecDeque;

use crate::options::{Inbox, Overflow};
use crate::session::Event;

/// Events of the session's own that find room where messages do not: under [`Overflow::Hold`] those
/// wait in the connection, and what becomes of it must be told all the same.
const NOTICES: usize = 1024;

/// Events that wait.
#[derive(Debug)]
pub(super) struct Queue {
    config: Inbox,
    events: VecDeque<Event>,
    bytes: usize,
    /// Dropped in front of the first.
    missed: u64,
}

impl Queue {
    pub(super) const fn new(config: Inbox) -> Self {
        Self {
            config,
            events: VecDeque::new(),
            bytes: 0,
            missed: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.events.len() + usize::from(self.missed > 0)
    }

    /// Is the next message to be left where it is?
    pub(super) fn holds(&self) -> bool {
        self.config.overflow == Overflow::Hold && !self.has_room()
    }

    /// Is there so much room again that it is worth telling whoever held something back?
    pub(super) fn is_low(&self) -> bool {
        self.events.len() <= self.config.max_events / 2 && self.bytes <= self.config.max_bytes / 2
    }

    fn has_room(&self) -> bool {
        self.events.len() < self.config.max_events.max(1)
            && self.bytes < self.config.max_bytes.max(1)
    }

    /// Adds an event, or drops what the policy says. The end is never dropped.
    pub(super) fn push(&mut self, event: Event) {
        if !self.has_room() && !matches!(event, Event::Terminated(_)) {
            if matches!(event, Event::Ping(_) | Event::Pong(_)) {
                return;
            }
            let notices = self.config.max_events.saturating_add(NOTICES);
            match self.config.overflow {
                Overflow::Hold if !event.is_data() && self.events.len() < notices => {}
                Overflow::DropOldest => self.drop_oldest(),
                Overflow::DropNewest | Overflow::Hold => return self.miss_newest(),
            }
        }
        self.bytes += event.weight();
        self.events.push_back(event);
    }

    fn drop_oldest(&mut self) {
        while !self.has_room() {
            let Some(oldest) = self.events.pop_front() else {
                return;
            };
            self.bytes -= oldest.weight();
            if !matches!(oldest, Event::Ping(_) | Event::Pong(_)) {
                self.missed += 1;
            }
        }
    }

    fn miss_newest(&mut self) {
        if let Some(Event::Lagged { missed }) = self.events.back_mut() {
            *missed += 1;
        } else {
            self.events.push_back(Event::Lagged { missed: 1 });
        }
    }

    pub(super) fn pop(&mut self) -> Option<Event> {
        if self.missed > 0 {
            let missed = core::mem::take(&mut self.missed);
            return Some(Event::Lagged { missed });
        }
        let event = self.events.pop_front()?;
        self.bytes -= event.weight();
        if self.events.is_empty() && self.events.capacity() > 1024 {
            // What a rush needed is not kept for the quiet that follows.
            self.events = VecDeque::new();
        }
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    use crate::session::End;

    fn text(number: usize) -> Event {
        Event::Text(alloc::format!("{number}").into())
    }

    const NOTICE: Event = Event::Drained {
        requests: 0,
        queued: 0,
    };

    fn filled(inbox: Inbox, events: usize) -> Queue {
        let mut queue = Queue::new(inbox);
        (0..events).for_each(|number| queue.push(text(number)));
        queue
    }

    fn all(mut queue: Queue) -> Vec<Event> {
        core::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn each_policy_drops_its_own_and_tells_where() {
        let inbox = Inbox::default().max_events(2);
        let lagged = |missed| Event::Lagged { missed };
        let mut newest = filled(inbox.overflow(Overflow::DropNewest), 5);
        assert!(!newest.holds(), "it never holds anything back");
        newest.push(NOTICE);
        newest.push(Event::Ping("x".into()));
        assert_eq!(all(newest), [text(0), text(1), lagged(4)]);

        let mut oldest = filled(inbox.overflow(Overflow::DropOldest), 5);
        oldest.push(NOTICE);
        assert_eq!(all(oldest), [lagged(4), text(4), NOTICE]);

        let held = filled(inbox, 2);
        assert!(held.holds() && !held.is_low());
        assert_eq!(all(held), [text(0), text(1)]);
    }

    #[test]
    fn notices_find_some_room_of_their_own_and_the_end_always_does() {
        let end = || Event::Terminated(End::Closed(None));
        for overflow in [Overflow::DropNewest, Overflow::DropOldest, Overflow::Hold] {
            let mut queue = filled(Inbox::default().max_events(1).overflow(overflow), 1);
            for _ in 0..3 * NOTICES {
                queue.push(NOTICE);
            }
            queue.push(end());
            assert!(queue.len() <= NOTICES + 3, "{overflow:?}: {}", queue.len());
            let told = all(queue);
            assert_eq!(told.last(), Some(&end()));
            let missed: u64 = told
                .iter()
                .map(|event| match event {
                    Event::Lagged { missed } => *missed,
                    _ => 0,
                })
                .sum();
            let there = told
                .iter()
                .filter(|event| !matches!(event, Event::Lagged { .. }));
            let expected = 2 + 3 * NOTICES as u64;
            assert_eq!(missed + there.count() as u64, expected, "{overflow:?}");
        }
    }

    #[test]
    fn bytes_count_too_and_what_exceeds_them_alone_is_let_in() {
        let mut queue = Queue::new(Inbox::default().max_bytes(10));
        queue.push(Event::Binary(alloc::vec![0; 9].into()));
        assert!(!queue.holds());
        queue.push(Event::Binary(alloc::vec![0; 100].into()));
        assert!(queue.holds());
        queue.pop();
        assert!(queue.holds() && !queue.is_low());
        queue.pop();
        assert!(queue.is_low());
        assert_eq!(queue.bytes, 0);
    }
}
