//! No wake-up is lost: simulated tasks, which are polled only when they were woken, bring every
//! conversation to its end, whatever the order in which they run, and without the help of a
//! deadline. A run that fails names its seed.
#![cfg(feature = "pump")]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use crate::pump_sim::{Chance, Clock, End, Signal, World, at_most, let_others_run, seeds};
use futures_core::Stream;
use futures_sink::Sink;
use ws_core::close::CloseCode;
use ws_core::connection::{By, Cause, Config, Keepalive, OwnedEvent};
use ws_core::handshake::{Agreed, Opened, Request};
use ws_core::message::Message;
use ws_core::options::{AcceptOptions, ConnectOptions};
use ws_core::pump::{PollRead, PollWrite, Reader, WebSocket, Writer, accept, client};
use ws_core::{Deadline, Role, Seed};

type Socket = WebSocket<End, Clock>;

const MESSAGES: usize = 12;

fn socket(world: &World, io: End, role: Role, config: &Config) -> Socket {
    let opened = Opened::upgraded(role, Agreed::default(), &[], Seed::new([7; 32]));
    WebSocket::upgraded_on(world.clock(), io, opened, config)
}

fn halves(socket: Socket) -> (Reader<End, End, Clock>, Writer<End, Clock>) {
    socket.split_with(|io| (io.clone(), io))
}

fn message(chance: &Chance) -> String {
    "x".repeat(chance.below(200))
}

/// Queues of all kinds: nearly none, a few messages, more than is ever sent.
fn config(chance: &Chance) -> Config {
    let limits = [1, 300, 1 << 20];
    Config::default().send_limit(limits[chance.below(limits.len())])
}

/// Runs a scenario under many seeds.
fn each_seed(n: u64, scenario: impl Fn(&World, &Chance)) {
    for seed in seeds(n) {
        let chance = Chance::new(seed);
        let world = World::default();
        let run = catch_unwind(AssertUnwindSafe(|| {
            scenario(&world, &chance);
            world.run(&chance);
        }));
        if let Err(panic) = run {
            eprintln!("seed {seed}");
            resume_unwind(panic);
        }
    }
}

/// Sends messages and pings; every now and then the future is dropped, and what it left is not
/// sent again.
async fn send_all(writer: &mut Writer<End, Clock>, chance: &Chance) -> usize {
    let mut sent = 0;
    for _ in 0..MESSAGES {
        writer.feed(message(chance)).await.unwrap();
        sent += 1;
        if chance.one_in(3) {
            // May find the queue full, which is as good.
            let _ = writer.with_sender(|sender| sender.ping(b"?"));
        }
        match chance.below(3) {
            0 => drop(at_most(chance.below(3), writer.flush()).await),
            1 => writer.flush().await.unwrap(),
            _ => {}
        }
    }
    writer.flush().await.unwrap();
    sent
}

/// Reads to the end; says `all` when as many texts have come as are expected.
async fn read_all(
    mut reader: Reader<End, End, Clock>,
    all: Signal,
    cause: Option<Cause>,
    chance: &Chance,
) {
    let mut texts = 0;
    let mut closed = None;
    loop {
        let event = match chance.one_in(4) {
            true => at_most(chance.below(4), reader.next()).await,
            false => Some(reader.next().await),
        };
        match event {
            None => continue,
            Some(None) => break,
            Some(Some(OwnedEvent::Text(_))) => texts += 1,
            Some(Some(OwnedEvent::Closed(end))) => closed = Some(end),
            Some(Some(OwnedEvent::Ping(_) | OwnedEvent::Pong(_))) => {}
            Some(Some(event)) => panic!("{event:?}"),
        }
        if texts == MESSAGES {
            all.give();
        }
    }
    assert_eq!(texts, MESSAGES);
    let closed = closed.expect("the end is told");
    if let Some(cause) = cause {
        assert_eq!(closed.cause, cause);
    }
    assert!(closed.is_clean(), "{closed}");
}

