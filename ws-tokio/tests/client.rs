//! What a handle offers beyond messages, on real sockets.

#[path = "../../ws-core/examples/market/mod.rs"]
mod market;

use std::time::Duration;

use market::{Market, answer};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;
use ws_tokio::session::{
    Client, CredError, End, Event, Events, Lost, PingFailed, State, Wanted, start_with,
    start_with_credentials,
};
use ws_tokio::ws_core::options::SessionOptions;
use ws_tokio::ws_core::policy::BackoffPolicy;
use ws_tokio::ws_core::session::auth::{AuthConfig, AuthEvent, LoginFailure};
use ws_tokio::ws_core::session::subscriptions::{Change, Step, SubOptions};
use ws_tokio::ws_core::session::{
    DrainOptions, LoginLost, Network, Offline, SendError, SendOptions, SessionConfig,
};
use ws_tokio::{CloseCode, OwnedEvent, Request, accept};

/// Far longer than anything here takes; a test that needs it has failed.
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
async fn venue() -> Request {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut socket = accept(stream).await.unwrap();
                while let Some(event) = socket.next().await {
                    match event {
                        OwnedEvent::Text(text) if text == "drop" => return,
                        OwnedEvent::Text(text) => {
                            socket.feed(answer(&text, "second")).await.unwrap();
                            if let Some(topic) = text.strip_prefix("sub ") {
                                socket.feed(format!("tick {topic} 1")).await.unwrap();
                            }
                        }
                        _ => {}
                    }
                }
            });
        }
    });
    Request::new(&*url).unwrap()
}

async fn until<T>(events: &mut Events<Market>, found: impl Fn(&Event) -> Option<T>) -> T {
    let search = async {
        loop {
            let event = events.next().await.expect("not the end");
            if let Some(found) = found(&event) {
                return found;
            }
        }
    };
    timeout(PATIENCE, search).await.expect("an event")
}

async fn ready(client: &Client<Market>) {
    timeout(PATIENCE, client.ready()).await.unwrap().unwrap();
}

#[tokio::test]
async fn credentials_are_asked_for_each_time_and_what_was_refused_is_said() {
    let (asked, mut questions) = mpsc::unbounded_channel();
    let provider = move |wanted: Wanted| {
        asked.send(wanted.refused).unwrap();
        async move {
            // It may take its time: the session goes on.
            tokio::task::yield_now().await;
            let token = wanted.refused.map_or("first", |_| "second");
            Ok(token.to_owned())
        }
    };
    let (client, mut events) =
        start_with_credentials(venue().await, Market, &login(), provider).unwrap();
    ready(&client).await;
    let refused = Event::Login(AuthEvent::Rejected { code: 13009 });
    until(&mut events, |event| (*event == refused).then_some(())).await;
    assert_eq!(questions.recv().await, Some(None));
    assert_eq!(questions.recv().await, Some(Some(13009)));

    client.send("drop").unwrap();
    until(&mut events, |event| {
        matches!(event, Event::Ready { conn, .. } if conn.get() == 2).then_some(())
    })
    .await;
    // Those of the connection before are not kept.
    assert_eq!(questions.recv().await, Some(None));
}

#[tokio::test]
async fn a_provider_that_fails_is_told_of_and_one_that_denies_ends_the_session() {
    let mut attempts = 0;
    let provider = move |_: Wanted| {
        attempts += 1;
        let answer = match attempts {
            1 => Err(CredError::Temporary),
            _ => Ok("second".to_owned()),
        };
        async move { answer }
    };
    let (client, mut events) =
        start_with_credentials(venue().await, Market, &login(), provider).unwrap();
    ready(&client).await;
    assert_eq!(client.conn().get(), 2);
    let failed = Event::Login(AuthEvent::Failed(LoginFailure::NoCredentials));
    until(&mut events, |event| (*event == failed).then_some(())).await;

    let denies = |_: Wanted| async { Err(CredError::Denied) };
    let denied = start_with_credentials(venue().await, Market, &login(), denies).unwrap();
    let without = start_with(venue().await, Market, &login()).unwrap();
    for (client, _events) in [denied, without] {
        let end = timeout(PATIENCE, client.ended()).await.unwrap();
        let denied = Lost::Login(LoginLost::Denied { code: None });
        assert_eq!(end, End::Fatal(denied));
    }
}

