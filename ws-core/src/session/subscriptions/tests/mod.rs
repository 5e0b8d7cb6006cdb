//! Wishes and their fulfilment, by the numbers of the scenario.

mod continuity;
mod sending;

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::*;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn at(millis: u64) -> Instant {
    Instant::ORIGIN + ms(millis)
}

type Topics = Registry<&'static str>;

fn registry() -> Topics {
    let mut registry = Registry::new(RegistryConfig::default());
    registry.open(Access::Private, at(0));
    registry
}

fn subscribe(registry: &mut Topics, topic: &'static str) -> SubId {
    registry.subscribe(topic, SubOptions::default()).unwrap()
}

/// The next command: its verb and its topics.
fn next(registry: &mut Topics, now: Instant) -> Option<String> {
    let (verb, items) = match registry.poll(now)? {
        Command::Join(items) => ("join", items),
        Command::Leave(items) => ("leave", items),
    };
    let topics: Vec<&str> = items.iter().map(|item| item.topic).collect();
    Some(alloc::format!("{verb} {}", topics.join(" ")))
}

fn confirm(registry: &mut Topics, topic: &'static str, now: Instant) -> Option<Change> {
    let ticket = registry.ticket(&topic).unwrap();
    let notice = registry.confirmed(ticket, Resume::Unsaid, now)?;
    assert_eq!(notice.topic, topic);
    Some(notice.change)
}

fn fail(registry: &mut Topics, topic: &'static str, now: Instant) -> Option<Change> {
    let ticket = registry.ticket(&topic).unwrap();
    Some(registry.failed(ticket, "no such topic", now)?.change)
}

fn leave(registry: &mut Topics, topic: &'static str) {
    registry.left(registry.ticket(&topic).unwrap());
}

