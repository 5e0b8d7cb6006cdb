//! Options that no other test of sessions turns: each changes what happens.

use std::time::Duration;

use crate::sim::venue::{Venue, yes};
use crate::sim::{Answers, Plan, Sim, backoff, plain};
use ws_core::policy::{
    Bucket, BucketId, Classifier, Cost, Credentials, Growth, Heartbeat, LimiterPolicy, Percent,
    Row, Shape, Verdict, When,
};
use ws_core::session::auth::{AuthConfig, Refresh};
use ws_core::session::clock::ClockConfig;
use ws_core::session::correlate::Timing;
use ws_core::session::subscriptions::{
    Confirm, RegistryConfig, Restore, Saved, State as Topic, SubOptions,
};
use ws_core::session::{Initial, Network, RequestOptions, SendOptions, SessionConfig, State};
use ws_core::{TransportEnd, UnixTime};

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn venue(config: SessionConfig, answers: Answers) -> Sim<Venue> {
    let mut sim = Sim::with(Venue::default(), config, &[Plan::Serve]);
    sim.answers = Some(answers);
    sim.provider = Some(Box::new(|_, _| Some(Ok("key"))));
    sim.start();
    sim.take_log();
    sim
}

#[test]
fn reconnect_and_initial_say_when_to_give_up() {
    let mut sim = Sim::new(plain().reconnect(false), &[Plan::Serve]);
    sim.start();
    sim.cut(TransportEnd::Reset);
    sim.run(60_000);
    assert_eq!((sim.dials.len(), sim.session.state()), (1, State::Terminal));

    let config = plain().initial(Initial::RetryFor(secs(10)));
    let mut sim = Sim::new(config, &[Plan::Refuse]);
    sim.start();
    sim.run(60_000);
    assert_eq!(sim.dials, [0, 1000, 3000, 7000]);
    assert!(
        sim.take_log()
            .last()
            .unwrap()
            .contains("gave up within 10s")
    );
}

#[test]
fn attempt_timeout_bounds_a_dial() {
    let mut sim = Sim::new(plain().attempt_timeout(secs(3)), &[Plan::Hang]);
    sim.start();
    sim.run(4000);
    assert_eq!(sim.dials, [0, 4000]);
}

#[test]
fn probe_timeout_and_dead_after_judge_a_sleep() {
    let heartbeat = Heartbeat::default().jitter(Percent(0));
    let clock = ClockConfig::default().dead_after(secs(7200));
    let config = plain()
        .heartbeat(heartbeat.probe_timeout(secs(9)))
        .clock(clock);
    let mut sim = venue(config, Box::new(yes));
    let day = |seconds: u64| UnixTime::from_nanos(seconds * 1_000_000_000);
    sim.session.wall_clock(day(0), sim.now);
    sim.black_hole();
    // An hour is no reason to give the connection up, and the answer may take nine seconds.
    sim.session.wall_clock(day(3600), sim.now);
    sim.run(8999);
    assert!(matches!(sim.session.state(), State::Ready { .. }));
    sim.run(9000);
    assert!(matches!(sim.session.state(), State::Waiting { .. }));
    assert!(matches!(
        sim.session.state(),
        State::Waiting { attempt: 1, .. }
    ));
    sim.session.network(Network::Online, sim.now);
    sim.run(9000);
    assert_eq!(sim.dials, [0, 9000]);
}

