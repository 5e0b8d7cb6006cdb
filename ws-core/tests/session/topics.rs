//! Subscriptions through a session, in virtual time.

use std::time::Duration;

use crate::sim::venue::{Venue, yes};
use crate::sim::{Answers, Plan, Sim, plain};
use ws_core::TransportEnd;
use ws_core::policy::{Bucket, BucketId, Cost, LimiterPolicy, Pricing, Shape};
use ws_core::session::SessionConfig;
use ws_core::session::subscriptions::{
    Continuity, RegistryConfig, Remedy, Restore, Retry, State, SubId, SubOptions,
};

fn venue(config: SessionConfig, answers: Answers) -> Sim<Venue> {
    let mut sim = Sim::with(Venue::default(), config, &[Plan::Serve]);
    sim.answers = Some(answers);
    sim.start();
    sim.take_log();
    sim
}

fn subscribe(sim: &mut Sim<Venue>, topic: &str, options: SubOptions) -> SubId {
    let id = sim.session.subscribe(topic, options, sim.now).unwrap();
    sim.settle();
    id
}

/// Lets the connection break, and time pass until the next is set up.
fn reconnect(sim: &mut Sim<Venue>) {
    sim.cut(TransportEnd::Reset);
    let next = sim.millis() + 1000;
    sim.run(next);
}

/// The commands that the server heard: when, and what.
fn commands(log: &[String]) -> Vec<(u64, String)> {
    let lines = log.iter().filter_map(|line| line.split_once(": < "));
    let lines = lines.map(|(time, text)| {
        let (_, what) = text.split_once(' ').unwrap();
        (time.parse().unwrap(), what.to_string())
    });
    lines.filter(|(_, what)| what.contains("sub ")).collect()
}

fn plain_options() -> SubOptions {
    SubOptions::default()
}

/// Yes, but `no` to some topics and nothing at all to others.
fn choosy(refused: &'static str, silent: &'static str) -> Answers {
    Box::new(move |text, now| {
        let topic = text.rsplit(' ').next().unwrap();
        if silent.contains(topic) {
            return vec![];
        }
        if refused.contains(topic) && text.contains(" sub ") {
            let number = text.split(' ').next().unwrap();
            return vec![(0, format!("{number} no 7"))];
        }
        yes(text, now)
    })
}

#[test]
fn s12_a_topic_is_confirmed_or_fails_or_expires_at_exactly_30_s() {
    let mut sim = venue(plain(), choosy("B", "C"));
    let a = subscribe(&mut sim, "A", plain_options());
    let b = subscribe(&mut sim, "B", plain_options());
    let c = subscribe(&mut sim, "C", plain_options());
    assert_eq!(
        sim.take_log(),
        [
            "0: < 1 sub A",
            "0: topic A: Confirmed",
            "0: < 2 sub B",
            "0: topic B: Failed { again: None, reason: \"7\" }",
            "0: < 3 sub C",
        ]
    );
    assert_eq!(sim.session.subscription(a), Some(State::Confirmed));
    assert_eq!(sim.session.subscription(b), Some(State::Failed));
    assert_eq!(sim.session.refusal(b), Some("7"));
    sim.run(29_999);
    assert_eq!(sim.session.subscription(c), Some(State::Pending));
    sim.run(30_000);
    assert_eq!(sim.take_log(), ["30000: topic C: Expired { again: None }"]);
    assert_eq!(sim.session.subscription(c), Some(State::Expired));
    // A late answer is nobody's any more.
    sim.say("3 ok");
    assert_eq!(sim.session.subscription(c), Some(State::Expired));
    // What was unsubscribed, refused or expired is not restored.
    sim.session.unsubscribe(a, sim.now);
    sim.settle();
    assert_eq!(sim.session.subscription(a), Some(State::Unsubscribed));
    sim.take_log();
    reconnect(&mut sim);
    assert_eq!(commands(&sim.take_log()), []);
}

