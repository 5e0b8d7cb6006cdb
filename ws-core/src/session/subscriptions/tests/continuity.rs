//! What messages say: confirmation, gaps, silence and what was missed.

use super::*;

#[test]
fn a_lost_connection_heals_what_was_to_be_healed() {
    let mut registry = confirmed(&["A"]);
    registry.resubscribe(registry.find(&"A").unwrap());
    reconnect(&mut registry, at(1));
    assert_eq!(next(&mut registry, at(1)).unwrap(), "join A");
    confirm(&mut registry, "A", at(1));
    assert_eq!(next(&mut registry, at(1)), None);
}

#[test]
fn a_second_loss_before_the_verdict_makes_one_time_of_blindness() {
    let counter = Continuity::Counter { step: 1 };
    let options = SubOptions::default().continuity(counter, Remedy::Report);
    let mut registry = registry();
    registry.subscribe("A", options).unwrap();
    next(&mut registry, at(0));
    registry.data(&"A", Some(Mark::Counter(1)), at(0));
    for millis in [1000, 2000] {
        reconnect(&mut registry, at(millis));
        next(&mut registry, at(millis));
        confirm(&mut registry, "A", at(millis));
    }
    let seen = registry
        .data(&"A", Some(Mark::Counter(2)), at(3000))
        .unwrap();
    let (verdict, blind_for) = (Bridged::Recovered, ms(2000));
    assert_eq!(seen.continued, Some(Continued { verdict, blind_for }));
}

#[test]
fn data_confirms_unless_an_answer_must() {
    for (confirms, by_ack, by_data) in [
        (Confirm::Ack, true, false),
        (Confirm::Either, true, true),
        (Confirm::FirstData, false, true),
    ] {
        let mut registry = registry();
        let options = SubOptions::default().confirm(confirms);
        registry.subscribe("A", options).unwrap();
        registry.subscribe("B", options).unwrap();
        next(&mut registry, at(0));
        let seen = registry.data(&"A", None, at(1)).unwrap();
        let change = seen.notice.map(|notice| notice.change);
        assert_eq!(change, by_data.then_some(Change::Confirmed));
        let change = confirm(&mut registry, "B", at(1));
        assert_eq!(change, by_ack.then_some(Change::Confirmed));
    }
    assert_eq!(registry().data(&"nobody's", None, at(0)), None);
}

/// What is known after a reconnect at 5000 of a connection that was last heard of at 1000: with the
/// confirmation at 6000, and with the first message at 7000.
fn bridged(continuity: Continuity, resume: Resume, mark: Option<Mark>) -> [Option<Continued>; 2] {
    let options = SubOptions::default().continuity(continuity, Remedy::Report);
    let mut registry = registry();
    registry.subscribe("A", options).unwrap();
    next(&mut registry, at(0));
    confirm(&mut registry, "A", at(0));
    let seen = registry
        .data(&"A", Some(Mark::Counter(1)), at(900))
        .unwrap();
    assert_eq!(seen.continued, None);
    registry.lost(at(1000), at(5000));
    registry.open(Access::Private, at(5000));
    registry.lost(at(5001), at(5002));
    registry.open(Access::Private, at(5003));
    next(&mut registry, at(5003));
    let ticket = registry.ticket(&"A").unwrap();
    let notice = registry.confirmed(ticket, resume, at(6000)).unwrap();
    let seen = registry.data(&"A", mark, at(7000)).unwrap();
    let more = registry.data(&"A", mark, at(8000)).unwrap();
    assert_eq!(more.continued, None, "once");
    [notice.continued, seen.continued]
}

#[test]
fn every_reconnect_has_one_verdict_for_each_topic() {
    let verdict = |verdict, blind| {
        let blind_for = ms(blind);
        Some(Continued { verdict, blind_for })
    };
    let counter = Continuity::Counter { step: 1 };
    let unsaid = Resume::Unsaid;
    let mark = |number| Some(Mark::Counter(number));
    for (continuity, resume, number, expected) in [
        (
            Continuity::None,
            unsaid,
            2,
            [verdict(Bridged::Unknown, 5000), None],
        ),
        (
            counter,
            unsaid,
            2,
            [None, verdict(Bridged::Recovered, 6000)],
        ),
        (counter, unsaid, 4, [None, verdict(Bridged::Gap, 6000)]),
        (
            counter,
            Resume::Recovered,
            4,
            [verdict(Bridged::Recovered, 5000), None],
        ),
        (
            Continuity::None,
            Resume::Lost,
            2,
            [verdict(Bridged::Gap, 5000), None],
        ),
    ] {
        assert_eq!(bridged(continuity, resume, mark(number)), expected);
    }
}