#[test]
fn ack_timeout_and_confirm_say_what_confirms_a_topic() {
    let mut sim = venue(plain(), Box::new(|_, _| vec![]));
    let now = sim.now;
    let options = SubOptions::default().ack_timeout(secs(3));
    let slow = sim.session.subscribe("slow", options, now).unwrap();
    sim.run(2999);
    assert_eq!(sim.session.subscription(slow), Some(Topic::Pending));
    sim.run(3000);
    assert_eq!(sim.session.subscription(slow), Some(Topic::Expired));

    for (confirm, answer, by_answer, by_data) in [
        (Confirm::Ack, "joined A", Topic::Confirmed, Topic::Pending),
        (
            Confirm::Either,
            "joined A",
            Topic::Confirmed,
            Topic::Confirmed,
        ),
        (
            Confirm::FirstData,
            "joined A",
            Topic::Pending,
            Topic::Confirmed,
        ),
    ] {
        for (text, state) in [(answer, by_answer), ("data A 1", by_data)] {
            let mut sim = venue(plain(), Box::new(|_, _| vec![]));
            let options = SubOptions::default().confirm(confirm);
            let id = sim.session.subscribe("A", options, sim.now).unwrap();
            sim.settle();
            sim.say(text);
            assert_eq!(
                sim.session.subscription(id),
                Some(state),
                "{confirm:?} {text}"
            );
        }
    }
}

#[test]
fn max_ended_bounds_what_is_remembered() {
    let few = RegistryConfig::default().max_ended(1);
    let mut sim = venue(plain().subscriptions(few), Box::new(yes));
    let ids = ["A", "B"].map(|topic| {
        let now = sim.now;
        let id = sim.session.subscribe(topic, SubOptions::default(), now);
        sim.settle();
        sim.session.unsubscribe(id.unwrap(), now);
        sim.settle();
        id.unwrap()
    });
    assert_eq!(sim.session.subscription(ids[0]), None);
    assert_eq!(sim.session.subscription(ids[1]), Some(Topic::Unsubscribed));
}

#[test]
fn a_renewal_is_tried_again_as_its_policy_says_and_not_in_the_guard() {
    let retry = backoff().base(secs(4)).growth(Growth::Constant);
    let config = plain().login(Some(
        AuthConfig::default()
            .refresh(Refresh::Before(secs(20)))
            .retry(retry)
            .guard(secs(10)),
    ));
    let refreshes = |text: &str, _: u64| {
        let number = text.split(' ').next().unwrap();
        let answer = if text.contains("refresh") {
            "no 503"
        } else {
            "ok 60"
        };
        vec![(0, format!("{number} {answer}"))]
    };
    let mut sim = venue(config, Box::new(refreshes));
    sim.run(60_000);
    let log = sim.take_log();
    let times: Vec<_> = log
        .iter()
        .filter(|line| line.contains("refresh key"))
        .collect();
    assert_eq!(times.len(), 3, "at 40, 44 and 48 s: {log:#?}");
    assert!(
        log.iter().any(|line| line == "60000: login Expired"),
        "{log:#?}"
    );
}

#[test]
fn credentials_that_are_always_the_same_are_tried_once() {
    let fixed = AuthConfig::default().credentials(Credentials::Fixed);
    let no = |text: &str, _: u64| {
        let number = text.split(' ').next().unwrap();
        vec![(0, format!("{number} no 401"))]
    };
    let mut sim = Sim::with(Venue::default(), plain().login(Some(fixed)), &[Plan::Serve]);
    sim.answers = Some(Box::new(no));
    sim.provider = Some(Box::new(|_, _| Some(Ok("key"))));
    sim.start();
    let log = sim.take_log();
    assert_eq!(
        log.iter().filter(|line| line.contains("login key")).count(),
        1
    );
    assert_eq!(sim.session.state(), State::Terminal);
}

#[test]
fn the_state_can_be_watched_by_a_number() {
    let mut sim = Sim::new(plain(), &[Plan::Serve]);
    let mut seen = vec![(sim.session.changes(), sim.session.state().to_string())];
    let mut look = |sim: &Sim| {
        let now = (sim.session.changes(), sim.session.state().to_string());
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    };
    sim.start();
    look(&sim);
    sim.cut(TransportEnd::Eof);
    look(&sim);
    sim.run(1000);
    look(&sim);
    let now = sim.now;
    sim.session.close(crate::sim::NORMAL, "", now).unwrap();
    look(&sim);
    sim.settle();
    look(&sim);
    let states: Vec<&str> = seen.iter().map(|(_, state)| state.as_str()).collect();
    assert_eq!(
        states,
        ["idle", "ready", "waiting", "ready", "draining", "over"]
    );
    assert!(seen.windows(2).all(|two| two[0].0 < two[1].0), "{seen:?}");
}

