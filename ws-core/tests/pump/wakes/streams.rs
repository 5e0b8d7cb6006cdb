//! A stream and a sink in two tasks, over one socket.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use super::{MESSAGES, Socket, config, each_seed, halves, read_all, send_all, socket};
use crate::pump_sim::Signal;
use futures_core::Stream;
use futures_sink::Sink;
use ws_core::close::CloseCode;
use ws_core::connection::{Cause, Config, Keepalive, OwnedEvent};
use ws_core::message::Message;
use ws_core::{Deadline, Role};

/// What `StreamExt::split` does: two tasks that take turns with one socket.
#[derive(Clone)]
pub(super) struct Both(pub(super) Rc<RefCell<Socket>>);

impl Both {
    pub(super) async fn next(&self) -> Option<OwnedEvent> {
        poll_fn(|cx| Pin::new(&mut *self.0.borrow_mut()).poll_next(cx)).await
    }

    pub(super) async fn feed(&self, text: String) {
        poll_fn(|cx| Pin::new(&mut *self.0.borrow_mut()).poll_ready(cx))
            .await
            .unwrap();
        Pin::new(&mut *self.0.borrow_mut())
            .start_send(text.into())
            .unwrap();
    }

    pub(super) async fn flush(&self) {
        poll_fn(|cx| Sink::<Message<'_>>::poll_flush(Pin::new(&mut *self.0.borrow_mut()), cx))
            .await
            .unwrap();
    }

    pub(super) async fn close(&self) {
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
