//! A session, the world around it and the servers it dials, in virtual time: everything that happens
//! is a line with its milliseconds, and nothing happens but by the script.
#![allow(dead_code, reason = "not every test needs all of it")]

pub(crate) mod venue;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Buf;
use ws_core::close::CloseCode;
use ws_core::connection::{Config, Connection, Event as Heard};
use ws_core::handshake::{Accept, Limits, Request, ServerHandshake};
use ws_core::policy::{
    BackoffPolicy, Growth, Heartbeat, IoClass, Jitter, Percent, RetryAfter, Stage,
};
use ws_core::session::auth::{CredError, CredId, Purpose};
use ws_core::session::correlate::RequestId;
use ws_core::session::{
    Action, ConnId, DialError, Dialect, Event, Lent, MessageId, NoDialect, PingId, Session,
    SessionConfig, State,
};
use ws_core::{Instant, Machine, Seed, Transport, TransportEnd};

/// What comes of a dial.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    /// Nobody listens.
    Refuse,
    /// Nothing ever comes of it.
    Hang,
    /// The transport connects, and this is all that is ever received, a piece at each of the times
    /// in milliseconds since then.
    Say(Vec<(u64, Vec<u8>)>),
    /// A server that opens the WebSocket.
    Serve,
    /// A server that answers with a status, headers and a body.
    Reject(u16, &'static [(&'static str, &'static str)], &'static [u8]),
}

/// The conventions of the scenarios: base 1 s, factor 2, cap 30 s, no jitter, no first delay, a
/// connection counts at once, no dial budget, no pings.
pub(crate) fn plain() -> SessionConfig {
    SessionConfig::default()
        .connection(Config::default())
        .backoff(backoff())
        .budget(None)
        .heartbeat(Heartbeat::default().jitter(Percent(0)))
}

pub(crate) fn backoff() -> BackoffPolicy {
    BackoffPolicy::default()
        .first(None)
        .base(Duration::from_secs(1))
        .cap(Duration::from_secs(30))
        .growth(Growth::Exponential {
            factor: Percent(200),
        })
        .jitter(Jitter::None)
        .wait_jitter(Percent(0))
        .retry_after(RetryAfter::Honor {
            max: Duration::from_secs(900),
        })
        .stable_after(Duration::ZERO)
}

/// What the session is connected to.
enum Peer {
    /// What is still to be said, and when.
    Script(VecDeque<(Instant, Vec<u8>)>),
    Server(Box<Server>),
}

/// A server that opens the WebSocket and notes what it hears.
struct Server {
    handshake: Option<ServerHandshake>,
    connection: Option<Connection>,
    reject: Option<Plan>,
    /// What it will say, and when; in the order of the times.
    later: Vec<(Instant, String)>,
}

/// Something that came to its end.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Done {
    Message(MessageId),
    Ping(PingId),
    Request(RequestId),
}

/// What a server says to a text, and after how many milliseconds.
pub(crate) type Answers = Box<dyn FnMut(&str, u64) -> Vec<(u64, String)>>;

/// Who comes up with credentials.
pub(crate) type Provider<C> = Box<dyn FnMut(Purpose, Option<i64>) -> Option<Result<C, CredError>>>;

pub(crate) struct Sim<D: Dialect = NoDialect> {
    pub(crate) answers: Option<Answers>,
    /// Requests and messages that came to their ends.
    pub(crate) done: Vec<Done>,
    /// When the session had nothing to do, was woken, and nothing came of it, in milliseconds.
    pub(crate) idle_wakes: Vec<u64>,
    /// Topics on whose continuity there was a verdict, with the connection.
    pub(crate) verdicts: Vec<(u64, String)>,
    pub(crate) provider: Option<Provider<D::Credentials>>,
    /// Questions for credentials that nobody has answered.
    pub(crate) asked: Vec<CredId>,
    pub(crate) session: Session<D>,
    pub(crate) now: Instant,
    /// What the next dials meet; the last one stays.
    pub(crate) plans: VecDeque<Plan>,
    /// When was dialled, in milliseconds.
    pub(crate) dials: Vec<u64>,
    /// What happened: `time: what`, client events plain, the server's side behind `<`.
    pub(crate) log: Vec<String>,
    /// Requests that the server saw: their targets.
    pub(crate) targets: Vec<String>,
    /// The credentials in those requests.
    pub(crate) keys: Vec<String>,
    pending: Option<ConnId>,
    peer: Option<(ConnId, Peer)>,
}

