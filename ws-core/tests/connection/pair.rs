//! A client and a server joined in memory, under random operations, chunks, breaks and clocks.
//! Nobody panics, bounds are kept, each end is told a beginning of what the other sent, nothing is
//! lost while nothing breaks, and every closing ends, once, within its deadlines.
//!
//! `WS_CASES` sets the number of cases; a failure prints how to replay it (see `support`).

use core::num::NonZeroUsize;
use core::time::Duration;

use crate::support::cases;
use crate::support::pair::{Pair, Side};
use proptest::collection::vec;
use proptest::prelude::*;
use ws_core::connection::{By, Cause, Config, Keepalive, OwnedEvent};
use ws_core::message::Limits;

#[derive(Clone, Debug)]
enum Op {
    Close(usize, u16),
    /// The write side of an end fails.
    FailWrites(usize),
    Message(usize, bool, usize),
    Piece(usize, usize, bool),
    Ping(usize, usize),
    Read(usize, usize),
    /// The clock jumps; each end may look at it, or be late.
    Sleep(u64, [bool; 2]),
    Take(usize),
    Turn(usize, usize),
    Write(usize, usize),
}

fn op(breaks: u32, sleeps: u32) -> impl Strategy<Value = Op> {
    let len = || prop_oneof![8 => 0..300usize, 2 => 0..5_000usize, 1 => 60_000..70_000usize];
    let step = || prop_oneof![1..20usize, 1..5_000usize];
    let side = || 0..2usize;
    let late = any::<[bool; 2]>();
    prop_oneof![
        1 => (side(), 4000..4010u16).prop_map(|(i, code)| Op::Close(i, code)),
        breaks => side().prop_map(Op::FailWrites),
        12 => (side(), any::<bool>(), len()).prop_map(|(i, text, len)| Op::Message(i, text, len)),
        6 => (side(), len(), any::<bool>()).prop_map(|(i, len, last)| Op::Piece(i, len, last)),
        4 => (side(), 4..126usize).prop_map(|(i, len)| Op::Ping(i, len)),
        10 => (side(), step()).prop_map(|(i, n)| Op::Read(i, n)),
        sleeps => (0..40u64, late).prop_map(|(ms, late)| Op::Sleep(ms, late)),
        10 => side().prop_map(Op::Take),
        10 => (side(), step()).prop_map(|(i, n)| Op::Turn(i, n)),
        10 => (side(), step()).prop_map(|(i, n)| Op::Write(i, n)),
    ]
}

prop_compose! {
    fn config()(
        keepalive in prop::option::of((5..50u64, 5..50u64)),
        idle in prop::option::of(20..100u64),
        close in 10..50u64,
        send_limit in prop_oneof![1..3_000usize, Just(1 << 20)],
        fragment in prop_oneof![Just(None), (100..5_000usize).prop_map(NonZeroUsize::new)],
        share_min in prop_oneof![Just(16 << 10), 0..1_000usize],
    ) -> Config {
        let ms = Duration::from_millis;
        let keepalive = keepalive.map(|(interval, timeout)| {
            Keepalive::default().interval(ms(interval)).timeout(ms(timeout))
        });
        Config::default()
            .limits(Limits::default().max_empty_fragments(u32::MAX))
            .keepalive(keepalive)
            .idle_timeout(idle.map(ms))
            .close_timeout(ms(close))
            .send_limit(send_limit)
            .fragment_size(fragment)
            .share_min(share_min)
    }
}

fn configs() -> impl Strategy<Value = [Config; 2]> {
    [config(), config()]
}

/// No timers but the closing deadline: what happens depends on nothing but the operations.
fn quiet(config: Config) -> Config {
    config.keepalive(None).idle_timeout(None)
}

fn rooms() -> impl Strategy<Value = [usize; 2]> {
    let room = || prop_oneof![1..50usize, 50..5_000usize, Just(1 << 20)];
    [room(), room()]
}

/// How many bytes each pipe carries before it breaks: for ever, or one of them, or both not.
fn lives() -> impl Strategy<Value = [u64; 2]> {
    let life = || prop_oneof![1 => 0..20_000u64, 2 => Just(u64::MAX)];
    [life(), life()]
}

/// A payload that no other message has.
fn unique(number: usize, len: usize) -> Vec<u8> {
    let mut data = format!("{number:08}").into_bytes();
    data.resize(data.len().max(len), b'x');
    data
}

fn apply(pair: &mut Pair, number: usize, op: &Op) {
    let now = pair.now;
    match op {
        Op::Close(i, code) => {
            drop(
                pair.sides[*i]
                    .connection
                    .close((*code).into(), "enough", now),
            );
        }
        Op::FailWrites(i) => pair.fail_writes(*i),
        Op::Message(i, text, len) => {
            let data = unique(number, *len);
            pair.longest = pair.longest.max(data.len());
            pair.sides[*i].send(if *text {
                OwnedEvent::Text(String::from_utf8(data).expect("digits").into())
            } else {
                OwnedEvent::Binary(data.into())
            });
        }
        Op::Piece(i, len, last) => {
            pair.longest = pair.longest.max(*len);
            drop(pair.sides[*i].piece(&unique(number, *len)[..*len], *last));
        }
        Op::Ping(i, len) => {
            pair.sides[*i].send(OwnedEvent::Ping(unique(number, *len).into()));
        }
        Op::Read(i, n) => drop(pair.read(*i, *n)),
        Op::Sleep(ms, look) => pair.sleep_until(now + Duration::from_millis(*ms), *look),
        Op::Take(i) => drop(pair.take(*i)),
        Op::Turn(i, n) => drop(pair.turn(*i, *n)),
        Op::Write(i, n) => drop(pair.write(*i, *n)),
    }
}

