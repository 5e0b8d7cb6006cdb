//! What only async bindings do: futures that are dropped half way, halves in two tasks, and streams
//! that are not sockets. `rt` gives `spawn`, `pipe` and, for a TCP stream, `native_halves`.

use std::future::Future;
use std::io::Write;
use std::net::TcpStream;
use std::pin::pin;
use std::sync::mpsc;
use std::task::Poll;
use std::thread;

use crate::bindings::raw::{self, CLOSE, PING, PONG, TEXT};
use crate::bindings::{guard, join, listener, pair, pair_with, payload, server_and_raw};
use crate::rt::{self, ws};
use ws::ws_core::bytes::Buf;
use ws::ws_core::handshake::{Agreed, Opened};
use ws::ws_core::{Role, Seed};
use ws::{
    AcceptOptions, Cause, CloseCode, Config, ConnectOptions, Kind, Message, OwnedEvent, Request,
};

/// Polls a future this many times, letting others run in between, and then drops it.
async fn at_most<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(move |cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        left -= 1;
        if left == 0 {
            return Poll::Ready(None);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

/// Lets others run.
async fn yield_now() {
    at_most(2, std::future::pending::<()>()).await;
}

fn opened(role: Role) -> Opened {
    Opened::upgraded(role, Agreed::default(), &[], Seed::new([7; 32]))
}

#[test]
fn a_dropped_connect_leaves_nothing_behind() {
    guard(|| {
        for polls in [1, 2, 3, 10, 1000] {
            let (listener, address) = listener();
            let seen = thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                raw::drain(&mut stream)
            });
            // No answer comes, so this can't be done.
            let connecting = ws::connect(format!("ws://{address}/"));
            assert!(rt::block_on(at_most(polls, connecting)).is_none());
            // If it got nowhere, someone else must be there to be accepted.
            drop(TcpStream::connect(address));
            let request = String::from_utf8(join(seen)).unwrap();
            assert!(request.is_empty() || request.ends_with("\r\n\r\n"));
        }
    });
}

#[test]
fn a_dropped_accept_hangs_up() {
    guard(|| {
        let (listener, address) = listener();
        for part in [0, 1, 20, raw::REQUEST.len() - 1] {
            for polls in [1, 2, 100] {
                let mut raw = TcpStream::connect(address).unwrap();
                let (stream, _) = listener.accept().unwrap();
                raw.write_all(&raw::REQUEST.as_bytes()[..part]).unwrap();
                let accepting = ws::accept(rt::tcp(stream));
                assert!(rt::block_on(at_most(polls, accepting)).is_none());
                assert_eq!(raw::drain(&mut raw), b"");
            }
        }
    });
}

#[test]
fn dropped_reads_lose_no_event_and_no_reply() {
    const MESSAGES: usize = 200;
    guard(|| {
        for patience in 1..4 {
            let (mut socket, mut raw) = server_and_raw(&AcceptOptions::default());
            let peer = thread::spawn(move || {
                for i in 0..MESSAGES {
                    // In two parts, so that a read can be dropped in the middle of a frame.
                    let frame = raw::masked(TEXT, "x".repeat(i * 37 % 2000).as_bytes());
                    let (start, rest) = frame.split_at(frame.len() / 2);
                    raw.write_all(start).unwrap();
                    raw.write_all(rest).unwrap();
                    raw.write_all(&raw::masked(PING, &i.to_be_bytes())).unwrap();
                }
                for i in 0..MESSAGES {
                    let pong = (PONG, i.to_be_bytes().to_vec());
                    assert_eq!(raw::read_frame(&mut raw).unwrap(), pong);
                }
            });
            rt::block_on(async {
                let (mut texts, mut pings) = (0, 0);
                while texts < MESSAGES || pings < MESSAGES {
                    match at_most(patience, socket.next()).await {
                        None => yield_now().await,
                        Some(Some(OwnedEvent::Text(text))) => {
                            assert_eq!(text.len(), texts * 37 % 2000);
                            texts += 1;
                        }
                        Some(Some(OwnedEvent::Ping(_))) => pings += 1,
                        Some(event) => panic!("{event:?}"),
                    }
                }
                while at_most(patience, socket.flush()).await.is_none() {
                    yield_now().await;
                }
            });
            join(peer);
        }
    });
}

