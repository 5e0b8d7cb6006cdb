//! The dialer against the clock: who is tried when, who wins, and what is left behind.

use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;

use super::*;
use crate::policy::Stage;
use crate::url::Host;
use crate::{Instant, Rng, Seed};

const ORIGIN: Instant = Instant::ORIGIN;

fn at(ms: u64) -> Instant {
    ORIGIN + Duration::from_millis(ms)
}

fn v4(n: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, n).into()
}

fn v6(n: u16) -> IpAddr {
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n).into()
}

fn dialer(found: &[IpAddr]) -> Dialer<u32> {
    let host = Host::Domain("example.com".into());
    let mut dialer = Dialer::new(&host, 443, &DialConfig::default(), ORIGIN);
    assert_eq!(dialer.poll(ORIGIN), Some(Step::Resolve));
    assert_eq!(dialer.poll(ORIGIN), None);
    dialer.resolved(found.iter().copied(), ORIGIN);
    dialer
}

/// The connects that begin now.
fn connects(dialer: &mut Dialer<u32>, now: Instant) -> Vec<(Attempt, IpAddr)> {
    core::iter::from_fn(|| dialer.poll(now))
        .map(|step| match step {
            Step::Connect(attempt, address) => {
                assert_eq!(address.port(), 443);
                (attempt, address.ip())
            }
            step => panic!("{step:?}"),
        })
        .collect()
}

#[test]
fn a_black_hole_is_passed_by_after_250_ms_exactly() {
    let mut dialer = dialer(&[v6(1), v4(1)]);
    let first = connects(&mut dialer, ORIGIN);
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].1, v6(1));
    assert_eq!(dialer.poll_timeout(), Some(at(250)));
    dialer.handle_timeout(at(249));
    assert!(connects(&mut dialer, at(249)).is_empty());
    dialer.handle_timeout(at(250));
    let second = connects(&mut dialer, at(250));
    assert_eq!(second[0].1, v4(1));
    // There is no third address: what is left is the deadline.
    assert_eq!(dialer.poll_timeout(), Some(at(5000)));
    dialer.connected(second[0].0);
    assert_eq!(dialer.poll(at(300)), Some(Step::Abandon(first[0].0)));
    assert_eq!((dialer.poll(at(300)), dialer.poll_timeout()), (None, None));
    assert_eq!(dialer.outcome(), Some(Ok(second[0].0)));
    // Too late.
    dialer.connected(first[0].0);
    assert_eq!(dialer.outcome(), Some(Ok(second[0].0)));
}

#[test]
fn the_address_that_was_slow_may_still_win() {
    let mut dialer = dialer(&[v6(1), v4(1)]);
    let first = connects(&mut dialer, ORIGIN)[0].0;
    dialer.handle_timeout(at(250));
    let second = connects(&mut dialer, at(250))[0].0;
    dialer.connected(first);
    assert_eq!(dialer.poll(at(300)), Some(Step::Abandon(second)));
    assert_eq!(dialer.outcome(), Some(Ok(first)));
}

#[test]
fn what_fails_is_followed_at_once_and_the_first_error_is_told() {
    let mut dialer = dialer(&[v6(1), v4(1), v6(2)]);
    for (n, address) in (0..).zip([v6(1), v4(1), v6(2)]) {
        let now = at(10 * u64::from(n));
        let connect = connects(&mut dialer, now);
        assert_eq!((connect.len(), connect[0].1), (1, address));
        assert_eq!(dialer.outcome(), None);
        dialer.failed(connect[0].0, n);
    }
    let failure = dialer.outcome().unwrap().unwrap_err();
    assert_eq!(failure.stage, Stage::Connect);
    assert_eq!(
        (failure.tried, failure.error, failure.timed_out),
        (3, Some(0), false)
    );
    assert_eq!((dialer.poll(at(50)), dialer.poll_timeout()), (None, None));
}

#[test]
fn a_host_whose_addresses_are_known_is_not_looked_up() {
    let config = DialConfig::default().addresses(vec![v6(1), v4(1), v4(2)]);
    let config = config.family(Family::PreferV4);
    for host in [
        Host::Domain("example.com".into()),
        Host::V4(Ipv4Addr::LOCALHOST),
    ] {
        let mut dialer = Dialer::<u32>::new(&host, 443, &config, ORIGIN);
        assert_eq!(connects(&mut dialer, ORIGIN)[0].1, v4(1));
        dialer.handle_timeout(at(250));
        assert_eq!(connects(&mut dialer, at(250))[0].1, v6(1));
    }
}