#[test]
fn s12_what_is_pending_or_confirmed_is_restored_in_order_in_batches_200_ms_apart() {
    let batches = RegistryConfig::default().batches(10, Duration::from_millis(200));
    let mut sim = venue(plain().subscriptions(batches), choosy("", "T00"));
    for n in 0..25 {
        subscribe(&mut sim, &format!("T{n:02}"), plain_options());
        let next = sim.millis() + 200;
        sim.run(next);
    }
    sim.take_log();
    // T00 is still pending; T07 will be refused.
    sim.answers = Some(Box::new(|text, now| {
        if text.contains("T07") {
            let number = text.split(' ').next().unwrap();
            let mut answers = vec![];
            for n in 0..10 {
                answers.push((
                    0,
                    match n {
                        7 => format!("denied T{n:02} sorry"),
                        _ => format!("joined T{n:02}"),
                    },
                ));
            }
            answers.push((0, format!("{number} ignored")));
            return answers;
        }
        yes(text, now)
    }));
    sim.cut(TransportEnd::Reset);
    sim.run(10_000);
    let log = sim.take_log();
    let names = |from: usize, to: usize| {
        let names: Vec<_> = (from..to).map(|n| format!("T{n:02}")).collect();
        format!("sub {}", names.join(","))
    };
    assert_eq!(
        commands(&log),
        [
            (6000, names(0, 10)),
            (6200, names(10, 20)),
            (6400, names(20, 25)),
        ]
    );
    assert!(
        log.contains(&"6400: ready 1 after 1400".to_string()),
        "{log:#?}"
    );
    let restored = log.iter().filter(|line| line.ends_with(": Restored"));
    assert_eq!(restored.count(), 24);
    let failed = "6000: topic T07: RestoreFailed { reason: Some(\"sorry\") }".to_string();
    assert!(log.contains(&failed), "{log:#?}");

    // It stays wanted, for the connection after that.
    sim.answers = Some(Box::new(yes));
    reconnect(&mut sim);
    let next = sim.millis() + 1000;
    sim.run(next);
    let log = sim.take_log();
    assert_eq!(commands(&log)[0].1, names(0, 10));
    assert!(log.iter().any(|line| line.ends_with("topic T07: Restored")));
}

#[test]
fn s12_export_and_import_keep_the_order_and_restore_never_sends_nothing() {
    let mut sim = venue(plain(), Box::new(yes));
    for topic in ["C", "A", "B"] {
        subscribe(&mut sim, topic, plain_options());
    }
    let saved = sim.session.export_subscriptions();
    let mut other = Sim::with(Venue::default(), plain(), &[Plan::Serve]);
    other.answers = Some(Box::new(yes));
    let now = other.now;
    other.session.import_subscriptions(saved, now).unwrap();
    other.start();
    let log = other.take_log();
    assert_eq!(commands(&log), [(0, "sub C,A,B".to_string())]);
    let pending = other.session.subscriptions(State::Confirmed);
    let topics: Vec<_> = pending.map(|(_, topic)| topic.to_string()).collect();
    assert_eq!(topics, ["C", "A", "B"]);

    let never = RegistryConfig::default().restore(Restore::Never);
    let mut sim = venue(plain().subscriptions(never), Box::new(yes));
    subscribe(&mut sim, "A", plain_options());
    sim.take_log();
    reconnect(&mut sim);
    let log = sim.take_log();
    assert_eq!(commands(&log), []);
    assert!(log.contains(&"0: topic A: Unsubscribed".to_string()));
}

#[test]
fn a_topic_wanted_twice_is_one_on_the_wire() {
    let mut sim = venue(plain(), Box::new(yes));
    let first = subscribe(&mut sim, "A", plain_options());
    let second = subscribe(&mut sim, "A", plain_options());
    assert_eq!(first, second);
    sim.session.unsubscribe(first, sim.now);
    sim.settle();
    assert_eq!(commands(&sim.take_log()), [(0, "sub A".to_string())]);
    sim.session.unsubscribe(first, sim.now);
    sim.settle();
    assert_eq!(commands(&sim.take_log()), [(0, "unsub A".to_string())]);
    assert_eq!(sim.session.topic(first).unwrap(), "A");
}

#[test]
fn each_topic_gets_one_verdict_on_what_was_missed() {
    let mut sim = venue(plain(), Box::new(yes));
    let counted = plain_options().continuity(Continuity::Counter { step: 1 }, Remedy::Report);
    subscribe(&mut sim, "plain", plain_options());
    for topic in ["gap", "fine"] {
        subscribe(&mut sim, topic, counted);
    }
    sim.run(500);
    for text in [
        "data gap 1",
        "data fine 1",
        "data fine 2",
        "data fine 4",
        "data other 1",
    ] {
        sim.say(text);
    }
    assert_eq!(
        sim.take_log()[6..],
        [
            "500: data gap 1 First",
            "500: data fine 1 First",
            "500: data fine 2 Next",
            "500: data fine 4 Gap { expected: 3, found: 4 }",
            "500: text data other 1",
        ]
    );
    sim.run(700);
    reconnect(&mut sim);
    for text in ["data gap 7", "data fine 5", "data gap 8"] {
        sim.say(text);
    }
    let log = sim.take_log();
    let verdicts: Vec<_> = log.iter().filter(|line| line.contains(" after ")).collect();
    assert_eq!(
        verdicts,
        [
            "1700: ready 1 after 1000",
            "1700: topic plain: Unknown after 1200",
            "1700: topic gap: Gap after 1200",
            "1700: topic fine: Recovered after 1200",
        ]
    );
    // A server that can resume says it itself.
    let mut sim = venue(
        plain(),
        Box::new(|text, _| {
            let number = text.split(' ').next().unwrap();
            vec![(0, format!("{number} ok 0"))]
        }),
    );
    subscribe(&mut sim, "A", plain_options());
    reconnect(&mut sim);
    let lost = "1000: topic A: Gap after 1000".to_string();
    assert!(sim.take_log().contains(&lost));
}