/// Bytes that were queued so far.
fn position(socket: &mut ws::WebSocket) -> u64 {
    let queue = socket.sender().buf();
    queue.written() + queue.remaining() as u64
}

/// Messages as large as the buffers of a socket, so that writing them stalls.
const LARGE: usize = 1 << 20;

#[test]
fn dropped_sends_are_sent_once_or_not_at_all() {
    const MESSAGES: u8 = 24;
    guard(|| {
        let config = Config::default().send_limit(LARGE);
        let (mut socket, mut raw) = server_and_raw(&AcceptOptions::default().config(config));
        let (stalled, seen) = mpsc::channel::<()>();
        let peer = thread::spawn(move || {
            // Reads only when writing has stalled: so it does.
            seen.recv().expect("a send that was dropped");
            let mut numbers = Vec::new();
            loop {
                let (first, payload) = raw::read_frame(&mut raw).unwrap();
                if first == CLOSE {
                    raw.write_all(&raw::masked(CLOSE, &payload)).unwrap();
                    return numbers;
                }
                assert_eq!(payload.len(), LARGE);
                assert!(payload.iter().all(|byte| *byte == payload[0]));
                numbers.push(payload[0]);
            }
        });
        let mut queued = Vec::new();
        rt::block_on(async {
            for i in 0..MESSAGES {
                let before = position(&mut socket);
                let patience = 1 + usize::from(i) % 3;
                if at_most(patience, socket.send(vec![i; LARGE]))
                    .await
                    .is_none()
                {
                    let _ = stalled.send(());
                }
                if position(&mut socket) > before {
                    queued.push(i);
                }
                let flushed = at_most(patience, socket.flush()).await;
                assert!(!matches!(flushed, Some(Err(_))));
            }
            let closed = loop {
                let closing = socket.close(CloseCode::NORMAL, "done");
                match at_most(2, closing).await {
                    Some(closed) => break closed.unwrap(),
                    None => yield_now().await,
                }
            };
            assert_eq!(closed.cause, Cause::Local);
        });
        drop(stalled);
        assert_eq!(join(peer), queued);
    });
}

#[test]
fn what_a_dropped_writer_fed_is_sent_by_the_reader() {
    guard(|| {
        let (socket, mut raw) = server_and_raw(&AcceptOptions::default());
        let (mut reader, mut writer) = rt::split(socket);
        rt::block_on(async {
            let reading = rt::spawn(async move { reader.next().await });
            writer.feed("fed, not flushed").await.unwrap();
            drop(writer);
            let frame = (TEXT, b"fed, not flushed".to_vec());
            assert_eq!(raw::read_frame(&mut raw).unwrap(), frame);
            raw.write_all(&raw::masked(TEXT, b"seen")).unwrap();
            assert_eq!(reading.await, Some(OwnedEvent::Text("seen".into())));
        });
    });
}

