//! A session with all it has, in a random world: a server with logins, topics, limits and moods, a
//! network that breaks and falls silent, an owner that does whatever it likes, a provider of
//! credentials with good and bad days. What must hold whatever happens is checked after every step;
//! the numbers are those of the invariants of the session's design.
//!
//! `WS_CASES=1000000 cargo test -p ws-core --release --test session world` is the long run; a failure
//! prints its seed, and `WS_SEED=seed` runs it alone.

mod born;
mod server;
mod steps;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use self::server::Server;
use crate::sim::venue::Venue;
use crate::sim::{Done, Plan, Sim, histories};
use ws_core::close::CloseCode;
use ws_core::session::journal::{Divergence, replay};
use ws_core::session::subscriptions::SubId;
use ws_core::session::{SessionConfig, State};
use ws_core::{Instant, Rng};

/// Steps of one history.
const STEPS: u64 = 60;

/// The shortest ping interval, jitter and all, in milliseconds.
const SHORTEST: u64 = 13_500;

/// What the venue allows: so many texts in any second, but for what may not wait.
const WINDOW: usize = 5;

struct World {
    sim: Sim<Venue>,
    server: Rc<RefCell<Server>>,
    rng: Rng,
    /// What was accepted, and must come to an end.
    accepted: BTreeSet<Done>,
    wanted: Vec<SubId>,
    limited: bool,
    numbers: BTreeMap<&'static str, u64>,
    day: u64,
    steps: Vec<String>,
}

impl World {
    fn check(&self) {
        // I1: never more dials than the budget allows.
        for window in self.sim.dials.windows(21) {
            assert!(window[20] - window[0] >= 60_000, "{window:?}");
        }
        // I3: nothing comes to an end twice, or that was never begun.
        let done: BTreeSet<Done> = self.sim.done.iter().copied().collect();
        assert_eq!(done.len(), self.sim.done.len(), "one end each");
        assert!(
            done.is_subset(&self.accepted),
            "{:?}",
            done.difference(&self.accepted)
        );
        // I5: the venue never sees more than it allows.
        if self.limited {
            for window in self.server.borrow().arrivals.windows(WINDOW + 1) {
                assert!(window[WINDOW] - window[0] >= 1000, "{window:?}");
            }
        }
        // I6: nothing grows beyond its bounds.
        let snapshot = self.sim.session.snapshot(self.sim.now);
        assert!(
            snapshot.queue.lanes.iter().sum::<usize>() <= 22 + 8,
            "{snapshot:?}"
        );
        // I9: one verdict for each topic and connection, where nothing but a reconnect asks for one.
        let verdicts = self.sim.verdicts.iter();
        let verdicts: Vec<_> = verdicts.filter(|(_, topic)| topic != "E").collect();
        let distinct: BTreeSet<_> = verdicts.iter().collect();
        assert_eq!(distinct.len(), verdicts.len(), "{verdicts:?}");
        // I13: nobody is woken for nothing more than twice per ping interval.
        for window in self.sim.idle_wakes.windows(3) {
            assert!(window[2] - window[0] >= SHORTEST, "{window:?}");
        }
        // I10 and I11: the end is the end, and nothing comes from a connection that is gone.
        let (mut open, mut over) = (false, false);
        for line in &self.sim.log {
            let what = line.split_once(": ").unwrap().1;
            if what.starts_with('<') {
                continue;
            }
            assert!(!over, "nothing follows the end: {line}");
            match what.split([' ', ':']).next().unwrap() {
                "opened" => open = true,
                "disconnected" => open = false,
                "text" | "binary" | "ping" | "pong" | "data" | "answer" | "unmatched" => {
                    assert!(open, "{line}");
                }
                "over" => over = true,
                _ => {}
            }
        }
        assert_eq!(over, self.sim.session.state() == State::Terminal);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() && std::env::var("WS_SEED").is_ok() {
            eprintln!("{:#?}\n{:#?}", self.sim.log, self.steps);
        }
    }
}

/// Runs one history to its end; how much time passed in it.
fn history(seed: u64) -> Duration {
    let mut world = World::new(seed);
    world.check();
    for _ in 0..STEPS {
        world.step();
        world.check();
    }
    // I12: the same inputs give the same outputs.
    if seed % 16 == 0 {
        let mut again = World::new(seed);
        for _ in 0..STEPS {
            again.step();
        }
        assert_eq!(again.sim.log, world.sim.log);
    }
    world.heal();
    world.check();
    let now = world.sim.now;
    world.sim.session.close(CloseCode::NORMAL, "", now).unwrap();
    let until = world.sim.millis() + 10_000;
    world.sim.run(until);
    world.check();
    assert_eq!(world.sim.session.state(), State::Terminal);
    assert_eq!(world.sim.session.poll_timeout(), None);
    let done: BTreeSet<Done> = world.sim.done.iter().copied().collect();
    assert_eq!(done, world.accepted, "I3: all came to an end");
    world.sim.now - Instant::ORIGIN
}

/// I12: a journal runs again to the same outcome, bit by bit, and notices where it does not.
fn journal(seed: u64) {
    let mut world = World::unborn(seed);
    world.sim.session.record();
    world.begin();
    for _ in 0..STEPS {
        world.step();
    }
    world.heal();
    let now = world.sim.now;
    world.sim.session.close(CloseCode::NORMAL, "", now).unwrap();
    world.sim.settle();
    let journal = world.sim.session.take_journal().unwrap();
    assert!(!journal.contains("hunter2"));

    let mut again = World::unborn(seed);
    let replayed = replay(&mut again.sim.session, &journal, |_| Some("key"));
    let replayed = replayed.unwrap_or_else(|why| panic!("seed {seed}: {why}\n{journal}"));
    assert_eq!(replayed.lines, journal.lines().count());
    assert_eq!(again.sim.session.state(), world.sim.session.state());

    // Another configuration is noticed.
    let other = Venue::default();
    let config = SessionConfig::default();
    let mut other = Sim::with(other, config, &[Plan::Serve]).session;
    let outcome = replay(&mut other, &journal, |_| Some("key"));
    assert_eq!(outcome, Err(Divergence::Config));
    // So is another outcome.
    let at = journal.find("\n= ").unwrap() + 3;
    let digit = if journal[at..].starts_with('0') {
        "1"
    } else {
        "0"
    };
    let forged = format!("{}{digit}{}", &journal[..at], &journal[at + 1..]);
    let mut again = World::unborn(seed);
    let outcome = replay(&mut again.sim.session, &forged, |_| Some("key"));
    assert!(
        matches!(outcome, Err(Divergence::Output { .. })),
        "{outcome:?}"
    );
    // A line that was cut short is noticed.
    let cut = &journal[..journal.len() - 4];
    let mut again = World::unborn(seed);
    assert!(replay(&mut again.sim.session, cut, |_| Some("key")).is_err());
}

#[test]
fn a_journal_runs_again_bit_by_bit() {
    for seed in 0..200 {
        journal(seed);
    }
}

#[test]
fn what_must_hold_holds_in_any_world() {
    histories::run(history);
}
