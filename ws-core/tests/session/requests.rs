//! Requests through a session, in virtual time.

use std::convert::Infallible;
use std::time::Duration;

use crate::sim::{Plan, ServerEnd, Sim, plain};
use ws_core::TransportEnd;
use ws_core::message::Message;
use ws_core::session::correlate::{CorrelatorConfig, Key, RequestId, Sent};
use ws_core::session::{Class, Dialect, Out, RequestError, SendError, WaitError};

/// Requests are `number?what`, answers `number!what`; everything else is for the application, save
/// for `hush`.
struct Numbers;

impl Dialect for Numbers {
    type Request = &'static str;
    type Credentials = Infallible;

    fn request(&mut self, id: RequestId, request: &&'static str, out: &mut Out<'_>) {
        out.send(format!("{}?{request}", id.number()));
    }

    fn classify<'m>(&mut self, message: &Message<'m>, _: &mut Out<'_>) -> Class<'m> {
        let Message::Text(text) = message else {
            return Class::Message;
        };
        if *text == "hush" {
            return Class::Handled;
        }
        let number = text.split_once('!').and_then(|(id, _)| id.parse().ok());
        number.map_or(Class::Message, |number| {
            Class::Response(Key::Number(number))
        })
    }
}

fn ready(plans: &[Plan]) -> Sim<Numbers> {
    let mut sim = Sim::with(Numbers, plain(), plans);
    sim.start();
    sim.take_log();
    sim
}

fn say(sim: &mut Sim<Numbers>, text: &str) {
    sim.server()
        .unwrap()
        .connection()
        .sender()
        .text(text)
        .unwrap();
    sim.settle();
}

#[test]
fn s08_answers_in_any_order_find_their_requests() {
    let mut sim = ready(&[Plan::Serve]);
    let ids: Vec<_> = (0..100)
        .map(|_| sim.session.request(&"time", sim.now).unwrap())
        .collect();
    sim.settle();
    assert_eq!(sim.take_log()[99], "0: < 100?time");
    assert_eq!(sim.session.pending_requests(), 100);
    sim.run(250);
    for id in ids.iter().rev() {
        say(&mut sim, &format!("{}!noon", id.number()));
    }
    let log = sim.take_log();
    assert_eq!(log[0], "250: answer to 100 after 250: noon");
    assert_eq!(log[99], "250: answer to 1 after 250: noon");
    assert_eq!(sim.session.pending_requests(), 0);
    assert_eq!(sim.session.latency().unwrap().count, 100);
}

#[test]
fn s08_a_request_without_an_answer_ends_at_exactly_30_s_and_its_answer_is_late() {
    let mut sim = ready(&[Plan::Serve]);
    let id = sim.session.request(&"time", sim.now).unwrap();
    sim.run(29_999);
    assert_eq!(sim.take_log(), ["0: < 1?time"]);
    sim.run(30_000);
    assert_eq!(sim.take_log(), ["30000: request 1 ended: TimedOut Full"]);
    sim.run(31_000);
    say(&mut sim, &format!("{}!noon", id.number()));
    say(&mut sim, "77!what");
    say(&mut sim, "hush");
    say(&mut sim, "plain");
    let log = sim.take_log();
    assert!(log[0].starts_with("31000: unmatched Late"), "{log:?}");
    assert!(log[1].starts_with("31000: unmatched Unknown"), "{log:?}");
    assert_eq!(log[2], "31000: text plain");
    assert_eq!(sim.session.strays().late, 1);
    // The next request has a number of its own.
    assert_ne!(sim.session.request(&"time", sim.now).unwrap(), id);
}

#[test]
fn s01_what_was_asked_ends_with_its_connection_and_is_not_asked_again() {
    let mut sim = ready(&[Plan::Serve]);
    let seven = sim.session.request(&"seven", sim.now).unwrap();
    sim.session.request(&"eight", sim.now).unwrap();
    sim.settle();
    // This one is still in the queue when the connection breaks.
    sim.session.request(&"nine", sim.now).unwrap();
    sim.cut_now(TransportEnd::Reset);
    assert_eq!(
        sim.take_log(),
        [
            "0: < 1?seven",
            "0: < 2?eight",
            "0: disconnected: broken off: the connection was reset",
            "0: request 1 ended: Disconnected Full",
            "0: request 2 ended: Disconnected Full",
            "0: request 3 ended: Disconnected No",
            "0: attempt 1 in 1000",
        ]
    );
    assert!(matches!(
        sim.session.request(&"ten", sim.now),
        Err(RequestError::Send(SendError::NotReady(_)))
    ));
    sim.run(5000);
    assert_eq!(sim.take_log(), ["1000: opened", "1000: ready 1 after 1000"]);
    say(&mut sim, &format!("{}!late", seven.number()));
    assert!(sim.take_log()[0].starts_with("5000: unmatched Late"));
}

#[test]
fn a_request_taken_back_says_how_far_it_got() {
    let mut sim = ready(&[Plan::Serve]);
    let left = sim.session.request(&"left", sim.now).unwrap();
    sim.settle();
    let queued = sim.session.request(&"queued", sim.now).unwrap();
    assert_eq!(sim.session.cancel(left, sim.now), Some(Sent::Full));
    assert_eq!(sim.session.cancel(queued, sim.now), Some(Sent::No));
    assert_eq!(sim.session.cancel(queued, sim.now), None);
    assert_eq!(sim.session.poll_timeout(), None, "nothing waits");
}

