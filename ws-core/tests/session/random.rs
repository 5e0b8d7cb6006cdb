//! A session in a random world: servers that refuse, hang, reject, close and fall silent, and an
//! owner that sends, reconnects and closes whenever it likes. What must hold whatever happens is
//! checked after every step.
//!
//! `WS_CASES=1000000 cargo test -p ws-core --release --test session random` is the long run; a failure
//! prints its seed, and `WS_SEED=seed` runs it alone.

use std::time::Duration;

use crate::sim::{Plan, ServerEnd, Sim, histories};
use ws_core::close::CloseCode;
use ws_core::connection::{Config, Keepalive};
use ws_core::policy::BackoffPolicy;
use ws_core::session::{Initial, SessionConfig, State};
use ws_core::{Instant, Rng, Seed, TransportEnd};

/// Steps of one history.
const STEPS: u64 = 40;

fn seed_of(seed: u64) -> Seed {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    Seed::new(bytes)
}

fn config(rng: &mut Rng) -> SessionConfig {
    let seconds = |rng: &mut Rng, max: u64| Duration::from_millis(rng.up_to(max * 1000));
    let mut backoff = BackoffPolicy::default()
        .base(seconds(rng, 2))
        .cap(seconds(rng, 40))
        .stable_after(seconds(rng, 30));
    if rng.up_to(3) == 0 {
        backoff = backoff.max_attempts(Some(u32::try_from(1 + rng.up_to(5)).unwrap()));
    }
    if rng.up_to(1) == 0 {
        backoff = backoff.first(None);
    }
    let keepalive = (rng.up_to(1) == 0).then(Keepalive::default);
    let config = SessionConfig::default()
        .connection(Config::default().keepalive(keepalive))
        .backoff(backoff)
        .attempt_timeout(Duration::from_secs(1 + rng.up_to(20)))
        .initial(match rng.up_to(5) {
            0 => Initial::FailFast,
            1 => Initial::RetryFor(Duration::from_secs(30)),
            _ => Initial::Retry,
        });
    if rng.up_to(9) == 0 {
        config.reconnect(false)
    } else {
        config
    }
}

fn plan(rng: &mut Rng) -> Plan {
    match rng.up_to(12) {
        0 | 1 => Plan::Refuse,
        2 => Plan::Hang,
        3 => Plan::Say(Vec::new()),
        4 => Plan::Say(vec![(
            rng.up_to(3000),
            b"HTTP/1.1 101 Switching Protocols\r\n\r\n".into(),
        )]),
        5 => Plan::Reject(503, &[("Retry-After", "5")], b"busy"),
        6 => Plan::Reject(429, &[], b""),
        _ => Plan::Serve,
    }
}

/// Does one random thing; says what.
fn step(sim: &mut Sim, rng: &mut Rng) {
    let now = sim.now;
    match rng.up_to(13) {
        0 => sim.cut(TransportEnd::Reset),
        1 => sim.cut(TransportEnd::Eof),
        2 => sim.black_hole(),
        3 => {
            if let Some(server) = sim.server() {
                let codes = [1000, 1001, 1008, 1011, 1012, 1013, 4000];
                let code = codes[usize::try_from(rng.up_to(6)).unwrap()];
                server.close(CloseCode::new(code), now);
            }
        }
        4 => {
            let conn = sim.session.conn();
            if let Some((recv, _)) = sim.session.io(conn) {
                // A fault, at any stage.
                recv.extend_from_slice(&[0x83, 0xff]);
            }
        }
        5 => sim.session.reconnect(now),
        6 if rng.up_to(7) == 0 => sim.session.close(CloseCode::NORMAL, "", now).unwrap(),
        7 | 8 => {
            let ready = matches!(sim.session.state(), State::Ready { .. });
            assert_eq!(
                sim.session.send("x", now).is_ok(),
                ready,
                "{:?}",
                sim.session.state()
            );
        }
        9 => sim.session.handle_timeout(now), // early is fine
        _ => {}
    }
    let pause = match rng.up_to(3) {
        0 => 0,
        1 => rng.up_to(100),
        2 => rng.up_to(5_000),
        _ => rng.up_to(60_000),
    };
    let until = sim.millis() + pause;
    sim.run(until);
}

