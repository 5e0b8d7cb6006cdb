//! Whatever happens in between: the indices agree with the entries, no wait is for no time, and in
//! the end the server has what is wanted and nothing else.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Op {
    Subscribe(u8, SubOptions),
    Unsubscribe(u8),
    Resubscribe(u8),
    Data(u8, u64),
    Open(Access),
    Lose,
    Poll,
    /// Answers the oldest command but so many, well or badly.
    Answer(usize, bool),
    Wait(u64),
}

fn any_options() -> impl Strategy<Value = SubOptions> {
    let retry = prop::option::of((0..900u64, 0..3u32).prop_map(|(after, times)| Retry {
        after: Duration::from_millis(after),
        times,
    }));
    let stale = prop::option::of((1500..3000u64).prop_map(Duration::from_millis));
    let kinds = (any::<bool>(), any::<bool>(), any::<bool>(), 0..3u8);
    (retry, stale, kinds).prop_map(|(retry, stale, (public, heals, counted, confirm))| {
        let remedy = if heals {
            Remedy::Resubscribe
        } else {
            Remedy::Report
        };
        let continuity = match counted {
            true => Continuity::Counter { step: 1 },
            false => Continuity::None,
        };
        let confirm = [Confirm::Ack, Confirm::Either, Confirm::FirstData][usize::from(confirm)];
        SubOptions::default()
            .ack_timeout(Duration::from_millis(500))
            .access(if public {
                Access::Public
            } else {
                Access::Private
            })
            .continuity(continuity, remedy)
            .stale_after(stale, remedy)
            .confirm(confirm)
            .retry(retry)
    })
}

fn any_op() -> impl Strategy<Value = Op> {
    let topic = || 0..6u8;
    let access = prop_oneof![Just(Access::Public), Just(Access::Private)];
    prop_oneof![
        5 => (topic(), any_options()).prop_map(|(topic, options)| Op::Subscribe(topic, options)),
        3 => topic().prop_map(Op::Unsubscribe),
        1 => topic().prop_map(Op::Resubscribe),
        4 => (topic(), 0..9u64).prop_map(|(topic, number)| Op::Data(topic, number)),
        2 => access.prop_map(Op::Open),
        1 => Just(Op::Lose),
        5 => Just(Op::Poll),
        5 => (0..4usize, any::<bool>()).prop_map(|(which, well)| Op::Answer(which, well)),
        3 => (0..700u64).prop_map(Op::Wait),
    ]
}

/// A server that does what it is told once it gets to it.
#[derive(Default)]
struct Server {
    /// Topics joined and left, without an answer yet.
    asked: Vec<(Ticket, u8, bool)>,
    has: BTreeMap<u8, ()>,
}

impl Server {
    fn take(&mut self, command: Option<Command<u8>>) -> bool {
        let (items, joins) = match command {
            None => return false,
            Some(Command::Join(items)) => (items, true),
            Some(Command::Leave(items)) => (items, false),
        };
        let items = items.into_iter();
        self.asked
            .extend(items.map(|item| (item.ticket, item.topic, joins)));
        true
    }

    fn answer(&mut self, registry: &mut Registry<u8>, which: usize, well: bool, now: Instant) {
        if which >= self.asked.len() {
            return;
        }
        let (ticket, topic, joins) = self.asked.remove(which);
        match (joins, well) {
            (true, true) => {
                self.has.insert(topic, ());
                registry.confirmed(ticket, Resume::Unsaid, now);
            }
            (true, false) => drop(registry.failed(ticket, "no", now)),
            (false, _) => {
                self.has.remove(&topic);
                registry.left(ticket);
            }
        }
    }
}

fn check(registry: &Registry<u8>) -> Result<(), TestCaseError> {
    let mut live = 0;
    for (id, entry) in &registry.entries {
        let open = match registry.gate {
            None => false,
            Some(Access::Private) => true,
            Some(Access::Public) => entry.options.access == Access::Public,
        };
        prop_assert_eq!(registry.work.contains(id), entry.has_work() && open);
        if let Some(at) = entry.deadline {
            prop_assert!(registry.deadlines.contains(&(at, *id)));
        }
        live += usize::from(entry.wire != Wire::Over);
        if entry.wire == Wire::Active && entry.is_wanted() {
            prop_assert_eq!(entry.state, State::Confirmed);
        }
    }
    let armed = registry
        .entries
        .values()
        .filter(|entry| entry.deadline.is_some());
    prop_assert_eq!(registry.deadlines.len(), armed.count());
    prop_assert_eq!(registry.len(), live);
    prop_assert!(registry.ended.len() <= registry.config.max_ended);
    prop_assert!(registry.entries.len() <= live + registry.config.max_ended);
    Ok(())
}

fn expire(registry: &mut Registry<u8>, now: Instant) -> Result<(), TestCaseError> {
    while registry.poll_expired(now).is_some() {}
    let next = registry.poll_timeout();
    let ready = !registry.work.is_empty() && registry.next_batch_at <= now;
    prop_assert!(
        ready || next.is_none_or(|at| at > now),
        "{:?} at {:?}",
        next,
        now
    );
    Ok(())
}

proptest! {
    #[test]
    fn the_server_ends_up_with_what_is_wanted(
        ops in prop::collection::vec(any_op(), 0..150),
        batch in 1..4usize,
        spacing in 0..50u64,
    ) {
        let config = RegistryConfig::default()
            .max_topics(5)
            .max_ended(3)
            .batches(batch, Duration::from_millis(spacing));
        let (mut registry, mut server) = (Registry::new(config), Server::default());
        let mut now = Instant::ORIGIN;
        for op in ops {
            match op {
                Op::Subscribe(topic, options) => drop(registry.subscribe(topic, options)),
                Op::Unsubscribe(topic) => {
                    registry.find(&topic).and_then(|id| registry.unsubscribe(id));
                }
                Op::Resubscribe(topic) => {
                    registry.find(&topic).into_iter().for_each(|id| registry.resubscribe(id));
                }
                Op::Data(topic, number) => {
                    registry.data(&topic, Some(Mark::Counter(number)), now);
                }
                Op::Open(access) => registry.open(access, now),
                Op::Lose => {
                    registry.lost(now, now);
                    server = Server::default();
                }
                Op::Poll => drop(server.take(registry.poll(now))),
                Op::Answer(which, well) => server.answer(&mut registry, which, well, now),
                Op::Wait(wait) => now += Duration::from_millis(wait),
            }
            check(&registry)?;
            expire(&mut registry, now)?;
            check(&registry)?;
        }

        // A fresh connection to a server that says yes to everything, until nothing is left to do.
        registry.lost(now, now);
        server = Server::default();
        registry.open(Access::Private, now);
        for _ in 0..200 {
            while server.take(registry.poll(now)) {}
            while !server.asked.is_empty() {
                let (topic, joins) = (server.asked[0].1, server.asked[0].2);
                server.answer(&mut registry, 0, true, now);
                if joins {
                    registry.data(&topic, None, now);
                }
            }
            if registry.is_settled() {
                break;
            }
            now = registry.poll_timeout().map_or(now, |at| at.max(now));
            expire(&mut registry, now)?;
        }
        prop_assert!(registry.is_settled());
        let wanted: Vec<u8> = registry.export().into_iter().map(|saved| saved.topic).collect();
        let mut sorted = wanted.clone();
        sorted.sort_unstable();
        prop_assert!(server.has.into_keys().eq(sorted));
        prop_assert_eq!(registry.in_state(State::Confirmed).count(), wanted.len());
    }
}
