//! Scenario S14: the inputs of a session, written down and run again.

use crate::sim::venue::{Venue, yes};
use crate::sim::{Plan, Sim, plain};
use ws_core::TransportEnd;
use ws_core::session::auth::AuthConfig;
use ws_core::session::journal::{Divergence, replay};
use ws_core::session::subscriptions::SubOptions;
use ws_core::session::{Session, State};

/// A session with a login, a topic and a request that loses its connection; recorded or not.
fn day(record: bool) -> Sim<Venue> {
    let dialect = Venue {
        hello: true,
        arm: true,
        by_topic: false,
        ..Venue::default()
    };
    let config = plain().login(Some(AuthConfig::default()));
    let mut sim = Sim::with(dialect, config, &[Plan::Serve, Plan::Refuse, Plan::Serve]);
    sim.answers = Some(Box::new(yes));
    sim.provider = Some(Box::new(|_, _| Some(Ok("hunter2"))));
    if record {
        sim.session.record();
    }
    sim
}

fn live(sim: &mut Sim<Venue>) {
    sim.start();
    let options = SubOptions::default();
    sim.session.subscribe("A", options, sim.now).unwrap();
    sim.session.request(&"what", sim.now).unwrap();
    sim.session.send("a message", sim.now).unwrap();
    sim.run(5000);
    sim.cut(TransportEnd::Reset);
    sim.run(60_000);
    assert!(matches!(sim.session.state(), State::Ready { .. }));
}

#[test]
fn s14_a_recorded_session_runs_again_to_the_same_events() {
    let mut recorded = day(true);
    live(&mut recorded);
    let mut plain = day(false);
    live(&mut plain);
    assert_eq!(recorded.log, plain.log, "recording changes nothing");
    assert_eq!(plain.session.take_journal(), None);

    let journal = recorded.session.take_journal().unwrap();
    assert!(!journal.contains("hunter2"), "{journal}");
    let mut again = day(false).session;
    let replayed = replay(&mut again, &journal, |_| Some("hunter2")).unwrap();
    assert_eq!(replayed.lines, journal.lines().count());
    assert!(replayed.outputs > 10, "{replayed:?}");
    assert_eq!(again.state(), recorded.session.state());

    // It goes on in the next piece.
    recorded.run(61_000);
    recorded.session.send("more", recorded.now).unwrap();
    recorded.settle();
    let more = recorded.session.take_journal().unwrap();
    let whole = format!("{journal}{more}");
    let mut again = day(false).session;
    assert!(replay(&mut again, &whole, |_| Some("hunter2")).is_ok());
    // Without the credentials it can't go on.
    let mut again = day(false).session;
    assert!(replay(&mut again, &whole, |_| None).is_err());
}

#[test]
fn what_a_journal_can_t_hold_is_said() {
    let gap = |act: &dyn Fn(&mut Session<Venue>, ws_core::Instant)| {
        let mut sim = day(true);
        sim.start();
        act(&mut sim.session, sim.now);
        sim.settle();
        let journal = sim.session.take_journal().unwrap();
        let mut again = day(false).session;
        match replay(&mut again, &journal, |_| Some("hunter2")) {
            Err(Divergence::Gap { what, .. }) => what,
            other => panic!("{other:?}"),
        }
    };
    let sender = |session: &mut Session<Venue>, _| session.sender().unwrap().text("x").unwrap();
    assert_eq!(gap(&sender), "sender");
    let dialect = |session: &mut Session<Venue>, _| session.dialect().arm = false;
    assert_eq!(gap(&dialect), "dialect");
    let target = |session: &mut Session<Venue>, _| {
        let target = session.target().clone();
        session.set_target(target);
    };
    assert_eq!(gap(&target), "set_target");
    let import = |session: &mut Session<Venue>, now| {
        session.import_subscriptions(Vec::new(), now).unwrap();
    };
    assert_eq!(gap(&import), "import_subscriptions");
}

#[test]
fn a_bad_line_is_an_error_with_its_number() {
    let mut sim = day(true);
    sim.start();
    let journal = sim.session.take_journal().unwrap();
    let lines = journal.lines().count();
    for bad in [
        "dance 0\n",
        "start\n",
        "start 0 1\n",
        "close 0 1000 xzz\n",
        "in 0 x0\n",
        "network 0 9\n",
        "send 0 7 x00\n",
        "send 0 1 xff\n",
        "subscribe 0 x41 9 1 0 0 0 0 0 0 0 0 0\n",
    ] {
        let mut again = day(false).session;
        let outcome = replay(&mut again, &format!("{journal}{bad}"), |_| Some("hunter2"));
        let line = lines + 1;
        assert_eq!(outcome, Err(Divergence::BadLine { line }), "{bad}");
    }
    let mut again = day(false).session;
    let outcome = replay(&mut again, "something else\n", |_| Some("hunter2"));
    assert_eq!(outcome, Err(Divergence::BadLine { line: 1 }));
    let mut again = day(false).session;
    let more = format!("{journal}out 0 99999999\n");
    let line = lines + 1;
    let outcome = replay(&mut again, &more, |_| Some("hunter2"));
    assert_eq!(outcome, Err(Divergence::Written { line }));
}
