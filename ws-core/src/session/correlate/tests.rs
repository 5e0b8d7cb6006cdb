//! Every request has one end, and every answer is known for what it is.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use proptest::prelude::*;

use super::*;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn at(millis: u64) -> Instant {
    Instant::ORIGIN + ms(millis)
}

fn correlator() -> Correlator<u32> {
    Correlator::new(CorrelatorConfig::default())
}

fn begin(requests: &mut Correlator<u32>, tag: u32, now: Instant) -> RequestId {
    requests.begin(tag, Timing::default(), now).unwrap()
}

fn number(id: RequestId) -> Key {
    Key::Number(id.number())
}

/// The tag of the request that an answer belongs to.
fn answer(requests: &mut Correlator<u32>, key: &Key, now: Instant) -> Result<u32, Unmatched> {
    match requests.answered(key, now) {
        Answer::Matched(answered) => Ok(answered.tag),
        Answer::Unmatched(stray) => Err(stray),
    }
}

#[test]
fn s08_a_hundred_answers_in_reverse_order_find_their_requests() {
    let mut requests = correlator();
    let ids: Vec<RequestId> = (0..100)
        .map(|tag| begin(&mut requests, tag, at(0)))
        .collect();
    for (tag, id) in (0..100).zip(&ids).rev() {
        assert_eq!(answer(&mut requests, &number(*id), at(1)), Ok(tag));
    }
    assert_eq!((requests.pending(), requests.poll_timeout()), (0, None));
    assert_eq!(requests.latency().unwrap().count, 100);
}

#[test]
fn s08_a_live_id_is_refused_and_its_request_unharmed() {
    let mut requests = correlator();
    let with = |requests: &mut Correlator<u32>, tag| {
        requests.begin_with(Key::Number(5), tag, Timing::default(), at(0))
    };
    let first = with(&mut requests, 1).unwrap();
    assert_eq!(with(&mut requests, 2), Err(RequestError::DuplicateId));
    assert_eq!((requests.pending(), requests.tag(first)), (1, Some(&1)));
    assert_eq!(answer(&mut requests, &Key::Number(5), at(1)), Ok(1));
    assert!(with(&mut requests, 3).is_ok(), "free again");
}

#[test]
fn s08_a_timeout_a_late_answer_and_an_id_used_again() {
    let mut requests = correlator();
    let key = Key::Text("mine".into());
    let begin = |requests: &mut Correlator<u32>, tag, now| {
        requests.begin_with(key.clone(), tag, Timing::default(), now)
    };
    let id = begin(&mut requests, 1, at(0)).unwrap();
    assert_eq!(requests.poll_timeout(), Some(at(30_000)));
    assert_eq!(requests.poll_expired(|_| Sent::Full, at(29_999)), None);
    let ended = requests.poll_expired(|_| Sent::Full, at(30_000)).unwrap();
    assert_eq!((ended.id, ended.tag, ended.why), (id, 1, End::TimedOut));
    assert!(!ended.definitely_not_executed());

    let late = Err(Unmatched::Late { id, by: ms(500) });
    assert_eq!(answer(&mut requests, &key, at(30_500)), late);
    let again = Err(Unmatched::Duplicate { id });
    assert_eq!(answer(&mut requests, &key, at(30_501)), again);

    begin(&mut requests, 2, at(31_000)).unwrap();
    assert_eq!(requests.poll_expired(|_| Sent::Full, at(60_999)), None);
    assert_eq!(answer(&mut requests, &key, at(60_999)), Ok(2));
    let strays = requests.strays();
    assert_eq!((strays.late, strays.duplicate, strays.unknown), (1, 1, 0));
}

#[test]
fn s01_requests_in_flight_fail_with_their_connection_in_order() {
    let mut requests = correlator();
    let ids: Vec<RequestId> = (0..4).map(|tag| begin(&mut requests, tag, at(0))).collect();
    let keeps = |_, tag: &u32| (*tag != 2).then_some(Sent::Partial);
    let ended = requests.end_if(End::Disconnected, keeps, at(10));
    let tags: Vec<u32> = ended.iter().map(|ended| ended.tag).collect();
    assert_eq!(tags, [0, 1, 3]);
    assert!(
        ended
            .iter()
            .all(|e| (e.why, e.sent) == (End::Disconnected, Sent::Partial))
    );
    assert_eq!(
        requests.tag(ids[2]),
        Some(&2),
        "kept for the next connection"
    );
    assert_eq!(requests.poll_timeout(), Some(at(30_000)));
}

#[test]
fn what_never_left_was_certainly_not_executed() {
    let mut requests = correlator();
    let id = begin(&mut requests, 1, at(0));
    let ended = requests.cancel(id, Sent::No, at(1)).unwrap();
    assert!(ended.definitely_not_executed());
    assert_eq!(ended.why, End::Cancelled);
    assert_eq!(requests.cancel(id, Sent::No, at(1)), None);
    let answer = answer(&mut requests, &number(id), at(2));
    assert_eq!(
        answer,
        Err(Unmatched::Unknown),
        "it has no answer to be late"
    );
}

