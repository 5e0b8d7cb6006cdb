//! A `send` waits for room and never fails for the lack of it, although the reading half, on another
//! thread, answers pings through the same queue.

use ws_tokio::ws_core::handshake::{Agreed, Opened};
use ws_tokio::ws_core::{Role, Seed};
use ws_tokio::{Config, Message, WebSocket};

const MESSAGES: usize = 50_000;

fn opened(role: Role) -> Opened {
    Opened::upgraded(role, Agreed::default(), &[], Seed::new([7; 32]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_send_does_not_fail_because_a_pong_took_its_room() {
    let (a, b) = tokio::io::duplex(1 << 16);
    let config = Config::default().send_limit(1);
    let ours = WebSocket::upgraded(a, opened(Role::Server), &config);
    let theirs = WebSocket::upgraded(b, opened(Role::Client), &Config::default());
    let (mut reader, mut writer) = ours.split();
    let (mut their_reader, mut pinger) = theirs.split();
    let tasks = [
        tokio::spawn(async move { while reader.next().await.is_some() {} }),
        tokio::spawn(async move { while their_reader.next().await.is_some() {} }),
        tokio::spawn(async move { while pinger.send(Message::Ping(b"!")).await.is_ok() {} }),
    ];
    for _ in 0..MESSAGES {
        writer.send("text").await.expect("it waits");
    }
    for task in tasks {
        task.abort();
    }
}
