//! An owner that leaves what has come where it is, and one that stops: in virtual time.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::sim::venue::{Venue, yes};
use crate::sim::{Plan, Sim, backoff, plain};
use ws_core::TransportEnd;
use ws_core::connection::Keepalive;
use ws_core::policy::{DialLimit, Heartbeat};
use ws_core::session::correlate::{End as Why, Sent};
use ws_core::session::journal::replay;
use ws_core::session::{Action, End, Event, SessionConfig, State, Upcoming};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn venue(config: SessionConfig) -> Sim<Venue> {
    let dialect = Venue {
        hello: false,
        arm: false,
        by_topic: false,
        overheard: Default::default(),
    };
    let mut sim = Sim::with(dialect, config, &[Plan::Serve]);
    sim.answers = Some(Box::new(yes));
    sim
}

/// What the server says, as it is on the wire; nobody takes it.
fn receive(sim: &mut Sim<Venue>, frames: &[(u8, &str)]) {
    let conn = sim.session.conn();
    let (recv, _) = sim.session.io(conn).expect("a connection");
    for (first, payload) in frames {
        let len = u8::try_from(payload.len()).expect("short");
        recv.extend_from_slice(&[*first, len]);
        recv.extend_from_slice(payload.as_bytes());
    }
}

/// Lets deadlines pass without taking anything; says how many, up to the loss of the connection.
fn leave(sim: &mut Sim<Venue>, excuse: bool) -> usize {
    for deadlines in 0..20 {
        let Some((at, _)) = sim.session.poll_timeout() else {
            return deadlines;
        };
        sim.now = at;
        if excuse {
            sim.session.excuse(at);
        }
        sim.session.handle_timeout(at);
        let next = sim.session.poll_timeout();
        assert!(next.is_none_or(|(next, _)| next > at), "no busy loop");
        if !matches!(sim.session.state(), State::Ready { .. }) {
            return deadlines;
        }
    }
    20
}

#[test]
fn what_comes_next_is_known_before_it_is_taken() {
    let mut sim = venue(plain());
    sim.start();
    assert_eq!(sim.session.upcoming(sim.now), None);
    let id = sim.session.request(&"ask", sim.now).unwrap();
    let answer = format!("{} ok", id.number());
    receive(
        &mut sim,
        &[(0x89, "p"), (0x81, "text"), (0x81, &answer), (0x82, "x")],
    );
    for expected in [
        Upcoming::Control,
        Upcoming::Message,
        Upcoming::Answer(id),
        Upcoming::Message,
    ] {
        for _ in 0..2 {
            assert_eq!(sim.session.upcoming(sim.now), Some(expected), "it stays");
        }
        assert!(sim.session.poll_owned(sim.now).is_some());
    }
    assert_eq!(sim.session.upcoming(sim.now), None);
    sim.session.lost(sim.session.conn(), TransportEnd::Reset);
    assert_eq!(sim.session.upcoming(sim.now), Some(Upcoming::Notice));
}

#[test]
fn a_peer_is_not_judged_while_its_owner_does_not_read() {
    let keepalive = Keepalive::default().interval(secs(15)).timeout(secs(10));
    let heartbeat = Heartbeat::default().idle_data(Some(secs(20)));
    let mut config = plain().heartbeat(heartbeat.expect(Some(secs(30))));
    config.connection = config.connection.keepalive(Some(keepalive));
    for (excuse, survives) in [(true, true), (false, false)] {
        let mut sim = venue(config.clone());
        sim.start();
        receive(&mut sim, &[(0x81, "text")]);
        assert_eq!(sim.session.upcoming(sim.now), Some(Upcoming::Message));
        let deadlines = leave(&mut sim, excuse);
        assert_eq!(deadlines == 20, survives, "{deadlines} deadlines");
        if survives {
            assert_eq!(sim.session.upcoming(sim.now), Some(Upcoming::Message));
            let text = sim.session.poll_owned(sim.now);
            assert_eq!(text, Some(Event::Text("text".into())));
            assert!(leave(&mut sim, false) < 20, "from now on it is");
        }
    }
}

#[test]
fn an_abandoned_session_is_over_and_tells_everyone_who_waits() {
    let mut sim = venue(plain());
    sim.start();
    let id = sim.session.request(&"ask", sim.now).unwrap();
    let conn = sim.session.conn();
    for _ in 0..2 {
        sim.session.abandon(sim.now);
        assert_eq!(sim.session.state(), State::Terminal);
    }
    assert_eq!(sim.session.action(), Some(Action::Drop { conn }));
    assert_eq!(sim.session.action(), None);
    let mut told = Vec::new();
    while let Some(event) = sim.session.poll_owned(sim.now) {
        told.push(event);
    }
    let ended = told.iter().find_map(|event| match event {
        Event::RequestEnded { id, why, sent } => Some((*id, *why, *sent)),
        _ => None,
    });
    assert_eq!(ended, Some((id, Why::Disconnected, Sent::No)));
    assert_eq!(told.last(), Some(&Event::Terminated(End::Closed(None))));
    assert_eq!(sim.session.poll_timeout(), None);
    assert!(sim.session.send("x", sim.now).is_err());
}

#[test]
fn a_dial_that_is_waited_for_can_be_moved_within_the_budget() {
    let two = NonZeroU32::new(2).expect("not zero");
    let budget = DialLimit::default().limit(two).per(secs(60));
    let config = plain().backoff(backoff().base(secs(1000)).cap(secs(1000)));
    let mut sim = venue(config.budget(Some(budget)));
    sim.session.retry_in(secs(1), sim.now);
    sim.start();
    sim.cut(TransportEnd::Reset);
    assert!(matches!(sim.session.state(), State::Waiting { .. }));
    sim.session.retry_in(secs(5), sim.now);
    sim.run(10_000);
    assert_eq!(sim.dials, [0, 5000]);
    assert!(
        sim.log.contains(&"0: attempt 1 in 5000".to_owned()),
        "{:?}",
        sim.log
    );
    sim.cut(TransportEnd::Reset);
    sim.session.retry_in(Duration::ZERO, sim.now);
    sim.run(100_000);
    assert_eq!(
        sim.dials,
        [0, 5000, 60_000],
        "no sooner than the budget allows"
    );
}

#[test]
fn s14_what_an_owner_says_of_itself_is_in_the_journal() {
    let day = || venue(plain().backoff(backoff()));
    let mut sim = day();
    sim.session.record();
    sim.start();
    receive(&mut sim, &[(0x81, "text")]);
    assert!(sim.session.upcoming(sim.now).is_some());
    sim.session.excuse(sim.now);
    sim.session.handle_timeout(sim.now);
    sim.settle();
    sim.cut(TransportEnd::Reset);
    sim.session.retry_in(secs(2), sim.now);
    sim.run(5000);
    sim.session.abandon(sim.now);
    sim.settle();
    let journal = sim.session.take_journal().unwrap();
    for verb in ["excuse", "retry_in", "abandon"] {
        assert!(journal.contains(&format!("\n{verb} ")), "{verb}");
    }
    let mut again = day().session;
    let replayed = replay(&mut again, &journal, |_| None);
    assert!(replayed.is_ok(), "{replayed:?}");
    assert_eq!(again.state(), State::Terminal);
}