#[test]
fn an_answer_is_late_for_the_last_request_that_left() {
    let mut requests = correlator();
    let key = Key::Number(5);
    let begin = |requests: &mut Correlator<u32>| {
        requests
            .begin_with(key.clone(), 1, Timing::default(), at(0))
            .unwrap()
    };
    let first = begin(&mut requests);
    requests.cancel(first, Sent::Full, at(1));
    let second = begin(&mut requests);
    requests.cancel(second, Sent::No, at(2));
    let late = Unmatched::Late {
        id: first,
        by: ms(2),
    };
    assert_eq!(answer(&mut requests, &key, at(3)), Err(late));
}

#[test]
fn the_round_trip_begins_when_the_request_has_left() {
    let mut requests = correlator();
    let id = begin(&mut requests, 1, at(0));
    requests.sent(id, at(400));
    let Answer::Matched(answered) = requests.answered(&number(id), at(450)) else {
        panic!("it is awaited");
    };
    assert_eq!((answered.id, answered.round_trip), (id, ms(50)));
    assert_eq!(requests.latency().unwrap().last, ms(50));
    requests.sent(id, at(500));
}

#[test]
fn a_budget_holds_from_the_beginning_and_a_timeout_from_sending() {
    let mut requests = correlator();
    let timing = Timing::default()
        .timeout(Some(ms(1000)))
        .budget(Some(ms(5000)));
    let quick = requests.begin(1, timing, at(0)).unwrap();
    let slow = requests.begin(2, timing, at(0)).unwrap();
    assert_eq!(requests.poll_timeout(), Some(at(5000)));
    requests.sent(quick, at(3000));
    assert_eq!(requests.poll_timeout(), Some(at(4000)));
    requests.sent(slow, at(4500));
    requests.cancel(quick, Sent::Full, at(4600));
    assert_eq!(requests.poll_timeout(), Some(at(5000)));
    let short = Timing::default().timeout(Some(ms(100)));
    requests.begin(3, short, at(0)).unwrap();
    assert_eq!(requests.poll_timeout(), Some(at(100)));
}

#[test]
fn numbers_that_are_taken_are_passed_over() {
    let mut requests = correlator();
    let own = |requests: &mut Correlator<u32>, n| {
        requests
            .begin_with(Key::Number(n), 0, Timing::default(), at(0))
            .unwrap()
    };
    own(&mut requests, 3);
    own(&mut requests, 4);
    assert!(answer(&mut requests, &Key::Number(4), at(0)).is_ok());
    let given = begin(&mut requests, 1, at(0));
    assert_eq!(given.number(), 5, "3 waits, 4 is remembered");
}

#[test]
fn answers_in_order_are_those_of_the_requests_that_left_in_order() {
    let mut requests = correlator();
    let key = Key::Order(7);
    let mut ids = vec![];
    for tag in 0..5 {
        ids.push(
            requests
                .begin_with(key.clone(), tag, Timing::default(), at(0))
                .unwrap(),
        );
    }
    requests.cancel(ids[1], Sent::No, at(0));
    requests.cancel(ids[2], Sent::Full, at(0));
    let mut answer = |now| answer(&mut requests, &key, at(now));
    assert_eq!(answer(1), Ok(0));
    let late = Unmatched::Late {
        id: ids[2],
        by: ms(2),
    };
    assert_eq!(
        answer(2),
        Err(late),
        "the answer of the one that was cancelled"
    );
    assert_eq!(answer(3), Ok(3));
    assert_eq!(answer(4), Ok(4));
    assert_eq!(answer(5), Err(Unmatched::Unknown));
}

#[test]
fn an_order_does_not_outlive_its_connection() {
    let mut requests = correlator();
    let key = Key::Order(0);
    let begin = |requests: &mut Correlator<u32>, tag| {
        requests
            .begin_with(key.clone(), tag, Timing::default(), at(0))
            .unwrap()
    };
    begin(&mut requests, 1);
    requests.end_if(End::Disconnected, |_, _| Some(Sent::Full), at(1));
    requests.on_new_epoch();
    begin(&mut requests, 2);
    assert_eq!(answer(&mut requests, &key, at(2)), Ok(2));
}

#[test]
fn what_waits_and_what_is_remembered_is_bounded() {
    let config = CorrelatorConfig::default()
        .max_pending(2)
        .remembered(2)
        .timeout(ms(10))
        .latency_samples(1);
    let mut requests = Correlator::new(config.clone());
    let first = begin(&mut requests, 1, at(0));
    begin(&mut requests, 2, at(0));
    let refused = requests.begin(3, Timing::default(), at(0));
    assert_eq!(refused, Err(RequestError::TooMany(2)));
    while requests.poll_expired(|_| Sent::Full, at(10)).is_some() {}
    let third = begin(&mut requests, 3, at(10));
    assert_eq!(answer(&mut requests, &number(third), at(11)), Ok(3));
    let forgotten = answer(&mut requests, &number(first), at(12));
    assert_eq!(forgotten, Err(Unmatched::Unknown));
    assert_eq!(requests.latency().unwrap().count, 1);

    let mut forgetful = Correlator::new(config.remembered(0));
    let id = begin(&mut forgetful, 1, at(0));
    assert!(answer(&mut forgetful, &number(id), at(0)).is_ok());
    let unknown = answer(&mut forgetful, &number(id), at(0));
    assert_eq!(unknown, Err(Unmatched::Unknown));
}

