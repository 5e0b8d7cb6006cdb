//! The shapes by their numbers, and what a limiter of several buckets promises.

use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

use super::*;
use crate::policy::Percent;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn at(millis: u64) -> Instant {
    Instant::ORIGIN + ms(millis)
}

fn limiter(bucket: Bucket) -> Limiter {
    Limiter::new(&LimiterPolicy::default().bucket(BucketId::A, bucket), at(0))
}

/// The limiter of the scenario: 120 units, 10 more each second.
fn s09() -> Limiter {
    let shape = Shape::Bucket {
        capacity: 120,
        rate: 10,
        interval: ms(1000),
    };
    limiter(Bucket::new(shape))
}

const ORDER: Cost = Cost::new(10);

#[test]
fn s09_twelve_orders_at_once_and_then_one_each_second() {
    let mut limiter = s09();
    let sent = (0..20).filter(|_| limiter.commit(&ORDER, Lane::Request, at(0)));
    assert_eq!(sent.count(), 12);
    assert_eq!(
        limiter.ready_at(&ORDER, Lane::Request, at(0)),
        Some(at(1000))
    );
    assert!(!limiter.commit(&ORDER, Lane::Request, at(999)));
    assert!(limiter.commit(&ORDER, Lane::Request, at(1000)));
    assert!(!limiter.commit(&ORDER, Lane::Request, at(1000)));
    assert_eq!(limiter.available(BucketId::A, at(1500)), Some(5));
    assert_eq!(
        limiter.ready_at(&ORDER, Lane::Request, at(1500)),
        Some(at(2000))
    );
}

#[test]
fn s09_no_fraction_is_lost() {
    let mut limiter = s09();
    limiter.debit(&Cost::new(120), at(0));
    let mut granted = 0;
    for poll in 1..=1000u64 {
        while limiter.commit(&Cost::new(1), Lane::Request, at(poll * 150)) {
            granted += 1;
        }
    }
    assert_eq!(granted, 1500, "a bucket that truncates gives 1000");
}

#[test]
fn a_unit_is_not_there_a_fraction_of_a_nanosecond_early() {
    let (rate, interval) = (3, Duration::from_nanos(10));
    let tokens = Shape::Bucket {
        capacity: 5,
        rate,
        interval,
    };
    let gcra = Shape::Gcra {
        rate,
        interval,
        burst: 5,
    };
    for shape in [tokens, gcra] {
        let limiter = limiter(Bucket::new(shape).initial(Some(0)));
        let ready = |units| {
            let ready = limiter.ready_at(&Cost::new(units), Lane::Request, at(0));
            ready.map(Instant::as_nanos)
        };
        assert_eq!([1, 2, 3].map(ready), [Some(4), Some(7), Some(10)]);
    }
}

#[test]
fn s09_what_costs_more_than_the_bucket_holds_is_refused() {
    let limiter = s09();
    assert_eq!(limiter.check(&Cost::new(120)), Ok(()));
    let error = limiter.check(&Cost::new(121)).unwrap_err();
    assert_eq!(
        format!("{error}"),
        "a message that costs 121 is over the 120 that bucket A holds"
    );
    assert_eq!(
        limiter.ready_at(&Cost::new(121), Lane::Request, at(0)),
        None
    );
}

#[test]
fn s09_control_traffic_never_waits_and_is_counted() {
    let mut limiter = s09();
    limiter.debit(&Cost::new(120), at(0));
    let beat = Cost::new(5);
    assert_eq!(limiter.ready_at(&beat, Lane::Control, at(0)), Some(at(0)));
    assert!(limiter.commit(&beat, Lane::Control, at(0)));
    assert_eq!(
        limiter.ready_at(&ORDER, Lane::Request, at(0)),
        Some(at(1500)),
        "ten, and the five that were owed"
    );
}

#[test]
fn s09_two_connections_that_share_a_limiter_share_its_budget() {
    let mut shared = s09();
    let mut sent = [0; 2];
    for millis in 0..10_000u64 {
        for connection in [0, 1] {
            if shared.commit(&ORDER, Lane::Request, at(millis)) {
                sent[connection] += 1;
            }
        }
    }
    assert_eq!(sent[0] + sent[1], 12 + 9, "as many as one connection alone");
}

