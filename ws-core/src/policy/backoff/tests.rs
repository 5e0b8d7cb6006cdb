//! The episode: what is counted, what ends it and what starts it over.

use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::policy::Percent;
use crate::rng::Rng;
use crate::seed::Seed;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn at(millis: u64) -> Instant {
    Instant::ORIGIN + ms(millis)
}

fn rng() -> Rng {
    Rng::new(&Seed::new([5; 32]))
}

/// The configuration of the scenarios: 1 s doubled up to 30 s, nothing random, stable at once.
fn plain() -> BackoffPolicy {
    BackoffPolicy::default()
        .first(None)
        .base(ms(1000))
        .growth(Growth::Exponential {
            factor: Percent(200),
        })
        .jitter(Jitter::None)
        .wait_jitter(Percent(0))
        .stable_after(Duration::ZERO)
}

/// Fails `backoff` now; the delay and the attempt.
fn fail(backoff: &mut Backoff, wait: Wait, now: Instant) -> Result<(u64, u32), Exhausted> {
    match backoff.failed(wait, &mut rng(), now) {
        Next::Dial { at, delay, attempt } => {
            assert_eq!(at, now + delay);
            Ok((u64::try_from(delay.as_millis()).unwrap(), attempt))
        }
        Next::Exhausted(why) => Err(why),
    }
}

#[test]
fn s01_delays_after_a_drop_and_a_fresh_count_after_recovery() {
    let mut backoff = Backoff::new(plain().cap(ms(4000)));
    backoff.start(at(0));
    backoff.dialing(at(0));
    backoff.ready(at(0));
    let mut now = at(500);
    let mut dials = Vec::new();
    for attempt in 1..=4 {
        let (delay, which) = fail(&mut backoff, Wait::default(), now).unwrap();
        assert_eq!(which, attempt);
        now += ms(delay);
        backoff.dialing(now);
        dials.push((now - at(500)).as_millis());
    }
    assert_eq!(dials, [1000, 3000, 7000, 11_000]);
    backoff.ready(now);
    assert_eq!(backoff.attempts(now), 0);
    assert_eq!(fail(&mut backoff, Wait::default(), now), Ok((1000, 1)));
}

#[test]
fn s01_twin_a_flap_is_a_failure_until_the_connection_was_stable() {
    let mut backoff = Backoff::new(plain().stable_after(ms(30_000)));
    let mut now = at(0);
    let mut delays = Vec::new();
    for _ in 0..3 {
        backoff.dialing(now);
        backoff.ready(now);
        now += ms(29_999);
        let (delay, _) = fail(&mut backoff, Wait::default(), now).unwrap();
        delays.push(delay);
        now += ms(delay);
    }
    assert_eq!(delays, [1000, 2000, 4000]);
    backoff.dialing(now);
    backoff.ready(now);
    assert_eq!(backoff.attempts(now + ms(29_999)), 4);
    assert_eq!(backoff.attempts(now + ms(30_000)), 0);
    assert_eq!(
        fail(&mut backoff, Wait::default(), now + ms(30_000)),
        Ok((1000, 1))
    );
}

#[test]
fn s02_three_attempts_and_then_the_end() {
    let mut backoff = Backoff::new(plain().max_attempts(Some(3)));
    let mut now = at(0);
    assert!(matches!(backoff.start(now), Next::Dial { attempt: 1, delay, .. } if delay.is_zero()));
    let mut dials = Vec::new();
    let end = loop {
        backoff.dialing(now);
        dials.push(now);
        now += ms(5000);
        match fail(&mut backoff, Wait::default(), now) {
            Ok((delay, _)) => now += ms(delay),
            Err(why) => break why,
        }
    };
    assert_eq!(dials, [at(0), at(6000), at(13_000)]);
    assert_eq!((now, end), (at(18_000), Exhausted::Attempts(3)));
    assert_eq!(
        fail(&mut backoff, Wait::default(), now),
        Err(Exhausted::Attempts(3)),
        "exhausted stays exhausted"
    );
}

#[test]
fn s03_retry_after_beats_a_shorter_backoff_and_yields_to_a_longer_one() {
    let mut backoff = Backoff::new(plain());
    let asked = Wait::default().retry_after(ms(7000));
    assert_eq!(fail(&mut backoff, asked, at(0)), Ok((7000, 1)));
    let soon = Wait::default().retry_after(ms(1));
    assert_eq!(fail(&mut backoff, soon, at(0)), Ok((2000, 1)));
    let mut deaf = Backoff::new(plain().retry_after(RetryAfter::Ignore));
    assert_eq!(fail(&mut deaf, asked, at(0)), Ok((1000, 1)));
}

