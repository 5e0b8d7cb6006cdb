//! JSON-RPC through a session, on real sockets.
#![cfg(feature = "json")]

use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use ws_tokio::session::{Client, Event, Events, Payload, RequestFailed, start_with};
use ws_tokio::ws_core::options::SessionOptions;
use ws_tokio::ws_core::policy::BackoffPolicy;
use ws_tokio::ws_core::session::correlate::{CorrelatorConfig, End, Sent};
use ws_tokio::ws_core::session::{Call, JsonRpc, SessionConfig};
use ws_tokio::{OwnedEvent, Request, WebSocket, accept};

const PATIENCE: Duration = Duration::from_secs(30);

/// The number of a call, found without a JSON parser.
fn number(call: &str) -> &str {
    let (_, rest) = call.split_once("\"id\":").unwrap();
    rest.split_once(',').unwrap().0
}

async fn ask(client: &Client<JsonRpc>, method: &str) -> Result<String, RequestFailed> {
    let call = Call::new(method).params(&[method]).unwrap();
    let answer = timeout(PATIENCE, client.request(&call))
        .await
        .expect("an end")?;
    let Payload::Text(text) = answer else {
        panic!("text")
    };
    Ok(JsonRpc::answer(&text).unwrap().unwrap().to_string())
}

async fn serve(mut socket: WebSocket<TcpStream>, calls: usize) {
    let mut waiting = Vec::new();
    while let Some(event) = socket.next().await {
        let OwnedEvent::Text(call) = event else {
            continue;
        };
        if call.contains("\"drop\"") {
            return;
        }
        waiting.push(call);
        if waiting.len() == calls {
            socket.feed("{\"method\":\"notification\"}").await.unwrap();
            // The last is answered first.
            while let Some(call) = waiting.pop() {
                let method = call.rsplit('"').nth(1).unwrap();
                let answer = format!("{{\"id\":{},\"result\":\"{method}!\"}}", number(&call));
                socket.feed(answer).await.unwrap();
            }
        }
    }
}

/// A session whose requests wait for so long.
fn session(url: &str, patience: Duration) -> (Client<JsonRpc>, Events<JsonRpc>) {
    let backoff = BackoffPolicy::default()
        .first(None)
        .base(Duration::from_millis(1));
    let config = SessionConfig::default()
        .backoff(backoff)
        .requests(CorrelatorConfig::default().timeout(patience));
    let options = SessionOptions::default().config(config);
    start_with(Request::new(url).unwrap(), JsonRpc, &options).unwrap()
}

#[tokio::test]
async fn each_answer_goes_to_the_task_that_asked() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let socket = accept(stream).await.unwrap();
            tokio::spawn(serve(socket, 100));
        }
    });
    let (client, mut events) = session(&url, PATIENCE);
    client.ready().await.unwrap();

    let patient: Vec<_> = (0..100)
        .map(|i| {
            let client = client.clone();
            tokio::spawn(async move { ask(&client, &format!("m{i}")).await })
        })
        .collect();
    for (i, task) in patient.into_iter().enumerate() {
        assert_eq!(task.await.unwrap(), Ok(format!("\"m{i}!\"")));
    }
    // What answers nobody is an event.
    let message = loop {
        match timeout(PATIENCE, events.next()).await.unwrap().unwrap() {
            Event::Text(text) => break text,
            Event::Response { .. } => panic!("answers go to those who asked"),
            _ => {}
        }
    };
    assert_eq!(message, "{\"method\":\"notification\"}");

    // A lone request is not answered by this server.
    let (hasty, _events) = session(&url, Duration::from_millis(50));
    hasty.ready().await.unwrap();
    let error = ask(&hasty, "alone").await.unwrap_err();
    let timed_out = RequestFailed::Ended {
        why: End::TimedOut,
        sent: Sent::Full,
    };
    assert_eq!(error, timed_out);
    assert!(!error.definitely_not_executed());

    let error = ask(&client, "drop").await.unwrap_err();
    let lost = RequestFailed::Ended {
        why: End::Disconnected,
        sent: Sent::Full,
    };
    assert_eq!(error, lost);
    timeout(PATIENCE, client.ready()).await.unwrap().unwrap();
    assert_eq!(client.conn().get(), 2);
}