/// Tasks on the halves that the runtime itself divides a TCP stream into, without a lock.
#[test]
fn two_tasks_on_native_halves_lose_nothing() {
    const MESSAGES: u32 = 5000;
    guard(|| {
        let config = Config::default().send_limit(10_000);
        let (client, server) = pair_with(
            &ConnectOptions::default().config(config.clone()),
            &AcceptOptions::default().config(config),
        );
        rt::block_on(async {
            let echoing = rt::spawn(async move {
                let (mut reader, mut writer) = rt::native_halves(server);
                let mut pings = 0;
                while let Some(event) = reader.next().await {
                    match event {
                        OwnedEvent::Ping(_) => pings += 1,
                        OwnedEvent::Closed(closed) => assert_eq!(closed.cause, Cause::Peer),
                        event => {
                            let message = event.into_message().expect("a message");
                            writer.feed(message).await.unwrap();
                            // Dropped at once: queued and, unless it went through, not written.
                            let _ = at_most(1, writer.flush()).await;
                        }
                    }
                }
                pings
            });
            let (mut reader, mut writer) = rt::native_halves(client);
            let (all_read, wait_for_all) = dropped();
            let sending = rt::spawn(async move {
                for i in 0..MESSAGES {
                    let text = format!("message {i} {}", "x".repeat(i as usize % 500));
                    writer.feed(text).await.unwrap();
                    if i % 7 == 0 {
                        writer.with_sender(|sender| sender.ping(b"?")).unwrap();
                    }
                    writer.flush().await.unwrap();
                }
                wait_for_all.await;
                writer.close(CloseCode::NORMAL, "").await.unwrap();
            });
            let mut all_read = Some(all_read);
            let mut next = 0;
            while let Some(event) = reader.next().await {
                match event {
                    OwnedEvent::Text(text) => {
                        let start = format!("message {next} ");
                        assert!(text.starts_with(&start), "{text}");
                        next += 1;
                    }
                    OwnedEvent::Pong(_) => {}
                    OwnedEvent::Closed(closed) => assert_eq!(closed.cause, Cause::Local),
                    event => panic!("{event:?}"),
                }
                if next == MESSAGES {
                    drop(all_read.take());
                }
            }
            sending.await;
            assert_eq!((next, echoing.await), (MESSAGES, MESSAGES.div_ceil(7)));
        });
    });
}

