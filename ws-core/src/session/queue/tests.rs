//! Order, bounds and second thoughts, by the numbers of the scenario.

use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::policy::{Bucket, BucketId, LimiterPolicy, Mode, Shape};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn at(millis: u64) -> Instant {
    Instant::ORIGIN + ms(millis)
}

/// 120 units, 10 more each second.
fn limiter() -> Limiter {
    Limiter::new(&LimiterPolicy::deribit(), at(0))
}

fn open() -> Limiter {
    Limiter::new(&LimiterPolicy::default(), at(0))
}

fn queue() -> Queue<u32> {
    Queue::new(QueueConfig::default())
}

const ORDER: Place = Place {
    cost: Cost::new(10),
    ..PLAIN
};

const PLAIN: Place = Place {
    lane: Lane::Request,
    priority: 0,
    bytes: 0,
    cost: Cost::FREE,
    ttl: None,
};

fn push(queue: &mut Queue<u32>, item: u32, place: Place) -> ItemId {
    let pushed = queue.push(item, place, at(0)).expect("it fits");
    assert!(pushed.displaced.is_empty());
    pushed.id
}

fn drain(queue: &mut Queue<u32>, limiter: &mut Limiter, now: Instant) -> Vec<u32> {
    core::iter::from_fn(|| queue.poll(Lanes::ALL, limiter, now))
        .map(|taken| taken.item)
        .collect()
}

#[test]
fn s09_orders_wait_their_turn_and_the_201st_is_refused() {
    let mut queue = Queue::new(QueueConfig::default().max_items(200));
    let mut limiter = limiter();
    for order in 0..12 {
        push(&mut queue, order, ORDER);
        assert_eq!(drain(&mut queue, &mut limiter, at(0)), [order]);
    }
    for order in 12..212 {
        push(&mut queue, order, ORDER);
        assert_eq!(drain(&mut queue, &mut limiter, at(0)), [0; 0]);
    }
    let refused = queue.push(212, ORDER, at(0)).unwrap_err();
    assert_eq!((refused.item, refused.why), (212, Full::Items(200)));

    assert_eq!(queue.ready_at(Lanes::ALL, &limiter, at(0)), Some(at(1000)));
    assert_eq!(drain(&mut queue, &mut limiter, at(999)), [0; 0]);
    assert_eq!(drain(&mut queue, &mut limiter, at(1000)), [12]);
    assert_eq!(drain(&mut queue, &mut limiter, at(1500)), [0; 0]);
    assert_eq!(
        queue.ready_at(Lanes::ALL, &limiter, at(1500)),
        Some(at(2000))
    );
    assert_eq!(drain(&mut queue, &mut limiter, at(2000)), [13]);
}

#[test]
fn s09_priority_first_and_nothing_cheap_overtakes() {
    let (mut queue, mut limiter) = (queue(), limiter());
    limiter.debit(&Cost::new(120), at(0));
    push(&mut queue, 1, ORDER);
    push(&mut queue, 2, ORDER);
    push(&mut queue, 3, PLAIN.cost(Cost::new(1)));
    push(&mut queue, 4, PLAIN.cost(Cost::new(1)).priority(5));
    assert_eq!(drain(&mut queue, &mut limiter, at(100)), [4]);
    assert_eq!(
        drain(&mut queue, &mut limiter, at(1000)),
        [0; 0],
        "nine units are not enough for the order, and it is not overtaken"
    );
    assert_eq!(drain(&mut queue, &mut limiter, at(1100)), [1]);
    assert_eq!(drain(&mut queue, &mut limiter, at(2200)), [2, 3]);
}

#[test]
fn s09_heartbeats_bypass_the_limiter_and_what_is_queued() {
    let (mut queue, mut limiter) = (queue(), limiter());
    limiter.debit(&Cost::new(120), at(0));
    push(&mut queue, 1, ORDER);
    push(&mut queue, 2, ORDER.lane(Lane::Control));
    assert_eq!(drain(&mut queue, &mut limiter, at(0)), [2]);
}

#[test]
fn s09_what_a_lost_connection_takes_along_is_a_choice() {
    let mut queue = queue();
    for item in [5, 2, 9, 4] {
        let priority = u8::try_from(item).unwrap();
        push(&mut queue, item, PLAIN.priority(priority).bytes(10));
    }
    let lost: Vec<u32> = queue
        .take_if(|item| item % 2 == 1)
        .into_iter()
        .map(|taken| taken.item)
        .collect();
    assert_eq!(lost, [5, 9], "in the order they came");
    assert_eq!((queue.len(), queue.bytes()), (2, 20));
    assert_eq!(drain(&mut queue, &mut open(), at(0)), [4, 2]);
}

#[test]
fn the_strict_lanes_go_first() {
    let mut queue = queue();
    let lanes = [4, 3, 1, 0, 2, 5].map(|i: usize| Lane::ALL[i]);
    for (item, lane) in (0..).zip(lanes) {
        push(&mut queue, item, PLAIN.lane(lane));
        push(&mut queue, item + 10, PLAIN.lane(lane));
    }
    let order = drain(&mut queue, &mut open(), at(0));
    assert_eq!(order[..4], [3, 13, 2, 12]);
    assert!(queue.is_empty());
}

