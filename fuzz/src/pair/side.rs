//! One of the two ends: its handshake, then its connection, and what it was told.

use core::mem;

use ws_core::connection::{Closed, Config, Connection, OwnedEvent};
use ws_core::handshake::{
    Accept, ClientHandshake, HandshakeError, Limits, Request, ServerHandshake,
};
use ws_core::{Instant, Machine, Role, Seed};

use crate::frames::seen;
use crate::input::Input;
use crate::plain::Seen;
use crate::sending::{Sending, is_own};

pub(super) struct Side {
    stage: Stage,
    config: Config,
    sending: Sending,
    told: Vec<Seen>,
    failed: Option<HandshakeError>,
    closed: Option<Closed>,
    pub(super) lost: bool,
    pub(super) unwritable: bool,
    pub(super) hung_up: bool,
}

enum Stage {
    Client(Box<ClientHandshake>),
    /// In between two of the others.
    Moving,
    Open(Box<Connection>),
    Server(Box<ServerHandshake>),
}

impl Side {
    pub(super) fn new(role: Role, config: Config, now: Instant) -> Self {
        let limits = Limits::default();
        let stage = match role {
            Role::Client => {
                let request = Request::new("ws://h/").and_then(|r| r.subprotocol("chat"));
                let (request, seed) = (request.expect("valid"), Seed::new([7; 32]));
                Stage::Client(ClientHandshake::new(&request, limits, seed, now).into())
            }
            Role::Server => Stage::Server(ServerHandshake::new(limits, now).into()),
        };
        Self {
            stage,
            sending: Sending::new(config.fragment_size),
            config,
            told: Vec::new(),
            failed: None,
            closed: None,
            lost: false,
            unwritable: false,
            hung_up: false,
        }
    }

    pub(super) fn machine(&mut self) -> &mut dyn Machine {
        match &mut self.stage {
            Stage::Client(client) => &mut **client,
            Stage::Moving => unreachable!("only inside of `take`"),
            Stage::Open(open) => &mut **open,
            Stage::Server(server) => &mut **server,
        }
    }

    /// Takes what there is to take; says whether there was anything.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        if self.failed.is_some() {
            return false;
        }
        match &mut self.stage {
            Stage::Open(open) => match open.poll_owned(now) {
                Some(event) => self.took(event),
                None => return false,
            },
            Stage::Client(client) => match client.poll(now) {
                Ok(None) => return false,
                Ok(Some(answer)) => assert_eq!(answer.subprotocol(), Some("chat")),
                Err(error) => self.failed = Some(error),
            },
            Stage::Server(server) => {
                if !server.ready(now) {
                    return false;
                }
                match server.poll(now) {
                    Ok(Some(request)) => {
                        assert_eq!((request.target(), request.host()), ("/", "h"));
                        let answer = Accept::new().subprotocol("chat");
                        server.accept(answer).expect("offered");
                    }
                    Ok(None) => {}
                    Err(error) => self.failed = Some(error),
                }
            }
            Stage::Moving => unreachable!("only inside of `take`"),
        }
        self.stage = match mem::replace(&mut self.stage, Stage::Moving) {
            Stage::Client(client) => match client.finish() {
                Ok(opened) => Stage::Open(Connection::new(opened, &self.config, now).into()),
                Err(client) => Stage::Client(client),
            },
            Stage::Server(server) => match server.finish() {
                Ok(opened) => Stage::Open(Connection::new(opened, &self.config, now).into()),
                Err(server) => Stage::Server(server),
            },
            stage @ (Stage::Open(_) | Stage::Moving) => stage,
        };
        true
    }

    fn took(&mut self, event: OwnedEvent) {
        assert_eq!(self.closed, None, "nothing follows the end");
        match event {
            OwnedEvent::Closed(closed) => self.closed = Some(closed),
            OwnedEvent::ProtocolError(error) => panic!("both keep the rules: {error}"),
            event => self.told.extend(seen(&event)),
        }
    }

    pub(super) fn send(&mut self, input: &mut Input<'_>) {
        if let Stage::Open(open) = &mut self.stage {
            self.sending.send(input, open.sender());
        }
    }

    pub(super) fn close(&mut self, input: &mut Input<'_>, now: Instant) {
        if let Stage::Open(open) = &mut self.stage {
            let may = open.sender().is_open();
            self.sending
                .close(input, may, |code, reason| open.close(code, reason, now));
        }
    }

    /// Closes, if it has not done so yet.
    pub(super) fn leave(&mut self, now: Instant) {
        self.close(&mut Input::new(&[]), now);
    }

    pub(super) fn wake(&mut self, now: Instant) {
        if !self.hung_up {
            crate::time::wake(self.machine(), now);
        }
    }

    /// What it was told is a beginning of what the other sent, or all of it.
    pub(super) fn check_told(&self, other: &Self, disturbed: bool) {
        if matches!(self.stage, Stage::Open(_)) {
            assert!(self.closed.is_some(), "never told how it ended");
        } else {
            assert!(self.failed.is_some() && disturbed, "{:?}", self.failed);
        }
        let told = self.told.iter().cloned();
        let (messages, controls): (Vec<_>, Vec<_>) = told.partition(Seen::is_message);
        let controls: Vec<Seen> = controls.into_iter().filter(is_own).collect();
        let sent = &other.sending;
        assert!(sent.messages.starts_with(&messages) && sent.controls.starts_with(&controls));
        if !disturbed {
            assert_eq!(messages.len(), sent.messages.len());
            assert_eq!(controls.len(), sent.controls.len());
            assert!(
                self.closed.as_ref().is_some_and(Closed::is_clean),
                "{:?}",
                self.closed
            );
        }
    }
}
