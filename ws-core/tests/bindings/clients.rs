//! What every binding's handles offer beyond messages, written once: credentials, topics, pings, an end
//! in order, and what is known of the network. See `sessions.rs` for what `rt` provides; here also
//! `provided`, which starts a session whose credentials come from a function.

use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::guard::guard;
use crate::market::{Market, answer};
use crate::raw::{self, CLOSE, PING, PONG, TEXT};
use crate::rt::{self, wait, ws};
use crate::sessions::{listener, options, quick};
use std::io::Write;
use ws::CloseCode;
use ws::Request;
use ws::session::{CredError, End, Event, Events, Lost, PingFailed, SessionOptions, State, Wanted};
use ws::ws_core::policy::BackoffPolicy;
use ws::ws_core::session::auth::{AuthConfig, AuthEvent, LoginFailure};
use ws::ws_core::session::subscriptions::{Change, Step, SubOptions};
use ws::ws_core::session::{DrainOptions, LoginLost, Network, Offline, SendError, SendOptions};

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

fn login() -> SessionOptions {
    SessionOptions::default().config(quick().login(Some(AuthConfig::default())))
}

/// A venue that lets in whoever has the token; `drop` makes it drop the connection.
fn venue() -> Request {
    let (listener, request) = listener();
    thread::spawn(move || serve(&listener));
    request
}

/// The venue, for any number of clients.
pub(crate) fn serve(listener: &TcpListener) {
    for stream in listener.incoming() {
        let mut stream = stream.expect("a client");
        thread::spawn(move || {
            let request = raw::read_head(&mut stream);
            stream.write_all(&raw::answer(&request)).expect("written");
            while let Ok((first, said)) = raw::read_frame(&mut stream) {
                let said_text = String::from_utf8_lossy(&said);
                let replies = match first {
                    PING => vec![raw::frame(PONG, &said)],
                    CLOSE => vec![raw::frame(CLOSE, &said)],
                    TEXT if said_text == "drop" => return,
                    TEXT => {
                        let mut replies = vec![answer(&said_text, "second")];
                        if let Some(topic) = said_text.strip_prefix("sub ") {
                            replies.push(format!("tick {topic} 1"));
                        }
                        let frame = |text: &String| raw::frame(TEXT, text.as_bytes());
                        replies.iter().map(frame).collect()
                    }
                    _ => vec![],
                };
                let _ = stream.write_all(&replies.concat());
                if first == CLOSE {
                    return;
                }
            }
        });
    }
}

fn until(events: &mut Events<Market>, found: impl Fn(&Event) -> bool) {
    loop {
        let event = wait!(events.next()).expect("not the end");
        if found(&event) {
            return;
        }
    }
}

#[test]
fn credentials_are_asked_for_each_time_and_what_was_refused_is_said() {
    guard(|| {
        let (asked, questions) = mpsc::channel();
        let provider = move |wanted: Wanted| {
            asked.send(wanted.refused).expect("read");
            Ok(wanted.refused.map_or("first", |_| "second").to_owned())
        };
        let (client, mut events) = rt::provided(venue(), Market, &login(), provider);
        wait!(client.ready()).expect("a connection");
        let refused = Event::Login(AuthEvent::Rejected { code: 13009 });
        until(&mut events, |event| *event == refused);
        assert_eq!(questions.recv(), Ok(None));
        assert_eq!(questions.recv(), Ok(Some(13009)));

        client.send("drop").expect("ready");
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
        let (client, mut events) = rt::provided(venue(), Market, &login(), provider);
        wait!(client.ready()).expect("a connection");
        assert_eq!(client.conn().get(), 2);
        let failed = Event::Login(AuthEvent::Failed(LoginFailure::NoCredentials));
        until(&mut events, |event| *event == failed);

        let denies = |_: Wanted| Err(CredError::Denied);
        for (client, _events) in [
            rt::provided(venue(), Market, &login(), denies),
            rt::start(venue(), Market, &login()),
        ] {
            let denied = Lost::Login(LoginLost::Denied { code: None });
            assert_eq!(wait!(client.ended()), End::Fatal(denied));
        }
    });
}

#[test]
fn topics_are_restored_pings_measured_and_the_end_comes_in_order() {
    guard(|| {
        let (client, mut events) = rt::start(venue(), Market, &options());
        let topics = ["btc", "eth"].map(|topic| {
            let id = client.subscribe(topic, SubOptions::default());
            id.expect("room")
        });
        for change in [Change::Confirmed, Change::Restored] {
            for topic in topics {
                until(&mut events, |event| {
                    matches!(event, Event::Subscription { id, change: what, .. }
                        if *id == topic && *what == change)
                });
            }
            let snapshot = client.snapshot();
            assert_eq!(snapshot.subscriptions.confirmed, 2);
            assert!(client.subscription(topics[0]).is_some());
            assert!(wait!(client.ping(PATIENCE)).expect("a pong") < PATIENCE);
            assert!(client.health().last_heard.is_some());
            if change == Change::Confirmed {
                until(&mut events, |event| {
                    let step = Step::Unmarked;
                    matches!(event, Event::Data { step: s, .. } if *s == step || *s == Step::First)
                });
                client.network(Network::PathChanged);
                client.send("drop").expect("ready");
            }
        }
        assert_eq!(client.conn().get(), 2);

        client.unsubscribe(topics[0]);
        until(&mut events, |event| {
            matches!(event, Event::Subscription { id, change: Change::Unsubscribed, .. }
                if *id == topics[0])
        });
        assert_eq!(client.snapshot().subscriptions.confirmed, 1);

        let sent = client.send_with("order 7 7", &SendOptions::default());
        let sent = sent.expect("ready");
        until(&mut events, |event| {
            *event == Event::MessageSent { id: sent }
        });
        assert!(!client.unsend(sent), "it has left");

        let closed = client.drain(CloseCode::NORMAL, "done", DrainOptions::default());
        closed.expect("a code that may be sent");
        until(&mut events, |event| {
            let (requests, queued) = (0, 0);
            *event == Event::Drained { requests, queued }
        });
        assert!(wait!(client.ended()).is_clean());
        let over = SendError::NotReady(State::Terminal);
        assert_eq!(wait!(client.ping(PATIENCE)), Err(PingFailed::Refused(over)));
    });
}

#[test]
fn without_a_network_nothing_is_dialled_and_what_waits_can_be_taken_back() {
    guard(|| {
        let (address, _taken) = raw::nobody();
        let request = Request::new(&*format!("ws://{address}/")).expect("a url");
        let hours = Duration::from_secs(10_000);
        let patient = BackoffPolicy::default().first(None).base(hours).cap(hours);
        let options = SessionOptions::default().config(quick().backoff(patient));
        let (client, mut events) = rt::start(request, Market, &options);
        until(&mut events, |event| {
            matches!(event, Event::RetryScheduled { .. })
        });
        client.network(Network::Offline);
        assert!(matches!(client.state(), State::Parked { .. }));

        let kept = SendOptions::default().offline(Offline::Queue);
        let kept = client.send_with("kept", &kept).expect("it may wait");
        assert!(client.unsend(kept));
        until(
            &mut events,
            |event| matches!(event, Event::MessageLost { id, .. } if *id == kept),
        );

        client.network(Network::Online);
        until(&mut events, |event| matches!(event, Event::Failed { .. }));
    });
}