#[test]
fn closed_lanes_wait() {
    let mut queue = queue();
    push(&mut queue, 1, PLAIN);
    push(&mut queue, 2, PLAIN.lane(Lane::Auth));
    push(&mut queue, 3, PLAIN.lane(Lane::Subscribe));
    let mut limiter = open();
    let setup = Lanes::NONE.with(Lane::Control).with(Lane::Auth);
    let mut next = |lanes| queue.poll(lanes, &mut limiter, at(0)).map(|t| t.item);
    assert_eq!((next(setup), next(setup)), (Some(2), None));
    assert_eq!(next(Lanes::ALL.without(Lane::Request)), Some(3));
    assert_eq!(next(Lanes::ALL), Some(1));
}

#[test]
fn a_restore_does_not_hold_back_requests_and_is_not_held_back_by_them() {
    let mut queue = queue();
    for item in 0..300 {
        push(&mut queue, item, PLAIN.bytes(1000).lane(Lane::Subscribe));
        push(&mut queue, 1000 + item, PLAIN.bytes(1000));
    }
    let sent = drain(&mut queue, &mut open(), at(0));
    let requests = sent[..300].iter().filter(|item| **item >= 1000).count();
    assert!((190..=210).contains(&requests), "two to one: {requests}");
}

#[test]
fn what_waits_for_the_limiter_is_not_starved_by_a_lower_lane() {
    let shape = Shape::credits(120, 10);
    let bucket = Bucket::new(shape).reserve(Percent(0)).initial(Some(0));
    let policy = LimiterPolicy::default().bucket(BucketId::A, bucket);
    let mut limiter = Limiter::new(&policy, at(0));
    let mut queue = queue();
    push(&mut queue, 1, ORDER);
    for item in 100..200 {
        push(&mut queue, item, PLAIN.lane(Lane::Bulk).cost(Cost::new(1)));
    }
    push(&mut queue, 30, PLAIN.lane(Lane::Bulk).priority(1));
    let first = drain(&mut queue, &mut limiter, at(0));
    assert_eq!(first, [30], "what costs nothing passes");
    let mut ticks = (1..).map(|tick| tick * 100);
    let left_at = ticks.find(|now| drain(&mut queue, &mut limiter, at(*now)).contains(&1));
    assert!(left_at <= Some(3000), "{left_at:?}");
}

#[test]
fn a_lane_that_has_waited_too_long_is_served_once_without_a_reserve() {
    for (age, sent) in [(Some(ms(5000)), vec![1]), (None, vec![])] {
        let bucket = Bucket::new(Shape::credits(100, 0)).initial(Some(20));
        let policy = LimiterPolicy::default().bucket(BucketId::A, bucket);
        let mut limiter = Limiter::new(&policy, at(0));
        let mut queue = Queue::new(QueueConfig::default().age_after(age));
        for item in [1, 2] {
            push(&mut queue, item, ORDER.lane(Lane::Subscribe));
        }
        assert_eq!(drain(&mut queue, &mut limiter, at(4999)), [0; 0]);
        let ready = queue.ready_at(Lanes::ALL, &limiter, at(4999));
        assert_eq!(ready, age.map(|_| at(5000)));
        assert_eq!(drain(&mut queue, &mut limiter, at(5000)), sent);
        assert_eq!(drain(&mut queue, &mut limiter, at(9999)), [0; 0]);
    }
}

#[test]
fn a_held_limiter_holds_all_but_control() {
    let mut limiter = limiter();
    limiter.set_mode(Mode::Hold);
    let mut queue = queue();
    push(&mut queue, 1, PLAIN);
    push(&mut queue, 2, PLAIN.lane(Lane::Control));
    assert_eq!(drain(&mut queue, &mut limiter, at(0)), [2]);
    let config = QueueConfig::default().age_after(None);
    let mut ageless = Queue::new(config);
    push(&mut ageless, 1, PLAIN);
    assert_eq!(ageless.ready_at(Lanes::ALL, &limiter, at(0)), None);
}

#[test]
fn items_expire_and_are_never_sent_after_that() {
    let mut queue = queue();
    push(&mut queue, 1, PLAIN.ttl(Some(ms(500))));
    push(&mut queue, 2, PLAIN.ttl(Some(ms(400))));
    push(&mut queue, 3, PLAIN);
    assert_eq!(queue.expires_at(), Some(at(400)));
    assert_eq!(queue.poll_expired(at(399)), None);
    let mut limiter = open();
    let next = queue.poll(Lanes::ALL, &mut limiter, at(450)).unwrap();
    assert_eq!(next.item, 1, "still alive");
    assert_eq!(next.waited(at(450)), ms(450));
    let next = queue.poll(Lanes::ALL, &mut limiter, at(450)).unwrap();
    assert_eq!(next.item, 3, "2 is over");
    assert_eq!(queue.poll_expired(at(450)).unwrap().item, 2);
    assert_eq!((queue.expires_at(), queue.len()), (None, 0));
}