impl Sim {
    pub(crate) fn new(config: SessionConfig, plans: &[Plan]) -> Self {
        Self::with(NoDialect, config, plans)
    }
}

impl<D: Dialect> Sim<D> {
    pub(crate) fn with(dialect: D, config: SessionConfig, plans: &[Plan]) -> Self {
        let request = Request::new("ws://example.com/feed").unwrap();
        Self {
            answers: None,
            done: Vec::new(),
            idle_wakes: Vec::new(),
            verdicts: Vec::new(),
            provider: None,
            asked: Vec::new(),
            session: Session::with_dialect(request, dialect, config, Seed::new([1; 32])),
            now: Instant::ORIGIN,
            plans: plans.iter().cloned().collect(),
            dials: Vec::new(),
            log: Vec::new(),
            targets: Vec::new(),
            keys: Vec::new(),
            pending: None,
            peer: None,
        }
    }

    pub(crate) fn millis(&self) -> u64 {
        self.now.as_nanos() / 1_000_000
    }

    /// Starts, and lets everything happen that needs no time.
    pub(crate) fn start(&mut self) {
        self.session.start(self.now);
        self.run(0);
    }

    /// Lets time pass until `millis`, stopping wherever something is due.
    pub(crate) fn run(&mut self, millis: u64) {
        let until = Instant::ORIGIN + Duration::from_millis(millis);
        loop {
            self.settle();
            let due = [
                self.session.poll_timeout().map(|(at, _)| at),
                self.peer_due(),
            ];
            let Some(next) = due.into_iter().flatten().min().filter(|&at| at <= until) else {
                break;
            };
            assert!(next >= self.now, "no deadline lies in the past");
            self.now = next;
            let woken = self
                .session
                .poll_timeout()
                .is_some_and(|(at, _)| at <= next);
            let before = self.session.changes();
            self.session.handle_timeout(self.now);
            // I7: the deadline is over, or there is something to take or to write.
            let later = self.session.poll_timeout();
            let conn = self.session.conn();
            let writes = self
                .session
                .io(conn)
                .is_some_and(|(_, send)| !send.is_empty());
            assert!(
                later.is_none_or(|(at, _)| at > self.now) || self.session.ready(self.now) || writes,
                "a deadline that was handled is over: {later:?} at {:?} after {:#?}",
                self.now,
                self.log
            );
            let busy = writes || self.session.ready(self.now) || self.session.changes() != before;
            if woken && !busy && self.is_idle() {
                self.idle_wakes.push(self.millis());
            }
            let now = self.now;
            if let Some(machine) = self.server().and_then(ServerEnd::machine) {
                machine.handle_timeout(now);
            }
        }
        self.now = self.now.max(until);
    }

    /// Is there nothing that the session has to do but to stay connected?
    fn is_idle(&self) -> bool {
        let snapshot = self.session.snapshot(self.now);
        matches!(snapshot.state, State::Ready { .. })
            && snapshot.requests == 0
            && snapshot.queue.lanes == [0; 6]
            && snapshot.subscriptions.pending == 0
    }

