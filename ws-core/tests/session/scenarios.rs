//! Scenarios of a session that need no dialect: answers that open nothing (S3), both ends closing at
//! once (S5), and what the callbacks of a client are made of (S7).

use crate::sim::{NORMAL, Plan, ServerEnd, Sim, plain};
use bytes::Buf;
use ws_core::close::CloseCode;
use ws_core::handshake::{Accept, HandshakeError, Limits, Request, ServerHandshake};
use ws_core::session::{Action, End, Event, Lost, SendError, Session, State};
use ws_core::{Instant, Machine, Seed, TransportEnd};

/// What a server answers to what the client has written: a good answer, changed.
fn answer(request: &[u8], change: &dyn Fn(String) -> String) -> Vec<u8> {
    let mut server = ServerHandshake::new(Limits::default(), Instant::ORIGIN);
    server.io().0.extend_from_slice(request);
    assert!(server.poll(Instant::ORIGIN).unwrap().is_some());
    server.accept(Accept::new()).unwrap();
    let send = server.io().1;
    let answer = send.copy_to_bytes(send.remaining());
    change(String::from_utf8(answer.to_vec()).unwrap()).into_bytes()
}

/// Has every dial answered so; the errors of all attempts, and how the session ended.
fn dial(change: &dyn Fn(String) -> String) -> (Vec<HandshakeError>, End) {
    let request = Request::new("ws://example.com/feed").unwrap();
    let mut session = Session::new(request, plain(), Seed::new([1; 32]));
    let mut now = Instant::ORIGIN;
    session.start(now);
    let mut errors = Vec::new();
    loop {
        while let Some(action) = session.action() {
            let Action::Dial { conn, .. } = action else {
                continue;
            };
            assert!(session.dialed(conn, now));
            let (recv, send) = session.io(conn).unwrap();
            let asked = send.copy_to_bytes(send.remaining());
            recv.extend_from_slice(&answer(&asked, change));
        }
        match session.poll(now) {
            Some(Event::Failed {
                lost: Lost::Handshake(error),
                ..
            }) => errors.push(error),
            Some(Event::Terminated(end)) => return (errors, end),
            Some(Event::RetryScheduled { .. }) => {}
            Some(event) => panic!("{event:?}"),
            None => {
                now = session.poll_timeout().expect("a retry").0;
                session.handle_timeout(now);
            }
        }
    }
}

/// The answer is refused as that, three times, and then for good.
#[track_caller]
fn assert_refused(change: &dyn Fn(String) -> String, expected: &HandshakeError) {
    let (errors, end) = dial(change);
    assert_eq!(
        errors,
        [expected.clone(), expected.clone(), expected.clone()]
    );
    assert_eq!(end, End::Fatal(Lost::Handshake(expected.clone())));
}

fn with(line: &'static str) -> impl Fn(String) -> String {
    move |answer| answer.replace("\r\n\r\n", &format!("\r\n{line}\r\n\r\n"))
}

fn without(name: &'static str) -> impl Fn(String) -> String {
    move |answer| {
        let lines = answer.split_inclusive("\r\n");
        lines.filter(|line| !line.starts_with(name)).collect()
    }
}

#[test]
fn s03_a_101_that_opens_no_websocket_is_a_typed_error_and_no_session() {
    use HandshakeError as E;
    let accept = "Sec-WebSocket-Accept";
    let wrong = |answer: String| answer.replace("Accept: ", "Accept: A");
    assert_refused(&wrong, &E::AcceptMismatch);
    let missing = E::MissingHeader { name: accept };
    assert_refused(&without(accept), &missing);
    let name = "Upgrade";
    assert_refused(&without("Upgrade"), &E::UpgradeMissing { name });
    let name = "x-unasked".into();
    assert_refused(
        &with("Sec-WebSocket-Extensions: x-unasked"),
        &E::ExtensionNotOffered { name },
    );
    let name = "chat".into();
    assert_refused(
        &with("Sec-WebSocket-Protocol: chat"),
        &E::SubprotocolNotOffered { name },
    );
}

#[test]
fn s03_headers_of_200_kib_and_garbage_are_errors_within_the_limits() {
    let long = |answer: String| {
        let line = format!("\r\nX-Long: {}\r\n\r\n", "x".repeat(200 << 10));
        answer.replace("\r\n\r\n", &line)
    };
    assert_refused(&long, &HandshakeError::HeadTooLarge { limit: 16 << 10 });
    assert_refused(
        &|_| "220 smtp.example.com ready\r\n".into(),
        &HandshakeError::NotHttp,
    );
}

