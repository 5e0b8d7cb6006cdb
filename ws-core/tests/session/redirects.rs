//! A session whose servers send it on: within an attempt, as often as allowed, and never with
//! secrets to another origin.

use std::num::NonZeroU32;

use crate::sim::plain;
use crate::sim::venue::Venue;
use bytes::Buf;
use ws_core::handshake::{HandshakeError, Request};
use ws_core::policy::DialLimit;
use ws_core::session::auth::AuthConfig;
use ws_core::session::{Action, End, Event, HandshakeLogin, Lost, Session, SessionConfig};
use ws_core::{Instant, Seed};

/// What a session does whose every dial is sent to where `next` says: the places it asked, and how
/// it ended.
struct Run {
    asked: Vec<String>,
    times: Vec<u128>,
    events: Vec<String>,
    end: Option<End>,
}

fn run(config: SessionConfig, next: impl Fn(usize) -> Option<String>) -> Run {
    let request = Request::new("ws://a.test/0").unwrap();
    let request = request.header("Authorization", "Bearer s3cret").unwrap();
    let mut session = Session::with_dialect(request, Venue::default(), config, Seed::new([1; 32]));
    let mut now = Instant::ORIGIN;
    session.start(now);
    let mut run = Run {
        asked: Vec::new(),
        times: Vec::new(),
        events: Vec::new(),
        end: None,
    };
    while run.end.is_none() && run.asked.len() < 100 {
        while let Some(action) = session.action() {
            let (conn, request) = match action {
                Action::Dial { conn, request } => (conn, request),
                Action::Credentials { id, .. } => {
                    session.credentials(id, Ok("key"), now);
                    continue;
                }
                _ => continue,
            };
            assert!(session.dialed(conn, now));
            let (recv, send) = session.io(conn).unwrap();
            let asked = send.copy_to_bytes(send.remaining());
            let secret = String::from_utf8(asked.to_vec())
                .unwrap()
                .contains("s3cret");
            let secret = if secret { " with a secret" } else { "" };
            run.times.push((now - Instant::ORIGIN).as_millis());
            let answer = match next(run.asked.len()) {
                Some(to) => {
                    format!("HTTP/1.1 302 On\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
                }
                None => "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n".into(),
            };
            run.asked.push(format!("{}{secret}", request.url()));
            recv.extend_from_slice(answer.as_bytes());
        }
        match session.poll(now) {
            Some(Event::Terminated(end)) => run.end = Some(end.clone()),
            Some(Event::Redirected { to, .. }) => run.events.push(to.to_string()),
            Some(Event::Failed { attempt, .. }) => run.events.push(format!("failed {attempt}")),
            Some(Event::RetryScheduled { .. }) => {}
            Some(event) => panic!("{event:?}"),
            None => match session.poll_timeout() {
                Some((at, _)) => {
                    now = at;
                    session.handle_timeout(now);
                }
                None => break,
            },
        }
    }
    run
}

fn status(end: Option<End>) -> u16 {
    match end {
        Some(End::Fatal(Lost::Handshake(HandshakeError::Rejected(rejection)))) => rejection.status,
        other => panic!("{other:?}"),
    }
}

#[test]
fn none_is_followed_by_default_and_the_third_refusal_is_the_last() {
    let run = run(plain(), |n| Some(format!("/{n}")));
    assert_eq!(run.asked, ["ws://a.test/0 with a secret"; 3]);
    assert_eq!(status(run.end), 302);
}

#[test]
fn an_attempt_goes_where_it_is_sent_at_once_and_the_next_begins_anew() {
    let config = plain().redirects(2);
    let run = run(config, |n| match n % 3 {
        0 => Some("/1".into()),
        1 => Some("ws://b.test/2".into()),
        _ => None,
    });
    let attempt = [
        "ws://a.test/0 with a secret",
        "ws://a.test/1 with a secret",
        "ws://b.test/2",
    ];
    assert_eq!(run.asked, attempt.repeat(3));
    let (first, rest) = run.times.split_at(3);
    assert_eq!(first, [0; 3], "without a delay");
    assert_eq!(rest[..3], [1000; 3], "the delay is of attempts");
    let events = ["ws://a.test/1", "ws://b.test/2", "failed 1"];
    assert_eq!(run.events[..3], events);
    assert_eq!(status(run.end), 404);
}

#[test]
fn the_limit_of_attempts_counts_attempts_and_the_budget_counts_dials() {
    let backoff = plain().backoff.max_attempts(Some(2));
    let config = plain().redirects(1).backoff(backoff);
    let to = |n: usize| (n % 2 == 0).then(|| "/1".into());
    let limited = run(config.clone(), to);
    assert_eq!(limited.asked.len(), 4);
    assert!(matches!(limited.end, Some(End::Exhausted { .. })));

    let budget = DialLimit::default().limit(NonZeroU32::MIN);
    let slow = run(config.budget(Some(budget)), to);
    assert_eq!(slow.times, [0, 60_000, 120_000, 180_000]);
}

#[test]
fn circles_end() {
    let run = run(plain().redirects(5), |_| Some("/0".into()));
    assert_eq!(run.asked.len(), 3 * 6);
    assert_eq!(status(run.end), 302);
}

#[test]
fn a_session_that_logs_in_stays_within_its_origin() {
    let login = plain().login(Some(AuthConfig::default()));
    let signed = plain().handshake_login(HandshakeLogin::Fresh);
    let neither = plain().handshake_login(HandshakeLogin::None);
    for (config, follows) in [(login, false), (signed, false), (neither, true)] {
        let run = run(config.redirects(5), |n| match n {
            0 => Some("/1".into()),
            1 => Some("ws://b.test/".into()),
            _ => None,
        });
        assert_eq!(run.asked[1], "ws://a.test/1 with a secret");
        assert_eq!(run.asked[2] == "ws://b.test/", follows, "{:?}", run.asked);
    }
}
