//! What holds for every sequence of calls: exactly one end for each item, order, bounds and waits
//! that end.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::policy::{Bucket, BucketId, LimiterPolicy, Shape};

#[derive(Clone, Debug)]
enum Op {
    Push(Place),
    Poll,
    Cancel(usize),
    Wait(u64),
    TakeEven,
    Expire,
}

fn any_place() -> impl Strategy<Value = Place> {
    let ttl = prop::option::of((0..2000u64).prop_map(Duration::from_millis));
    (0..6usize, 0..3u8, 0..40usize, 0..15u32, 0..3u32, ttl).prop_map(
        |(lane, priority, bytes, a, b, ttl)| Place {
            lane: Lane::ALL[lane],
            priority,
            bytes,
            cost: Cost::new(a).and(BucketId::B, b),
            ttl,
        },
    )
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => any_place().prop_map(Op::Push),
        6 => Just(Op::Poll),
        1 => any::<usize>().prop_map(Op::Cancel),
        3 => (0..3000u64).prop_map(Op::Wait),
        1 => Just(Op::TakeEven),
        2 => Just(Op::Expire),
    ]
}

fn any_config() -> impl Strategy<Value = QueueConfig> {
    let overflow = prop_oneof![
        Just(Overflow::Reject),
        Just(Overflow::DropNewest),
        Just(Overflow::DropOldest),
        Just(Overflow::DropLowestLane),
    ];
    (0..8usize, 0..150usize, 0..3usize, overflow, any::<bool>()).prop_map(
        |(items, bytes, control, overflow, ages)| {
            QueueConfig::default()
                .max_items(items)
                .max_bytes(bytes)
                .control_items(control)
                .overflow(overflow)
                .age_after(ages.then_some(Duration::from_secs(1)))
        },
    )
}

fn limiter() -> Limiter {
    let window = Shape::Window {
        limit: 4,
        per: Duration::from_secs(1),
        guard: Duration::ZERO,
    };
    let policy = LimiterPolicy::default()
        .bucket(BucketId::A, Bucket::new(Shape::credits(20, 10)))
        .bucket(BucketId::B, Bucket::new(window));
    Limiter::new(&policy, Instant::ORIGIN)
}

/// Items that have been accepted and not ended, by name, with their place.
type Live = BTreeMap<ItemId, Place>;

fn end(
    live: &mut Live,
    taken: Option<Taken<u32>>,
) -> Result<Option<(ItemId, Place)>, TestCaseError> {
    let Some(taken) = taken else { return Ok(None) };
    let place = live.remove(&taken.id);
    prop_assert!(place.is_some(), "an item ended twice");
    Ok(place.map(|place| (taken.id, place)))
}

/// Nobody of the same lane should have gone before this one.
fn check_order(
    live: &Live,
    sent: (ItemId, Place),
    alive: impl Fn(ItemId) -> bool,
) -> Result<(), TestCaseError> {
    let (id, place) = sent;
    for (other, waiting) in live {
        if waiting.lane == place.lane && alive(*other) {
            let before = (place.priority, *other) > (waiting.priority, id);
            prop_assert!(before, "{other:?} was overtaken by {id:?}");
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn every_item_ends_once_in_order_and_within_the_bounds(
        config in any_config(),
        ops in prop::collection::vec(any_op(), 0..120),
    ) {
        let (mut queue, mut limiter) = (Queue::new(config.clone()), limiter());
        let (mut now, mut live, mut born) = (Instant::ORIGIN, Live::new(), BTreeMap::new());
        for (i, op) in (0u32..).zip(ops) {
            match op {
                Op::Push(place) => {
                    if let Ok(pushed) = queue.push(i, place, now) {
                        live.insert(pushed.id, place);
                        born.insert(pushed.id, now);
                        for taken in pushed.displaced {
                            end(&mut live, Some(taken))?;
                        }
                    }
                }
                Op::Poll => {
                    let taken = queue.poll(Lanes::ALL, &mut limiter, now);
                    if let Some(sent) = end(&mut live, taken)? {
                        let alive = |id: ItemId| {
                            live[&id].ttl.is_none_or(|ttl| born[&id] + ttl > now)
                        };
                        check_order(&live, sent, alive)?;
                        prop_assert!(sent.1.ttl.is_none_or(|ttl| born[&sent.0] + ttl > now));
                    }
                }
                Op::Cancel(which) => {
                    let id = live.keys().nth(which % live.len().max(1)).copied();
                    end(&mut live, id.and_then(|id| queue.cancel(id)))?;
                }
                Op::Wait(wait) => now += Duration::from_millis(wait),
                Op::TakeEven => {
                    for taken in queue.take_if(|item| item % 2 == 0) {
                        end(&mut live, Some(taken))?;
                    }
                }
                Op::Expire => while let Some(taken) = queue.poll_expired(now) {
                    end(&mut live, Some(taken))?;
                },
            }
            prop_assert_eq!(queue.len(), live.len());
            prop_assert_eq!(queue.bytes(), live.values().map(|place| place.bytes).sum::<usize>());
            let (items, bytes) = queue.bounded();
            prop_assert!(items <= config.max_items && bytes <= config.max_bytes);
            prop_assert!(queue.waiting(Lane::Control) <= config.control_items);
        }
    }

    /// Waiting as long as one is told empties the queue, and no wait is for no time.
    #[test]
    fn whoever_waits_as_told_sends_everything(
        config in any_config(),
        places in prop::collection::vec(any_place(), 0..30),
    ) {
        let mut limiter = limiter();
        let mut queue = Queue::new(config.max_items(100).max_bytes(10_000));
        let mut now = Instant::ORIGIN;
        for place in places {
            drop(queue.push(0, place.ttl(None), now));
        }
        let mut rounds = 0;
        while !queue.is_empty() {
            if queue.poll(Lanes::ALL, &mut limiter, now).is_some() {
                continue;
            }
            let ready = queue.ready_at(Lanes::ALL, &limiter, now);
            prop_assert!(ready.is_some_and(|ready| ready > now), "{:?} at {:?}", ready, now);
            now = ready.unwrap_or(now);
            rounds += 1;
            prop_assert!(rounds < 500, "no progress");
        }
    }

    #[test]
    fn lanes_are_a_set(lanes: Vec<usize>) {
        let lanes: Vec<Lane> = lanes.into_iter().map(|i| Lane::ALL[i % 6]).collect();
        let set = lanes.iter().fold(Lanes::NONE, |set, lane| set.with(*lane));
        for lane in Lane::ALL {
            prop_assert_eq!(set.contains(lane), lanes.contains(&lane));
            prop_assert!(!set.without(lane).contains(lane));
        }
    }
}