#[test]
fn penalties_are_waits_of_their_own() {
    for (penalty, expected) in [
        (Penalty::Base, 1000),
        (Penalty::HalfCap, 15_000),
        (Penalty::Fixed(ms(600_000)), 600_000),
    ] {
        let mut backoff = Backoff::new(plain());
        let wait = Wait::default().penalty(penalty);
        assert_eq!(fail(&mut backoff, wait, at(0)), Ok((expected, 1)));
    }
}

#[test]
fn one_immediate_retry_in_an_episode() {
    let mut backoff = Backoff::new(plain());
    let wait = Wait::default().immediate();
    assert_eq!(fail(&mut backoff, wait, at(0)), Ok((0, 1)));
    assert_eq!(fail(&mut backoff, wait, at(0)), Ok((1000, 1)));
    assert_eq!(fail(&mut backoff, wait, at(0)), Ok((2000, 1)));
    backoff.reset();
    assert_eq!(fail(&mut backoff, wait, at(0)), Ok((0, 1)));
    let mut spread = Backoff::new(plain().first(Some(ms(100)..=ms(500))));
    let (delay, _) = fail(&mut spread, wait, at(0)).unwrap();
    assert!(delay <= 500);
}

#[test]
fn the_first_delay_has_a_range_of_its_own_and_growth_comes_after_it() {
    let mut backoff = Backoff::new(plain().first(Some(ms(200)..=ms(300))));
    let (first, _) = fail(&mut backoff, Wait::default(), at(0)).unwrap();
    assert!((200..=300).contains(&first), "{first}");
    assert_eq!(fail(&mut backoff, Wait::default(), at(0)), Ok((1000, 1)));
    assert_eq!(fail(&mut backoff, Wait::default(), at(0)), Ok((2000, 1)));
}

#[test]
fn no_dial_starts_after_max_elapsed() {
    let mut backoff = Backoff::new(plain().max_elapsed(Some(ms(3000))));
    backoff.start(at(0));
    backoff.dialing(at(0));
    assert_eq!(fail(&mut backoff, Wait::default(), at(0)), Ok((1000, 2)));
    assert_eq!(fail(&mut backoff, Wait::default(), at(1000)), Ok((2000, 2)));
    assert_eq!(
        fail(&mut backoff, Wait::default(), at(1000)),
        Err(Exhausted::Elapsed(ms(3000)))
    );
}

#[test]
fn zero_attempts_never_dial() {
    let mut backoff = Backoff::new(plain().max_attempts(Some(0)));
    let never = Next::Exhausted(Exhausted::Attempts(0));
    assert_eq!(backoff.start(at(0)), never);
    assert_eq!(
        backoff.failed(Wait::default(), &mut rng(), at(0)),
        never,
        "nor after a loss"
    );
}

#[test]
fn the_linear_preset_is_a_fifth_around_its_line() {
    let mut backoff = Backoff::new(BackoffPolicy::linear_jitter(ms(1000)));
    let mut rng = rng();
    for attempt in 1..=5u32 {
        let Next::Dial { delay, .. } = backoff.failed(Wait::default(), &mut rng, at(0)) else {
            panic!("five attempts");
        };
        let line = ms(1000) * attempt;
        assert!(delay >= line * 4 / 5 && delay <= line * 6 / 5, "{delay:?}");
        backoff.dialing(at(0));
    }
    assert_eq!(
        backoff.failed(Wait::default(), &mut rng, at(0)),
        Next::Exhausted(Exhausted::Attempts(5))
    );
}

proptest! {
    #[test]
    fn every_delay_of_an_endless_outage_lies_below_the_cap(
        seed: [u8; 32],
        failures in prop_oneof![Just(u32::MAX), any::<u32>()],
        decorrelated: bool,
    ) {
        let jitter = if decorrelated { Jitter::Decorrelated } else { Jitter::Equal };
        let mut backoff = Backoff::new(BackoffPolicy::default().jitter(jitter));
        let mut rng = Rng::new(&Seed::new(seed));
        backoff.failures = failures;
        backoff.dials = failures;
        for _ in 0..20 {
            let Next::Dial { delay, .. } = backoff.failed(Wait::default(), &mut rng, at(0)) else {
                return Err(TestCaseError::fail("no limit is set"));
            };
            prop_assert!(delay <= ms(30_000));
            backoff.dialing(at(0));
        }
        prop_assert_eq!(backoff.failures, failures.saturating_add(20).max(20));
    }
}
