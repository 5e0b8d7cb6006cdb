//! Events that wait for someone to take them: never more than the [`Inbox`] says, whatever the policy,
//! but for a few that are not dropped.
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
    /// In front of the first if the oldest are dropped, behind the last otherwise.
    gap: Gap,
}

/// What is missing at one place.
#[derive(Debug)]
struct Gap {
    /// Dropped there.
    missed: u64,
    /// Not dropped there: what tells that a connection has opened and is ready, unless its end was
    /// dropped as well. Whoever takes no event for long must know of the connection that there is.
    opened: Option<Event>,
    ready: Option<Event>,
}

impl Gap {
    fn len(&self) -> usize {
        usize::from(self.missed > 0)
            + usize::from(self.opened.is_some())
            + usize::from(self.ready.is_some())
    }

    /// Drops an event there, or keeps it.
    fn add(&mut self, event: Event) {
        #[allow(clippy::wildcard_enum_match_arm, reason = "the others are dropped")]
        let dropped = match event {
            Event::Ping(_) | Event::Pong(_) => 0,
            Event::Opened { .. } => self.forget_both(Some(event), None),
            Event::Ready { .. } => u64::from(self.ready.replace(event).is_some()),
            Event::Disconnected { .. } | Event::Failed { .. } => 1 + self.forget_both(None, None),
            _ => 1,
        };
        self.missed += dropped;
    }

    /// Keeps these instead of those that it has, and says how many those are.
    fn forget_both(&mut self, opened: Option<Event>, ready: Option<Event>) -> u64 {
        let former = [
            core::mem::replace(&mut self.opened, opened),
            core::mem::replace(&mut self.ready, ready),
        ];
        former.iter().flatten().count() as u64
    }

    /// What there is to tell of it, one after the other.
    fn pop(&mut self) -> Option<Event> {
        match core::mem::take(&mut self.missed) {
            0 => self.opened.take().or_else(|| self.ready.take()),
            missed => Some(Event::Lagged { missed }),
        }
    }
}

impl Queue {
    pub(super) const fn new(config: Inbox) -> Self {
        Self {
            config,
            events: VecDeque::new(),
            bytes: 0,
            gap: Gap {
                missed: 0,
                opened: None,
                ready: None,
            },
        }
    }

    pub(super) fn len(&self) -> usize {
        self.events.len() + self.gap.len()
    }

    /// Is what was dropped older than all that is there?
    fn drops_oldest(&self) -> bool {
        self.config.overflow == Overflow::DropOldest
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
                Overflow::DropNewest | Overflow::Hold => return self.gap.add(event),
            }
        }
        if !self.drops_oldest() {
            self.events.extend(core::iter::from_fn(|| self.gap.pop()));
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
            self.gap.add(oldest);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Event> {
        let first = if self.drops_oldest() {
            self.gap.pop()
        } else {
            None
        };
        if first.is_some() {
            return first;
        }
        let Some(event) = self.events.pop_front() else {
            return self.gap.pop();
        };
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

    use crate::handshake::Request;
    use crate::policy::{IoClass, Stage};
    use crate::session::{ConnId, DialError, End, Lost, Payload, Session, SessionConfig};
    use crate::{Instant, Seed};

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

    fn conn(number: u64) -> [Event; 3] {
        let conn = ConnId::default();
        let agreed = crate::handshake::Agreed::default();
        let lost = Lost::Dial(DialError::new(Stage::Connect, IoClass::Refused));
        let attempt = u32::try_from(number).unwrap();
        [
            Event::Opened { conn, agreed },
            Event::Ready {
                conn,
                attempt,
                downtime: None,
            },
            Event::Disconnected { conn, lost },
        ]
    }

    #[test]
    fn that_a_connection_is_ready_is_not_dropped_while_it_is() {
        for overflow in [Overflow::DropNewest, Overflow::DropOldest, Overflow::Hold] {
            let mut queue = Queue::new(Inbox::default().max_events(1).overflow(overflow));
            queue.push(text(0));
            if overflow == Overflow::Hold {
                (0..NOTICES).for_each(|_| queue.push(NOTICE));
            }
            let mut pushed = queue.len() as u64;
            for number in 1..100 {
                let [opened, ready, lost] = conn(number);
                for event in [opened, ready, text(1), lost] {
                    queue.push(event);
                    pushed += 1;
                }
            }
            let [opened, ready, _] = conn(100);
            for event in [opened.clone(), ready.clone(), text(2), text(3)] {
                queue.push(event);
                pushed += 1;
            }
            assert!(queue.len() <= NOTICES + 4, "{overflow:?}: {}", queue.len());
            let told = all(queue);
            let at = |event: &Event| told.iter().position(|one| one == event);
            let gap = told
                .iter()
                .position(|one| matches!(one, Event::Lagged { .. }));
            let gap = gap.expect("some were dropped");
            assert_eq!(at(&opened), Some(gap + 1), "{overflow:?}");
            assert_eq!(at(&ready), Some(gap + 2), "{overflow:?}");
            let readies = told.iter().filter(|one| matches!(one, Event::Ready { .. }));
            assert_eq!(readies.count(), 1, "{overflow:?}");
            let Event::Lagged { missed } = told[gap] else {
                unreachable!("it was found as that");
            };
            assert_eq!(missed + told.len() as u64 - 1, pushed, "{overflow:?}");
        }
    }

    #[test]
    fn what_was_waited_for_by_somebody_who_has_gone_is_a_message_like_others() {
        let mut session = Session::new(
            Request::new("ws://example.com/").unwrap(),
            SessionConfig::default(),
            Seed::new([1; 32]),
        );
        let timeout = core::time::Duration::from_secs(1);
        let id = session
            .wait_for(|_| true, timeout, Instant::ORIGIN)
            .unwrap();
        let awaited = || Event::Awaited {
            id,
            message: Payload::Text("0123456789".into()),
        };
        let mut queue = Queue::new(Inbox::default().max_bytes(15));
        for _ in 0..3 * NOTICES {
            queue.push(awaited());
        }
        assert!(queue.holds());
        let missed = 3 * NOTICES as u64 - 2;
        let told = [awaited(), awaited(), Event::Lagged { missed }];
        assert_eq!(all(queue), told);
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
