//! What a handle offers beyond messages, on real sockets, from threads.

#[path = "../../ws-core/tests/bindings/guard.rs"]
mod guard;
#[path = "../../ws-core/examples/market/mod.rs"]
mod market;

use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use guard::guard;
use market::{Market, answer};
use ws_blocking::session::{
    CredError, End, Event, Events, Lost, PingFailed, State, Wanted, start_with,
    start_with_credentials,
};
use ws_blocking::ws_core::options::SessionOptions;
use ws_blocking::ws_core::policy::BackoffPolicy;
use ws_blocking::ws_core::session::auth::{AuthConfig, AuthEvent, LoginFailure};
use ws_blocking::ws_core::session::subscriptions::{Change, SubOptions};
use ws_blocking::ws_core::session::{
    DrainOptions, LoginLost, Network, SendError, SendOptions, SessionConfig,
};
use ws_blocking::{CloseCode, OwnedEvent, Request, accept};

const PATIENCE: Duration = Duration::from_secs(30);

fn config() -> SessionConfig {
    let millisecond = Duration::from_millis(1);
    let backoff = BackoffPolicy::default()
        .first(None)
        .base(millisecond)
        .cap(millisecond);
    SessionConfig::default().backoff(backoff).budget(None)
}

fn login() -> SessionOptions {
    SessionOptions::default().config(config().login(Some(AuthConfig::default())))
}

/// A venue that lets in whoever has the token; `drop` makes it drop the connection.
fn venue() -> Request {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || {
                let mut socket = accept(stream.unwrap()).unwrap();
                while let Some(event) = socket.next() {
                    match event {
                        OwnedEvent::Text(text) if text == "drop" => return,
                        OwnedEvent::Text(text) => {
                            socket.feed(answer(&text, "second")).unwrap();
                        }
                        _ => {}
                    }
                }
            });
        }
    });
    Request::new(&*url).unwrap()
}

fn until(events: &mut Events<Market>, found: impl Fn(&Event) -> bool) {
    assert!(events.any(|event| found(&event)), "not the end");
}

#[test]
fn credentials_are_asked_for_each_time_and_what_was_refused_is_said() {
    guard(|| {
        let (asked, questions) = mpsc::channel();
        let provider = move |wanted: Wanted| {
            asked.send(wanted.refused).unwrap();
            Ok(wanted.refused.map_or("first", |_| "second").to_owned())
        };
        let started = start_with_credentials(venue(), Market, &login(), provider);
        let (client, mut events) = started.unwrap();
        client.ready().unwrap();
        let refused = Event::Login(AuthEvent::Rejected { code: 13009 });
        until(&mut events, |event| *event == refused);
        assert_eq!(questions.recv(), Ok(None));
        assert_eq!(questions.recv(), Ok(Some(13009)));

        client.send("drop").unwrap();
        until(
            &mut events,
            |event| matches!(event, Event::Ready { conn, .. } if conn.get() == 2),
        );
        // Those of the connection before are not kept.
        assert_eq!(questions.recv(), Ok(None));
        // The provider ends with the session.
        drop((client, events));
        while questions.recv().is_ok() {}
    });
}

#[test]
fn a_provider_that_fails_is_told_of_and_one_that_denies_ends_the_session() {
    guard(|| {
        let mut attempts = 0;
        let provider = move |_: Wanted| {
            attempts += 1;
            match attempts {
                1 => Err(CredError::Temporary),
                _ => Ok("second".to_owned()),
            }
        };
        let started = start_with_credentials(venue(), Market, &login(), provider);
        let (client, mut events) = started.unwrap();
        client.ready().unwrap();
        assert_eq!(client.conn().get(), 2);
        let failed = Event::Login(AuthEvent::Failed(LoginFailure::NoCredentials));
        until(&mut events, |event| *event == failed);

        let denies = |_: Wanted| Err(CredError::Denied);
        let panics = |_: Wanted| -> Result<String, CredError> { panic!("on purpose") };
        for (client, _events) in [
            start_with_credentials(venue(), Market, &login(), denies).unwrap(),
            start_with_credentials(venue(), Market, &login(), panics).unwrap(),
            start_with(venue(), Market, &login()).unwrap(),
        ] {
            let denied = Lost::Login(LoginLost::Denied { code: None });
            assert_eq!(client.ended(), End::Fatal(denied));
        }
    });
}

#[test]
fn topics_are_restored_pings_measured_and_the_end_comes_in_order() {
    guard(|| {
        let options = SessionOptions::default().config(config());
        let (client, mut events) = start_with(venue(), Market, &options).unwrap();
        let topic = client.subscribe("btc", SubOptions::default()).unwrap();
        for change in [Change::Confirmed, Change::Restored] {
            until(&mut events, |event| {
                matches!(event, Event::Subscription { id, change: what, .. }
                    if *id == topic && *what == change)
            });
            assert_eq!(client.snapshot().subscriptions.confirmed, 1);
            assert!(client.ping(PATIENCE).unwrap() < PATIENCE);
            assert!(client.health().last_heard.is_some());
            if change == Change::Confirmed {
                client.network(Network::PathChanged);
                client.send("drop").unwrap();
            }
        }
        client.unsubscribe(topic);
        until(&mut events, |event| {
            let unsubscribed = Change::Unsubscribed;
            matches!(event, Event::Subscription { change, .. } if *change == unsubscribed)
        });

        let sent = client.send_with("order 7 7", &SendOptions::default());
        let sent = sent.unwrap();
        until(&mut events, |event| {
            *event == Event::MessageSent { id: sent }
        });
        assert!(!client.unsend(sent), "it has left");

        let closed = client.drain(CloseCode::NORMAL, "done", DrainOptions::default());
        closed.unwrap();
        until(&mut events, |event| matches!(event, Event::Drained { .. }));
        assert!(client.ended().is_clean());
        let over = SendError::NotReady(State::Terminal);
        assert_eq!(client.ping(PATIENCE), Err(PingFailed::Refused(over)));
    });
}
