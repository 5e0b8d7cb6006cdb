//! A handler that is slower than its session: whatever it misses, it is told of each connection that
//! is there, once and before anything that comes of it.
#![cfg(feature = "pump")]
#![allow(
    clippy::disallowed_types,
    reason = "a handler may move to another thread"
)]

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use crate::pump_support::{Clock, Io, encoded, peer};
use ws_core::handshake::{Accept, Limits, Request, ServerHandshake};
use ws_core::options::{Inbox, Overflow};
use ws_core::pump::client::Again;
use ws_core::pump::client::{self, Connected, Dialing, Disconnected, Do, Handler, Source};
use ws_core::session::{Event, Payload, Session, SessionConfig};
use ws_core::{Instant, Machine, Role, Seed};

#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn note(&self, line: String) -> Do {
        self.0.lock().unwrap().push(line);
        Do::nothing()
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Handler for Told {
    type Command = &'static str;

    async fn on_connect(&mut self, connected: Connected) -> Do {
        let agreed = connected.agreed.subprotocol.unwrap_or_default();
        self.note(format!("connect {} {agreed}", connected.conn))
    }

    async fn on_message(&mut self, message: Payload, _: Source) -> Do {
        self.note(format!("text {}", message.into_text().unwrap()))
    }

    async fn on_command(&mut self, command: &'static str) -> Do {
        self.note(command.into())
    }

    async fn on_disconnect(&mut self, disconnected: Disconnected) -> Again {
        let _ = self.note(format!("disconnect {}", disconnected.conn));
        Again::Policy
    }

    async fn on_event(&mut self, event: Event) -> Do {
        match event {
            Event::Lagged { .. } => self.note("lagged".into()),
            _ => Do::nothing(),
        }
    }
}

thread_local! {
    /// The transports of all dials. What a dial waits for may go to another thread, they may not.
    static MADE: RefCell<Vec<Io>> = const { RefCell::new(Vec::new()) };
}

/// The server's side of an opening handshake.
fn accept(io: &Io) {
    let mut handshake = ServerHandshake::new(Limits::default(), Instant::ORIGIN);
    handshake.io().0.extend_from_slice(&io.take_written());
    let request = handshake.poll(Instant::ORIGIN).unwrap();
    assert!(request.is_some(), "a whole request");
    handshake.accept(Accept::new().subprotocol("chat")).unwrap();
    while let Some(piece) = handshake.io().1.pop() {
        io.receive(&piece);
    }
}

fn say(io: &Io, text: &str) {
    let mut server = peer(Role::Server);
    server.sender().text(text).unwrap();
    io.receive(&encoded(&mut server));
}

#[test]
fn a_handler_that_lags_is_told_of_the_connection_that_is_there_once() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        let request = Request::new("ws://example.com/").unwrap();
        let request = request.subprotocol("chat").unwrap();
        let config = SessionConfig::default().budget(None);
        let session = Session::new(request, config, Seed::new([7; 32]));
        let clock = Clock::default();
        MADE.take();
        let dial = |_: &Request| -> Dialing<Io> {
            Box::pin(async {
                let io = Io::willing();
                MADE.with_borrow_mut(|made| made.push(io.clone()));
                Ok(io)
            })
        };
        let (client, events, run) = client::run(session, clock.clone(), dial);
        let mut run = pin!(run.inbox(Inbox::default().max_events(1).overflow(overflow)));
        let told = Told::default();
        let (actor, serving) = client::serve(client, events, told.clone());
        let mut serving = pin!(serving);
        let mut cx = Context::from_waker(Waker::noop());
        // A new connection on which texts come, while the handler does nothing.
        let mut connect = |number: usize| {
            let made = || MADE.with_borrow(Vec::len);
            for _ in 0..2 {
                assert!(run.as_mut().poll(&mut cx).is_pending());
                if made() < number {
                    clock.advance(Duration::from_secs(60));
                }
            }
            let made = MADE.with_borrow(Clone::clone);
            assert_eq!(made.len(), number);
            let io = made.last().cloned().unwrap();
            accept(&io);
            assert!(run.as_mut().poll(&mut cx).is_pending());
            say(&io, &format!("{number} first"));
            say(&io, &format!("{number} second"));
            assert!(run.as_mut().poll(&mut cx).is_pending());
            io
        };
        let mut handle = || {
            let mut cx = Context::from_waker(Waker::noop());
            assert!(serving.as_mut().poll(&mut cx).is_pending());
            told.take()
        };
        let first = connect(1);
        actor.command("command").unwrap();
        let lines = handle();
        let place = |line: &str| lines.iter().position(|one| one.starts_with(line));
        assert_eq!(
            lines
                .iter()
                .filter(|line| line.starts_with("connect"))
                .count(),
            1
        );
        let there = place("connect 1 chat").unwrap_or_else(|| panic!("{overflow:?} {lines:?}"));
        assert!(place("text").is_none_or(|at| there < at), "{lines:?}");
        assert!(place("command").is_some_and(|at| there < at), "{lines:?}");

        // The next is lost and replaced before the handler looks.
        first.0.borrow_mut().eof = true;
        let second = connect(2);
        second.0.borrow_mut().eof = true;
        connect(3);
        let lines = handle();
        let place = |line: &str| lines.iter().position(|one| one.starts_with(line));
        let connects: Vec<_> = lines
            .iter()
            .filter(|line| line.starts_with("connect"))
            .collect();
        assert_eq!(connects, ["connect 3 chat"], "{overflow:?} {lines:?}");
        let there = place("connect").unwrap();
        assert!(place("text 3").is_none_or(|at| there < at), "{lines:?}");
        assert!(place("lagged").is_some_and(|at| at < there), "{lines:?}");
        assert_eq!(handle(), [""; 0], "once");
    }
}
