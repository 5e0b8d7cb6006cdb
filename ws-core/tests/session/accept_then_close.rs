//! A server that accepts and closes at once, and a thousand clients that lose their server together:
//! what the policies do when they are put together, in virtual time.

use core::time::Duration;
use std::collections::BTreeSet;

use ws_core::close::CloseCode;
use ws_core::policy::{
    Backoff, BackoffPolicy, Classifier, Credentials, Decision, DialBudget, DialLimit, Failure,
    FailureKind, Growth, IoClass, Jitter, Judge, Next, Stage,
};
use ws_core::{Instant, Rng, Seed};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Dials, is accepted, is ready, and is closed with 1013 a millisecond later, for so long. The times
/// of all dials.
fn flap(policy: BackoffPolicy, budget: Option<DialLimit>, until: Instant) -> Vec<Instant> {
    let mut rng = Rng::new(&Seed::new([1; 32]));
    let mut backoff = Backoff::new(policy);
    let mut judge = Judge::new(Classifier::default(), Credentials::Fixed);
    let mut budget = budget.map(DialBudget::new);
    let (mut now, mut dials) = (Instant::ORIGIN, Vec::new());
    let mut next = backoff.start(now);
    while let Next::Dial { at, .. } = next {
        now = budget.as_ref().map_or(at, |budget| budget.ready_at(at));
        if now >= until {
            break;
        }
        assert!(budget.as_mut().is_none_or(|budget| budget.try_dial(now)));
        backoff.dialing(now);
        dials.push(now);
        backoff.ready(now);
        now += ms(1);
        let code = CloseCode::TRY_AGAIN_LATER;
        let kind = FailureKind::Close { code, reason: "" };
        let Decision::Retry { wait, .. } = judge.judge(&Failure::new(Stage::Ready, kind)) else {
            panic!("1013 is never final");
        };
        next = backoff.failed(wait, &mut rng, now);
    }
    dials
}

/// A policy as bad as they come: no delay, and every handshake counts as a success.
fn careless() -> BackoffPolicy {
    BackoffPolicy::default()
        .first(None)
        .base(Duration::ZERO)
        .floor(Duration::ZERO)
        .growth(Growth::Constant)
        .jitter(Jitter::None)
        .stable_after(Duration::ZERO)
}

#[test]
fn a_server_that_accepts_and_closes_is_not_hammered() {
    let minute = Instant::ORIGIN + ms(60_000);
    assert_eq!(
        flap(careless(), None, minute).len(),
        60_000,
        "without a bound"
    );
    let bounded = flap(careless(), Some(DialLimit::default()), minute);
    assert_eq!(bounded.len(), 20);
    let usual = flap(BackoffPolicy::default(), Some(DialLimit::default()), minute);
    assert!((6..=12).contains(&usual.len()), "{}", usual.len());
}

/// A thousand clients are cut off at once. The server is back after ten seconds and then takes 200
/// handshakes a second, ten in each twentieth; the rest are refused. Attempts, and how long after the
/// return the last one is in.
fn fleet(policy: &BackoffPolicy) -> (usize, Duration) {
    let back = Instant::ORIGIN + ms(10_000);
    let mut clients: Vec<(Backoff, Rng)> = (0..1000u16)
        .map(|client| {
            let mut seed = [0; 32];
            seed[..2].copy_from_slice(&client.to_le_bytes());
            (Backoff::new(policy.clone()), Rng::new(&Seed::new(seed)))
        })
        .collect();
    let mut judge = Judge::new(Classifier::default(), Credentials::Fixed);
    let refused = Failure::new(Stage::Connect, FailureKind::Io(IoClass::Refused));
    let Decision::Retry { wait, .. } = judge.judge(&refused) else {
        panic!("a refusal is never final");
    };
    let mut dials = BTreeSet::new();
    let fail = |clients: &mut Vec<(Backoff, Rng)>, dials: &mut BTreeSet<_>, client: usize, now| {
        let (backoff, rng) = &mut clients[client];
        if let Next::Dial { at, .. } = backoff.failed(wait, rng, now) {
            let latency = rng.between(ms(20), ms(220));
            dials.insert((at + latency, client));
        }
    };
    for client in 0..clients.len() {
        fail(&mut clients, &mut dials, client, Instant::ORIGIN);
    }
    let (mut attempts, mut slot, mut taken, mut last) = (0, 0, 0, back);
    while let Some((now, client)) = dials.pop_first() {
        attempts += 1;
        let this = now.as_nanos() / 50_000_000;
        if this != slot {
            (slot, taken) = (this, 0);
        }
        if now >= back && taken < 10 {
            taken += 1;
            last = now;
        } else {
            fail(&mut clients, &mut dials, client, now);
        }
    }
    (attempts, last - back)
}

#[test]
fn a_fleet_returns_without_a_stampede() {
    let (attempts, last) = fleet(&BackoffPolicy::default());
    // It takes five seconds if nobody ever comes too early or too late.
    assert!(last < ms(13_000), "{last:?}");
    assert!(attempts < 9000, "{attempts}");
    let together = BackoffPolicy::default().first(None).jitter(Jitter::None);
    let (_, stampede) = fleet(&together);
    assert!(stampede > last * 2, "{stampede:?} without jitter");
}