/// The messages among the events, and the pings of the application (those of the keepalive are
/// eight bytes, and begin with a zero).
fn told(events: &[OwnedEvent]) -> (Vec<&OwnedEvent>, Vec<&OwnedEvent>) {
    let is_message =
        |event: &&OwnedEvent| matches!(event, OwnedEvent::Text(_) | OwnedEvent::Binary(_));
    let is_ping =
        |event: &&OwnedEvent| matches!(event, OwnedEvent::Ping(data) if data.first() != Some(&0));
    (
        events.iter().filter(is_message).collect(),
        events.iter().filter(is_ping).collect(),
    )
}

/// What each end was told is a beginning of what the other sent, and ends with the end.
fn assert_told(pair: &Pair) {
    for i in 0..2 {
        let (messages, pings) = told(&pair.sides[i].events);
        let (sent_messages, sent_pings) = told(&pair.sides[1 - i].sent);
        assert!(
            sent_messages.starts_with(&messages),
            "{messages:?} of {sent_messages:?}"
        );
        assert!(
            sent_pings.starts_with(&pings),
            "{pings:?} of {sent_pings:?}"
        );
        assert!(pair.sides[i].end().is_some(), "never told how it ended");
        let faults = pair.sides[i].events.iter();
        let faults = faults.filter(|event| matches!(event, OwnedEvent::ProtocolError(_)));
        assert_eq!(faults.count(), 0, "both ends keep the rules");
    }
}

/// Lets both ends come to an end, and says how long that took.
fn close(pair: &mut Pair, step: usize) -> Duration {
    let start = pair.now;
    drop(pair.sides[0].connection.close(1000.into(), "done", start));
    pair.finish(step);
    for side in &pair.sides {
        assert!(
            side.closed.is_some(),
            "{:?} never closes its transport",
            side.events.last()
        );
    }
    pair.now - start
}

fn longest_close(configs: &[Config; 2]) -> Duration {
    configs[0].close_timeout.max(configs[1].close_timeout)
}

/// The end of one side, for assertions.
fn ended(side: &Side) -> (By, u16, &Cause) {
    let end = side.end().expect("asserted before");
    (end.by, end.code.get(), &end.cause)
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn whatever_happens_both_ends_come_to_an_end_and_were_told_nothing_but_the_truth(
        configs in configs(),
        rooms in rooms(),
        lives in lives(),
        ops in vec(op(1, 8), 0..80),
        step in 1..5_000usize,
    ) {
        let mut pair = Pair::new(configs.clone(), rooms, lives);
        ops.iter().enumerate().for_each(|(number, op)| apply(&mut pair, number, op));
        let took = close(&mut pair, step);
        // Waiting for the peer's Close, then, at the latest, for it to hang up, on either side;
        // a write error in between starts one wait anew.
        prop_assert!(took <= 4 * longest_close(&configs), "{:?}", took);
        assert_told(&pair);
    }

    #[test]
    fn nothing_is_lost_while_nothing_breaks_and_no_time_passes(
        configs in configs().prop_map(|[a, b]| [quiet(a), quiet(b)]),
        rooms in rooms(),
        ops in vec(op(0, 0), 0..80),
        step in 1..5_000usize,
    ) {
        let mut pair = Pair::new(configs, rooms, [u64::MAX; 2]);
        ops.iter().enumerate().for_each(|(number, op)| apply(&mut pair, number, op));
        prop_assert_eq!(close(&mut pair, step), Duration::ZERO);
        assert_told(&pair);
        for i in 0..2 {
            prop_assert_eq!(told(&pair.sides[i].events), told(&pair.sides[1 - i].sent));
        }
        // One of the two closed first, or both at once, and they agree on what that was.
        match [ended(&pair.sides[0]), ended(&pair.sides[1])] {
            [(By::Local, _, Cause::Local), (By::Local, _, Cause::Local)] => {}
            [(By::Local, a, Cause::Local), (By::Peer, b, Cause::Peer)]
            | [(By::Peer, a, Cause::Peer), (By::Local, b, Cause::Local)] => prop_assert_eq!(a, b),
            others => prop_assert!(false, "{:?}", others),
        }
    }

    #[test]
    fn the_same_operations_give_the_same_events_for_every_chunking(
        configs in configs().prop_map(|[a, b]| [quiet(a), quiet(b)]),
        rooms in rooms(),
        ops in vec(op(0, 0), 0..40),
        step in 1..5_000usize,
    ) {
        let run = |rooms, step| {
            let mut pair = Pair::new(configs.clone(), rooms, [u64::MAX; 2]);
            for (number, op) in ops.iter().enumerate() {
                if matches!(op, Op::Message(..) | Op::Piece(..) | Op::Ping(..) | Op::Close(..)) {
                    apply(&mut pair, number, op);
                    pair.settle(step);
                }
            }
            close(&mut pair, step);
            assert_told(&pair);
            pair.sides.map(|side| side.events)
        };
        prop_assert_eq!(run(rooms, step), run([1 << 20; 2], 1 << 20));
    }
}
