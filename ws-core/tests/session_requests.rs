//! Requests through a session, in virtual time.

mod sim;

use std::convert::Infallible;
use std::time::Duration;

use sim::{Plan, ServerEnd, Sim, plain};
use ws_core::TransportEnd;
use ws_core::message::Message;
use ws_core::session::correlate::{CorrelatorConfig, Key, RequestId, Sent};
use ws_core::session::{Class, Dialect, Out, RequestError, SendError};

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
