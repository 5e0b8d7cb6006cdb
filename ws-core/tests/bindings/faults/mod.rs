//! Sessions on a network that resets, cuts, stalls and falls silent, and in front of a server that
//! accepts and closes at once.
//!
//! The short form is for every day: it ends after a number of faults. `WS_FAULTS=60` has it go on for
//! so many seconds, and tell what it did; CONTRIBUTING has the command.

mod flap;
mod proxy;
mod venue;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use proxy::{Fault, Proxy};
use venue::{Book, Venue};

use super::guard::guard_within;
use super::join;
use super::lines::Lines;
use crate::rt::{self, wait, ws};
use ws::session::{Client, Event, Events, RequestFailed, start_with};
use ws::ws_core::options::SessionOptions;
use ws::ws_core::policy::BackoffPolicy;
use ws::ws_core::session::subscriptions::{RegistryConfig, State, SubId, SubOptions};
use ws::ws_core::session::{ConnId, RequestError, SendError, SessionConfig};
use ws::{CloseCode, Config, Keepalive, Request};

/// Topics that are subscribed to.
const TOPICS: usize = 20;
/// Requests under way at a time.
const WORKERS: usize = 50;
/// Faults of the short form.
const FAULTS: usize = 30;

/// How long the long form lasts, if it is asked for.
fn long() -> Option<Duration> {
    let seconds = std::env::var("WS_FAULTS").ok()?;
    Some(Duration::from_secs(seconds.parse().expect("seconds")))
}

/// More than the test takes, if nothing hangs.
fn patience() -> Duration {
    Duration::from_secs(120) + long().unwrap_or_default()
}

/// A session that is quick to notice, and quick to dial again.
fn config() -> SessionConfig {
    let ms = Duration::from_millis;
    let keepalive = Keepalive::default().interval(ms(250)).timeout(ms(500));
    let backoff = BackoffPolicy::default().first(None).base(ms(1)).cap(ms(20));
    SessionConfig::default()
        .connection(Config::default().keepalive(Some(keepalive)))
        .backoff(backoff)
        .budget(None)
        .attempt_timeout(ms(2000))
        .setup_timeout(ms(2000))
        .subscriptions(RegistryConfig::default().batches(7, Duration::ZERO))
}

/// What became of the orders; each is in one of these.
#[derive(Default)]
struct Outcomes {
    /// Answered.
    done: BTreeSet<u64>,
    /// Certainly not executed.
    never: BTreeSet<u64>,
    /// Executed or not: that can't be known.
    unknown: BTreeSet<u64>,
}

impl Outcomes {
    fn note(&mut self, order: u64, failed: Option<&RequestFailed>) {
        let set = match failed {
            None => &mut self.done,
            Some(failed) if failed.definitely_not_executed() => &mut self.never,
            Some(_) => &mut self.unknown,
        };
        assert!(set.insert(order));
    }

    fn len(&self) -> usize {
        self.done.len() + self.never.len() + self.unknown.len()
    }
}

/// Gives orders until there is to be an end; whether the last one was done.
struct Orders {
    next: AtomicU64,
    stop: AtomicBool,
    outcomes: Mutex<Outcomes>,
}

impl Orders {
    fn work(&self, client: &Client<Lines>) {
        while !self.stop.load(Ordering::SeqCst) {
            self.give(client);
        }
    }

    /// One order; was it done?
    fn give(&self, client: &Client<Lines>) -> bool {
        let order = self.next.fetch_add(1, Ordering::SeqCst);
        let outcome = wait!(client.request(&format!("do {order}")));
        let failed = match outcome {
            Ok(answer) => {
                let text = answer.into_text().expect("text");
                assert!(text.ends_with(&format!(" ok do {order}")), "{text}");
                None
            }
            Err(failed) => Some(failed),
        };
        let noted = self.outcomes.lock();
        noted.expect("no panic").note(order, failed.as_ref());
        match &failed {
            None => return true,
            Some(RequestFailed::Refused(refused)) => {
                let not_ready = matches!(refused, RequestError::Send(SendError::NotReady(_)));
                assert!(not_ready, "{refused}");
                wait!(client.ready()).expect("a session goes on");
            }
            Some(_) => {}
        }
        false
    }
}