/// What one line of the log is, without its time.
fn what(line: &str) -> &str {
    line.split_once(": ").map_or("", |(_, what)| what)
}

fn time(line: &str) -> u64 {
    line.split_once(':').unwrap().0.parse().unwrap()
}

/// What must hold of every history.
fn check(sim: &Sim) {
    let mut open = false;
    let mut ready = false;
    let mut over = false;
    let mut scheduled: Option<u64> = None;
    let mut dials = sim.dials.iter();
    for line in sim.log.iter().filter(|line| !what(line).starts_with('<')) {
        let event = what(line);
        assert!(!over, "nothing follows the end: {line}");
        match event.split(' ').next().unwrap() {
            "opened" => {
                assert!(!open, "one connection at a time: {line}");
                open = true;
            }
            "ready" => {
                assert!(open && !ready, "ready once for each connection: {line}");
                ready = true;
            }
            "text" | "binary" | "ping" | "pong" => assert!(open, "{line}"),
            "protocol" => assert!(open, "{line}"),
            "disconnected:" => {
                assert!(open, "each connection is lost once: {line}");
                (open, ready) = (false, false);
            }
            "attempt" if event.contains(" in ") => {
                assert!(!open && scheduled.is_none(), "{line}");
                let delay: u64 = event.rsplit(' ').next().unwrap().parse().unwrap();
                scheduled = Some(time(line) + delay);
            }
            "attempt" => assert!(!open, "{line}"),
            "over:" => over = true,
            other => panic!("{other}: {line}"),
        }
        if open || over {
            scheduled = None;
        }
        if event.contains(" failed: ") {
            scheduled = None;
        }
    }
    assert_eq!(
        over,
        matches!(sim.session.state(), State::Terminal),
        "the end is told"
    );
    if over {
        assert_eq!(sim.session.poll_timeout(), None);
        assert!(!sim.is_up(), "no transport is left behind");
    }
    assert_eq!(
        ready,
        matches!(
            sim.session.state(),
            State::Ready { .. } | State::Draining { .. }
        )
    );
    // I1: never more dials than the budget allows.
    for window in sim.dials.windows(21) {
        assert!(window[20] - window[0] >= 60_000, "{window:?}");
    }
    assert!(dials.by_ref().is_sorted());
    // There is always something to wait for, unless the peer alone has the next word.
    match sim.session.state() {
        State::Waiting { .. } | State::Dialing { .. } | State::Upgrading { .. } => {
            assert!(sim.session.poll_timeout().is_some());
        }
        State::Draining { .. } => assert!(sim.session.poll_timeout().is_some()),
        _ => {}
    }
}

/// Runs one history to its end; how much time passed in it.
fn history(seed: u64) -> Duration {
    let mut rng = Rng::new(&seed_of(seed));
    let plans: Vec<Plan> = (0..100).map(|_| plan(&mut rng)).collect();
    let mut sim = Sim::new(config(&mut rng), &plans);
    sim.start();
    check(&sim);
    for _ in 0..STEPS {
        step(&mut sim, &mut rng);
        check(&sim);
    }
    // The same inputs give the same outputs.
    if seed % 16 == 0 {
        let mut rng = Rng::new(&seed_of(seed));
        let plans: Vec<Plan> = (0..100).map(|_| plan(&mut rng)).collect();
        let mut again = Sim::new(config(&mut rng), &plans);
        again.start();
        for _ in 0..STEPS {
            step(&mut again, &mut rng);
        }
        assert_eq!(again.log, sim.log);
    }
    // Whatever happened, closing ends it within the time for closing.
    let now = sim.now;
    sim.session.close(CloseCode::NORMAL, "", now).unwrap();
    let until = sim.millis() + 10_000;
    sim.run(until);
    check(&sim);
    assert_eq!(sim.session.state(), State::Terminal);
    sim.now - Instant::ORIGIN
}

#[test]
fn what_must_hold_holds_in_any_world() {
    histories::run(history);
}
