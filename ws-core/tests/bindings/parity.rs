//! S17: one seed, one script, one day: what a binding writes, and what it tells, is what the pure
//! session does, to the byte.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use super::lines::Lines;
use super::{guard, join, listener};
use crate::rt::{self, wait, ws};
use ws::session::{Client, Event, Payload, State, start_with};
use ws::ws_core::connection::{Connection, Event as Heard};
use ws::ws_core::handshake::{Accept, Limits, ServerHandshake};
use ws::ws_core::options::SessionOptions;
use ws::ws_core::policy::{BackoffPolicy, Jitter, Percent};
use ws::ws_core::session::correlate::RequestId;
use ws::ws_core::session::subscriptions::SubOptions;
use ws::ws_core::session::{Action, Session, SessionConfig};
use ws::ws_core::{Instant, Machine, Seed, Transport, TransportEnd};
use ws::{CloseCode, Config, Request};

/// Everything that is drawn or waited for is the same each time.
pub(crate) fn options(backoff: Duration) -> SessionOptions {
    let policy = BackoffPolicy::default()
        .first(None)
        .base(backoff)
        .jitter(Jitter::None)
        .wait_jitter(Percent(0));
    let config = SessionConfig::default()
        .connection(Config::default())
        .backoff(policy);
    let seed = Seed::new([17; 32]);
    SessionOptions::default().config(config).seed(Some(seed))
}

/// The server's part: what it has to say depends on nothing but what it has heard.
struct Script {
    /// Which connection it is, from 1.
    number: usize,
    /// All that it has heard.
    heard: Vec<u8>,
    stage: Stage,
    /// It hangs up.
    over: bool,
}

enum Stage {
    Opening(Box<ServerHandshake>),
    Open(Box<Connection>),
}

impl Script {
    fn new(number: usize) -> Self {
        let handshake = ServerHandshake::new(Limits::default(), Instant::ORIGIN);
        Self {
            number,
            heard: Vec::new(),
            stage: Stage::Opening(Box::new(handshake)),
            over: false,
        }
    }

    /// Hears something, and says something.
    fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.heard.extend_from_slice(bytes);
        let mut said = Vec::new();
        match &mut self.stage {
            Stage::Opening(handshake) => {
                handshake.io().0.extend_from_slice(bytes);
                if let Ok(Some(_)) = handshake.poll(Instant::ORIGIN) {
                    if self.number == 3 {
                        let rejected = handshake.reject(503, &[], b"busy", Instant::ORIGIN);
                        rejected.expect("a request");
                        self.over = true;
                    } else {
                        handshake.accept(Accept::new()).expect("a request");
                    }
                }
                take(&mut **handshake, &mut said);
                let idle = ServerHandshake::new(Limits::default(), Instant::ORIGIN);
                match std::mem::replace(&mut **handshake, idle).finish() {
                    Ok(opened) => {
                        let config = Config::default();
                        let connection = Connection::new(opened, &config, Instant::ORIGIN);
                        self.stage = Stage::Open(Box::new(connection));
                    }
                    Err(unfinished) => *handshake = unfinished,
                }
            }
            Stage::Open(connection) => {
                connection.io().0.extend_from_slice(bytes);
                while let Some((event, sender)) = connection.poll(Instant::ORIGIN) {
                    let Heard::Text(text) = event else {
                        continue;
                    };
                    let (number, what) = text.split_once(' ').unwrap_or(("", text));
                    match what.split_once(' ').unwrap_or((what, "")) {
                        // In the middle of setting up.
                        ("hello", _) if self.number == 2 => self.over = true,
                        ("join", topics) => {
                            sender.text(&format!("{number} ok")).expect("room");
                            for topic in topics.split(',') {
                                sender.text(&format!("data {topic} 1")).expect("room");
                            }
                        }
                        ("down", _) => sender
                            .close(CloseCode::SERVICE_RESTART, "back soon")
                            .expect("room"),
                        ("you", _) => {
                            sender.ping(b"are you there").expect("room");
                            sender.text("pinged").expect("room");
                        }
                        _ => sender.text(&format!("{number} ok {what}")).expect("room"),
                    }
                }
                take(&mut **connection, &mut said);
                self.over |= connection.transport() == Transport::Close;
            }
        }
        said
    }
}

/// What a machine has to write.
fn take(machine: &mut dyn Machine, said: &mut Vec<u8>) {
    while let Some(bytes) = machine.io().1.pop() {
        said.extend_from_slice(&bytes);
    }
}

/// A session, as the application of the day needs it.
trait Handle {
    fn subscribe(&mut self, topic: &str);
    fn ask(&mut self, what: &str) -> String;
    fn send(&mut self, text: &str);
    fn close(&mut self);
}

/// The application: does one thing after the other, and notes what it is told.
#[derive(Default)]
struct App {
    log: Vec<String>,
    ready: u32,
    asked: bool,
}

impl App {
    fn hear(&mut self, event: &Event, session: &mut impl Handle) {
        self.log.push(line(event));
        match event {
            Event::Ready { .. } => {
                self.ready += 1;
                match self.ready {
                    1 => ["a", "b"]
                        .into_iter()
                        .for_each(|topic| session.subscribe(topic)),
                    _ => session.send("ping you"),
                }
            }
            Event::Data { message, .. } if !self.asked && is_text(message, "data b 1") => {
                self.asked = true;
                self.log.push(session.ask("what"));
                session.send("go down");
            }
            Event::Text(text) if text == "pinged" => session.close(),
            _ => {}
        }
    }
}

fn is_text(message: &Payload, text: &str) -> bool {
    message.clone().into_text().is_some_and(|it| it == text)
}

