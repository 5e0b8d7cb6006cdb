//! A session with all it has, in a random world: a server with logins, topics, limits and moods, a
//! network that breaks and falls silent, an owner that does whatever it likes, a provider of
//! credentials with good and bad days. What must hold whatever happens is checked after every step;
//! the numbers are those of the invariants of the session's design.
//!
//! `WS_CASES=1000000 cargo test -p ws-core --release --test session world` is the long run; a failure
//! prints its seed, and `WS_SEED=seed` runs it alone.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use crate::sim::venue::Venue;
use crate::sim::{Done, Plan, ServerEnd, Sim};
use ws_core::close::CloseCode;
use ws_core::connection::{Config, Keepalive};
use ws_core::policy::{
    BackoffPolicy, Bucket, BucketId, Cost, Heartbeat, LimiterPolicy, Pricing, Shape,
};
use ws_core::session::auth::{AuthConfig, CredError};
use ws_core::session::journal::{Divergence, replay};
use ws_core::session::queue::{Overflow, QueueConfig};
use ws_core::session::subscriptions::{
    Access, Continuity, RegistryConfig, Remedy, Retry, State as Topic, SubId, SubOptions,
};
use ws_core::session::{
    DrainOptions, Network, Offline, RequestOptions, SendOptions, SessionConfig, State, Traffic,
};
use ws_core::{Instant, Rng, Seed, TransportEnd, UnixTime};

/// Steps of one history.
const STEPS: u64 = 60;

/// The shortest ping interval, jitter and all, in milliseconds.
const SHORTEST: u64 = 13_500;

/// What the venue allows: so many texts in any second, but for what may not wait.
const WINDOW: usize = 5;

fn seed_of(seed: u64) -> Seed {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[9] = 1;
    Seed::new(bytes)
}

/// What the server has seen, and what it is up to.
struct Server {
    rng: Rng,
    /// It does what it is asked at once.
    healthy: bool,
    /// What the client is expected to do.
    login: bool,
    greeted: bool,
    logged_in_at: Option<u64>,
    topics: BTreeSet<String>,
    arrivals: Vec<u64>,
    logins: u64,
}

impl Server {
    fn hear(&mut self, text: &str, now: u64) -> Vec<(u64, String)> {
        let (number, what) = text.split_once(' ').unwrap();
        if number == "-" {
            return vec![];
        }
        if what.starts_with("ping") || number.starts_with("ping") || number == "pong" {
            return vec![];
        }
        if number == "closed" {
            return vec![];
        }
        self.arrivals.push(now);
        let (verb, rest) = what.split_once(' ').unwrap_or((what, ""));
        if verb == "hello" {
            self.greeted = true;
            self.logged_in_at = None;
            self.topics.clear();
        }
        assert!(self.greeted, "the first word is hello, not {text}");
        let open = !self.login || self.logged_in_at.is_some_and(|at| at <= now);
        let private = match verb {
            "hello" | "login" | "refresh" => false,
            "sub" | "unsub" => !rest.split(',').all(|topic| topic.starts_with("pub")),
            _ => true,
        };
        // I2: nothing private before the login.
        assert!(open || !private, "{text} before the login");
        let mood = match self.healthy {
            true => 99,
            false => self.rng.up_to(99),
        };
        let after = match self.healthy {
            true => 0,
            false => self.rng.up_to(1500),
        };
        let yes = |answer: &str| (after, format!("{number} {answer}"));
        match verb {
            "login" | "refresh" => {
                self.logins += 1;
                match mood {
                    0..=4 => vec![yes("no 503")],
                    5..=6 => vec![yes("no 401")],
                    7..=9 => vec![],
                    _ => {
                        self.logged_in_at.get_or_insert(now + after);
                        vec![yes(if mood < 40 { "ok 90" } else { "ok" })]
                    }
                }
            }
            "sub" => match mood {
                0..=7 => vec![yes("no 7")],
                8..=15 => vec![],
                16..=19 => {
                    self.topics.extend(rest.split(',').map(str::to_string));
                    vec![yes("ok"), yes("ok")]
                }
                20..=23 => {
                    self.topics.extend(rest.split(',').map(str::to_string));
                    vec![(45_000, format!("{number} ok"))]
                }
                _ => {
                    self.topics.extend(rest.split(',').map(str::to_string));
                    vec![yes(if mood < 40 { "ok 1" } else { "ok" })]
                }
            },
            "unsub" => {
                for topic in rest.split(',') {
                    self.topics.remove(topic);
                }
                vec![yes("ok")]
            }
            _ => match mood {
                0..=9 => vec![],
                10..=14 => vec![yes("ok"), yes("ok")],
                15..=19 => vec![(40_000, format!("{number} ok"))],
                20..=22 => vec![(after, "slow 3000".into()), yes("no 9")],
                23..=25 => vec![(after, "error what".into())],
                _ => vec![yes("ok")],
            },
        }
    }
}

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

