//! One task sends, another one only receives, and each learns what the other has brought about.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use super::streams::Both;
use super::{each_seed, halves, socket};
use crate::pump_sim::{Chance, Clock, End, Signal, World, let_others_run};
use ws_core::Role;
use ws_core::connection::{By, Config, OwnedEvent};
use ws_core::pump::{PollRead, PollWrite, Writer};

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
