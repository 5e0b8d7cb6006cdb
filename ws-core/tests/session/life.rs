//! The resilient session against the scenarios, in virtual time.

use std::time::Duration;

use crate::sim::{NORMAL, Plan, ServerEnd, Sim, backoff, plain};
use ws_core::TransportEnd;
use ws_core::close::CloseCode;
use ws_core::policy::{Classifier, IoClass, Stage};
use ws_core::session::{DialError, Initial, SendError, State};

#[test]
fn s01_a_drop_is_healed_by_the_ladder_and_the_next_starts_it_again() {
    let config = plain().backoff(backoff().cap(Duration::from_secs(4)));
    let plans = [
        Plan::Serve,
        Plan::Refuse,
        Plan::Refuse,
        Plan::Refuse,
        Plan::Serve,
    ];
    let mut sim = Sim::new(config, &plans);
    sim.start();
    assert_eq!(sim.take_log(), ["0: opened", "0: ready 1"]);
    sim.run(500);

    sim.cut(TransportEnd::Reset);
    let refused = "failed: the dial failed: the connection was refused (connect)";
    assert!(matches!(
        sim.session.send("x", sim.now),
        Err(SendError::NotReady(State::Waiting { .. }))
    ));
    sim.run(20_000);
    assert_eq!(
        sim.take_log(),
        [
            "500: disconnected: broken off: the connection was reset",
            "500: attempt 1 in 1000",
            &format!("1500: attempt 1 {refused}"),
            "1500: attempt 2 in 2000",
            &format!("3500: attempt 2 {refused}"),
            "3500: attempt 3 in 4000",
            &format!("7500: attempt 3 {refused}"),
            "7500: attempt 4 in 4000",
            "11500: opened",
            "11500: ready 4 after 11000",
        ]
    );
    assert_eq!(sim.dials, [0, 1500, 3500, 7500, 11_500]);
    assert_eq!(
        sim.targets,
        ["/feed", "/feed"],
        "one request for each connection"
    );

    sim.cut(TransportEnd::Eof);
    assert_eq!(sim.take_log()[1], "20000: attempt 1 in 1000");
}

#[test]
fn s01_twin_a_connection_of_less_than_30_s_starts_nothing_again() {
    let config = plain().backoff(backoff().stable_after(Duration::from_secs(30)));
    let mut sim = Sim::new(config, &[Plan::Serve]);
    sim.start();
    sim.run(29_999);
    sim.cut(TransportEnd::Reset);
    assert_eq!(sim.take_log()[3], "29999: attempt 2 in 1000");
    sim.run(31_000);
    sim.cut(TransportEnd::Reset);
    assert_eq!(sim.take_log()[3], "31000: attempt 3 in 2000");
    sim.run(33_000 + 30_000);
    sim.cut(TransportEnd::Reset);
    assert_eq!(sim.take_log()[3], "63000: attempt 1 in 1000");
}

#[test]
fn s02_an_upgrade_that_never_comes_ends_each_attempt_at_its_own_deadline() {
    let letters = b"HTTP/".iter().map(|&letter| vec![letter]);
    let trickle: Vec<_> = (0..).step_by(4000).zip(letters).collect();
    for script in [Vec::new(), trickle] {
        let five = plain().handshake.timeout(Duration::from_secs(5));
        let config = plain()
            .handshake(five)
            .backoff(backoff().max_attempts(Some(3)));
        let mut sim = Sim::new(config.clone(), &[Plan::Say(script.clone())]);
        sim.start();
        sim.run(60_000);
        assert_eq!(sim.dials, [0, 6000, 13_000]);
        let slow = "failed: the opening handshake failed: the opening handshake took too long";
        assert_eq!(
            sim.take_log(),
            [
                &format!("5000: attempt 1 {slow}"),
                "5000: attempt 2 in 1000",
                &format!("11000: attempt 2 {slow}"),
                "11000: attempt 3 in 2000",
                &format!("18000: attempt 3 {slow}"),
                "18000: over: gave up after 3 attempts: the opening handshake failed: the opening \
                 handshake took too long",
            ]
        );

        let mut sim = Sim::new(config.initial(Initial::FailFast), &[Plan::Say(script)]);
        sim.start();
        sim.run(60_000);
        assert_eq!(sim.dials, [0]);
        assert!(sim.take_log()[1].starts_with("5000: over: "));
        assert_eq!(sim.session.state(), State::Terminal);
    }
}

