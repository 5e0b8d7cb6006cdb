//! A session, the world around it and the servers it dials, in virtual time: everything that happens
//! is a line with its milliseconds, and nothing happens but by the script.
#![allow(dead_code, reason = "not every test needs all of it")]

mod conventions;
pub(crate) mod histories;
mod server;
pub(crate) mod venue;
mod words;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Buf;
use ws_core::close::CloseCode;
use ws_core::handshake::Request;
use ws_core::policy::{IoClass, Stage};
use ws_core::session::auth::{CredError, CredId, Purpose};
use ws_core::session::correlate::RequestId;
use ws_core::session::{
    Action, ConnId, DialError, Dialect, Event, MessageId, NoDialect, PingId, Session,
    SessionConfig, State,
};
use ws_core::{Instant, Seed, Transport, TransportEnd};

pub(crate) use conventions::{backoff, plain};
use server::Server;
pub(crate) use server::ServerEnd;
use words::describe;

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

/// What the session is connected to.
enum Peer {
    /// What is still to be said, and when.
    Script(VecDeque<(Instant, Vec<u8>)>),
    Server(Box<Server>),
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
                let server = Server::new(plan, self.now);
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

/// The Close code that stands for "all is well".
pub(crate) const NORMAL: CloseCode = CloseCode::NORMAL;