/// When 60 frames leave, sent as soon as the limiter lets them, from `start`.
fn schedule(shape: Shape, start: u64) -> Vec<u64> {
    let mut limiter = limiter(Bucket::new(shape));
    if start > 0 {
        assert!(limiter.commit(&Cost::new(1), Lane::Request, at(0)));
    }
    let mut now = at(start);
    let send = |_| {
        now = limiter.ready_at(&Cost::new(1), Lane::Request, now).unwrap();
        assert!(limiter.commit(&Cost::new(1), Lane::Request, now));
        u64::try_from((now - at(start)).as_millis()).unwrap()
    };
    (0..60).map(send).collect()
}

/// The most frames that can arrive within one second if each may take `jitter` longer.
fn busiest(times: &[u64], jitter: u64) -> usize {
    let within = |from: u64| move |time: &&u64| (from..from + 1000 + jitter).contains(*time);
    let count = |from: &u64| times.iter().filter(within(*from)).count();
    times.iter().map(count).max().unwrap()
}

#[test]
fn sixty_frames_against_five_in_any_second() {
    let (per, rate, limit) = (ms(1000), 5, 5);
    let gcra = |burst| Shape::Gcra {
        rate,
        interval: per,
        burst,
    };
    let window = |guard| Shape::Window { limit, per, guard };
    for (shape, cold, idle, jittered, total) in [
        (gcra(5), 9, 9, 10, 11_000),
        (gcra(1), 5, 5, 6, 11_800),
        (window(ms(0)), 5, 5, 10, 11_000),
        (window(ms(50)), 5, 5, 5, 11_550),
    ] {
        let times = schedule(shape, 0);
        assert_eq!(busiest(&times, 0), cold, "{shape:?}");
        assert_eq!(busiest(&times, 50), jittered, "{shape:?}");
        assert_eq!(times[59], total, "{shape:?}");
        assert_eq!(busiest(&schedule(shape, 10_000), 0), idle, "{shape:?}");
    }
}

#[test]
fn requests_in_flight_are_bounded_until_they_end() {
    let mut limiter = limiter(Bucket::new(Shape::InFlight { max: 2 }));
    let one = Cost::new(1);
    assert!(limiter.commit(&one, Lane::Request, at(0)));
    assert!(limiter.commit(&one, Lane::Request, at(0)));
    assert_eq!(limiter.ready_at(&one, Lane::Request, at(1_000_000)), None);
    limiter.release(&one);
    assert_eq!(limiter.available(BucketId::A, at(0)), Some(1));
    assert!(limiter.commit(&one, Lane::Request, at(0)));
    limiter.release(&Cost::new(100));
    assert_eq!(limiter.available(BucketId::A, at(0)), Some(2));
}

#[test]
fn all_buckets_agree_or_none_is_touched() {
    let policy = LimiterPolicy::default()
        .bucket(BucketId::A, Bucket::new(Shape::credits(10, 1)))
        .bucket(BucketId::B, Bucket::new(Shape::InFlight { max: 1 }));
    let mut limiter = Limiter::new(&policy, at(0));
    let cost = Cost::new(5).and(BucketId::B, 1);
    assert!(limiter.commit(&cost, Lane::Request, at(0)));
    assert!(!limiter.commit(&cost, Lane::Request, at(0)));
    assert_eq!(limiter.available(BucketId::A, at(0)), Some(5));
    limiter.release(&cost);
    assert!(limiter.commit(&cost, Lane::Request, at(0)));
    limiter.release(&cost);
    assert_eq!(
        limiter.ready_at(&cost, Lane::Request, at(0)),
        Some(at(5000))
    );
    let elsewhere = Cost::FREE.and(BucketId::D, 1_000_000);
    assert!(limiter.commit(&elsewhere, Lane::Request, at(0)));
    assert_eq!(limiter.available(BucketId::D, at(0)), None);
}

#[test]
fn subscriptions_leave_a_reserve() {
    for (reserve, before) in [(Percent(30), 84), (Percent(0), 120), (Percent(100), 1)] {
        let bucket = Bucket::new(Shape::credits(120, 10)).reserve(reserve);
        let mut limiter = limiter(bucket);
        let one = Cost::new(1);
        let sent = (0..200).filter(|_| limiter.commit(&one, Lane::Subscribe, at(0)));
        assert_eq!(sent.count(), before, "{reserve:?}");
        assert!(!limiter.commit(&one, Lane::Bulk, at(0)));
        let rest = (0..200).filter(|_| limiter.commit(&one, Lane::Request, at(0)));
        assert_eq!(rest.count(), 120 - before);
    }
    let mut big = limiter(Bucket::new(Shape::credits(120, 10)));
    assert!(
        big.commit(&Cost::new(100), Lane::Bulk, at(0)),
        "a full bucket"
    );
}