    /// What the log says since the last time it was asked.
    pub(crate) fn take_log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }

    pub(crate) fn note(&mut self, what: &str) {
        self.log.push(format!("{}: {what}", self.millis()));
    }

    /// The server's end of the connection.
    pub(crate) fn server(&mut self) -> Option<&mut (impl ServerEnd + use<D>)> {
        match &mut self.peer {
            Some((_, Peer::Server(server))) => Some(&mut **server),
            _ => None,
        }
    }

    /// The transport breaks, for both.
    pub(crate) fn cut(&mut self, end: TransportEnd) {
        if let Some((conn, _)) = self.peer.take() {
            self.session.lost(conn, end);
        }
        self.settle();
    }

    /// The transport breaks before anything more is written.
    pub(crate) fn cut_now(&mut self, end: TransportEnd) {
        let conn = self.session.conn();
        self.peer = None;
        self.session.unwritable(conn, self.now);
        self.session.lost(conn, end);
        self.settle();
    }

    /// The server says something of its own.
    pub(crate) fn say(&mut self, text: &str) {
        let server = self.server().expect("a server is there");
        server.connection().sender().text(text).unwrap();
        self.settle();
    }

    /// From now on nothing arrives any more, and nobody notices.
    pub(crate) fn black_hole(&mut self) {
        if let Some((_, peer)) = &mut self.peer {
            *peer = Peer::Script(VecDeque::new());
        }
    }

    /// Whether a transport is up.
    pub(crate) fn is_up(&self) -> bool {
        self.peer.is_some()
    }

    fn peer_due(&self) -> Option<Instant> {
        match &self.peer.as_ref()?.1 {
            Peer::Script(script) => script.front().map(|(at, _)| *at),
            Peer::Server(server) => server.due(),
        }
    }

    /// Lets everything happen that needs no time.
    pub(crate) fn settle(&mut self) {
        loop {
            let mut moved = self.carry_out();
            moved |= self.take_events();
            moved |= self.move_bytes();
            if !moved && !self.session.has_actions() {
                return;
            }
        }
    }

    fn carry_out(&mut self) -> bool {
        let mut moved = false;
        while let Some(action) = self.session.action() {
            moved = true;
            match action {
                Action::Dial { conn, .. } => {
                    assert!(self.peer.is_none(), "one transport at a time");
                    self.dials.push(self.millis());
                    self.dial(conn);
                }
                Action::Credentials {
                    id,
                    purpose,
                    refused,
                } => {
                    let provider = self.provider.as_mut();
                    match provider.and_then(|provider| provider(purpose, refused)) {
                        Some(outcome) => self.session.credentials(id, outcome, self.now),
                        None => self.asked.push(id),
                    }
                }
                Action::Drop { conn } => {
                    self.pending.take_if(|pending| *pending == conn);
                    let peer = self.peer.take_if(|(current, _)| *current == conn);
                    if let Some((_, Peer::Server(mut server))) = peer {
                        // It still reads what had left.
                        let mut notes = Vec::new();
                        server.turn(self.now, &mut notes, &mut self.targets, &mut self.keys);
                        notes.iter().for_each(|note| self.note(note));
                    }
                }
            }
        }
        moved
    }

    fn dial(&mut self, conn: ConnId) {
        let plan = if self.plans.len() > 1 {
            self.plans.pop_front()
        } else {
            self.plans.front().cloned()
        };
        match plan.expect("a plan for every dial") {
            Plan::Refuse => {
                let error = DialError::new(Stage::Connect, IoClass::Refused);
                self.session.dial_failed(conn, error, self.now);
            }
            Plan::Hang => self.pending = Some(conn),
            Plan::Say(script) => {
                assert!(self.session.dialed(conn, self.now));
                let now = self.now;
                let script = script
                    .into_iter()
                    .map(|(ms, bytes)| (now + Duration::from_millis(ms), bytes))
                    .collect();
                self.peer = Some((conn, Peer::Script(script)));
            }
            plan @ (Plan::Serve | Plan::Reject(..)) => {
                assert!(self.session.dialed(conn, self.now));
                let server = Server {
                    handshake: Some(ServerHandshake::new(Limits::default(), self.now)),
                    connection: None,
                    reject: matches!(plan, Plan::Reject(..)).then_some(plan),
                    later: Vec::new(),
                };
                self.peer = Some((conn, Peer::Server(Box::new(server))));
            }
        }
    }

    fn take_events(&mut self) -> bool {
        let mut moved = false;
        while let Some(event) = self.session.poll(self.now) {
            let line = describe(&event);
            match &event {
                Event::RequestEnded { id, .. } | Event::Response { id, .. } => {
                    self.done.push(Done::Request(*id));
                }
                Event::MessageSent { id } | Event::MessageLost { id, .. } => {
                    self.done.push(Done::Message(*id));
                }
                Event::PingAnswered { id, .. } | Event::PingLost { id } => {
                    self.done.push(Done::Ping(*id));
                }
                Event::Continuity { topic, .. } => {
                    self.verdicts
                        .push((self.dials.len() as u64, topic.to_string()));
                }
                _ => {}
            }
            self.note(&line);
            moved = true;
        }
        moved
    }

    fn move_bytes(&mut self) -> bool {
        let Some((conn, peer)) = &mut self.peer else {
            return false;
        };
        let conn = *conn;
        let Some((recv, send)) = self.session.io(conn) else {
            return false;
        };
        let mut moved = false;
        let mut notes = Vec::new();
        match peer {
            Peer::Script(script) => {
                send.advance(send.remaining());
                while script.front().is_some_and(|(at, _)| *at <= self.now) {
                    if let Some((_, bytes)) = script.pop_front() {
                        recv.extend_from_slice(&bytes);
                        moved = true;
                    }
                }
            }
            Peer::Server(server) => {
                if let Some(machine) = server.machine() {
                    while let Some(bytes) = send.pop() {
                        machine.io().0.extend_from_slice(&bytes);
                        moved = true;
                    }
                }
                moved |= server.turn(self.now, &mut notes, &mut self.targets, &mut self.keys);
                if let Some(answers) = &mut self.answers {
                    moved |= server.answer(&notes, answers, self.now);
                }
                let mut over = true;
                if let Some(machine) = server.machine() {
                    while let Some(bytes) = machine.io().1.pop() {
                        recv.extend_from_slice(&bytes);
                        moved = true;
                    }
                    over = machine.transport() == Transport::Close;
                }
                if over && !moved {
                    self.session.lost(conn, TransportEnd::Eof);
                    self.peer = None;
                    moved = true;
                }
            }
        }
        // The owner closes what is to be closed.
        if self.peer.is_some() && self.session.transport(conn) == Transport::Close {
            self.peer = None;
            moved = true;
        }
        for note in notes {
            self.note(&note);
        }
        moved
    }
}