#[tokio::test]
async fn topics_are_restored_pings_measured_and_the_end_comes_in_order() {
    let options = SessionOptions::default().config(config());
    let (client, mut events) = start_with(venue().await, Market, &options).unwrap();
    let topics = ["btc", "eth"].map(|topic| {
        let id = client.subscribe(topic, SubOptions::default());
        id.unwrap()
    });
    for change in [Change::Confirmed, Change::Restored] {
        for topic in topics {
            until(&mut events, |event| {
                matches!(event, Event::Subscription { id, change: what, .. }
                    if *id == topic && *what == change)
                .then_some(())
            })
            .await;
        }
        let snapshot = client.snapshot();
        assert_eq!(snapshot.subscriptions.confirmed, 2);
        assert_eq!(snapshot.state, client.state());
        let round_trip = timeout(PATIENCE, client.ping(PATIENCE)).await.unwrap();
        assert!(round_trip.unwrap() < PATIENCE);
        assert!(client.health().last_heard.is_some());
        if change == Change::Confirmed {
            until(&mut events, |event| {
                matches!(
                    event,
                    Event::Data {
                        step: Step::Unmarked | Step::First,
                        ..
                    }
                )
                .then_some(())
            })
            .await;
            client.send("drop").unwrap();
        }
    }
    assert_eq!(client.conn().get(), 2);

    client.unsubscribe(topics[0]);
    until(&mut events, |event| {
        let left = topics[0];
        matches!(event, Event::Subscription { id, change: Change::Unsubscribed, .. } if *id == left)
            .then_some(())
    })
    .await;
    assert_eq!(client.snapshot().subscriptions.confirmed, 1);

    let sent = client.send_with("order 7 7", &SendOptions::default());
    let sent = sent.unwrap();
    until(&mut events, |event| {
        matches!(event, Event::MessageSent { id } if *id == sent).then_some(())
    })
    .await;
    assert!(!client.unsend(sent), "it has left");

    let closed = client.drain(CloseCode::NORMAL, "done", DrainOptions::default());
    closed.unwrap();
    until(&mut events, |event| {
        matches!(
            event,
            Event::Drained {
                requests: 0,
                queued: 0
            }
        )
        .then_some(())
    })
    .await;
    assert!(timeout(PATIENCE, client.ended()).await.unwrap().is_clean());
    let late = timeout(PATIENCE, client.ping(PATIENCE)).await.unwrap();
    let over = SendError::NotReady(State::Terminal);
    assert_eq!(late, Err(PingFailed::Refused(over)));
}

#[tokio::test]
async fn without_a_network_nothing_is_dialled_and_what_waits_can_be_taken_back() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = gone.local_addr().unwrap();
    drop(gone);
    let patient = BackoffPolicy::default()
        .first(None)
        .base(PATIENCE)
        .cap(PATIENCE);
    let options = SessionOptions::default().config(config().backoff(patient));
    let request = Request::new(&*format!("ws://{address}/")).unwrap();
    let (client, mut events) = start_with(request, Market, &options).unwrap();
    until(&mut events, |event| {
        matches!(event, Event::RetryScheduled { .. }).then_some(())
    })
    .await;
    client.network(Network::Offline);
    assert!(matches!(client.state(), State::Parked { .. }));

    let kept = SendOptions::default().offline(Offline::Queue);
    let kept = client.send_with("kept", &kept).unwrap();
    assert!(client.unsend(kept));
    until(&mut events, |event| {
        matches!(event, Event::MessageLost { id, .. } if *id == kept).then_some(())
    })
    .await;

    client.network(Network::Online);
    until(&mut events, |event| {
        matches!(event, Event::Failed { .. }).then_some(())
    })
    .await;
}
