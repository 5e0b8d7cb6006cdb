//! Limits that several sessions share.
#![cfg(feature = "std")]

use std::time::Duration;

use super::{times, venue};
use crate::sim::plain;
use ws_core::policy::{Bucket, BucketId, Cost, LimiterPolicy, Pricing, Shape};

#[test]
fn s09_two_connections_that_share_a_limit_never_exceed_it() {
    use ws_core::Instant;
    use ws_core::policy::SharedLimiter;
    let window = Shape::Window {
        limit: 5,
        per: Duration::from_secs(1),
        guard: Duration::from_millis(50),
    };
    let policy = LimiterPolicy::default().bucket(BucketId::A, Bucket::new(window));
    let account = SharedLimiter::new(&policy, Instant::ORIGIN);
    let config = plain()
        .shared_limits(Some(account))
        .pricing(Pricing::flat(Cost::new(1)));
    let mut both = [venue(config.clone()), venue(config)];
    for n in 0..40 {
        for sim in &mut both {
            sim.session.send(format!("m {n}"), sim.now).unwrap();
        }
    }
    let mut sent = Vec::new();
    for at in (0..60_000).step_by(10) {
        for sim in &mut both {
            sim.run(at);
            sent.extend(times(sim));
        }
    }
    assert_eq!(sent.len(), 80);
    sent.sort_unstable();
    for six in sent.windows(6) {
        assert!(six[5] - six[0] >= 1000, "{six:?}");
    }
}

#[test]
#[allow(clippy::disallowed_methods, reason = "threads are what is tested")]
fn threads_that_share_a_limiter_lose_no_update() {
    use ws_core::Instant;
    use ws_core::policy::{Lane, SharedLimiter};
    let shared = SharedLimiter::new(&LimiterPolicy::deribit(), Instant::ORIGIN);
    let threads = [(); 4].map(|()| {
        let shared = shared.clone();
        let one = Cost::new(1);
        let now = Instant::ORIGIN;
        let take = move |_: &u32| shared.lend(|limiter| limiter.commit(&one, Lane::Request, now));
        std::thread::spawn(move || (0..100).filter(take).count())
    });
    let granted: usize = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .sum();
    assert_eq!(granted, 120);
}