fn config(rng: &mut Rng, login: bool, limited: bool) -> SessionConfig {
    let millis = |rng: &mut Rng, max: u64| Duration::from_millis(rng.up_to(max));
    let mut limits = LimiterPolicy::default();
    if limited {
        limits = limits.bucket(
            BucketId::A,
            Bucket::new(Shape::Window {
                limit: 5,
                per: Duration::from_secs(1),
                guard: Duration::from_millis(50),
            }),
        );
    }
    let overflow = [
        Overflow::Reject,
        Overflow::DropOldest,
        Overflow::DropNewest,
        Overflow::DropLowestLane,
    ][usize::try_from(rng.up_to(3)).unwrap()];
    let mut config = SessionConfig::default()
        .connection(Config::default().keepalive(Some(Keepalive::default())))
        .backoff(
            BackoffPolicy::default()
                .base(millis(rng, 2000))
                .cap(millis(rng, 20_000))
                .stable_after(millis(rng, 30_000)),
        )
        .limits(limits)
        .pricing(Pricing::flat(Cost::new(1)))
        .queue(
            QueueConfig::default()
                .max_items(usize::try_from(2 + rng.up_to(20)).unwrap())
                .overflow(overflow),
        )
        .subscriptions(
            RegistryConfig::default()
                .batches(usize::try_from(1 + rng.up_to(4)).unwrap(), millis(rng, 300)),
        )
        .send_window(usize::try_from(1 + rng.up_to(200)).unwrap());
    if rng.up_to(2) == 0 {
        let heartbeat = Heartbeat::default().app(Some(Duration::from_secs(7)));
        config = config.heartbeat(heartbeat);
    }
    if login {
        config = config.login(Some(AuthConfig::default()));
    }
    config
}

fn options(rng: &mut Rng) -> (Traffic, u8, Option<Duration>, Offline) {
    let lane = [Traffic::Cancel, Traffic::Request, Traffic::Bulk];
    let lane = lane[usize::try_from(rng.up_to(2)).unwrap()];
    let priority = u8::try_from(rng.up_to(3)).unwrap();
    let ttl = (rng.up_to(2) == 0).then(|| Duration::from_millis(rng.up_to(5000)));
    let offline = match rng.up_to(1) {
        0 => Offline::Queue,
        _ => Offline::Refuse,
    };
    (lane, priority, ttl, offline)
}

