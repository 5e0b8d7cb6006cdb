//! What every binding's handlers must do, written once: which method is called when, what its answer
//! leads to, and what a panic or a slow method does. See `sessions.rs` for what `rt` provides.

use std::future::poll_fn;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::guard::guard;
use crate::raw::{self, CLOSE, PING, PONG, TEXT};
use crate::rt::{self, wait, ws};
use crate::sessions::{listener, options, quick};
use ws::session::{
    Actor, Again, CommandError, Connected, Disconnected, Do, End, Event, Handler, Payload,
    PingFailed, SessionOptions, Source,
};
use ws::ws_core::bytes::Bytes;
use ws::ws_core::message::Message;
use ws::ws_core::policy::BackoffPolicy;
use ws::ws_core::session::{NoDialect, SendError};
use ws::{CloseCode, Request};

/// A door that a handler waits at.
#[derive(Clone, Default)]
struct Gate(Arc<Mutex<(bool, Option<Waker>)>>);

impl Gate {
    fn open(&self) {
        let mut gate = self.0.lock().expect("no panic");
        gate.0 = true;
        gate.1.take().into_iter().for_each(Waker::wake);
    }

    async fn pass(&self) {
        poll_fn(|cx| {
            let mut gate = self.0.lock().expect("no panic");
            if gate.0 {
                return Poll::Ready(());
            }
            gate.1 = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// Writes down what it is called for, and does what the server says.
struct Scripted {
    log: Sender<String>,
    gate: Gate,
    again: Box<dyn FnMut(u32) -> Again + Send>,
}

impl Scripted {
    fn note(&self, what: impl Into<String>) {
        let _ = self.log.send(what.into());
    }
}

impl Handler for Scripted {
    type Command = String;

    async fn on_connect(&mut self, connected: Connected) -> Do {
        let Connected {
            conn,
            attempt,
            downtime,
            agreed,
            ..
        } = connected;
        assert!(attempt > 0, "counted from 1");
        let headers = agreed.response_headers.expect("those of the answer");
        assert!(headers.get("Sec-WebSocket-Accept").is_some());
        let again = if downtime.is_some() { "again" } else { "first" };
        self.note(format!("connect {conn} {again}"));
        Do::send(format!("hello {conn}"))
    }

    async fn on_message(&mut self, message: Payload, source: Source) -> Do {
        assert_eq!(source, Source::Plain);
        let Payload::Text(text) = message else {
            self.note("binary");
            return Do::nothing();
        };
        self.note(format!("message {text}"));
        match &*text {
            "twice" => Do::send_all(["one", "two"]),
            "close" => Do::send("last words").and_close(CloseCode::new(4000), "bye"),
            "reconnect" => Do::reconnect(),
            "panic" => panic!("on purpose"),
            "wait" => {
                self.gate.pass().await;
                self.note("waited");
                Do::nothing()
            }
            "panic later" => {
                self.gate.pass().await;
                panic!("on {}", "purpose");
            }
            "too long" => Do::send(Message::Ping(&[0; 126])).and_send("and this"),
            "bad close" => Do::close(CloseCode::new(1006), ""),
            _ => Do::nothing(),
        }
    }

    async fn on_command(&mut self, command: String) -> Do {
        self.note(format!("command {command}"));
        Do::send(command)
    }

    async fn on_ping(&mut self, payload: Bytes) -> Do {
        self.note(format!("ping {}", payload.len()));
        Do::nothing()
    }

    async fn on_pong(&mut self, payload: Bytes) -> Do {
        self.note(format!("pong {}", payload.len()));
        Do::nothing()
    }

    async fn on_disconnect(&mut self, disconnected: Disconnected) -> Again {
        let Disconnected { conn, attempt, .. } = disconnected;
        self.note(format!("disconnect {conn} {attempt}"));
        (self.again)(attempt)
    }

    async fn on_event(&mut self, event: Event) -> Do {
        assert!(!event.is_data(), "{event:?} has a method of its own");
        Do::nothing()
    }

    async fn on_unsent(&mut self, message: Message<'static>, why: SendError) {
        assert!(matches!(message, Message::Ping(_)), "{message:?}");
        self.note(format!("unsent {}", matches!(why, SendError::Refused(_))));
    }

    async fn on_terminate(&mut self, _: End) {
        self.note("terminate");
    }
}

struct Play {
    actor: Actor<String>,
    log: Receiver<String>,
    gate: Gate,
    listener: TcpListener,
}

impl Play {
    fn start(options: &SessionOptions) -> Self {
        let (listener, request) = listener();
        Self::with(listener, request, options, |_| Again::Policy)
    }

    fn with(
        listener: TcpListener,
        request: Request,
        options: &SessionOptions,
        again: impl FnMut(u32) -> Again + Send + 'static,
    ) -> Self {
        let (client, events) = rt::start(request, NoDialect, options);
        let (noted, log) = channel();
        let gate = Gate::default();
        let handler = Scripted {
            log: noted,
            gate: gate.clone(),
            again: Box::new(again),
        };
        Self {
            actor: rt::handle(client, events, handler),
            log,
            gate,
            listener,
        }
    }

    /// The server's end of the next connection, which has said hello.
    fn accept(&self, conn: u32) -> TcpStream {
        let mut server = raw::accept(&self.listener);
        hears(&mut server, &format!("hello {conn}"));
        server
    }

    #[track_caller]
    fn expect(&self, calls: &[&str]) {
        for call in calls {
            assert_eq!(self.log.recv().as_deref(), Ok(*call));
        }
    }
}

fn say(server: &mut TcpStream, text: &str) {
    let frame = raw::frame(TEXT, text.as_bytes());
    server.write_all(&frame).expect("read");
}

#[track_caller]
fn hears(server: &mut TcpStream, text: &str) {
    let heard = raw::read_frame(server).expect("a frame");
    assert_eq!(heard, (TEXT, text.as_bytes().to_vec()));
}

#[track_caller]
fn hears_close(mut server: TcpStream, code: u16, reason: &str) {
    let close = raw::read_frame(&mut server).expect("a frame");
    assert_eq!(close, (CLOSE, raw::close(code, reason)));
    server
        .write_all(&raw::frame(CLOSE, &close.1))
        .expect("read");
}

#[test]
fn s07_methods_are_called_in_order_and_what_they_say_is_done() {
    guard(|| {
        let play = Play::start(&options());
        let mut server = play.accept(1);
        say(&mut server, "twice");
        hears(&mut server, "one");
        hears(&mut server, "two");
        server.write_all(&raw::frame(PING, b"four")).expect("read");
        let pong = raw::read_frame(&mut server).expect("a frame");
        assert_eq!(pong, (PONG, b"four".to_vec()), "without the handler");
        server.write_all(&raw::frame(PONG, b"three")).expect("read");
        server.write_all(&raw::frame(0x82, b"data")).expect("read");
        play.expect(&[
            "connect 1 first",
            "message twice",
            "ping 4",
            "pong 5",
            "binary",
        ]);

        drop(server);
        let mut server = play.accept(2);
        play.expect(&["disconnect 1 1", "connect 2 again"]);
        say(&mut server, "reconnect");
        hears_close(server, 1000, "");
        let mut server = play.accept(3);
        play.expect(&["message reconnect", "disconnect 2 1", "connect 3 again"]);

        say(&mut server, "too long");
        hears(&mut server, "and this");
        play.expect(&["message too long", "unsent true"]);
        say(&mut server, "close");
        hears(&mut server, "last words");
        hears_close(server, 4000, "bye");
        play.expect(&["message close", "disconnect 3 1", "terminate"]);
        let end = wait!(play.actor.ended()).expect("no panic");
        let End::Closed(Some(closed)) = end else {
            panic!("{end}");
        };
        assert_eq!(closed.code, CloseCode::new(4000));
        assert!(play.log.recv().is_err(), "and nothing after it");
    });
}

#[test]
fn a_slow_method_delays_neither_pongs_nor_timers() {
    guard(|| {
        let play = Play::start(&options());
        let mut server = play.accept(1);
        say(&mut server, "wait");
        play.expect(&["connect 1 first", "message wait"]);
        for i in 0..100_u32 {
            say(&mut server, "more");
            let ping = raw::frame(PING, &i.to_be_bytes());
            server.write_all(&ping).expect("read");
            let pong = raw::read_frame(&mut server).expect("a frame");
            assert_eq!(pong, (PONG, i.to_be_bytes().to_vec()));
        }
        let lost = wait!(play.actor.client().ping(Duration::from_millis(20)));
        assert_eq!(lost, Err(PingFailed::Lost), "the server says nothing");
        // A connection is replaced meanwhile, too.
        drop(server);
        let mut server = raw::accept(&play.listener);
        play.gate.open();
        play.expect(&["waited"]);
        for _ in 0..100 {
            play.expect(&["message more", "ping 4"]);
        }
        play.expect(&["disconnect 1 1", "connect 2 again"]);
        hears(&mut server, "hello 2");
    });
}

#[test]
fn s07_a_panic_closes_with_1011_and_ends_nothing_but_the_session() {
    guard(|| {
        for (text, callback, said) in [
            ("panic", "on_message", "on purpose"),
            ("panic later", "on_message", "on purpose"),
            ("bad close", "close", "1006"),
        ] {
            let play = Play::start(&options());
            play.gate.open();
            let mut server = play.accept(1);
            say(&mut server, text);
            hears_close(server, 1011, "");
            play.expect(&["connect 1 first", &format!("message {text}"), "terminate"]);
            let panicked = wait!(play.actor.ended()).expect_err("a panic");
            assert_eq!(panicked.callback, callback);
            assert!(panicked.said.contains(said), "{panicked}");
            assert!(
                matches!(&panicked.end, End::Closed(Some(closed)) if closed.code.get() == 1011)
            );
            assert!(!panicked.explain().suggestion.is_empty());
            let end = wait!(play.actor.client().ended());
            assert_eq!(end, panicked.end);
            let late = play.actor.command("late".into());
            assert_eq!(late, Err(CommandError::Over("late".into())));
            assert!(play.log.recv().is_err(), "and nothing after it");
        }
    });
}

#[test]
fn s07_commands_wait_for_a_connection_and_keep_their_order() {
    guard(|| {
        let play = Play::start(&options());
        for command in ["a", "b", "c"] {
            play.actor.command(command.into()).expect("room");
        }
        let mut server = play.accept(1);
        for command in ["a", "b", "c"] {
            hears(&mut server, command);
        }
        play.expect(&["connect 1 first", "command a", "command b", "command c"]);
        play.actor.clone().command("d".into()).expect("room");
        hears(&mut server, "d");

        // The handles keep it alive, and nothing else does.
        let Play { actor, log, .. } = play;
        drop(actor);
        hears_close(server, 1001, "");
        let rest: Vec<_> = log.iter().collect();
        assert_eq!(rest, ["command d", "disconnect 1 1", "terminate"]);
    });
}

#[test]
fn s07_what_follows_a_loss_is_for_the_handler_to_say() {
    guard(|| {
        let hours = Duration::from_secs(10_000);
        let patient = BackoffPolicy::default().first(None).base(hours).cap(hours);
        let patient = SessionOptions::default().config(quick().backoff(patient));
        let (listener, request) = listener();
        let mut losses = 0;
        let again = move |attempt| {
            assert_eq!(attempt, 1);
            losses += 1;
            match losses {
                1 => Again::After(Duration::from_millis(1)),
                _ => Again::Stop,
            }
        };
        let play = Play::with(listener, request, &patient, again);
        drop(play.accept(1));
        // Without waiting for hours.
        drop(play.accept(2));
        play.expect(&["connect 1 first", "disconnect 1 1"]);
        play.expect(&["connect 2 again", "disconnect 2 1", "terminate"]);
        let end = wait!(play.actor.ended()).expect("no panic");
        assert_eq!(end, End::Closed(None));
    });
}

#[test]
fn s07_the_next_dial_can_go_elsewhere() {
    guard(|| {
        let (first, request) = listener();
        let (second, elsewhere) = listener();
        let again = move |_| Again::To(Box::new(elsewhere.clone()));
        let mut play = Play::with(first, request, &options(), again);
        let server = play.accept(1);
        play.listener = second;
        // The first address is gone now, and so is its connection.
        drop(server);
        let mut server = raw::accept(&play.listener);
        let (_, hello) = raw::read_frame(&mut server).expect("a frame");
        assert!(hello.starts_with(b"hello "));
        play.expect(&["connect 1 first", "disconnect 1 1"]);
    });
}