#[test]
fn s03_rejections_are_judged_by_their_status() {
    let over = |plan: Plan| {
        let mut sim = Sim::new(plain(), &[plan, Plan::Serve]);
        sim.start();
        sim.run(60_000);
        (sim.dials.clone(), sim.take_log())
    };
    let (dials, log) = over(Plan::Reject(401, &[("WWW-Authenticate", "Basic")], b"who?"));
    assert_eq!(
        dials,
        [0],
        "without a provider there is nothing else to try"
    );
    assert!(log[1].starts_with("0: over: "), "{log:?}");
    let (dials, _) = over(Plan::Reject(503, &[("Retry-After", "7")], b""));
    assert_eq!(dials, [0, 7000]);
    let (dials, _) = over(Plan::Reject(429, &[], b""));
    assert_eq!(dials, [0, 1000]);
    let (_, log) = over(Plan::Reject(301, &[("Location", "/other")], b""));
    assert!(log[0].contains("status 301"), "{log:?}");
    let garbage = Plan::Say(vec![(0, b"SSH-2.0-OpenSSH_9\r\n".to_vec())]);
    let (dials, log) = over(garbage);
    assert!(log[0].contains("does not speak http"), "{log:?}");
    assert_eq!(dials, [0, 1000]);
}

#[test]
fn s05_close_handshakes_lead_where_they_should() {
    // (a) The owner closes: the peer's answer comes, and that is the end.
    let mut sim = Sim::new(plain(), &[Plan::Serve]);
    sim.start();
    sim.take_log();
    sim.session
        .close(CloseCode::new(4000), "bye", sim.now)
        .unwrap();
    assert!(matches!(
        sim.session.send("x", sim.now),
        Err(SendError::NotReady(State::Draining { .. }))
    ));
    sim.run(1);
    assert_eq!(
        sim.take_log(),
        [
            "0: disconnected: closed by this end with 4000: \"bye\"",
            "0: over: closed by this end with 4000: \"bye\"",
            "0: < closed by the peer with 4000: \"bye\"",
        ]
    );
    // (b) The peer never answers.
    let mut sim = Sim::new(plain(), &[Plan::Serve]);
    sim.start();
    sim.take_log();
    sim.black_hole();
    sim.session
        .close(CloseCode::new(4000), "bye", sim.now)
        .unwrap();
    sim.run(60_000);
    assert_eq!(
        sim.take_log(),
        [
            "5000: disconnected: closed after the closing handshake timeout with 4000: \"bye\"",
            "5000: over: closed after the closing handshake timeout with 4000: \"bye\"",
        ]
    );
    // (c) The peer restarts.
    let mut sim = Sim::new(plain(), &[Plan::Serve]);
    sim.start();
    sim.take_log();
    let now = sim.now;
    let server = sim.server().unwrap().connection();
    server.close(CloseCode::GOING_AWAY, "restart", now).unwrap();
    sim.run(1000);
    assert_eq!(
        sim.take_log(),
        [
            "0: < closed by this end with 1001 going away: \"restart\"",
            "0: disconnected: closed by the peer with 1001 going away: \"restart\"",
            "0: attempt 1 in 1000",
            "1000: opened",
            "1000: ready 1 after 1000",
        ]
    );
    // (d) A normal close is one reason more to come back, unless it is to be the end.
    for (classifier, dials) in [
        (Classifier::default(), 2),
        (Classifier::default().stop_on_normal_close(), 1),
    ] {
        let mut sim = Sim::new(plain().classifier(classifier), &[Plan::Serve]);
        sim.start();
        let now = sim.now;
        sim.server()
            .unwrap()
            .connection()
            .close(NORMAL, "", now)
            .unwrap();
        sim.run(5000);
        assert_eq!(sim.dials.len(), dials);
    }
    // (g) What may not be sent is refused, and nothing happens.
    let mut sim = Sim::new(plain(), &[Plan::Serve]);
    sim.start();
    let long = "x".repeat(124);
    for (code, reason) in [
        (1000, &*long),
        (1004, ""),
        (1005, "x"),
        (1015, ""),
        (1006, ""),
        (999, ""),
        (5000, ""),
        (2999, ""),
    ] {
        assert!(
            sim.session
                .close(CloseCode::new(code), reason, sim.now)
                .is_err()
        );
        assert!(matches!(sim.session.state(), State::Ready { .. }));
    }
}

#[test]
fn s05_a_policy_violation_five_times_in_a_row_is_final() {
    let config = plain().backoff(backoff().stable_after(Duration::from_secs(30)));
    let mut sim = Sim::new(config, &[Plan::Serve]);
    sim.start();
    for _ in 0..10 {
        let now = sim.now;
        let Some(server) = sim.server() else { break };
        server
            .connection()
            .close(CloseCode::POLICY_VIOLATION, "", now)
            .unwrap();
        let later = sim.millis() + 20_000;
        sim.run(later);
    }
    assert_eq!(sim.dials.len(), 5);
    assert_eq!(sim.session.state(), State::Terminal);
}