const TOPICS: [&str; 6] = ["pubA", "pubB", "C", "D", "E", "F"];

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self::unborn(seed);
        world.begin();
        world
    }

    fn unborn(seed: u64) -> Self {
        let mut rng = Rng::new(&seed_of(seed));
        let (login, limited) = (rng.up_to(2) > 0, rng.up_to(1) == 0);
        let config = config(&mut rng, login, limited);
        let plans: Vec<Plan> = (0..200)
            .map(|_| match rng.up_to(11) {
                0 | 1 => Plan::Refuse,
                2 => Plan::Reject(503, &[("Retry-After", "3")], b"busy"),
                3 => Plan::Hang,
                _ => Plan::Serve,
            })
            .collect();
        let dialect = Venue {
            hello: true,
            arm: rng.up_to(1) == 0,
            by_topic: false,
            ..Venue::default()
        };
        let mut sim = Sim::with(dialect, config, &plans);
        let server = Rc::new(RefCell::new(Server {
            rng: Rng::new(&seed_of(!seed)),
            healthy: false,
            login,
            greeted: false,
            logged_in_at: None,
            topics: BTreeSet::new(),
            arrivals: Vec::new(),
            logins: 0,
        }));
        let ear = Rc::clone(&server);
        sim.answers = Some(Box::new(move |text, now| ear.borrow_mut().hear(text, now)));
        let moods = Rc::clone(&server);
        sim.provider = Some(Box::new(move |_, _| {
            let mut server = moods.borrow_mut();
            match if server.healthy {
                9
            } else {
                server.rng.up_to(19)
            } {
                0 => None,
                1 => Some(Err(CredError::Temporary)),
                _ => Some(Ok("key")),
            }
        }));
        Self {
            sim,
            server,
            rng,
            accepted: BTreeSet::new(),
            wanted: Vec::new(),
            limited,
            numbers: BTreeMap::new(),
            day: 0,
            steps: Vec::new(),
        }
    }

    fn begin(&mut self) {
        let now = self.sim.now;
        let midnight = UnixTime::from_nanos(0);
        self.sim.session.wall_clock(midnight, now);
        self.sim.start();
    }

    fn step(&mut self) {
        let now = self.sim.now;
        let what = self.rng.up_to(23);
        self.steps.push(format!("{}: {what}", self.sim.millis()));
        match what {
            0 => self.sim.cut(TransportEnd::Reset),
            1 => self.sim.cut_now(TransportEnd::Other),
            2 => self.go_silent(),
            3 => {
                if let Some(server) = self.sim.server() {
                    let codes = [1000, 1001, 1011, 1012, 4000];
                    let code = codes[usize::try_from(self.rng.up_to(4)).unwrap()];
                    server.close(CloseCode::new(code), now);
                }
            }
            4 => self.sim.session.reconnect(now),
            5..=8 => self.subscribe(),
            9 => {
                if let Some(id) = self.wanted.pop() {
                    self.sim.session.unsubscribe(id, now);
                }
            }
            10..=13 => {
                let (lane, priority, ttl, offline) = options(&mut self.rng);
                let send = SendOptions::default()
                    .lane(lane)
                    .priority(priority)
                    .ttl(ttl)
                    .offline(offline);
                let options = RequestOptions::default().send(send);
                if let Ok(id) = self.sim.session.request_with(&"x", &options, now) {
                    assert!(
                        self.accepted.insert(Done::Request(id)),
                        "ids are never used twice"
                    );
                    if self.rng.up_to(9) == 0 && self.sim.session.cancel(id, now).is_some() {
                        // Its end was told by the call.
                        self.accepted.remove(&Done::Request(id));
                    }
                }
            }
            14..=17 => {
                let (lane, priority, ttl, offline) = options(&mut self.rng);
                let options = SendOptions::default()
                    .lane(lane)
                    .priority(priority)
                    .ttl(ttl)
                    .offline(offline);
                if let Ok(id) = self.sim.session.send_with("0 message", &options, now) {
                    assert!(self.accepted.insert(Done::Message(id)));
                    if self.rng.up_to(9) == 0 {
                        self.sim.session.unsend(id, now);
                    }
                }
            }
            18 => {
                if let Ok(id) = self.sim.session.ping(Duration::from_secs(4), now) {
                    assert!(self.accepted.insert(Done::Ping(id)));
                }
            }
            19 => self.say_data(),
            20 => {
                let hints = [Network::Offline, Network::Online, Network::PathChanged];
                let hint = hints[usize::try_from(self.rng.up_to(2)).unwrap()];
                self.sim.session.network(hint, now);
            }
            21 => {
                self.day += self.rng.up_to(100);
                let asleep = Duration::from_secs(self.day);
                let nanos = now.as_nanos() + u64::try_from(asleep.as_nanos()).unwrap();
                self.sim
                    .session
                    .wall_clock(UnixTime::from_nanos(nanos), now);
            }
            22 => {
                for id in std::mem::take(&mut self.sim.asked) {
                    self.sim.session.credentials(id, Ok("key"), now);
                }
            }
            _ if self.rng.up_to(99) == 0 => {
                let options = DrainOptions::default();
                self.sim
                    .session
                    .drain(CloseCode::NORMAL, "", options, now)
                    .unwrap();
            }
            _ => self.sim.session.handle_timeout(now),
        }
        let pause = match self.rng.up_to(3) {
            0 => 0,
            1 => self.rng.up_to(100),
            2 => self.rng.up_to(2_000),
            _ => self.rng.up_to(40_000),
        };
        let until = self.sim.millis() + pause;
        self.sim.run(until);
    }

    /// I8: a server that says nothing any more is left within 26.5 s, or sooner.
    fn go_silent(&mut self) {
        let State::Ready { conn, .. } = self.sim.session.state() else {
            return;
        };
        self.sim.black_hole();
        let until = self.sim.millis() + 26_500;
        self.sim.run(until);
        assert!(
            !matches!(self.sim.session.state(), State::Ready { conn: now, .. } if now == conn),
            "nobody noticed"
        );
    }

    fn subscribe(&mut self) {
        let topic = TOPICS[usize::try_from(self.rng.up_to(5)).unwrap()];
        let mut options = SubOptions::default();
        if topic.starts_with("pub") {
            options = options.access(Access::Public);
        }
        if topic == "E" {
            options = options.continuity(Continuity::Counter { step: 1 }, Remedy::Resubscribe);
        }
        if topic == "F" {
            options = options.retry(Some(Retry {
                after: Duration::from_secs(2),
                times: 3,
            }));
        }
        let now = self.sim.now;
        self.wanted
            .push(self.sim.session.subscribe(topic, options, now).unwrap());
    }

    fn say_data(&mut self) {
        let topics: Vec<String> = self.server.borrow().topics.iter().cloned().collect();
        let Some(topic) = TOPICS
            .iter()
            .find(|topic| topics.iter().any(|t| t == *topic))
        else {
            return;
        };
        let number = self.numbers.entry(*topic).or_default();
        *number += 1 + self.rng.up_to(10) / 9;
        let text = format!("data {topic} {number}");
        if let Some(server) = self.sim.server() {
            if server.is_open() {
                // It may be closing already.
                let _ = server.connection().sender().text(&text);
            }
        }
        self.sim.settle();
    }

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

    /// I4: once all is well, the server has what is wanted, except for what it refused.
    fn heal(&mut self) {
        self.server.borrow_mut().healthy = true;
        self.sim.plans = [Plan::Serve].into();
        let now = self.sim.now;
        self.sim.session.network(Network::Online, now);
        for id in std::mem::take(&mut self.sim.asked) {
            self.sim.session.credentials(id, Ok("key"), now);
        }
        self.sim.cut(TransportEnd::Reset);
        let until = self.sim.millis() + 300_000;
        self.sim.run(until);
        let state = self.sim.session.state();
        if state == State::Terminal {
            return;
        }
        assert!(matches!(state, State::Ready { .. }), "{state:?}");
        let names = |state| {
            let topics = self.sim.session.subscriptions(state);
            topics.map(|(_, topic)| topic.to_string()).collect()
        };
        let confirmed: BTreeSet<String> = names(Topic::Confirmed);
        assert_eq!(confirmed, self.server.borrow().topics);
        assert_eq!(names(Topic::Pending), BTreeSet::new());
        let wanted = self.wanted.iter();
        for id in wanted.filter(|id| self.sim.session.subscription(**id).is_some()) {
            let state = self.sim.session.subscription(*id).unwrap();
            let known = matches!(state, Topic::Confirmed | Topic::Failed | Topic::Expired);
            assert!(known || state == Topic::Unsubscribed, "{state:?}");
        }
        let snapshot = self.sim.session.snapshot(self.sim.now);
        assert_eq!(snapshot.queue.lanes, [0; 6]);
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
    if let Ok(seed) = std::env::var("WS_SEED") {
        history(seed.parse().unwrap());
        return;
    }
    let cases: u32 = std::env::var("WS_CASES").map_or(10_000, |cases| cases.parse().unwrap());
    #[allow(
        clippy::disallowed_methods,
        reason = "how fast it is, for whoever asks"
    )]
    let started = std::time::Instant::now();
    let mut simulated = Duration::ZERO;
    for seed in 0..u64::from(cases) {
        match std::panic::catch_unwind(|| history(seed)) {
            Ok(time) => simulated += time,
            Err(_) => panic!("seed {seed} failed: WS_SEED={seed} runs it alone"),
        }
    }
    let hours = simulated.as_secs_f64() / 3600.0;
    let minutes = started.elapsed().as_secs_f64() / 60.0;
    println!(
        "{cases} histories, {hours:.0} hours of sessions, {:.0} hours in a minute",
        hours / minutes
    );
}
