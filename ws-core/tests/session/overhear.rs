//! Topics that an application subscribes to by messages of its own (I09), in virtual time.

use crate::sim::venue::{Venue, yes};
use crate::sim::{Answers, Plan, Sim, plain};
use ws_core::TransportEnd;
use ws_core::session::SessionConfig;
use ws_core::session::subscriptions::{RegistryConfig, State, SubOptions};

fn venue(config: SessionConfig, answers: Answers) -> Sim<Venue> {
    let mut sim = Sim::with(Venue::default(), config, &[Plan::Serve]);
    sim.answers = Some(answers);
    sim.start();
    sim.take_log();
    sim
}

/// Yes, but `no` to C, and nothing at all about D.
fn choosy() -> Answers {
    Box::new(|text, now| match text.split_once(' ') {
        Some((number, "sub C")) => vec![(0, format!("{number} no 7"))],
        Some((_, "sub D")) => vec![],
        _ => yes(text, now),
    })
}

/// The subscriptions that the server heard of.
fn commands(log: &[String]) -> Vec<&str> {
    let heard = log.iter().filter_map(|line| line.split_once(": < "));
    let heard = heard.filter_map(|(_, text)| text.split_once(' '));
    let commands = heard.map(|(_, what)| what);
    commands.filter(|what| what.contains("sub ")).collect()
}

#[test]
fn i09_topics_that_are_subscribed_to_by_hand_are_known_and_restored() {
    let mut sim = venue(plain(), choosy());
    sim.take_log();
    let now = sim.now;
    // By a message without an answer, by requests that are granted, refused and ignored.
    sim.session.send("- sub A,B", now).unwrap();
    for request in ["sub E", "sub C", "sub D"] {
        sim.session.request(&request, now).unwrap();
    }
    let f = sim
        .session
        .subscribe("F", SubOptions::default(), now)
        .unwrap();
    sim.settle();
    let names = |sim: &Sim<Venue>, state| -> Vec<String> {
        let topics = sim.session.subscriptions(state);
        topics.map(|(_, topic)| topic.to_string()).collect()
    };
    assert_eq!(names(&sim, State::Confirmed), ["A", "B", "E", "F"]);
    assert_eq!(names(&sim, State::Failed), ["C"]);
    assert_eq!(names(&sim, State::Pending), ["D"]);
    let told = |log: Vec<String>| -> Vec<String> {
        let topics = log.into_iter().filter(|line| line.contains("topic "));
        topics.collect()
    };
    assert_eq!(
        told(sim.take_log()),
        [
            "0: topic A: Confirmed",
            "0: topic B: Confirmed",
            "0: topic E: Confirmed",
            r#"0: topic C: Failed { again: None, reason: "7" }"#,
            "0: topic F: Confirmed",
        ]
    );
    sim.run(30_000);
    assert_eq!(
        told(sim.take_log()),
        ["30000: topic D: Expired { again: None }"]
    );
    // What is left by hand is not wanted any more, whoever wanted it.
    sim.session.send("- unsub B,F,G", sim.now).unwrap();
    sim.settle();
    let log = sim.take_log();
    assert_eq!(commands(&log), ["unsub B,F,G"]);
    assert_eq!(
        told(log),
        [
            "30000: topic B: Unsubscribed",
            "30000: topic F: Unsubscribed"
        ]
    );
    sim.session.unsubscribe(f, sim.now);
    sim.settle();
    assert_eq!(sim.take_log(), [""; 0], "it is left already");
    // The rest comes back by itself.
    sim.cut(TransportEnd::Reset);
    sim.run(31_000);
    let log = sim.take_log();
    assert_eq!(commands(&log), ["sub A,E"], "{log:#?}");
}

#[test]
fn i09_what_can_t_leave_or_find_room_is_not_overheard() {
    let few = RegistryConfig::default().max_topics(1);
    let mut sim = venue(plain().subscriptions(few), Box::new(yes));
    sim.session.send("- sub A,B", sim.now).unwrap();
    sim.settle();
    assert_eq!(sim.session.snapshot(sim.now).subscriptions.confirmed, 1);
    sim.cut(TransportEnd::Eof);
    assert!(sim.session.send("- sub B", sim.now).is_err());
    assert!(sim.session.send("- unsub A", sim.now).is_err());
    assert_eq!(sim.session.snapshot(sim.now).subscriptions.pending, 1);
}