#[test]
fn s06_a_fault_of_the_peer_is_told_first_and_then_judged() {
    let mut sim = Sim::new(plain(), &[Plan::Serve]);
    sim.start();
    sim.take_log();
    let conn = sim.session.conn();
    let (recv, _) = sim.session.io(conn).unwrap();
    recv.extend_from_slice(&[0x83, 0]);
    sim.run(999);
    let log = sim.take_log();
    assert_eq!(log[0], "0: protocol error: opcode 0x3 is reserved");
    assert!(
        log[1].starts_with("0: < closed by the peer with 1002"),
        "{log:?}"
    );
    assert!(
        log[2].starts_with("0: disconnected: the peer broke the protocol"),
        "{log:?}"
    );
    assert_eq!(log[3], "0: attempt 1 in 1000");
}

#[test]
fn s10_a_peer_that_falls_silent_is_replaced() {
    use ws_core::connection::{Config, Keepalive};
    let keepalive = Keepalive::default()
        .interval(Duration::from_secs(15))
        .timeout(Duration::from_secs(5));
    let config = plain().connection(Config::default().keepalive(Some(keepalive)));
    let mut sim = Sim::new(config, &[Plan::Serve]);
    sim.start();
    sim.run(15_000);
    let log = sim.take_log();
    assert_eq!(log[2], "15000: < ping [0, 0, 0, 0, 0, 0, 0, 1]");
    assert!(log[3].starts_with("15000: pong"), "{log:?}");

    // From now on the network swallows everything.
    sim.black_hole();
    sim.run(36_000);
    let log = sim.take_log();
    assert_eq!(
        log[0],
        "35000: disconnected: closed after the pong timeout with 1011 internal error: \"keepalive ping timeout\""
    );
    assert_eq!(log[1], "35000: attempt 1 in 1000");
    assert_eq!(log[2], "36000: opened");
}

#[test]
fn s13_stale_news_change_nothing() {
    let mut sim = Sim::new(plain(), &[Plan::Serve, Plan::Hang]);
    sim.start();
    let first = sim.session.conn();
    sim.cut(TransportEnd::Reset);
    sim.run(1000);
    assert!(matches!(sim.session.state(), State::Dialing { .. }));
    let (state, due) = (sim.session.state(), sim.session.poll_timeout());

    let refused = DialError::new(Stage::Connect, IoClass::Refused);
    sim.session.lost(first, TransportEnd::Eof);
    sim.session.unwritable(first, sim.now);
    sim.session.dial_failed(first, refused, sim.now);
    assert!(!sim.session.dialed(first, sim.now));
    assert!(sim.session.io(first).is_none());
    assert_eq!(sim.session.stale_inputs(), 5);
    assert_eq!(
        (sim.session.state(), sim.session.poll_timeout()),
        (state, due)
    );
    sim.run(20_999);
    assert_eq!(sim.dials, [0, 1000], "the dial has 20 s");
    sim.run(23_000);
    assert_eq!(
        sim.dials,
        [0, 1000, 23_000],
        "and the next comes 2 s after them"
    );
}

#[test]
fn s13_closing_while_waiting_ends_at_once_and_reconnecting_dials_at_once() {
    let mut sim = Sim::new(plain(), &[Plan::Serve]);
    sim.start();
    sim.cut(TransportEnd::Reset);
    sim.run(500);
    sim.session.reconnect(sim.now);
    sim.run(700);
    assert_eq!(sim.dials, [0, 500]);
    assert!(matches!(sim.session.state(), State::Ready { .. }));

    // While ready: closes, and dials once.
    sim.take_log();
    sim.session.reconnect(sim.now);
    sim.session.reconnect(sim.now);
    sim.run(5000);
    assert_eq!(sim.dials, [0, 500, 700]);
    let log = sim.take_log();
    assert_eq!(log.last().unwrap(), "700: ready 1 after 0");

    sim.cut(TransportEnd::Reset);
    sim.session.close(NORMAL, "", sim.now).unwrap();
    sim.run(60_000);
    assert_eq!(sim.dials.len(), 3);
    assert_eq!(sim.take_log().last().unwrap(), "5000: over: closed");
    assert_eq!(sim.session.poll_timeout(), None);
    sim.session.reconnect(sim.now);
    sim.session.start(sim.now);
    sim.run(120_000);
    assert_eq!(sim.dials.len(), 3, "over is over");
}

