//! A server that accepts and closes at once: the dial budget is all that it gets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::super::guard::guard_within;
use super::super::listener;
use super::{long, patience};
use crate::rt::{self, wait, ws};
use ws::session::{Client, Event, Events, start};
use ws::ws_core::options::SessionOptions;
use ws::ws_core::policy::{BackoffPolicy, DialLimit, Growth, Jitter};
use ws::ws_core::session::SessionConfig;
use ws::{CloseCode, Request};

/// A policy as bad as they come: no delay, and every handshake counts as a success.
fn careless(budget: Option<DialLimit>) -> SessionConfig {
    let backoff = BackoffPolicy::default()
        .first(None)
        .base(Duration::ZERO)
        .floor(Duration::ZERO)
        .growth(Growth::Constant)
        .jitter(Jitter::None)
        .stable_after(Duration::ZERO);
    SessionConfig::default().backoff(backoff).budget(budget)
}

/// A client of a server that accepts every handshake and closes with 1013; how many it was.
fn client(budget: Option<DialLimit>) -> (Client, Events, Arc<AtomicU64>) {
    let (listener, address) = listener();
    let accepted = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&accepted);
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            if let Ok(mut socket) = wait!(ws::accept(rt::tcp(stream))) {
                count.fetch_add(1, Ordering::SeqCst);
                let _ = wait!(socket.close(CloseCode::TRY_AGAIN_LATER, ""));
            }
        }
    });
    let request = Request::new(format!("ws://{address}/")).expect("a url");
    let options = SessionOptions::default().config(careless(budget));
    let (client, events) = rt::enter(|| start(request, &options)).expect("a start");
    (client, events, accepted)
}

/// Waits for this many connections to be lost, and for the wait after the last of them.
fn flap(events: &mut Events, times: u64) -> Duration {
    let mut ready = 0;
    loop {
        match wait!(events.next()).expect("no end") {
            Event::Ready { .. } => ready += 1,
            Event::RetryScheduled { delay, .. } if ready == times => return delay,
            Event::Terminated(end) => panic!("{end}"),
            _ => {}
        }
    }
}

#[test]
fn faults_of_a_server_that_accepts_and_closes_cost_no_more_dials_than_the_budget() {
    guard_within(patience(), || {
        let (naive, mut events, _) = client(None);
        let start = Instant::now();
        flap(&mut events, 100);
        let rate = 100.0 / start.elapsed().as_secs_f64();
        naive.close(CloseCode::NORMAL, "").expect("an end");

        let budget = DialLimit::default();
        let times = u64::from(budget.limit.get());
        let start = Instant::now();
        let (client, mut events, accepted) = client(Some(budget));
        let delay = flap(&mut events, times);
        assert!(delay + start.elapsed() >= budget.per, "{delay:?}");
        assert_eq!(accepted.load(Ordering::SeqCst), times);
        if let Some(time) = long() {
            // A dial that the next minute allows comes after its end.
            while start.elapsed() < time.min(Duration::from_secs(59)) {
                thread::park_timeout(Duration::from_secs(1));
            }
            let accepted = accepted.load(Ordering::SeqCst);
            println!(
                "{accepted} dials in {:?}; without the budget {rate:.0} in a second",
                start.elapsed()
            );
            assert_eq!(accepted, times);
        }
        client.close(CloseCode::NORMAL, "").expect("an end");
    });
}
