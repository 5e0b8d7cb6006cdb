//! What waits for its turn: how much, how long, and what goes first.

use std::time::Duration;

use super::{heard, venue};
use crate::sim::venue::Venue;
use crate::sim::{Sim, plain};
use ws_core::TransportEnd;
use ws_core::policy::{LimiterPolicy, Mode};
use ws_core::session::queue::{Overflow, QueueConfig};
use ws_core::session::{Event, Offline, SendError, SendOptions, Traffic, Unsent};

#[test]
fn a_message_with_options_is_told_of_once_whatever_becomes_of_it() {
    let hold = LimiterPolicy::default().mode(Mode::Hold);
    let mut sim = venue(plain().limits(hold));
    let options = SendOptions::default();
    let send = |sim: &mut Sim<Venue>, text: &str, options: &SendOptions| {
        sim.session.send_with(text, options, sim.now).unwrap()
    };
    send(
        &mut sim,
        "expires",
        &options.clone().ttl(Some(Duration::from_millis(500))),
    );
    let back = send(&mut sim, "back", &options);
    send(&mut sim, "lost", &options);
    let kept = options.clone().offline(Offline::Queue);
    send(&mut sim, "kept", &kept);
    assert!(sim.session.unsend(back, sim.now));
    assert!(!sim.session.unsend(back, sim.now));
    sim.run(499);
    assert_eq!(sim.take_log(), ["0: message lost: Cancelled No"]);
    sim.run(500);
    assert_eq!(sim.take_log(), ["500: message lost: Expired No"]);
    sim.cut(TransportEnd::Reset);
    let log = sim.take_log();
    assert_eq!(log[1], "500: message lost: Disconnected No");
    // Without a connection only what may wait is accepted.
    assert!(matches!(
        sim.session.send_with("x", &options, sim.now),
        Err(SendError::NotReady(_))
    ));
    send(&mut sim, "more", &kept);
    let now = sim.now;
    sim.session.close(crate::sim::NORMAL, "", now).unwrap();
    sim.settle();
    assert_eq!(
        sim.take_log(),
        [
            "500: message lost: Closed No",
            "500: message lost: Closed No",
            "500: over: closed"
        ]
    );
    assert!(sim.session.send_with("x", &kept, now).is_err());
}

#[test]
fn what_was_kept_leaves_before_anything_new() {
    let mut sim = venue(plain());
    sim.cut(TransportEnd::Reset);
    let kept = SendOptions::default().offline(Offline::Queue);
    for text in ["one", "two"] {
        sim.session.send_with(text, &kept, sim.now).unwrap();
    }
    sim.run(1000);
    sim.session.send("three", sim.now).unwrap();
    sim.settle();
    let texts: Vec<_> = heard(&mut sim).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["one", "two", "three"]);
}

#[test]
fn an_overflow_drops_what_the_policy_says() {
    for (overflow, lost) in [
        (Overflow::DropOldest, "m0"),
        (Overflow::DropNewest, "m2"),
        (Overflow::DropLowestLane, "m1"),
    ] {
        let hold = LimiterPolicy::default().mode(Mode::Hold);
        let queue = QueueConfig::default().max_items(2).overflow(overflow);
        let mut sim = venue(plain().limits(hold).queue(queue));
        let mut ids = Vec::new();
        for (text, lane) in [
            ("m0", Traffic::Request),
            ("m1", Traffic::Bulk),
            ("m2", Traffic::Request),
        ] {
            let options = SendOptions::default().lane(lane);
            ids.push((sim.session.send_with(text, &options, sim.now), text));
        }
        let mut told = Vec::new();
        while let Some(event) = sim.session.poll_owned(sim.now) {
            if let Event::MessageLost { id, why, .. } = event {
                assert_eq!(why, Unsent::Displaced);
                told.push(id);
            }
        }
        let lost = ids.iter().find(|(_, text)| *text == lost).unwrap();
        assert_eq!(told, [*lost.0.as_ref().unwrap()], "{overflow:?}");
    }
    let hold = LimiterPolicy::default().mode(Mode::Hold);
    let queue = QueueConfig::default().max_bytes(3);
    let mut sim = venue(plain().limits(hold).queue(queue));
    sim.session.send("abc", sim.now).unwrap();
    assert!(matches!(
        sim.session.send("d", sim.now),
        Err(SendError::QueueFull(_))
    ));
}

#[test]
fn pressure_is_told_at_the_watermarks() {
    let hold = LimiterPolicy::default().mode(Mode::Hold);
    let queue = QueueConfig::default().max_items(4);
    let mut sim = venue(plain().limits(hold).queue(queue));
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(
            sim.session
                .send_with("x", &SendOptions::default(), sim.now)
                .unwrap(),
        );
    }
    sim.settle();
    assert_eq!(sim.take_log(), ["0: Pressure(High)"]);
    sim.session.unsend(ids[0], sim.now);
    sim.settle();
    assert_eq!(sim.take_log()[1..], ["0: Pressure(Low)"]);
}

#[test]
fn what_is_urgent_overtakes_what_the_connection_has_no_room_for_yet() {
    let mut sim = venue(plain().send_window(1000));
    let big = "x".repeat(600);
    let options = SendOptions::default().lane(Traffic::Bulk);
    for _ in 0..10 {
        sim.session
            .send_with(big.as_str(), &options, sim.now)
            .unwrap();
    }
    let urgent = SendOptions::default().lane(Traffic::Cancel);
    sim.session.send_with("urgent", &urgent, sim.now).unwrap();
    sim.settle();
    let order: Vec<_> = heard(&mut sim)
        .into_iter()
        .map(|(_, text)| text.len())
        .collect();
    assert_eq!(order.iter().position(|len| *len == 6), Some(2));
    assert_eq!(order.len(), 11);
}