/// What a test can do at the server's end.
pub(crate) trait ServerEnd {
    /// Is the WebSocket open, as far as the server knows?
    fn is_open(&self) -> bool;
    fn connection(&mut self) -> &mut Connection;
    /// Closes, if the WebSocket is open.
    fn close(&mut self, code: CloseCode, now: Instant);
    fn machine(&mut self) -> Option<&mut dyn Machine>;
}

impl ServerEnd for Server {
    fn is_open(&self) -> bool {
        self.connection.is_some()
    }

    fn connection(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("the WebSocket is open")
    }

    fn close(&mut self, code: CloseCode, now: Instant) {
        if let Some(connection) = &mut self.connection {
            // It may be closing already.
            let _ = connection.close(code, "", now);
        }
    }

    fn machine(&mut self) -> Option<&mut dyn Machine> {
        match (&mut self.handshake, &mut self.connection) {
            (Some(handshake), _) => Some(handshake),
            (None, Some(connection)) => Some(connection),
            (None, None) => None,
        }
    }
}

impl Server {
    fn due(&self) -> Option<Instant> {
        let due = match (&self.handshake, &self.connection) {
            (Some(handshake), _) => handshake.poll_timeout(),
            (None, Some(connection)) => connection.poll_timeout(),
            (None, None) => None,
        };
        let due = due.map(|(at, _)| at);
        let later = self.later.iter().map(|(at, _)| *at);
        due.into_iter().chain(later).min()
    }

    /// Says what is to be said to what it has heard, now or later.
    fn answer(&mut self, notes: &[String], answers: &mut Answers, now: Instant) -> bool {
        let millis = now.as_nanos() / 1_000_000;
        for text in notes.iter().filter_map(|note| note.strip_prefix("< ")) {
            let more = answers(text, millis).into_iter();
            let more = more.map(|(after, text)| (now + Duration::from_millis(after), text));
            self.later.extend(more);
        }
        self.later.sort_by_key(|(at, _)| *at);
        let mut said = false;
        while self.later.first().is_some_and(|(at, _)| *at <= now) {
            let (_, text) = self.later.remove(0);
            if let Some(connection) = &mut self.connection {
                // It may be closing already.
                said |= connection.sender().text(&text).is_ok();
            }
        }
        said
    }