/// Both ends send from one task and receive in another, and both have said everything and heard
/// everything when somebody closes.
fn both_ways(world: &World, chance: &Chance, closers: [bool; 2]) {
    let (a, b) = world.duplex(1 + chance.below(100), chance);
    let heard = [Signal::default(), Signal::default()];
    let roles = [(a, Role::Client), (b, Role::Server)];
    for (i, (io, role)) in roles.into_iter().enumerate() {
        let (reader, mut writer) = halves(socket(world, io, role, &config(chance)));
        let all = heard.clone();
        let dice = chance.clone();
        let close = closers[i];
        world.spawn("writer", async move {
            send_all(&mut writer, &dice).await;
            for all in &all {
                all.wait().await;
            }
            if close {
                // The other end may have been faster.
                let _ = writer.close(CloseCode::NORMAL, "done").await;
            }
        });
        let cause = match closers {
            [true, true] => None,
            _ if close => Some(Cause::Local),
            _ => Some(Cause::Peer),
        };
        let (all, dice) = (heard[i].clone(), chance.clone());
        world.spawn("reader", async move {
            read_all(reader, all, cause, &dice).await;
        });
    }
}

#[test]
fn two_tasks_on_the_halves_bring_each_other_to_an_end() {
    for closers in [[true, false], [false, true], [true, true]] {
        each_seed(300, |world, chance| {
            both_ways(world, chance, closers);
            world.run(chance);
            assert_eq!(world.elapsed(), Duration::ZERO, "only a deadline helped");
        });
    }
}

#[test]
fn a_reader_half_alone_sends_what_a_dropped_writer_left() {
    each_seed(300, |world, chance| {
        let (a, b) = world.duplex(1 + chance.below(40), chance);
        let (reader, mut writer) = halves(socket(world, a, Role::Client, &config(chance)));
        let (theirs, mut closer) = halves(socket(world, b, Role::Server, &config(chance)));
        let dice = chance.clone();
        world.spawn("writer", async move {
            for _ in 0..MESSAGES {
                writer.feed(message(&dice)).await.unwrap();
            }
            // Gone, without a flush.
        });
        let all = Signal::default();
        let (dice, told) = (chance.clone(), all.clone());
        world.spawn("peer", async move {
            read_all(theirs, told, Some(Cause::Local), &dice).await;
        });
        world.spawn("closer", async move {
            all.wait().await;
            closer.close(CloseCode::NORMAL, "").await.unwrap();
        });
        world.spawn("reader", async move {
            let mut reader = reader;
            while reader.next().await.is_some() {}
        });
        world.run(chance);
        assert_eq!(world.elapsed(), Duration::ZERO, "only a deadline helped");
    });
}

/// The echo loop of the examples.
async fn echo(mut socket: Socket, chance: &Chance) -> Cause {
    loop {
        let wait = chance.one_in(4).then(|| chance.below(4));
        let text = {
            let read = match wait {
                Some(patience) => at_most(patience, socket.read()).await,
                None => Some(socket.read().await),
            };
            match read {
                None => continue,
                Some(None) => break,
                Some(Some((ws_core::connection::Event::Text(text), reply))) => {
                    reply.text(text).unwrap();
                    None
                }
                Some(Some((event, _))) => Some(event.to_owned()),
            }
        };
        match text {
            None | Some(OwnedEvent::Ping(_) | OwnedEvent::Pong(_) | OwnedEvent::Closed(_)) => {}
            Some(event) => panic!("{event:?}"),
        }
    }
    socket.closed().unwrap().cause.clone()
}

#[test]
fn an_echo_loop_in_one_task_keeps_up_with_a_client_in_two() {
    each_seed(300, |world, chance| {
        let (a, b) = world.duplex(1 + chance.below(100), chance);
        let (reader, mut writer) = halves(socket(world, a, Role::Client, &config(chance)));
        let server = socket(world, b, Role::Server, &config(chance));
        let all = Signal::default();
        let (dice, told) = (chance.clone(), all.clone());
        world.spawn("writer", async move {
            send_all(&mut writer, &dice).await;
            told.wait().await;
            writer.close(CloseCode::NORMAL, "done").await.unwrap();
        });
        let dice = chance.clone();
        world.spawn("reader", async move {
            read_all(reader, all, Some(Cause::Local), &dice).await;
        });
        let dice = chance.clone();
        world.spawn("echo", async move {
            assert_eq!(echo(server, &dice).await, Cause::Peer);
        });
        world.run(chance);
        assert_eq!(world.elapsed(), Duration::ZERO, "only a deadline helped");
    });
}

/// What `StreamExt::split` does: two tasks that take turns with one socket.
#[derive(Clone)]
struct Both(Rc<RefCell<Socket>>);

impl Both {
    async fn next(&self) -> Option<OwnedEvent> {
        poll_fn(|cx| Pin::new(&mut *self.0.borrow_mut()).poll_next(cx)).await
    }