#[test]
fn numbers_end_where_json_readers_lose_count() {
    let mut requests = correlator();
    requests.next = LAST_NUMBER;
    assert_eq!(begin(&mut requests, 1, at(0)).number(), (1 << 53) - 1);
    let refused = requests.begin(2, Timing::default(), at(0));
    assert_eq!(refused, Err(RequestError::Exhausted));
}

#[derive(Clone, Debug)]
enum Op {
    Begin(Option<u8>),
    Answer(u8),
    Cancel(u8),
    Wait(u64),
    Lose,
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        5 => prop::option::weighted(0.3, 0..30u8).prop_map(Op::Begin),
        5 => (0..40u8).prop_map(Op::Answer),
        1 => (0..40u8).prop_map(Op::Cancel),
        3 => (0..20_000u64).prop_map(Op::Wait),
        1 => Just(Op::Lose),
    ]
}

proptest! {
    /// Each request ends once: answered by its own key while it waits, or by a deadline, a
    /// cancellation or a loss; and no answer goes to anyone else.
    #[test]
    fn every_request_ends_exactly_once(ops in prop::collection::vec(any_op(), 0..150)) {
        let mut requests = Correlator::new(CorrelatorConfig::default().max_pending(8));
        let (mut now, mut live): (_, BTreeMap<Key, (RequestId, Instant)>) = (at(0), BTreeMap::new());
        let mut last = 0;
        for op in ops {
            match op {
                Op::Begin(own) => {
                    let own = own.map(|n| Key::Number(n.into()));
                    let begun = match &own {
                        Some(key) => requests.begin_with(key.clone(), 0, Timing::default(), now),
                        None => requests.begin(0, Timing::default(), now),
                    };
                    let taken = own.as_ref().is_some_and(|key| live.contains_key(key));
                    prop_assert_eq!(begun == Err(RequestError::DuplicateId), taken);
                    if let Ok(id) = begun {
                        prop_assert!(id.number() > last, "numbers grow");
                        last = id.number();
                        let key = own.unwrap_or_else(|| number(id));
                        prop_assert_eq!(live.insert(key, (id, now + ms(30_000))), None);
                    }
                }
                Op::Answer(n) => {
                    let key = Key::Number(n.into());
                    match requests.answered(&key, now) {
                        Answer::Matched(answered) => {
                            prop_assert_eq!(live.remove(&key).map(|l| l.0), Some(answered.id));
                        }
                        Answer::Unmatched(_) => prop_assert!(!live.contains_key(&key)),
                    }
                }
                Op::Cancel(n) => {
                    let found = live.remove(&Key::Number(n.into()));
                    if let Some((id, _)) = found {
                        prop_assert!(requests.cancel(id, Sent::Full, now).is_some());
                    }
                }
                Op::Wait(wait) => {
                    now += ms(wait);
                    while let Some(ended) = requests.poll_expired(|_| Sent::Full, now) {
                        let before = live.len();
                        live.retain(|_, (id, at)| *id != ended.id || *at > now);
                        prop_assert_eq!(live.len(), before - 1);
                    }
                    prop_assert!(requests.poll_timeout().is_none_or(|at| at > now));
                }
                Op::Lose => {
                    let ended = requests.end_if(End::Disconnected, |_, _| Some(Sent::Full), now);
                    prop_assert!(ended.is_sorted_by_key(|ended| ended.id));
                    prop_assert_eq!(ended.len(), live.len());
                    live.clear();
                }
            }
            prop_assert_eq!(requests.pending(), live.len());
            let earliest = live.values().map(|(_, at)| *at).min();
            prop_assert_eq!(requests.poll_timeout(), earliest);
        }
    }
}

#[test]
fn a_reserved_number_is_no_requests_and_the_only_request_is_known() {
    let mut requests = Correlator::new(CorrelatorConfig::default());
    let now = Instant::ORIGIN;
    let first = requests.begin((), Timing::default(), now).unwrap();
    assert_eq!(requests.only(), Some(&Key::Number(first.number())));
    let reserved = requests.reserve();
    assert_ne!(reserved, first);
    let second = requests.begin((), Timing::default(), now).unwrap();
    assert_ne!(second, reserved);
    assert_eq!(requests.only(), None);
    let stray = requests.answered(&Key::Number(reserved.number()), now);
    assert_eq!(stray, Answer::Unmatched(Unmatched::Unknown));
}