#[test]
fn cancelled_items_are_gone_and_named_only_once() {
    let mut queue = queue();
    let id = push(&mut queue, 1, PLAIN.bytes(7));
    assert_eq!(queue.waiting(Lane::Request), 1);
    let taken = queue.cancel(id).unwrap();
    assert_eq!((taken.id, taken.item, taken.lane), (id, 1, Lane::Request));
    assert_eq!(queue.cancel(id), None);
    assert_eq!(queue.bytes(), 0);
    assert!(push(&mut queue, 2, PLAIN) > id);
}

/// Pushes into a full queue of three items; what is displaced, or the refusal.
fn overflow(overflow: Overflow, place: Place) -> Result<Vec<u32>, Full> {
    let config = QueueConfig::default().max_items(3).overflow(overflow);
    let mut queue = Queue::new(config);
    push(&mut queue, 1, PLAIN.lane(Lane::Auth));
    push(&mut queue, 2, PLAIN.lane(Lane::Subscribe));
    push(&mut queue, 3, PLAIN.lane(Lane::Bulk));
    let pushed = queue.push(4, place, at(0)).map_err(|refused| refused.why)?;
    assert_eq!(queue.len(), 3);
    let items = pushed.displaced.into_iter().map(|taken| taken.item);
    Ok(items.collect())
}

#[test]
fn each_overflow_policy_gives_up_something_else() {
    let full = Err(Full::Items(3));
    assert_eq!(overflow(Overflow::Reject, PLAIN), full);
    assert_eq!(overflow(Overflow::DropNewest, PLAIN), Ok(vec![4]));
    assert_eq!(overflow(Overflow::DropOldest, PLAIN), Ok(vec![2]));
    assert_eq!(overflow(Overflow::DropLowestLane, PLAIN), Ok(vec![3]));
    let bulk = PLAIN.lane(Lane::Bulk);
    assert_eq!(overflow(Overflow::DropLowestLane, bulk), full);
}

#[test]
fn bytes_are_bounded_and_nothing_is_dropped_in_vain() {
    let config = QueueConfig::default()
        .max_bytes(100)
        .overflow(Overflow::DropOldest);
    let mut queue = Queue::new(config);
    push(&mut queue, 1, PLAIN.bytes(40).lane(Lane::Auth));
    push(&mut queue, 2, PLAIN.bytes(30));
    push(&mut queue, 3, PLAIN.bytes(30));
    let refused = queue.push(4, PLAIN.bytes(61), at(0)).unwrap_err();
    assert_eq!(refused.why, Full::Bytes(100));
    assert_eq!(queue.len(), 3);
    let pushed = queue.push(4, PLAIN.bytes(31), at(0)).unwrap();
    assert_eq!(pushed.displaced.len(), 2);
    assert_eq!(queue.bytes(), 71);
}

#[test]
fn the_control_lane_has_room_of_its_own_and_no_more() {
    let config = QueueConfig::default().max_items(1).control_items(2);
    let mut queue = Queue::new(config.overflow(Overflow::DropOldest));
    let control = PLAIN.lane(Lane::Control).bytes(usize::MAX / 8);
    push(&mut queue, 1, PLAIN);
    push(&mut queue, 2, control);
    push(&mut queue, 3, control);
    let refused = queue.push(4, control, at(0)).unwrap_err();
    assert_eq!(refused.why, Full::Items(2));
    let pushed = queue.push(5, PLAIN, at(0)).unwrap();
    assert_eq!(pushed.displaced[0].item, 1);
}

#[test]
fn watermarks_have_some_distance_between_them() {
    let config = QueueConfig::default()
        .max_items(10)
        .max_bytes(100)
        .watermarks(Percent(80), Percent(40));
    let mut queue = Queue::new(config);
    for item in 0..7 {
        push(&mut queue, item, PLAIN);
        assert!(!queue.is_blocked());
    }
    push(&mut queue, 7, PLAIN);
    assert!(queue.is_blocked() && queue.fill() == Percent(80));
    let mut limiter = open();
    for _ in 0..3 {
        queue.poll(Lanes::ALL, &mut limiter, at(0));
        assert!(queue.is_blocked());
    }
    queue.poll(Lanes::ALL, &mut limiter, at(0));
    assert!(!queue.is_blocked());
    push(&mut queue, 8, PLAIN.bytes(90));
    assert!(queue.is_blocked(), "bytes count as well");
}

#[test]
fn what_is_insisted_on_passes_all_bounds() {
    let now = Instant::ORIGIN;
    let mut queue = Queue::new(QueueConfig::default().max_items(1).max_bytes(1));
    let mut limiter = Limiter::new(&LimiterPolicy::default(), now);
    let _ = queue.push("first", Place::default().bytes(1), now).unwrap();
    assert!(queue.push("second", Place::default(), now).is_err());
    let id = queue.insist("login", Place::default().lane(Lane::Auth).bytes(99), now);
    assert_eq!(queue.len(), 2);
    let taken = queue.poll(Lanes::ALL, &mut limiter, now).unwrap();
    assert_eq!((taken.id, taken.item), (id, "login"));
}