#[test]
fn a_frozen_bucket_waits_and_goes_on() {
    let mut limiter = s09();
    limiter.freeze(BucketId::A, at(5000));
    limiter.freeze(BucketId::A, at(100));
    assert_eq!(
        limiter.ready_at(&ORDER, Lane::Request, at(0)),
        Some(at(5000))
    );
    assert_eq!(limiter.available(BucketId::A, at(4999)), Some(0));
    assert!(limiter.commit(&ORDER, Lane::Request, at(5000)));
    limiter.freeze(BucketId::C, at(9000));
}

#[test]
fn a_report_of_the_server_takes_and_never_gives() {
    let shapes = [
        Shape::credits(100, 1),
        Shape::Gcra {
            rate: 1,
            interval: ms(1000),
            burst: 100,
        },
        Shape::Window {
            limit: 100,
            per: ms(1000),
            guard: ms(0),
        },
        Shape::InFlight { max: 100 },
    ];
    for shape in shapes {
        let mut limiter = limiter(Bucket::new(shape));
        limiter.observe(BucketId::A, 70, 100, at(0));
        assert_eq!(limiter.available(BucketId::A, at(0)), Some(30), "{shape:?}");
        limiter.observe(BucketId::A, 0, 100, at(0));
        assert_eq!(limiter.available(BucketId::A, at(0)), Some(30), "{shape:?}");
        limiter.observe(BucketId::A, 90, 80, at(0));
        assert_eq!(limiter.available(BucketId::A, at(0)), Some(0), "{shape:?}");
    }
}

#[test]
fn a_new_connection_refills_what_counts_per_connection() {
    let shape = Shape::credits(10, 0);
    let policy = LimiterPolicy::default()
        .bucket(BucketId::A, Bucket::new(shape).scope(Scope::Connection))
        .bucket(BucketId::B, Bucket::new(shape));
    let mut limiter = Limiter::new(&policy, at(0));
    let all = Cost::new(10).and(BucketId::B, 10);
    assert!(limiter.commit(&all, Lane::Request, at(0)));
    limiter.on_new_epoch(at(1));
    assert_eq!(limiter.available(BucketId::A, at(1)), Some(10));
    assert_eq!(limiter.available(BucketId::B, at(1)), Some(0));
    assert_eq!(
        limiter.ready_at(&all, Lane::Request, at(1)),
        None,
        "no rate"
    );
}

#[test]
fn a_bucket_may_start_with_less() {
    let empty = Bucket::new(Shape::credits(10, 10)).initial(Some(0));
    let limiter = limiter(empty);
    assert_eq!(limiter.available(BucketId::A, at(0)), Some(0));
    assert_eq!(limiter.available(BucketId::A, at(500)), Some(5));
}

#[test]
fn modes_overrule_the_buckets() {
    let with = |mode| {
        let policy = LimiterPolicy::deribit().mode(mode);
        let mut limiter = Limiter::new(&policy, at(0));
        let ready = limiter.commit(&Cost::new(120), Lane::Request, at(0));
        let checked = limiter.check(&ORDER).is_ok();
        (ready, checked, limiter.available(BucketId::A, at(0)))
    };
    assert_eq!(with(Mode::Normal), (true, true, Some(0)));
    assert_eq!(with(Mode::Allow), (true, true, Some(120)));
    assert_eq!(with(Mode::Hold), (false, true, Some(120)));
    assert_eq!(with(Mode::Refuse), (false, false, Some(120)));
    let mut limiter = s09();
    limiter.set_mode(Mode::Hold);
    assert_eq!(limiter.mode(), Mode::Hold);
    assert!(limiter.commit(&ORDER, Lane::Control, at(0)));
    limiter.set_mode(Mode::Normal);
    assert!(limiter.commit(&ORDER, Lane::Request, at(0)));
}

#[test]
fn presets_hold_what_they_say() {
    for (policy, capacity) in [
        (LimiterPolicy::deribit(), 120),
        (LimiterPolicy::binance(), 1200),
        (LimiterPolicy::coinbase(), 10),
    ] {
        let limiter = Limiter::new(&policy, at(0));
        assert_eq!(limiter.available(BucketId::A, at(0)), Some(capacity));
    }
    let none = Limiter::new(&LimiterPolicy::default(), at(0));
    let most = Cost::new(u32::MAX);
    assert_eq!(none.ready_at(&most, Lane::Bulk, at(0)), Some(at(0)));
}