#[test]
fn a_resumed_topic_says_where_it_left_off() {
    let counter = Continuity::Counter { step: 1 };
    let options = SubOptions::default().continuity(counter, Remedy::Report);
    let mut registry = registry();
    registry.subscribe("A", options).unwrap();
    next(&mut registry, at(0));
    registry.data(&"A", Some(Mark::Counter(41)), at(0));
    reconnect(&mut registry, at(1));
    let Some(Command::Join(items)) = registry.poll(at(1)) else {
        panic!("it is restored");
    };
    assert_eq!(items[0].cursor, Some(Cursor { epoch: 0, last: 41 }));
    assert_eq!(registry.export()[0].cursor, items[0].cursor);
}

#[test]
fn a_gap_is_reported_or_healed() {
    for (remedy, healed) in [
        (Remedy::Report, None),
        (Remedy::Resubscribe, Some("leave A")),
    ] {
        let counter = Continuity::Counter { step: 1 };
        let options = SubOptions::default().continuity(counter, remedy);
        let mut registry = registry();
        registry.subscribe("A", options).unwrap();
        next(&mut registry, at(0));
        registry.data(&"A", Some(Mark::Counter(1)), at(0));
        let seen = registry.data(&"A", Some(Mark::Counter(3)), at(0)).unwrap();
        let (expected, found) = (2, 3);
        assert_eq!(seen.step, Step::Gap { expected, found });
        assert_eq!(next(&mut registry, at(0)).as_deref(), healed);
    }
    let mut registry = registry();
    let counter = Continuity::Counter { step: 1 };
    let options = SubOptions::default().continuity(counter, Remedy::Report);
    let id = registry.subscribe("A", options).unwrap();
    next(&mut registry, at(0));
    confirm(&mut registry, "A", at(0));
    registry.resubscribe(id);
    assert_eq!(next(&mut registry, at(1)).unwrap(), "leave A");
    let late = registry.data(&"A", Some(Mark::Counter(1)), at(1)).unwrap();
    assert_eq!(late.continued, None, "it was sent before the leaving");
    leave(&mut registry, "A");
    assert_eq!(next(&mut registry, at(1)).unwrap(), "join A");
    assert_eq!(confirm(&mut registry, "A", at(8)), Some(Change::Restored));
    let seen = registry.data(&"A", Some(Mark::Counter(5)), at(9)).unwrap();
    let (verdict, blind_for) = (Bridged::Gap, ms(8));
    assert_eq!(seen.continued, Some(Continued { verdict, blind_for }));
}

#[test]
fn a_quiet_topic_goes_stale_once() {
    for (remedy, healed) in [
        (Remedy::Report, None),
        (Remedy::Resubscribe, Some("leave A")),
    ] {
        let options = SubOptions::default().stale_after(Some(ms(1000)), remedy);
        let mut registry = registry();
        registry.subscribe("A", options).unwrap();
        next(&mut registry, at(0));
        confirm(&mut registry, "A", at(0));
        registry.data(&"A", None, at(900));
        assert_eq!(
            registry.poll_timeout(),
            Some(at(1000)),
            "no timer per message"
        );
        assert_eq!(registry.poll_expired(at(1000)), None);
        assert_eq!(registry.poll_timeout(), Some(at(1900)));
        let notice = registry.poll_expired(at(1900)).unwrap();
        assert_eq!(notice.change, Change::Stale);
        assert_eq!(registry.poll_expired(at(9000)), None);
        assert_eq!(next(&mut registry, at(9000)).as_deref(), healed);
        if healed.is_none() {
            registry.data(&"A", None, at(9000));
            assert_eq!(registry.poll_timeout(), Some(at(10_000)), "armed again");
        }
    }
}