/// A registry whose topics are confirmed.
fn confirmed(topics: &[&'static str]) -> Topics {
    let mut registry = registry();
    for topic in topics {
        subscribe(&mut registry, topic);
    }
    next(&mut registry, at(0));
    for topic in topics {
        assert_eq!(
            confirm(&mut registry, topic, at(0)),
            Some(Change::Confirmed)
        );
    }
    registry
}

fn reconnect(registry: &mut Topics, now: Instant) {
    assert_eq!(registry.lost(now, now), []);
    assert_eq!(registry.poll(now), None);
    registry.open(Access::Private, now);
}

fn reason() -> Box<str> {
    "no such topic".into()
}

#[test]
fn s12_confirmed_failed_and_expired_without_another_call() {
    let mut registry = registry();
    let ids = ["A", "B", "C"].map(|topic| subscribe(&mut registry, topic));
    assert_eq!(next(&mut registry, at(0)).unwrap(), "join A B C");
    let states = |registry: &Topics| ids.map(|id| registry.state(id).unwrap());
    assert_eq!(states(&registry), [State::Pending; 3]);

    assert_eq!(confirm(&mut registry, "A", at(10)), Some(Change::Confirmed));
    let (again, reason) = (None, reason());
    let failed = Change::Failed { again, reason };
    assert_eq!(fail(&mut registry, "B", at(20)), Some(failed));
    assert_eq!(registry.reason(ids[1]), Some("no such topic"));

    assert_eq!(registry.poll_timeout(), Some(at(30_000)));
    assert_eq!(registry.poll_expired(at(29_999)), None);
    let notice = registry.poll_expired(at(30_000)).unwrap();
    assert_eq!(
        (notice.id, notice.change),
        (ids[2], Change::Expired { again })
    );
    assert_eq!(registry.poll_expired(at(30_000)), None);
    let expected = [State::Confirmed, State::Failed, State::Expired];
    assert_eq!(states(&registry), expected);
    assert!(registry.in_state(State::Confirmed).eq([(ids[0], &"A")]));
    assert!(registry.is_settled() && registry.len() == 1);
}

#[test]
fn s12_restored_is_what_was_confirmed_or_pending_in_the_original_order() {
    let mut registry = confirmed(&["C", "A", "D", "B"]);
    let d = registry.find(&"D").unwrap();
    assert_eq!(
        registry.unsubscribe(d).unwrap().change,
        Change::Unsubscribed
    );
    assert_eq!(next(&mut registry, at(1)).unwrap(), "leave D");
    leave(&mut registry, "D");
    subscribe(&mut registry, "refused");
    next(&mut registry, at(2));
    fail(&mut registry, "refused", at(2));
    subscribe(&mut registry, "silent");
    next(&mut registry, at(3));
    assert!(registry.poll_expired(at(30_003)).is_some());
    subscribe(&mut registry, "A'");
    next(&mut registry, at(30_004));

    reconnect(&mut registry, at(40_000));
    assert_eq!(next(&mut registry, at(40_000)).unwrap(), "join C A B A'");
    for topic in ["C", "A", "A'"] {
        assert_eq!(
            confirm(&mut registry, topic, at(40_001)),
            Some(Change::Restored)
        );
    }
    let reason = Some(reason());
    let failed = Change::RestoreFailed { reason };
    assert_eq!(fail(&mut registry, "B", at(40_001)), Some(failed));
    assert_eq!(next(&mut registry, at(50_000)), None);

    // Confirmed once: the failed restore stays a wish.
    reconnect(&mut registry, at(60_000));
    assert_eq!(next(&mut registry, at(60_000)).unwrap(), "join C A B A'");
    for topic in ["C", "A", "A'"] {
        confirm(&mut registry, topic, at(60_001));
    }
    let silent = registry.poll_expired(at(90_000)).unwrap();
    let silence = Change::RestoreFailed { reason: None };
    assert_eq!((silent.topic, silent.change), ("B", silence));
}

#[test]
fn s12_what_was_never_confirmed_and_is_refused_is_no_wish_any_more() {
    let mut registry = registry();
    subscribe(&mut registry, "A'");
    next(&mut registry, at(0));
    reconnect(&mut registry, at(1));
    assert_eq!(next(&mut registry, at(1)).unwrap(), "join A'");
    let reason = Some(reason());
    let failed = Change::RestoreFailed { reason };
    assert_eq!(fail(&mut registry, "A'", at(1)), Some(failed));
    reconnect(&mut registry, at(2));
    assert_eq!(next(&mut registry, at(2)), None);
}

#[test]
fn a_new_connection_does_not_wait_for_the_batches_of_the_old_one() {
    let config = RegistryConfig::default().batches(1, ms(200));
    let mut registry = Registry::new(config);
    subscribe(&mut registry, "A");
    subscribe(&mut registry, "B");
    registry.open(Access::Private, at(0));
    assert_eq!(next(&mut registry, at(0)).unwrap(), "join A");
    reconnect(&mut registry, at(10));
    assert_eq!(next(&mut registry, at(10)).unwrap(), "join A");
}

#[test]
fn s12_batches_of_ten_spaced_two_hundred_milliseconds() {
    let config = RegistryConfig::default().batches(10, ms(200));
    let mut registry = Registry::new(config);
    for topic in 0..25 {
        registry.subscribe(topic, SubOptions::default()).unwrap();
    }
    registry.open(Access::Private, at(1000));
    let mut sent = vec![];
    let mut now = at(1000);
    while let Some(Command::Join(items)) = registry.poll(now) {
        sent.push((now, items.iter().map(|item| item.topic).collect::<Vec<_>>()));
        assert_eq!(registry.poll(now), None);
        now = registry.poll_timeout().unwrap();
    }
    let batch = |from, to| (from..to).collect::<Vec<i32>>();
    let expected = [
        (at(1000), batch(0, 10)),
        (at(1200), batch(10, 20)),
        (at(1400), batch(20, 25)),
    ];
    assert_eq!(sent, expected);
}

#[test]
fn s12_an_export_restores_the_same_order_in_a_fresh_session() {
    let mut registry = confirmed(&["C", "A", "B"]);
    let gone = registry.find(&"A").unwrap();
    registry.unsubscribe(gone);
    subscribe(&mut registry, "C");
    let saved = registry.export();

    let mut fresh = Registry::new(RegistryConfig::default());
    subscribe(&mut fresh, "first");
    fresh.import(saved.clone(), at(0)).unwrap();
    fresh.import(saved, at(0)).unwrap();
    fresh.open(Access::Private, at(0));
    assert_eq!(next(&mut fresh, at(0)).unwrap(), "join first C B");
    assert_eq!(confirm(&mut fresh, "C", at(0)), Some(Change::Restored));
    let c = fresh.find(&"C").unwrap();
    assert_eq!(fresh.unsubscribe(c), None, "wanted twice");
    assert!(fresh.unsubscribe(c).is_some());

    let mut small = Registry::new(RegistryConfig::default().max_topics(1));
    let many = vec![
        Saved::new("A", SubOptions::default())
            .wanted_by(0)
            .proven(None);
        1
    ];
    assert_eq!(small.import(many, at(0)), Ok(()));
    let error = small.subscribe("B", SubOptions::default()).unwrap_err();
    assert_eq!(error, TooManyTopics(1));
}

#[test]
fn s12_nothing_is_sent_without_restore() {
    let options = SubOptions::default().restore(Restore::Never);
    let never = RegistryConfig::default().restore(Restore::Never);
    for (config, options) in [
        (never, SubOptions::default()),
        (RegistryConfig::default(), options),
    ] {
        let mut registry = Registry::new(config);
        registry.open(Access::Private, at(0));
        let id = registry.subscribe("A", options).unwrap();
        next(&mut registry, at(0));
        confirm(&mut registry, "A", at(0));
        registry.subscribe("not sent yet", options).unwrap();
        let ended = registry.lost(at(1), at(1));
        assert_eq!((ended.len(), ended[0].id), (1, id));
        assert_eq!(ended[0].change, Change::Unsubscribed);
        assert_eq!(registry.state(id), Some(State::Unsubscribed));
        registry.open(Access::Private, at(1));
        assert_eq!(next(&mut registry, at(1)).unwrap(), "join not sent yet");
    }
}

#[test]
fn a_topic_is_wanted_until_the_last_one_lets_go() {
    let mut registry = confirmed(&["A"]);
    let id = subscribe(&mut registry, "A");
    assert_eq!(next(&mut registry, at(0)), None, "it is there already");
    assert_eq!(registry.unsubscribe(id), None);
    assert_eq!(registry.state(id), Some(State::Confirmed));
    assert!(registry.unsubscribe(id).is_some());
    assert_eq!(registry.unsubscribe(id), None, "once");
    assert_eq!(registry.state(id), Some(State::Unsubscribed));
}

#[test]
fn a_wish_that_is_taken_back_in_time_costs_nothing() {
    let mut registry = confirmed(&["A"]);
    let a = registry.find(&"A").unwrap();
    let b = subscribe(&mut registry, "B");
    registry.unsubscribe(b);
    registry.unsubscribe(a);
    assert_eq!(subscribe(&mut registry, "A"), a);
    assert_eq!(registry.state(a), Some(State::Confirmed));
    assert_eq!(registry.poll_timeout(), None);
    assert_eq!(next(&mut registry, at(0)), None);
}

#[test]
fn joining_and_leaving_never_overlap() {
    let mut registry = registry();
    let id = subscribe(&mut registry, "A");
    next(&mut registry, at(0));
    registry.unsubscribe(id);
    assert_eq!(
        next(&mut registry, at(0)),
        None,
        "the answer is not known yet"
    );
    assert_eq!(
        confirm(&mut registry, "A", at(0)),
        None,
        "nobody waits for it"
    );
    assert_eq!(next(&mut registry, at(0)).unwrap(), "leave A");
    assert_eq!(registry.state(id), Some(State::Unsubscribed));
    assert_eq!(subscribe(&mut registry, "A"), id);
    assert_eq!(next(&mut registry, at(0)), None);
    leave(&mut registry, "A");
    assert_eq!(next(&mut registry, at(0)).unwrap(), "join A");
    assert_eq!(confirm(&mut registry, "A", at(0)), Some(Change::Confirmed));
    registry.unsubscribe(id);
    next(&mut registry, at(0));
    assert!(!registry.is_settled());
    assert_eq!(
        registry.poll_expired(at(30_000)),
        None,
        "no answer is one, too"
    );
    assert!(registry.is_settled() && registry.is_empty());
}

#[test]
fn answers_to_other_attempts_are_not_its_own() {
    let mut registry = registry();
    let id = subscribe(&mut registry, "A");
    next(&mut registry, at(0));
    let old = registry.ticket(&"A").unwrap();
    reconnect(&mut registry, at(1));
    assert_eq!(registry.confirmed(old, Resume::Unsaid, at(1)), None);
    next(&mut registry, at(1));
    assert_eq!(registry.failed(old, "late", at(1)), None);
    registry.left(old);
    assert_eq!(registry.state(id), Some(State::Pending));
    assert_eq!(registry.stale_answers(), 3);
    assert_eq!(old.id, id);
}

#[test]
fn public_topics_go_with_the_login_and_private_ones_after_it() {
    let mut registry = Registry::new(RegistryConfig::default());
    let public = SubOptions::default().access(Access::Public);
    registry
        .subscribe("private", SubOptions::default())
        .unwrap();
    registry.subscribe("public", public).unwrap();
    assert_eq!(registry.poll_timeout(), None);
    registry.open(Access::Public, at(5));
    assert_eq!(registry.poll_timeout(), Some(at(5)));
    assert_eq!(next(&mut registry, at(5)).unwrap(), "join public");
    assert_eq!(registry.poll_timeout(), Some(at(30_005)), "no busy loop");
    registry.open(Access::Private, at(6));
    assert_eq!(next(&mut registry, at(6)).unwrap(), "join private");
}

#[test]
fn what_asks_for_it_is_tried_again() {
    let retry = Retry {
        after: ms(500),
        times: 2,
    };
    let options = SubOptions::default()
        .retry(Some(retry))
        .ack_timeout(ms(1000));
    let mut registry = registry();
    let id = registry.subscribe("A", options).unwrap();
    next(&mut registry, at(0));
    let again = Some(at(500));
    let reason = reason();
    let failed = Change::Failed { again, reason };
    assert_eq!(fail(&mut registry, "A", at(0)), Some(failed));
    assert_eq!(registry.poll_expired(at(500)), None);
    assert_eq!(registry.state(id), Some(State::Pending));
    assert_eq!(next(&mut registry, at(500)).unwrap(), "join A");
    let again = Some(at(2000));
    let notice = registry.poll_expired(at(1500)).unwrap();
    assert_eq!(notice.change, Change::Expired { again });
    assert_eq!(registry.poll_expired(at(2000)), None);
    next(&mut registry, at(2000));
    assert!(matches!(
        fail(&mut registry, "A", at(2000)),
        Some(Change::Failed { again: None, .. })
    ));
    assert_ne!(subscribe(&mut registry, "A"), id, "a new wish");
}

#[test]
fn what_is_over_is_remembered_for_a_while() {
    let mut registry = Registry::new(RegistryConfig::default().max_ended(2));
    let ids = ["A", "B", "C"].map(|topic| subscribe(&mut registry, topic));
    for id in ids {
        assert!(registry.unsubscribe(id).is_some());
    }
    let states = ids.map(|id| registry.state(id));
    let over = Some(State::Unsubscribed);
    assert_eq!(states, [None, over, over]);
    assert_eq!(
        (registry.find(&"A"), registry.find(&"C")),
        (None, Some(ids[2]))
    );
}

#[test]
fn a_long_reason_is_cut_between_characters() {
    assert_eq!(kept(&"é".repeat(200)).len(), 256);
    assert_eq!(kept(&alloc::format!("x{}", "é".repeat(200))).len(), 255);
    assert_eq!(&*kept("short"), "short");
}