#[test]
fn accepting_and_closing_at_once_earns_no_more_dials_than_the_budget() {
    // The worst configuration: no delay at all.
    let config = plain()
        .backoff(backoff().base(Duration::ZERO).floor(Duration::ZERO))
        .budget(Some(Default::default()));
    let mut sim = Sim::new(config, &[Plan::Serve]);
    sim.start();
    while sim.millis() < 180_000 {
        if sim.is_up() {
            sim.cut(TransportEnd::Eof);
        }
        let next = sim.millis() + 1;
        sim.run(next);
    }
    for window in sim.dials.windows(21) {
        assert!(window[20] - window[0] >= 60_000, "{window:?}");
    }
    assert!(sim.dials.len() >= 60);
}

#[test]
fn messages_pass_both_ways_and_the_bytes_of_the_101_are_not_lost() {
    let mut sim = Sim::new(plain(), &[Plan::Serve]);
    sim.start();
    sim.session.send("up", sim.now).unwrap();
    sim.session.send(vec![1, 2], sim.now).unwrap();
    sim.server()
        .unwrap()
        .connection()
        .sender()
        .text("down")
        .unwrap();
    sim.settle();
    assert_eq!(
        sim.take_log(),
        [
            "0: opened",
            "0: ready 1",
            "0: < up",
            "0: < [1, 2]",
            "0: text down"
        ]
    );
}

#[test]
fn s04_frames_glued_to_the_101_come_after_it_in_order() {
    use ws_core::connection::{Config, Connection};
    use ws_core::handshake::{Accept, Limits, Request, ServerHandshake};
    use ws_core::session::{Action, Event, Session, SessionConfig};
    use ws_core::{Instant, Machine, Seed};

    let now = Instant::ORIGIN;
    let request = Request::new("ws://example.com/feed").unwrap();
    let mut session = Session::new(request, SessionConfig::default(), Seed::new([1; 32]));
    session.start(now);
    let Some(Action::Dial { conn, .. }) = session.action() else {
        panic!("it dials at once");
    };
    assert!(session.dialed(conn, now));
    let mut server = ServerHandshake::new(Limits::default(), now);
    while let Some(bytes) = session.io(conn).unwrap().1.pop() {
        server.io().0.extend_from_slice(&bytes);
    }
    assert!(server.poll(now).unwrap().is_some());
    let answer = Accept::new().header("X-Seen", "yes").unwrap();
    server.accept(answer).unwrap();
    let mut bytes = Vec::new();
    while let Some(piece) = server.io().1.pop() {
        bytes.extend_from_slice(&piece);
    }
    let mut server = Connection::new(server.finish().unwrap(), &Config::default(), now);
    for text in ["m1", "m2", "m3"] {
        server.sender().text(text).unwrap();
    }
    while let Some(piece) = server.io().1.pop() {
        bytes.extend_from_slice(&piece);
    }
    // All but one byte of the third frame in one piece, and then that.
    let (most, last) = bytes.split_at(bytes.len() - 1);
    session.io(conn).unwrap().0.extend_from_slice(most);
    let Some(Event::Opened { agreed, .. }) = session.poll_owned(now) else {
        panic!("first of all it is open");
    };
    let headers = agreed.response_headers.unwrap();
    assert_eq!(headers.get("X-Seen"), Some("yes"));
    assert!(matches!(session.poll(now), Some(Event::Ready { .. })));
    assert_eq!(session.poll(now), Some(Event::Text("m1")));
    assert_eq!(session.poll(now), Some(Event::Text("m2")));
    assert_eq!(session.poll(now), None);
    session.io(conn).unwrap().0.extend_from_slice(last);
    assert_eq!(session.poll(now), Some(Event::Text("m3")));
    assert_eq!(session.poll(now), None);
}

#[test]
fn s05_a_close_code_that_means_an_authentication_failure_is_final_at_once() {
    use ws_core::policy::{Row, Verdict, When};
    let unauthorized = Row::new(When::Close(4401..=4401), Verdict::FATAL);
    let config = plain().classifier(Classifier::default().row(unauthorized));
    let mut sim = Sim::new(config, &[Plan::Serve]);
    sim.start();
    let now = sim.now;
    let server = sim.server().unwrap().connection();
    server.close(CloseCode::new(4401), "", now).unwrap();
    sim.run(60_000);
    assert_eq!((sim.dials.len(), sim.session.state()), (1, State::Terminal));
}