#[test]
fn no_more_requests_wait_than_may() {
    let few = CorrelatorConfig::default()
        .max_pending(2)
        .timeout(Duration::from_secs(1));
    let mut sim = Sim::with(Numbers, plain().requests(few), &[Plan::Serve]);
    sim.start();
    for _ in 0..2 {
        sim.session.request(&"x", sim.now).unwrap();
    }
    assert!(matches!(
        sim.session.request(&"x", sim.now),
        Err(RequestError::Correlate(_))
    ));
    sim.run(1000);
    assert!(sim.session.request(&"x", sim.now).is_ok());
}

fn special(message: &Message<'_>) -> bool {
    matches!(message, Message::Text("special"))
}

#[test]
fn s08_who_waits_for_a_message_gets_it_and_the_others_reach_the_application() {
    let mut sim = ready(&[Plan::Serve]);
    let limit = Duration::from_secs(30);
    let first = sim.session.wait_for(special, limit, sim.now).unwrap();
    let second = sim.session.wait_for(special, limit, sim.now).unwrap();
    assert_ne!(first, second);
    let wanted = sim.session.request(&"x", sim.now).unwrap();
    for text in [
        "plain",
        "special",
        "1!special",
        "hush",
        "special",
        "special",
    ] {
        say(&mut sim, text);
    }
    assert_eq!(wanted.number(), 1);
    assert_eq!(
        sim.take_log(),
        [
            "0: < 1?x",
            "0: text plain",
            r#"0: Awaited { id: WaitId(1), message: Text("special") }"#,
            "0: answer to 1 after 0: special",
            r#"0: Awaited { id: WaitId(2), message: Text("special") }"#,
            "0: text special",
        ]
    );
    assert_eq!(sim.session.poll_timeout(), None, "nobody waits any more");
}

#[test]
fn s08_an_answer_that_no_request_waits_for_is_looked_at_as_well() {
    let mut sim = ready(&[Plan::Serve]);
    let late = |message: &Message<'_>| matches!(message, Message::Text("9!late"));
    let limit = Duration::from_secs(1);
    sim.session.wait_for(late, limit, sim.now).unwrap();
    say(&mut sim, "9!late");
    say(&mut sim, "9!late");
    assert_eq!(
        sim.take_log(),
        [
            r#"0: Awaited { id: WaitId(1), message: Text("9!late") }"#,
            r#"0: unmatched Unknown Text("9!late")"#,
        ]
    );
}

#[test]
fn j02_a_wait_ends_with_its_time_its_connection_or_the_session() {
    let mut sim = ready(&[Plan::Serve]);
    let seconds = Duration::from_secs;
    let ids = [3, 2, 60].map(|limit| {
        let waiting = sim.session.wait_for(special, seconds(limit), sim.now);
        waiting.unwrap()
    });
    assert_eq!(sim.session.snapshot(sim.now).waiting_for, 3);
    sim.run(2_999);
    assert_eq!(
        sim.take_log(),
        ["2000: WaitEnded { id: WaitId(2), why: TimedOut }"]
    );
    sim.run(3_000);
    assert_eq!(
        sim.take_log(),
        ["3000: WaitEnded { id: WaitId(1), why: TimedOut }"]
    );
    let given_up = sim.session.wait_for(special, seconds(9), sim.now).unwrap();
    assert!(sim.session.stop_waiting(given_up));
    assert!(!sim.session.stop_waiting(given_up));
    assert!(!sim.session.stop_waiting(ids[0]));
    sim.cut(TransportEnd::Eof);
    let log = sim.take_log();
    assert_eq!(
        log[1],
        "3000: WaitEnded { id: WaitId(3), why: Disconnected }"
    );
    // Without a connection, the next one is waited for as well; nothing is heard before it.
    sim.session.wait_for(special, seconds(60), sim.now).unwrap();
    sim.run(5_000);
    sim.take_log();
    say(&mut sim, "special");
    assert_eq!(sim.take_log().len(), 1);
    sim.session.wait_for(special, seconds(60), sim.now).unwrap();
    sim.session
        .close(ws_core::close::CloseCode::NORMAL, "", sim.now)
        .unwrap();
    sim.settle();
    let log = sim.take_log();
    assert!(
        log.contains(&"5000: WaitEnded { id: WaitId(6), why: Disconnected }".to_string()),
        "{log:#?}"
    );
    assert_eq!(
        sim.session.wait_for(special, seconds(1), sim.now),
        Err(WaitError::Over)
    );
}

#[test]
fn j02_no_more_wait_than_may_and_the_end_of_a_session_without_a_connection_ends_them() {
    let mut sim = Sim::with(Numbers, plain().max_waiting(1), &[Plan::Refuse]);
    sim.start();
    let limit = Duration::from_secs(60);
    sim.session.wait_for(special, limit, sim.now).unwrap();
    let another = sim.session.wait_for(special, limit, sim.now);
    assert_eq!(another, Err(WaitError::TooMany(1)));
    sim.take_log();
    sim.session
        .close(ws_core::close::CloseCode::NORMAL, "", sim.now)
        .unwrap();
    sim.settle();
    assert_eq!(
        sim.take_log(),
        [
            "0: WaitEnded { id: WaitId(1), why: Closed }",
            "0: over: closed"
        ]
    );
    assert_eq!(sim.session.poll_timeout(), None);
}