    fn turn(
        &mut self,
        now: Instant,
        notes: &mut Vec<String>,
        targets: &mut Vec<String>,
        keys: &mut Vec<String>,
    ) -> bool {
        if let Some(mut handshake) = self.handshake.take() {
            if let Ok(Some(request)) = handshake.poll(now) {
                keys.extend(request.header("X-Key").map(str::to_string));
                match self.reject.take() {
                    Some(Plan::Reject(status, headers, body)) => {
                        targets.push(request.target().to_string());
                        handshake.reject(status, headers, body, now).unwrap();
                    }
                    _ => {
                        targets.push(request.target().to_string());
                        handshake.accept(Accept::new()).unwrap();
                    }
                }
                self.handshake = Some(handshake);
                return true;
            }
            match handshake.finish() {
                Ok(opened) => {
                    self.connection = Some(Connection::new(opened, &Config::default(), now));
                    return true;
                }
                Err(handshake) => self.handshake = Some(*handshake),
            }
            return false;
        }
        let mut moved = false;
        while let Some((event, _)) = self.connection.as_mut().and_then(|c| c.poll(now)) {
            notes.push(match event {
                Heard::Text(text) => format!("< {text}"),
                Heard::Binary(data) => format!("< {data:?}"),
                Heard::Ping(data) => format!("< ping {data:?}"),
                Heard::Pong(data) => format!("< pong {data:?}"),
                Heard::Closed(closed) => format!("< {closed}"),
                other => format!("< {other:?}"),
            });
            moved = true;
        }
        moved
    }
}

/// One line of the log.
pub(crate) fn describe(event: &Lent<'_>) -> String {
    match event {
        Event::Binary(data) => format!("binary {data:?}"),
        Event::Disconnected { lost, .. } => format!("disconnected: {lost}"),
        Event::Failed { attempt, lost, .. } => format!("attempt {attempt} failed: {lost}"),
        Event::Opened { .. } => "opened".into(),
        Event::Ping(data) => format!("ping {data:?}"),
        Event::Pong(data) => format!("pong {data:?}"),
        Event::ProtocolError(error) => format!("protocol error: {error}"),
        Event::Ready {
            attempt, downtime, ..
        } => match downtime {
            Some(downtime) => format!("ready {attempt} after {}", downtime.as_millis()),
            None => format!("ready {attempt}"),
        },
        Event::RequestEnded { id, why, sent } => {
            format!("request {} ended: {why:?} {sent:?}", id.number())
        }
        Event::Response {
            id,
            message,
            round_trip,
        } => {
            let text = message.clone().into_text().unwrap_or("bytes");
            let answer = text.split_once('!').map_or(text, |(_, answer)| answer);
            format!(
                "answer to {} after {}: {answer}",
                id.number(),
                round_trip.as_millis()
            )
        }
        Event::Unmatched { why, message } => format!("unmatched {why:?} {message:?}"),
        Event::RetryScheduled { attempt, delay, .. } => {
            format!("attempt {attempt} in {}", delay.as_millis())
        }
        Event::Terminated(end) => format!("over: {end}"),
        Event::Text(text) => format!("text {text}"),
        Event::Login(event) => format!("login {event:?}"),
        Event::Subscription { topic, change, .. } => format!("topic {topic}: {change:?}"),
        Event::Continuity {
            topic, continued, ..
        } => format!(
            "topic {topic}: {:?} after {}",
            continued.verdict,
            continued.blind_for.as_millis()
        ),
        Event::Data { step, message, .. } => {
            let text = message.clone().into_text().unwrap_or("bytes");
            format!("{text} {step:?}")
        }
        Event::MessageSent { .. } => "message sent".into(),
        Event::MessageLost { why, sent, .. } => format!("message lost: {why:?} {sent:?}"),
        other => format!("{other:?}"),
    }
}

/// The Close code that stands for "all is well".
pub(crate) const NORMAL: CloseCode = CloseCode::NORMAL;