/// What happened, without the time it took.
fn line(event: &Event) -> String {
    match event {
        Event::Ready {
            conn,
            attempt,
            downtime,
        } => format!("ready {conn} by {attempt}, again: {}", downtime.is_some()),
        Event::Continuity {
            topic, continued, ..
        } => format!("{topic}: {:?}", continued.verdict),
        Event::RetryScheduled { attempt, delay, .. } => format!("{attempt} in {delay:?}"),
        event => format!("{event:?}"),
    }
}

/// The session by itself, its time standing still but for its deadlines.
struct Pure {
    session: Session<Lines>,
    now: Instant,
    script: Option<Script>,
    heard: Vec<Vec<u8>>,
    events: VecDeque<Event>,
}

impl Pure {
    /// One round of whatever there is to do.
    fn turn(&mut self) {
        while let Some(action) = self.session.action() {
            match action {
                Action::Dial { conn, .. } => {
                    assert!(self.session.dialed(conn, self.now));
                    self.script = Some(Script::new(self.heard.len() + 1));
                }
                Action::Drop { .. } => self.hang_up(),
                Action::Credentials { .. } => panic!("there is no login"),
            }
        }
        while let Some(event) = self.session.poll_owned(self.now) {
            self.events.push_back(event);
        }
        let conn = self.session.conn();
        let mut moved = false;
        if let (Some((recv, send)), Some(script)) = (self.session.io(conn), &mut self.script) {
            while let Some(bytes) = send.pop() {
                moved = true;
                recv.extend_from_slice(&script.hear(&bytes));
            }
            if script.over {
                self.hang_up();
                self.session.lost(conn, TransportEnd::Eof);
                moved = true;
            }
        }
        if moved || self.session.ready(self.now) || !self.events.is_empty() {
            return;
        }
        let (at, _) = self.session.poll_timeout().expect("something to wait for");
        self.now = at;
        self.session.handle_timeout(at);
    }

    fn hang_up(&mut self) {
        self.heard
            .extend(self.script.take().map(|script| script.heard));
    }
}

impl Handle for Pure {
    fn subscribe(&mut self, topic: &str) {
        let options = SubOptions::default();
        let subscribed = self.session.subscribe(topic, options, self.now);
        subscribed.expect("room");
    }

    fn ask(&mut self, what: &str) -> String {
        let asked = self.session.request(&what.to_string(), self.now);
        let asked: RequestId = asked.expect("a connection");
        loop {
            self.turn();
            let answers =
                |event: &Event| matches!(event, Event::Response { id, .. } if *id == asked);
            if let Some(at) = self.events.iter().position(answers) {
                let Some(Event::Response { message, .. }) = self.events.remove(at) else {
                    continue;
                };
                return format!("{message:?}");
            }
        }
    }

    fn send(&mut self, text: &str) {
        self.session.send(text, self.now).expect("a connection");
    }

    fn close(&mut self) {
        let closed = self.session.close(CloseCode::NORMAL, "done", self.now);
        closed.expect("a short reason");
    }
}

impl Handle for Client<Lines> {
    fn subscribe(&mut self, topic: &str) {
        Self::subscribe(self, topic, SubOptions::default()).expect("room");
    }

    fn ask(&mut self, what: &str) -> String {
        let answer = wait!(self.request(&what.to_string()));
        format!("{:?}", answer.expect("an answer"))
    }

    fn send(&mut self, text: &str) {
        Self::send(self, text).expect("a connection");
    }

    fn close(&mut self) {
        Self::close(self, CloseCode::NORMAL, "done").expect("a short reason");
    }
}

/// The day as the pure session lives it: what it tells, and what it writes on each connection.
fn reference(request: Request) -> (Vec<String>, Vec<Vec<u8>>) {
    let session = options(Duration::from_millis(1))
        .session(request, Lines::default(), |_| panic!("it has a seed"))
        .expect("a session");
    let mut pure = Pure {
        session,
        now: Instant::ORIGIN,
        script: None,
        heard: Vec::new(),
        events: VecDeque::new(),
    };
    pure.session.start(pure.now);
    let mut app = App::default();
    while pure.session.state() != State::Terminal || !pure.events.is_empty() {
        pure.turn();
        while let Some(event) = pure.events.pop_front() {
            app.hear(&event, &mut pure);
        }
    }
    pure.hang_up();
    (app.log, pure.heard)
}

/// The same script on a socket, for four connections.
fn serve(listener: &TcpListener) -> Vec<Vec<u8>> {
    let script = |number| {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut script = Script::new(number);
        let mut buf = [0; 4096];
        while !script.over {
            match stream.read(&mut buf) {
                Ok(0) | Err(_) => break,
                Ok(n) => stream.write_all(&script.hear(&buf[..n])).expect("a client"),
            }
        }
        script.heard
    };
    (1..=4).map(script).collect()
}

#[test]
fn s17_a_session_on_sockets_is_the_pure_session_to_the_byte() {
    guard(|| {
        let (listener, address) = listener();
        let server = thread::spawn(move || serve(&listener));
        let request = || Request::new(format!("ws://{address}/day")).expect("a url");
        let options = options(Duration::from_millis(1));
        let started = rt::enter(|| start_with(request(), Lines::default(), &options));
        let (mut client, mut events) = started.expect("a start");
        let mut app = App::default();
        #[allow(
            clippy::while_let_on_iterator,
            reason = "an iterator on one runtime of four"
        )]
        while let Some(event) = wait!(events.next()) {
            app.hear(&event, &mut client);
        }
        let heard = join(server);
        let (log, written) = reference(request());
        assert_eq!(app.log, log);
        assert_eq!(heard, written);
        assert_eq!(
            (log.len(), written.len()),
            (26, 4),
            "the whole day: {log:#?}"
        );
    });
}