/// Checks the order of events until the end; how many connections were ready.
fn watch(mut events: Events<Lines>, proxy: &Proxy) -> u64 {
    let mut open: Option<ConnId> = None;
    let mut readies = 0;
    let mut verdicts: BTreeSet<(ConnId, SubId)> = BTreeSet::new();
    // Of each topic the last message, by its connection at the server and its number there.
    let mut seen: Vec<(u64, u64)> = vec![(0, 0); TOPICS];
    let mut serving = 0;
    #[allow(
        clippy::while_let_on_iterator,
        reason = "an iterator on one runtime of four"
    )]
    while let Some(event) = wait!(events.next()) {
        match event {
            Event::Failed { .. } => {
                assert_eq!(open, None, "nothing is dialled beside a connection");
                proxy.dial_failed();
            }
            Event::Opened { conn, .. } => {
                assert_eq!(open.replace(conn), None, "one connection at a time");
                serving = 0;
            }
            Event::Ready { conn, .. } => {
                assert_eq!(open, Some(conn));
                readies += 1;
            }
            Event::Disconnected { conn, .. } => assert_eq!(open.take(), Some(conn)),
            Event::Continuity { id, .. } => {
                let conn = open.expect("a verdict on a connection");
                assert!(verdicts.insert((conn, id)), "one verdict each");
            }
            Event::Data { message, .. } => {
                assert!(open.is_some());
                let text = message.into_text().expect("text");
                let mut words = text
                    .split(' ')
                    .skip(1)
                    .map(|word| word.trim_start_matches('t'));
                let mut number = || words.next().and_then(|word| word.parse::<u64>().ok());
                let (topic, at, count) = (number(), number(), number());
                let (topic, at, count) = (topic.unwrap(), at.unwrap(), count.unwrap());
                if serving == 0 {
                    serving = at;
                }
                assert_eq!(at, serving, "nothing comes from another connection");
                let last = &mut seen[topic as usize];
                let before = if last.0 == at { last.1 } else { 0 };
                assert_eq!(
                    count,
                    before + 1,
                    "no message of {topic} is missing or doubled"
                );
                *last = (at, count);
            }
            Event::Terminated(end) => {
                assert!(end.is_clean(), "{end}");
            }
            Event::Response { .. } | Event::RequestEnded { .. } | Event::Unmatched { .. } => {
                panic!("whoever asked is told: {event:?}");
            }
            Event::Text(_) | Event::Binary(_) | Event::ProtocolError(_) => panic!("{event:?}"),
            _ => {}
        }
    }
    readies
}

#[test]
fn faults_lose_nothing_that_was_acknowledged() {
    guard_within(patience(), || {
        let venue = Venue::open();
        let proxy = Proxy::open(venue.address, 1);
        let request = Request::new(format!("ws://{}/", proxy.address())).expect("a url");
        let options = SessionOptions::default().config(config());
        let (client, events) =
            rt::enter(|| start_with(request, Lines::default(), &options)).expect("a start");
        let topics: Vec<String> = (0..TOPICS).map(|topic| format!("t{topic}")).collect();
        let subs: Vec<SubId> = topics
            .iter()
            .map(|topic| {
                client
                    .subscribe(&**topic, SubOptions::default())
                    .expect("room")
            })
            .collect();
        let watching = proxy.clone();
        let watcher = thread::spawn(move || watch(events, &watching));

        let orders = Arc::new(Orders {
            next: AtomicU64::new(1),
            stop: AtomicBool::new(false),
            outcomes: Mutex::default(),
        });
        wait!(client.ready()).expect("a connection");
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| {
                let (orders, client) = (Arc::clone(&orders), client.clone());
                thread::spawn(move || orders.work(&client))
            })
            .collect();
        let started = Instant::now();
        let goes_on = || match long() {
            None => proxy.struck().len() < FAULTS,
            Some(time) => started.elapsed() < time,
        };
        while goes_on() {
            orders.give(&client);
        }
        orders.stop.store(true, Ordering::SeqCst);
        proxy.heal();
        workers.into_iter().for_each(join);

        // Once all is well, everything is as it is wanted.
        let settled = |id: &SubId| client.subscription(*id) == Some(State::Confirmed);
        while !(orders.give(&client) && subs.iter().all(settled)) {}
        wait!(client.request(&"do 0".to_string())).expect("all is well");
        client.close(CloseCode::NORMAL, "").expect("an end");
        let readies = join(watcher);

        audit(&orders, &venue.book(), &topics);
        if long().is_some() {
            let outcomes = orders.outcomes.lock().expect("no panic");
            tell(&proxy.struck(), readies, &outcomes);
        }
    });
}

/// What was promised, and what the server has seen.
fn audit(orders: &Orders, book: &Book, topics: &[String]) {
    assert_eq!(book.nonsense, [""; 0], "bytes arrive as they were sent");
    let outcomes = orders.outcomes.lock().expect("no panic");
    let given = orders.next.load(Ordering::SeqCst) - 1;
    assert_eq!(outcomes.len() as u64, given, "one outcome each");
    assert!(
        book.executed.values().all(|times| *times == 1),
        "nothing is done twice"
    );
    let executed: BTreeSet<u64> = book.executed.keys().copied().collect();
    assert!(
        outcomes.done.is_subset(&executed),
        "what was acknowledged was done"
    );
    assert!(
        outcomes.never.is_disjoint(&executed),
        "what did not leave was not done"
    );
    for joined in &book.joined {
        assert!(
            topics.starts_with(joined),
            "the order of subscribing: {joined:?}"
        );
    }
    assert_eq!(
        book.joined.last().map(Vec::as_slice),
        Some(topics),
        "all topics are back"
    );
}

fn tell(struck: &[Fault], readies: u64, outcomes: &Outcomes) {
    let mut kinds = BTreeMap::new();
    for fault in struck {
        *kinds.entry(fault).or_insert(0) += 1;
    }
    println!(
        "{} faults {kinds:?}, ready {readies} times; orders: {} done, {} never left, {} unknown",
        struck.len(),
        outcomes.done.len(),
        outcomes.never.len(),
        outcomes.unknown.len(),
    );
}
