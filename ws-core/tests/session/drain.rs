//! Ending a session in order, in virtual time.

use std::time::Duration;

use crate::sim::venue::Venue;
use crate::sim::{NORMAL, Plan, Sim, plain};
use ws_core::TransportEnd;
use ws_core::policy::{Bucket, BucketId, Cost, LimiterPolicy, Pricing, Shape};
use ws_core::session::subscriptions::SubOptions;
use ws_core::session::{DrainOptions, SendError, State};

/// A server that answers each request after half a second, and takes one a second.
fn venue() -> Sim<Venue> {
    let slow = Bucket::new(Shape::credits(1, 1));
    let config = plain()
        .limits(LimiterPolicy::default().bucket(BucketId::A, slow))
        .pricing(Pricing::flat(Cost::new(1)));
    let mut sim = Sim::with(Venue::default(), config, &[Plan::Serve]);
    sim.answers = Some(Box::new(|text, _| {
        let number = text.split(' ').next().unwrap();
        vec![(500, format!("{number} ok"))]
    }));
    sim.start();
    sim.take_log();
    sim
}

fn drain(sim: &mut Sim<Venue>, reason: &str, options: DrainOptions) {
    let now = sim.now;
    sim.session.drain(NORMAL, reason, options, now).unwrap();
}

#[test]
fn what_waits_leaves_and_what_was_asked_is_answered_before_the_close() {
    let mut sim = venue();
    for text in ["one", "two", "three"] {
        sim.session.request(&text, sim.now).unwrap();
    }
    drain(&mut sim, "done", DrainOptions::default());
    assert!(matches!(sim.session.state(), State::Draining { .. }));
    assert!(matches!(
        sim.session.send("x", sim.now),
        Err(SendError::NotReady(State::Draining { .. }))
    ));
    sim.run(60_000);
    let log = sim.take_log();
    assert_eq!(
        log,
        [
            "0: < 1 one",
            "500: answer to 1 after 500: 1 ok",
            "1000: < 2 two",
            "1500: answer to 2 after 500: 2 ok",
            "2000: < 3 three",
            "2500: answer to 3 after 500: 3 ok",
            "2500: Drained { requests: 0, queued: 0 }",
            "2500: disconnected: closed by this end with 1000 normal closure: \"done\"",
            "2500: over: closed by this end with 1000 normal closure: \"done\"",
            "2500: < closed by the peer with 1000 normal closure: \"done\"",
        ]
    );
}

#[test]
fn a_drain_has_an_end_whatever_the_server_does() {
    let mut sim = venue();
    sim.answers = None;
    sim.session.request(&"one", sim.now).unwrap();
    let options = DrainOptions::default().timeout(Duration::from_secs(7));
    drain(&mut sim, "", options.clone());
    drain(&mut sim, "again", options);
    sim.run(60_000);
    let log = sim.take_log();
    assert_eq!(log[1], "7000: Drained { requests: 1, queued: 0 }");
    assert!(log[2].starts_with("7000: disconnected"), "{log:#?}");
    assert_eq!(log[3], "7000: request 1 ended: Disconnected Full");

    // Or as soon as what waits has left, if answers do not matter.
    let mut sim = venue();
    sim.answers = None;
    sim.session.request(&"one", sim.now).unwrap();
    drain(&mut sim, "", DrainOptions::default().finish_requests(false));
    sim.run(0);
    assert_eq!(sim.session.state(), State::Terminal);
}

#[test]
fn topics_are_left_first_where_that_is_asked_for() {
    let mut sim = venue();
    for topic in ["A", "B"] {
        let now = sim.now;
        let options = SubOptions::default();
        sim.session.subscribe(topic, options, now).unwrap();
    }
    sim.run(5000);
    sim.take_log();
    drain(&mut sim, "", DrainOptions::default().unsubscribe(true));
    sim.run(60_000);
    let log = sim.take_log();
    let gone = ["5000: topic A: Unsubscribed", "5000: topic B: Unsubscribed"];
    assert_eq!(log[0..2], gone);
    assert!(log[2].ends_with("unsub A,B"), "{log:#?}");
    assert_eq!(log[3], "5500: Drained { requests: 0, queued: 0 }");
}

#[test]
fn a_connection_that_breaks_while_draining_is_the_end() {
    let mut sim = venue();
    sim.session.request(&"one", sim.now).unwrap();
    drain(&mut sim, "", DrainOptions::default());
    sim.cut(TransportEnd::Reset);
    sim.run(60_000);
    assert_eq!(sim.session.state(), State::Terminal);
    assert_eq!(sim.dials, [0]);
    // Without a connection there is nothing to drain.
    let mut sim = venue();
    sim.cut(TransportEnd::Reset);
    drain(&mut sim, "", DrainOptions::default());
    assert_eq!(sim.session.state(), State::Terminal);
}