    async fn feed(&self, text: String) {
        poll_fn(|cx| Pin::new(&mut *self.0.borrow_mut()).poll_ready(cx))
            .await
            .unwrap();
        Pin::new(&mut *self.0.borrow_mut())
            .start_send(text.into())
            .unwrap();
    }

    async fn flush(&self) {
        poll_fn(|cx| Sink::<Message<'_>>::poll_flush(Pin::new(&mut *self.0.borrow_mut()), cx))
            .await
            .unwrap();
    }

    async fn close(&self) {
        poll_fn(|cx| Sink::<Message<'_>>::poll_close(Pin::new(&mut *self.0.borrow_mut()), cx))
            .await
            .unwrap();
    }
}

#[test]
fn a_stream_and_a_sink_polled_by_two_tasks_wake_each_other() {
    each_seed(300, |world, chance| {
        let (a, b) = world.duplex(1 + chance.below(100), chance);
        let (reader, mut writer) = halves(socket(world, a, Role::Client, &config(chance)));
        let config = config(chance).keepalive(Some(Keepalive::default()));
        let both = Both(Rc::new(RefCell::new(socket(
            world,
            b,
            Role::Server,
            &config,
        ))));
        let all = Signal::default();
        let (dice, told) = (chance.clone(), all.clone());
        world.spawn("writer", async move {
            send_all(&mut writer, &dice).await;
            told.wait().await;
            writer.close(CloseCode::NORMAL, "done").await.unwrap();
        });
        let dice = chance.clone();
        world.spawn("reader", async move {
            read_all(reader, all, Some(Cause::Local), &dice).await;
        });
        // The stream hands every message to the sink.
        let queue = Rc::new(RefCell::new((VecDeque::new(), Signal::default())));
        let (stream, texts) = (both.clone(), Rc::clone(&queue));
        world.spawn("stream", async move {
            while let Some(event) = stream.next().await {
                if let OwnedEvent::Text(text) = event {
                    let mut texts = texts.borrow_mut();
                    texts.0.push_back(text.to_string());
                    texts.1.give();
                }
            }
        });
        let dice = chance.clone();
        world.spawn("sink", async move {
            for _ in 0..MESSAGES {
                let text = loop {
                    let some = {
                        let mut queue = queue.borrow_mut();
                        match queue.0.pop_front() {
                            Some(text) => Ok(text),
                            None => {
                                queue.1 = Signal::default();
                                Err(queue.1.clone())
                            }
                        }
                    };
                    match some {
                        Ok(text) => break text,
                        Err(more) => more.wait().await,
                    }
                };
                both.feed(text).await;
                if dice.one_in(2) {
                    both.flush().await;
                }
            }
            both.flush().await;
        });
        world.run(chance);
        assert_eq!(world.elapsed(), Duration::ZERO, "only a deadline helped");
    });
}

#[test]
fn a_stream_learns_of_the_deadline_that_a_sink_of_another_task_started() {
    each_seed(50, |world, chance| {
        let (a, b) = world.duplex(100, chance);
        let both = Both(Rc::new(RefCell::new(socket(
            world,
            a,
            Role::Client,
            &Config::default(),
        ))));
        let stream = both.clone();
        world.spawn("stream", async move {
            let _silent_peer = b;
            let Some(OwnedEvent::Closed(closed)) = stream.next().await else {
                panic!()
            };
            assert_eq!(closed.cause, Cause::Timeout(Deadline::Close));
            assert!(stream.next().await.is_none());
        });
        world.spawn("sink", async move { both.close().await });
        world.run(chance);
        assert_eq!(world.elapsed(), Duration::from_secs(5));
    });
}

#[test]
fn a_stream_is_told_of_a_silent_peer_while_a_sink_of_another_task_is_stuck() {
    each_seed(50, |world, chance| {
        let (a, b) = world.duplex(100, chance);
        let config = Config::default().keepalive(Some(Keepalive::default()));
        let both = Both(Rc::new(RefCell::new(socket(
            world,
            a,
            Role::Client,
            &config,
        ))));
        let stream = both.clone();
        world.spawn("stream", async move {
            let _silent_peer = b;
            let Some(OwnedEvent::Closed(closed)) = stream.next().await else {
                panic!()
            };
            assert_eq!(closed.cause, Cause::Timeout(Deadline::Pong));
        });
        let sink = async move {
            both.feed("x".repeat(1000)).await;
            let flushed = poll_fn(|cx| {
                Sink::<Message<'_>>::poll_flush(Pin::new(&mut *both.0.borrow_mut()), cx)
            });
            assert!(flushed.await.is_err(), "not everything was written");
        };
        world.spawn("sink", sink);
        world.run(chance);
        // Interval, pong timeout, and the time that the last words get.
        assert_eq!(world.elapsed(), Duration::from_secs(15 + 10 + 5));
    });
}

#[test]
fn both_halves_learn_that_the_peer_takes_and_says_nothing() {
    each_seed(50, |world, chance| {
        let (a, b) = world.duplex(1 + chance.below(100), chance);
        let (mut reader, mut writer) = halves(socket(world, a, Role::Client, &Config::default()));
        world.spawn("reader", async move {
            let _silent_peer = b;
            let Some(OwnedEvent::Closed(closed)) = reader.next().await else {
                panic!()
            };
            assert_eq!(
                (closed.by, closed.cause),
                (By::Local, Cause::Timeout(Deadline::Close))
            );
            assert!(reader.next().await.is_none());
        });
        world.spawn("writer", async move {
            writer.feed("x".repeat(1000)).await.unwrap();
            assert!(writer.close(CloseCode::NORMAL, "").await.is_err());
            assert!(writer.send("late").await.is_err());
        });
        world.run(chance);
        assert_eq!(world.elapsed(), Duration::from_secs(5));
    });
}

/// A peer that takes `n` bytes and no more.
async fn take(io: &mut End, n: usize) {
    let mut left = vec![0; n];
    let mut left = &mut left[..];
    while !left.is_empty() {
        let n = poll_fn(|cx| Clock::poll_read(io, cx, left)).await.unwrap();
        left = &mut left[n..];
    }
}

/// A peer that sends these bytes; there is room for them.
async fn put(io: &mut End, bytes: &[u8]) {
    let n = poll_fn(|cx| Clock::poll_write(io, cx, &[io::IoSlice::new(bytes)])).await;
    assert_eq!(n.unwrap(), bytes.len());
}

/// A server's frame with this text, in a pipe that holds one of them exactly.
const TEXT: &str = "fifty bytes of text, of which the frame is a part";
const FRAME: usize = TEXT.len() + 2;

/// The sending side of the next tests; the receiving one is a task that only calls `next`.
enum Sends {
    Half(Writer<End, Clock>),
    Sink(Both),
}

impl Sends {
    async fn send(&mut self) {
        match self {
            Self::Half(writer) => writer.feed(TEXT).await.unwrap(),
            Self::Sink(both) => both.feed(TEXT.into()).await,
        }
        self.flush().await;
    }

    async fn flush(&mut self) {
        match self {
            Self::Half(writer) => writer.flush().await.unwrap(),
            Self::Sink(both) => both.flush().await,
        }
    }
}

/// A server in two tasks, once as halves and once as stream and sink: `told` is given when the
/// receiving one has told an end by the peer.
fn each_server(scenario: impl Fn(&World, &Chance, Sends, End, Signal)) {
    for sink in [false, true] {
        each_seed(300, |world, chance| {
            let (a, b) = world.duplex(FRAME, chance);
            let server = socket(world, a, Role::Server, &Config::default());
            let told = Signal::default();
            let tell = told.clone();
            let check = move |event: Option<OwnedEvent>| {
                if let Some(OwnedEvent::Closed(closed)) = &event {
                    assert_ne!(closed.by, By::Local);
                    tell.give();
                }
                event.is_some()
            };
            let sends = if sink {
                let both = Both(Rc::new(RefCell::new(server)));
                let stream = both.clone();
                world.spawn("stream", async move { while check(stream.next().await) {} });
                Sends::Sink(both)
            } else {
                let (mut reader, writer) = halves(server);
                world.spawn("reader", async move { while check(reader.next().await) {} });
                Sends::Half(writer)
            };
            scenario(world, chance, sends, b, told);
            world.run(chance);
            assert_eq!(world.elapsed(), Duration::ZERO, "only a deadline helped");
        });
    }
}

#[test]
fn a_flush_that_the_receiving_task_completed_is_over_for_the_sending_one() {
    each_server(|world, _, mut sends, mut peer, _| {
        let (first, second) = (Signal::default(), Signal::default());
        let (one, two) = (first.clone(), second.clone());
        world.spawn("sends", async move {
            sends.send().await;
            one.give();
            sends.send().await;
            two.give();
        });
        world.spawn("peer", async move {
            first.wait().await;
            take(&mut peer, FRAME).await;
            second.wait().await;
            peer.close();
        });
    });
}

#[test]
fn an_end_whose_last_words_the_sending_task_wrote_is_told() {
    each_server(|world, chance, mut sends, mut peer, told| {
        let (first, room) = (Signal::default(), Signal::default());
        let (one, flush, ended) = (first.clone(), room.clone(), told.clone());
        world.spawn("sends", async move {
            sends.send().await;
            one.give();
            flush.wait().await;
            sends.flush().await;
            ended.wait().await;
        });
        let chance = chance.clone();
        world.spawn("peer", async move {
            first.wait().await;
            // A Close frame of a client's: 1000, masked with zeros.
            let close = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8];
            put(&mut peer, &close).await;
            let_others_run(chance.below(20)).await;
            // Room for its echo, and for nothing behind that.
            take(&mut peer, 4).await;
            room.give();
            told.wait().await;
            peer.close();
        });
    });
}

#[test]
fn a_peer_that_vanishes_is_noticed_by_both_halves() {
    each_seed(100, |world, chance| {
        let (a, b) = world.duplex(1 + chance.below(100), chance);
        let (mut reader, mut writer) = halves(socket(world, a, Role::Client, &config(chance)));
        world.spawn("reader", async move {
            let mut told = false;
            while let Some(event) = reader.next().await {
                let OwnedEvent::Closed(closed) = event else {
                    panic!("{event:?}")
                };
                assert_eq!(closed.by, By::Transport);
                told = true;
            }
            assert!(told);
        });
        world.spawn(
            "writer",
            async move { while writer.send("x").await.is_ok() {} },
        );
        world.spawn("peer", async move { b.close() });
        world.run(chance);
        assert_eq!(world.elapsed(), Duration::ZERO, "only a deadline helped");
    });
}

#[test]
fn the_opening_handshakes_meet_over_the_narrowest_pipes() {
    each_seed(100, |world, chance| {
        let (a, b) = world.duplex(1 + chance.below(10), chance);
        let (asking, answering) = (world.clock(), world.clock());
        world.spawn("client", async move {
            let request = Request::new("ws://127.0.0.1/").unwrap();
            let options = ConnectOptions::default();
            let mut socket = client(a, asking, &request, &options, Seed::new([7; 32]))
                .await
                .unwrap();
            socket.send("hello").await.unwrap();
            let closed = socket.close(CloseCode::NORMAL, "").await.unwrap();
            assert_eq!(closed.cause, Cause::Local);
        });
        world.spawn("server", async move {
            let mut socket = accept(b, answering, &AcceptOptions::default())
                .await
                .unwrap();
            assert_eq!(socket.next().await, Some(OwnedEvent::Text("hello".into())));
            while socket.next().await.is_some() {}
        });
        world.run(chance);
        assert_eq!(world.elapsed(), Duration::ZERO, "only a deadline helped");
    });
}

#[test]
fn a_batch_of_sends_in_one_task_goes_through_a_full_queue() {
    each_seed(100, |world, chance| {
        let (a, b) = world.duplex(1 + chance.below(50), chance);
        let mut socket_a = socket(world, a, Role::Client, &config(chance));
        let server = socket(world, b, Role::Server, &Config::default());
        let dice = chance.clone();
        world.spawn("client", async move {
            for _ in 0..MESSAGES {
                let text = message(&dice);
                let batch = [Message::Text(&text), Message::Ping(b"!")];
                match dice.below(3) {
                    0 => socket_a.send_all(&batch).await.unwrap(),
                    1 => socket_a.send(&text).await.unwrap(),
                    _ => socket_a.feed(&text).await.unwrap(),
                }
            }
            let closed = socket_a.close(CloseCode::NORMAL, "").await.unwrap();
            assert_eq!(closed.cause, Cause::Local);
        });
        world.spawn("server", async move {
            let mut server = server;
            let mut texts = 0;
            while let Some(event) = poll_fn(|cx| match server.poll_event(cx) {
                Poll::Ready(event) => Poll::Ready(event),
                Poll::Pending => Poll::Pending,
            })
            .await
            {
                texts += usize::from(matches!(event, OwnedEvent::Text(_)));
            }
            assert_eq!(texts, MESSAGES);
        });
        world.run(chance);
        assert_eq!(world.elapsed(), Duration::ZERO, "only a deadline helped");
    });
}
