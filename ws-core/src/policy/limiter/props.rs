//! What holds for every shape, every cost and every sequence of calls.

use alloc::vec::Vec;
use core::time::Duration;

use proptest::prelude::*;

use super::*;

fn nanos(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}

fn any_shape() -> impl Strategy<Value = Shape> {
    let small = 0..20u32;
    let time = prop_oneof![0..1000u64, any::<u64>()].prop_map(nanos);
    prop_oneof![
        (small.clone(), small.clone(), time.clone()).prop_map(|(capacity, rate, interval)| {
            Shape::Bucket {
                capacity,
                rate,
                interval,
            }
        }),
        (small.clone(), time.clone(), small.clone()).prop_map(|(rate, interval, burst)| {
            Shape::Gcra {
                rate,
                interval,
                burst,
            }
        }),
        small.clone().prop_map(|max| Shape::InFlight { max }),
        (small, time.clone(), time).prop_map(|(limit, per, guard)| Shape::Window {
            limit,
            per,
            guard
        }),
    ]
}

#[derive(Clone, Debug)]
enum Op {
    Commit(u32, Lane),
    Debit(u32),
    Freeze(u64),
    Observe(u64, u64),
    Release(u32),
    Wait(u64),
    Epoch,
}

fn any_op() -> impl Strategy<Value = Op> {
    let lane = (0..6usize).prop_map(|i| Lane::ALL[i]);
    prop_oneof![
        8 => (0..25u32, lane).prop_map(|(units, lane)| Op::Commit(units, lane)),
        1 => prop_oneof![0..25u32, any::<u32>()].prop_map(Op::Debit),
        1 => (0..500u64).prop_map(Op::Freeze),
        1 => (0..20u64, 0..20u64).prop_map(|(used, limit)| Op::Observe(used, limit)),
        2 => (0..25u32).prop_map(Op::Release),
        6 => prop_oneof![0..500u64, any::<u64>()].prop_map(Op::Wait),
        1 => Just(Op::Epoch),
    ]
}

fn apply(limiter: &mut Limiter, op: &Op, now: &mut Instant) {
    match *op {
        Op::Commit(units, lane) => drop(limiter.commit(&Cost::new(units), lane, *now)),
        Op::Debit(units) => limiter.debit(&Cost::new(units), *now),
        Op::Freeze(wait) => limiter.freeze(BucketId::A, *now + nanos(wait)),
        Op::Observe(used, limit) => limiter.observe(BucketId::A, used, limit, *now),
        Op::Release(units) => limiter.release(&Cost::new(units)),
        Op::Wait(wait) => *now += nanos(wait),
        Op::Epoch => limiter.on_new_epoch(*now),
    }
}

fn with(shape: Shape, reserve: u32) -> Limiter {
    let bucket = Bucket::new(shape).reserve(crate::policy::Percent(reserve));
    let policy = LimiterPolicy::default().bucket(BucketId::A, bucket);
    Limiter::new(&policy, Instant::ORIGIN)
}

proptest! {
    /// Whoever waits until the named time may send then, and nobody is told to wait for no time.
    #[test]
    fn a_wait_ends_when_it_was_said_to_end(
        shape in any_shape(),
        reserve in 0..120u32,
        ops in prop::collection::vec(any_op(), 0..60),
        units in 1..25u32,
        lane in (1..6usize).prop_map(|i| Lane::ALL[i]),
    ) {
        let (mut limiter, mut now) = (with(shape, reserve), Instant::ORIGIN);
        for op in &ops {
            apply(&mut limiter, op, &mut now);
            let cost = Cost::new(units);
            if let Some(ready) = limiter.ready_at(&cost, lane, now) {
                prop_assert!(ready >= now);
                if ready < Instant::FAR_FUTURE {
                    prop_assert!(limiter.clone().commit(&cost, lane, ready));
                    prop_assert!(limiter.check(&cost).is_ok());
                }
                if ready > now {
                    prop_assert!(!limiter.clone().commit(&cost, lane, now));
                    let before = Instant::from_nanos(ready.as_nanos() - 1);
                    prop_assert!(!limiter.clone().commit(&cost, lane, before));
                }
            }
        }
    }

    /// A strict window holds in every stretch of time, however the calls are spread.
    #[test]
    fn no_stretch_of_a_window_holds_more_than_its_limit(
        limit in 1..8u32,
        per in 1..100u64,
        guard in 0..20u64,
        asked in prop::collection::vec((0..30u64, 1..4u32), 0..200),
    ) {
        let shape = Shape::Window { limit, per: nanos(per), guard: nanos(guard) };
        let (mut limiter, mut now, mut sent) = (with(shape, 0), Instant::ORIGIN, Vec::new());
        for (step, units) in asked {
            now += nanos(step);
            if limiter.commit(&Cost::new(units), Lane::Request, now) {
                sent.push((now.as_nanos(), units));
            }
        }
        for (i, (from, _)) in sent.iter().enumerate() {
            let window = sent[i..].iter().take_while(|(at, _)| *at < from + per + guard);
            prop_assert!(window.map(|(_, units)| units).sum::<u32>() <= limit);
        }
    }

    /// The two shapes that flow are the same to the nanosecond.
    #[test]
    fn gcra_is_a_token_bucket(
        rate in 0..20u32,
        interval in prop_oneof![0..100u64, any::<u64>()],
        burst in 0..20u32,
        ops in prop::collection::vec(any_op(), 0..80),
    ) {
        let interval = nanos(interval);
        let mut gcra = with(Shape::Gcra { rate, interval, burst }, 30);
        let mut tokens = with(Shape::Bucket { capacity: burst, rate, interval }, 30);
        let (mut now, mut same) = (Instant::ORIGIN, Instant::ORIGIN);
        for op in &ops {
            apply(&mut gcra, op, &mut now);
            apply(&mut tokens, op, &mut same);
            prop_assert_eq!(gcra.available(BucketId::A, now), tokens.available(BucketId::A, now));
            for lane in [Lane::Request, Lane::Bulk] {
                let cost = Cost::new(3);
                prop_assert_eq!(gcra.ready_at(&cost, lane, now), tokens.ready_at(&cost, lane, now));
            }
        }
    }

    /// In the long run a bucket gives exactly what flows in.
    #[test]
    fn a_bucket_gives_what_flows_in(
        rate in 1..50u32,
        interval in 1..10_000u64,
        steps in prop::collection::vec(1..10_000u64, 1..300),
    ) {
        let shape = Shape::Bucket { capacity: u32::MAX, rate, interval: nanos(interval) };
        let bucket = Bucket::new(shape).initial(Some(0));
        let policy = LimiterPolicy::default().bucket(BucketId::A, bucket);
        let (mut limiter, mut now) = (Limiter::new(&policy, Instant::ORIGIN), Instant::ORIGIN);
        let mut granted = 0;
        for step in steps {
            now += nanos(step);
            let units = limiter.available(BucketId::A, now).unwrap();
            prop_assert!(limiter.commit(&Cost::new(units), Lane::Request, now));
            granted += u64::from(units);
        }
        prop_assert_eq!(granted, now.as_nanos() * u64::from(rate) / interval);
    }
}