#[test]
fn a_message_and_a_request_cost_what_their_options_say() {
    let bucket = Bucket::new(Shape::Bucket {
        capacity: 10,
        rate: 1,
        interval: secs(1),
    });
    let limits = LimiterPolicy::default().bucket(BucketId::A, bucket);
    for by_request in [false, true] {
        let mut sim = venue(plain().limits(limits.clone()), Box::new(yes));
        let now = sim.now;
        for cost in [8, 4] {
            let cost = Some(Cost::new(cost));
            if by_request {
                let send = SendOptions::default().cost(cost);
                let options = RequestOptions::default().send(send);
                sim.session.request_with(&"x", &options, now).unwrap();
            } else {
                let options = SendOptions::default().cost(cost);
                sim.session.send_with("0 x", &options, now).unwrap();
            }
        }
        sim.run(60_000);
        let log = sim.take_log();
        let heard = log.iter().filter(|line| line.contains(": < "));
        let times: Vec<&str> = heard.map(|line| line.split(':').next().unwrap()).collect();
        assert_eq!(times, ["0", "2000"], "two are left, and four are needed");
    }
}

#[test]
fn a_request_may_take_as_long_as_its_options_say() {
    let mut sim = venue(plain(), Box::new(|_, _| vec![]));
    let timing = Timing::default().timeout(Some(secs(1)));
    let options = RequestOptions::default().timing(timing);
    sim.session.request_with(&"x", &options, sim.now).unwrap();
    sim.run(60_000);
    let log = sim.take_log();
    assert_eq!(log[1..], ["1000: request 1 ended: TimedOut Full"]);
}

#[test]
fn a_topic_may_end_with_its_connection_while_others_come_back() {
    let mut sim = venue(plain(), Box::new(yes));
    let once = SubOptions::default().restore(Restore::Never);
    sim.session.subscribe("once", once, sim.now).unwrap();
    let always = SubOptions::default();
    sim.session.subscribe("always", always, sim.now).unwrap();
    sim.settle();
    sim.take_log();
    sim.cut(TransportEnd::Eof);
    sim.run(1000);
    let log = sim.take_log();
    assert!(log.contains(&"0: topic once: Unsubscribed".to_string()));
    let subs: Vec<&String> = log.iter().filter(|line| line.contains("sub ")).collect();
    assert_eq!(subs, ["1000: < 3 sub always"]);
}

#[test]
fn what_is_imported_is_wanted_by_as_many_and_proven_as_it_says() {
    let mut sim = venue(plain(), Box::new(yes));
    let saved = |topic: &str| Saved::new(topic.into(), SubOptions::default());
    let saved = vec![
        saved("two").wanted_by(2),
        saved("old").proven(None),
        saved("new"),
    ];
    sim.session.import_subscriptions(saved, sim.now).unwrap();
    sim.settle();
    let log = sim.take_log();
    let continued: Vec<&String> = log.iter().filter(|line| line.contains("Unknown")).collect();
    assert_eq!(continued, ["0: topic old: Unknown after 0"], "{log:#?}");
    let two = sim.session.find_subscription("two").unwrap();
    sim.session.unsubscribe(two, sim.now);
    assert_eq!(sim.session.subscription(two), Some(Topic::Confirmed));
    sim.session.unsubscribe(two, sim.now);
    assert_eq!(sim.session.subscription(two), Some(Topic::Unsubscribed));
}

#[test]
fn rows_that_are_given_together_count_like_single_ones() {
    let fatal = |status| Row::new(When::Http(status..=status), Verdict::FATAL);
    let rows = Classifier::default().rows(&[fatal(503), fatal(429)]);
    for status in [503, 429] {
        let mut sim = Sim::new(
            plain().classifier(rows.clone()),
            &[Plan::Reject(status, &[], b"")],
        );
        sim.start();
        assert_eq!(sim.session.state(), State::Terminal);
    }
}