/// Something to drop, and a future that waits until it is dropped.
fn dropped() -> (impl Send, impl Future<Output = ()> + Send) {
    use std::sync::{Arc, Mutex};
    use std::task::Waker;

    #[derive(Default)]
    struct State {
        dropped: bool,
        waker: Option<Waker>,
    }
    struct Signal(Arc<Mutex<State>>);
    impl Drop for Signal {
        fn drop(&mut self) {
            let mut state = self.0.lock().unwrap();
            state.dropped = true;
            state.waker.take().into_iter().for_each(Waker::wake);
        }
    }
    let state = Arc::<Mutex<State>>::default();
    let signal = Signal(Arc::clone(&state));
    let dropped = std::future::poll_fn(move |cx| {
        let mut state = state.lock().unwrap();
        state.waker = Some(cx.waker().clone());
        if state.dropped {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    });
    (signal, dropped)
}

#[test]
fn a_stream_and_a_sink_in_two_tasks() {
    use futures_util::{SinkExt, StreamExt};

    guard(|| {
        let (client, server) = pair();
        rt::block_on(async {
            let echoing = rt::spawn(async move {
                let (mut sink, mut stream) = StreamExt::split(server);
                while let Some(event) = stream.next().await {
                    if let Some(message) = event.into_message() {
                        sink.send(message).await.unwrap();
                    }
                }
            });
            let (mut sink, mut stream) = StreamExt::split(client);
            let sending = rt::spawn(async move {
                for i in 0..1000 {
                    sink.send(Message::from(format!("{i}"))).await.unwrap();
                }
                sink
            });
            for i in 0..1000 {
                let text = OwnedEvent::Text(format!("{i}").into());
                assert_eq!(stream.next().await, Some(text));
            }
            let mut sink = sending.await;
            SinkExt::<Message<'_>>::close(&mut sink).await.unwrap();
            let Some(OwnedEvent::Closed(closed)) = stream.next().await else {
                panic!("the end is told");
            };
            assert!(closed.is_clean(), "{closed}");
            assert_eq!(stream.next().await, None);
            echoing.await;
        });
    });
}

#[test]
fn a_pipe_in_memory_carries_handshake_messages_and_close() {
    guard(|| {
        for capacity in [1, 7, 64 << 10] {
            rt::block_on(async {
                let (near, far) = rt::pipe(capacity);
                let serving = rt::spawn(async move {
                    let mut socket = ws::accept(far).await.unwrap();
                    while let Some(event) = socket.next().await {
                        if let Some(message) = event.into_message() {
                            socket.feed(message).await.unwrap();
                        }
                    }
                    socket.closed().cloned()
                });
                let request = Request::new("ws://example.com/").unwrap();
                let options = ConnectOptions::default();
                let mut client = ws::client(near, &request, &options).await.unwrap();
                client.sender().fragment(Kind::Text, b"in ").unwrap();
                client.sender().finish(b"pieces").unwrap();
                client.flush().await.unwrap();
                let text = OwnedEvent::Text("in pieces".into());
                assert_eq!(client.next().await, Some(text));
                let data = payload(5000);
                client.send(&data).await.unwrap();
                assert_eq!(client.next().await, Some(OwnedEvent::Binary(data.into())));
                let closed = client.close(CloseCode::NORMAL, "").await.unwrap();
                assert!(closed.is_clean());
                assert!(serving.await.expect("an end").is_clean());
            });
        }
    });
}

#[test]
fn a_pipe_whose_other_end_is_dropped_is_told_as_such() {
    guard(|| {
        let (near, far) = rt::pipe(64);
        drop(far);
        let mut socket = rt::upgraded(near, opened(Role::Client), &Config::default());
        rt::block_on(async {
            assert!(socket.send("to no one").await.is_err());
            let Some(OwnedEvent::Closed(closed)) = socket.next().await else {
                panic!("the end is told");
            };
            assert!(matches!(closed.cause, Cause::Transport(_)), "{closed}");
            assert_eq!(socket.next().await, None);
        });
    });
}

#[cfg(unix)]
#[test]
fn a_unix_socket_carries_messages_in_one_piece_and_in_halves() {
    guard(|| {
        let (near, far) = rt::unix_pair();
        rt::block_on(async {
            let serving = rt::spawn(async move {
                let (mut reader, mut writer) = ws::accept(far).await.unwrap().split();
                while let Some(event) = reader.next().await {
                    if let Some(message) = event.into_message() {
                        writer.send(message).await.unwrap();
                    }
                }
            });
            let request = Request::new("ws://localhost/").unwrap();
            let options = ConnectOptions::default();
            let mut client = ws::client(near, &request, &options).await.unwrap();
            let data = payload(1 << 20);
            client.send(&data).await.unwrap();
            assert_eq!(client.next().await, Some(OwnedEvent::Binary(data.into())));
            assert!(
                client
                    .close(CloseCode::NORMAL, "")
                    .await
                    .unwrap()
                    .is_clean()
            );
            serving.await;
        });
    });
}

/// A server that reads with `next` goes on while its pongs can't be written, and keeps only the
/// latest of them.
#[test]
fn pings_without_end_are_all_taken_and_the_last_is_answered() {
    const PINGS: u32 = 100_000;
    guard(|| {
        let config = Config::default().send_limit(10_000);
        let (mut socket, mut raw) = server_and_raw(&AcceptOptions::default().config(config));
        let serving = thread::spawn(move || {
            rt::block_on(async {
                let (mut pings, mut queued) = (0, 0);
                while let Some(OwnedEvent::Ping(_)) = socket.next().await {
                    pings += 1;
                    queued = queued.max(socket.sender().buf().remaining());
                }
                (pings, queued)
            })
        });
        for i in 0..PINGS / 100 {
            let hundred = (i * 100..(i + 1) * 100)
                .flat_map(|i| raw::masked(PING, &[&i.to_be_bytes()[..], &[0; 100]].concat()));
            raw.write_all(&hundred.collect::<Vec<u8>>()).unwrap();
        }
        let mut last = None;
        while last != Some(PINGS - 1) {
            let (first, payload) = raw::read_frame(&mut raw).unwrap();
            assert_eq!(first, PONG);
            let number = u32::from_be_bytes(payload[..4].try_into().unwrap());
            assert!(last.is_none_or(|last| last < number), "in order");
            last = Some(number);
        }
        drop(raw);
        let (pings, queued) = join(serving);
        assert_eq!(pings, PINGS);
        assert!(queued < 11_000, "{queued} bytes of pongs in memory");
    });
}
