//! The two halves of a connection from two tasks, over a pipe so narrow that every write stalls:
//! with sends that are dropped half way and pings in between, nothing is lost.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use tokio::io::{DuplexStream, duplex};
use ws_core::close::CloseCode;
use ws_core::connection::{Cause, Config, OwnedEvent};
use ws_core::handshake::{Agreed, Opened};
use ws_core::{Role, Seed};
use ws_tokio::WebSocket;

fn pair(pipe: usize) -> [WebSocket<DuplexStream>; 2] {
    let (a, b) = duplex(pipe);
    let socket = |io, role| {
        let opened = Opened::upgraded(role, Agreed::default(), &[], Seed::new([7; 32]));
        WebSocket::upgraded(io, opened, &Config::default())
    };
    [socket(a, Role::Client), socket(b, Role::Server)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_between_two_tasks_on_a_narrow_pipe() {
    const MESSAGES: u32 = 20_000;
    let [client, server] = pair(37);

    let echo = tokio::spawn(async move {
        let (mut reader, mut writer) = server.split();
        let mut pings = 0;
        let mut since = 0;
        while let Some(event) = reader.next().await {
            match event {
                OwnedEvent::Text(text) => {
                    writer.feed(text).await.unwrap();
                    since += 1;
                    if since % 5 == 0 {
                        // A send that is dropped after its first poll: queued, not written.
                        let mut flush = pin!(writer.flush());
                        let _ = flush.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                    } else {
                        writer.flush().await.unwrap();
                    }
                }
                OwnedEvent::Ping(_) => pings += 1,
                OwnedEvent::Closed(closed) => assert_eq!(closed.cause, Cause::Peer),
                event => panic!("{event:?}"),
            }
        }
        pings
    });

    let (mut reader, mut writer) = client.split();
    let (all_here, all_echoed) = tokio::sync::oneshot::channel();
    let sender = tokio::spawn(async move {
        let mut pings = 0;
        for i in 0..MESSAGES {
            writer.feed(format!("message {i}")).await.unwrap();
            if i % 7 == 0 {
                writer
                    .with_sender(|sender| sender.ping(&i.to_be_bytes()))
                    .unwrap();
                pings += 1;
            }
            writer.flush().await.unwrap();
        }
        all_echoed.await.unwrap();
        writer.close(CloseCode::NORMAL, "done").await.unwrap();
        pings
    });

    let (mut echoes, mut pongs) = (0, 0);
    let mut all_here = Some(all_here);
    let mut end = None;
    while let Some(event) = reader.next().await {
        match event {
            OwnedEvent::Text(text) => {
                assert_eq!(text, *format!("message {echoes}"));
                echoes += 1;
            }
            OwnedEvent::Pong(_) => pongs += 1,
            OwnedEvent::Closed(closed) => end = Some(closed),
            event => panic!("{event:?}"),
        }
        if echoes == MESSAGES {
            all_here
                .take()
                .into_iter()
                .for_each(|all_here| all_here.send(()).unwrap());
        }
    }
    let pings = sender.await.unwrap();
    assert_eq!(
        (echoes, pongs, echo.await.unwrap()),
        (MESSAGES, pings, pings)
    );
    assert_eq!(end.unwrap().cause, Cause::Local);
}