#[test]
fn s03_retry_after_may_be_a_date() {
    const LATER: (&str, &str) = ("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT");
    let dials = |headers, wall: Option<&str>| {
        let mut sim = Sim::new(plain(), &[Plan::Reject(503, headers, b""), Plan::Serve]);
        if let Some(wall) = wall {
            sim.session.wall_clock(wall.parse().unwrap(), sim.now);
        }
        sim.start();
        sim.run(60_000);
        sim.dials
    };
    let at = "1994-11-06T08:49:30Z";
    assert_eq!(dials(&[LATER], Some(at)), [0, 7000], "by our clock");
    assert_eq!(dials(&[LATER], None), [0, 1000], "nobody knows the time");
    let sent = ("Date", "Sun, 06 Nov 1994 08:49:34 GMT");
    let both: &[_] = Box::leak(Box::new([LATER, sent]));
    assert_eq!(dials(both, Some(at)), [0, 3000], "by the server's own");
    assert_eq!(dials(both, None), [0, 3000]);
    let past = "1994-11-06T08:49:38Z";
    assert_eq!(dials(&[LATER], Some(past)), [0, 1000], "it is over");
    let never = ("Retry-After", "Fri, 31 Dec 2500 23:59:59 GMT");
    let never: &[_] = Box::leak(Box::new([never]));
    let mut sim = Sim::new(plain(), &[Plan::Reject(503, never, b""), Plan::Serve]);
    sim.session.wall_clock(at.parse().unwrap(), sim.now);
    sim.start();
    sim.run(2_000_000);
    assert_eq!(sim.dials, [0, 900_000], "no longer than 15 minutes");
}

#[test]
fn s05_both_ends_close_at_once_with_one_close_frame_each_and_no_error() {
    let mut sim = Sim::new(plain(), &[Plan::Serve]);
    sim.start();
    sim.take_log();
    let now = sim.now;
    let server = sim.server().unwrap().connection();
    server.close(CloseCode::GOING_AWAY, "restart", now).unwrap();
    sim.session.close(NORMAL, "bye", now).unwrap();
    sim.run(60_000);
    assert_eq!(
        sim.take_log(),
        [
            "0: disconnected: closed by this end with 1000 normal closure: \"bye\"",
            "0: over: closed by this end with 1000 normal closure: \"bye\"",
            "0: < closed by this end with 1001 going away: \"restart\"",
        ]
    );
    assert_eq!(sim.dials, [0]);
}

#[test]
fn s07_another_endpoint_and_fresh_headers_from_the_loss_on() {
    let plans = [Plan::Serve, Plan::Refuse, Plan::Refuse, Plan::Serve];
    let mut sim = Sim::new(plain(), &plans);
    sim.start();
    sim.take_log();
    sim.cut(TransportEnd::Reset);
    let other = Request::new("ws://other.example:81/second?token=2").unwrap();
    let other = other.header("X-Key", "fresh").unwrap();
    sim.session.set_target(other);
    sim.run(60_000);
    assert_eq!(sim.targets, ["/feed", "/second?token=2"]);
    assert_eq!(sim.keys, ["fresh"]);
    let log = sim.take_log();
    assert_eq!(
        log[1..],
        [
            "0: attempt 1 in 1000",
            "1000: attempt 1 failed: the dial failed: the connection was refused (connect)",
            "1000: attempt 2 in 2000",
            "3000: attempt 2 failed: the dial failed: the connection was refused (connect)",
            "3000: attempt 3 in 4000",
            "7000: opened",
            "7000: ready 3 after 7000",
        ]
    );
}

#[test]
fn s07_frames_are_refused_while_a_connection_is_made_and_the_end_is_told_once() {
    let mut sim = Sim::new(plain(), &[Plan::Hang, Plan::Say(vec![])]);
    sim.start();
    assert!(matches!(
        sim.session.send("x", sim.now),
        Err(SendError::NotReady(State::Dialing { .. }))
    ));
    sim.run(22_000);
    assert!(matches!(
        sim.session.send("x", sim.now),
        Err(SendError::NotReady(State::Upgrading { .. }))
    ));
    for _ in 0..3 {
        sim.session.close(NORMAL, "", sim.now).unwrap();
        sim.settle();
    }
    sim.run(60_000);
    let log = sim.take_log();
    let ends = log.iter().filter(|line| line.contains("over: "));
    assert_eq!(ends.count(), 1, "{log:#?}");
}
