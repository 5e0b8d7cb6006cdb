//! No wake-up is lost: simulated tasks, which are polled only when they were woken, bring every
//! conversation to its end, whatever the order in which they run, and without the help of a
//! deadline. A run that fails names its seed.
#![cfg(feature = "pump")]

mod ends;
mod streams;

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Poll;
use std::time::Duration;

use crate::pump_sim::{Chance, Clock, End, Signal, World, at_most, seeds};
use ws_core::close::CloseCode;
use ws_core::connection::{By, Cause, Config, OwnedEvent};
use ws_core::handshake::{Agreed, Opened, Request};
use ws_core::message::Message;
use ws_core::options::{AcceptOptions, ConnectOptions};
use ws_core::pump::{Reader, WebSocket, Writer, accept, client};
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