#[test]
fn a_gap_is_healed_where_that_is_asked_for() {
    let mut sim = venue(plain(), Box::new(yes));
    let healed = plain_options().continuity(Continuity::Counter { step: 1 }, Remedy::Resubscribe);
    subscribe(&mut sim, "A", healed);
    sim.take_log();
    sim.say("data A 1");
    sim.say("data A 3");
    let log = sim.take_log();
    assert_eq!(
        commands(&log),
        [(0, "unsub A".to_string()), (0, "sub A".to_string())]
    );
    assert!(log.contains(&"0: topic A: Restored".to_string()));
    let id = sim.session.find_subscription("A").unwrap();
    sim.session.resubscribe(id, sim.now);
    sim.settle();
    assert_eq!(commands(&sim.take_log()).len(), 2);
}

#[test]
fn a_quiet_topic_goes_stale_and_is_joined_anew() {
    let mut sim = venue(plain(), Box::new(yes));
    let minute = Duration::from_secs(60);
    let watched = plain_options().stale_after(Some(minute), Remedy::Resubscribe);
    subscribe(&mut sim, "A", watched);
    sim.take_log();
    sim.run(30_000);
    sim.say("data A 1");
    sim.take_log();
    sim.run(89_999);
    assert_eq!(sim.take_log(), [""; 0]);
    sim.run(90_000);
    let log = sim.take_log();
    assert_eq!(log[0], "90000: topic A: Stale");
    assert_eq!(commands(&log).len(), 2);
}

#[test]
fn a_refused_topic_is_tried_again_as_often_as_it_asks_for() {
    let mut sim = venue(plain(), choosy("A", ""));
    let again = Retry {
        after: Duration::from_secs(5),
        times: 2,
    };
    subscribe(&mut sim, "A", plain_options().retry(Some(again)));
    sim.run(60_000);
    let sub = |at| (at, "sub A".to_string());
    assert_eq!(commands(&sim.take_log()), [sub(0), sub(5000), sub(10_000)]);
}

#[test]
fn answers_that_name_topics_do_as_well() {
    let dialect = Venue {
        by_topic: true,
        ..Venue::default()
    };
    let mut sim = Sim::with(dialect, plain(), &[Plan::Serve]);
    sim.start();
    let a = subscribe(&mut sim, "A", plain_options());
    let b = subscribe(&mut sim, "B", plain_options());
    sim.say("joined A");
    sim.say("denied B never");
    assert_eq!(sim.session.subscription(a), Some(State::Confirmed));
    assert_eq!(sim.session.refusal(b), Some("never"));
    sim.session.unsubscribe(a, sim.now);
    sim.settle();
    sim.say("left A");
    assert_eq!(sim.session.snapshot(sim.now).subscriptions.confirmed, 0);
}

#[test]
fn a_restore_keeps_to_the_limits_and_the_wait_for_answers_begins_when_it_has_left() {
    // Four units, one more each second; a subscription costs two, and must leave two to the rest.
    let bucket = Bucket::new(Shape::credits(4, 1)).reserve(ws_core::policy::Percent(50));
    let config = plain()
        .limits(LimiterPolicy::default().bucket(BucketId::A, bucket))
        .pricing(Pricing::flat(Cost::new(2)))
        .subscriptions(RegistryConfig::default().batches(1, Duration::ZERO));
    let mut sim = venue(config, Box::new(yes));
    for topic in ["A", "B", "C"] {
        subscribe(&mut sim, topic, plain_options());
    }
    sim.run(10_000);
    let sub = |at, topic| (at, format!("sub {topic}"));
    assert_eq!(
        commands(&sim.take_log()),
        [sub(0, "A"), sub(2000, "B"), sub(4000, "C")]
    );
    // The server wants to be left alone for longer than it may take to answer.
    sim.say("slow 60000");
    sim.answers = None;
    let now = sim.now;
    sim.session.subscribe("D", plain_options(), now).unwrap();
    sim.run(69_999);
    assert_eq!(sim.take_log(), [""; 0]);
    sim.run(99_999);
    assert_eq!(sim.take_log(), ["70000: < 4 sub D"]);
    sim.run(100_000);
    assert_eq!(sim.take_log(), ["100000: topic D: Expired { again: None }"]);
}

#[test]
fn no_more_topics_than_may_be_wanted() {
    let few = RegistryConfig::default().max_topics(1);
    let mut sim = venue(plain().subscriptions(few), Box::new(yes));
    subscribe(&mut sim, "A", plain_options());
    let now = sim.now;
    assert!(sim.session.subscribe("B", plain_options(), now).is_err());
}