#[test]
fn each_stage_has_a_deadline() {
    let host = Host::Domain("example.com".into());
    let mut slow = Dialer::<u32>::new(&host, 80, &DialConfig::default(), ORIGIN);
    assert_eq!(slow.poll(ORIGIN), Some(Step::Resolve));
    assert_eq!(slow.poll_timeout(), Some(at(5000)));
    slow.handle_timeout(at(4999));
    assert_eq!(slow.outcome(), None);
    slow.handle_timeout(at(5000));
    let failure = slow.outcome().unwrap().unwrap_err();
    assert_eq!((failure.stage, failure.timed_out), (Stage::Resolve, true));
    // An answer that comes too late begins nothing.
    slow.resolved([v4(1)], at(5001));
    assert_eq!(slow.poll(at(5001)), None);

    let mut dialer = dialer(&[v4(1)]);
    let only = connects(&mut dialer, ORIGIN)[0].0;
    dialer.handle_timeout(at(5000));
    assert_eq!(dialer.poll(at(5000)), Some(Step::Abandon(only)));
    let failure = dialer.outcome().unwrap().unwrap_err();
    assert_eq!((failure.stage, failure.timed_out), (Stage::Connect, true));
    assert_eq!((failure.tried, failure.error), (1, None));
}

#[test]
fn an_address_is_not_looked_up() {
    for host in [Host::V4(Ipv4Addr::LOCALHOST), Host::V6(Ipv6Addr::LOCALHOST)] {
        let mut dialer = Dialer::<u32>::new(&host, 443, &DialConfig::default(), ORIGIN);
        assert_eq!(connects(&mut dialer, ORIGIN).len(), 1);
    }
}

#[test]
fn a_name_without_addresses_and_a_failed_lookup_end_it() {
    let mut empty = dialer(&[]);
    let failure = empty.outcome().unwrap().unwrap_err();
    assert_eq!((failure.stage, failure.error), (Stage::Resolve, None));
    let host = Host::Domain("example.com".into());
    let mut dialer = Dialer::<u32>::new(&host, 80, &DialConfig::default(), ORIGIN);
    dialer.unresolved(7);
    let failure = dialer.outcome().unwrap().unwrap_err();
    assert_eq!((failure.stage, failure.error), (Stage::Resolve, Some(7)));
}

fn pick(rng: &mut Rng, len: usize) -> usize {
    usize::try_from(rng.up_to(len as u64 - 1)).unwrap()
}

/// Whatever happens in whatever order: each address is tried once at most, everything that began is
/// told to end, at most one wins, and there is an outcome by the deadline.
#[test]
fn random_races_come_to_one_end() {
    for seed in 0..2000_u64 {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let mut rng = Rng::new(&Seed::new(bytes));
        let all = [v6(1), v4(1), v6(2), v4(2), v6(3)];
        let found: Vec<_> = all.into_iter().filter(|_| rng.up_to(1) == 0).collect();
        let mut dialer = dialer(&found);
        let (mut now, mut running, mut seen) = (ORIGIN, Vec::new(), Vec::new());
        let outcome = loop {
            while let Some(step) = dialer.poll(now) {
                match step {
                    Step::Connect(attempt, address) => {
                        assert!(!seen.contains(&address));
                        seen.push(address);
                        running.push(attempt);
                    }
                    Step::Abandon(attempt) => running.retain(|&other| other != attempt),
                    Step::Resolve => panic!("looked up twice"),
                }
            }
            if let Some(outcome) = dialer.outcome() {
                break outcome;
            }
            assert!(!running.is_empty() && now < at(5000));
            match rng.up_to(2) {
                0 => {
                    let i = pick(&mut rng, running.len());
                    dialer.failed(running.swap_remove(i), 1);
                }
                1 if rng.up_to(3) == 0 => {
                    let i = pick(&mut rng, running.len());
                    dialer.connected(running[i]);
                }
                _ => {
                    now = dialer.poll_timeout().unwrap();
                    dialer.handle_timeout(now);
                }
            }
        };
        match outcome {
            Ok(winner) => assert_eq!(running, [winner], "seed {seed}"),
            Err(failure) => {
                assert!(running.is_empty(), "seed {seed}");
                assert!(failure.timed_out || seen.len() == found.len());
            }
        }
    }
}
