//! The servers that a simulated session dials.

use std::time::Duration;

use ws_core::close::CloseCode;
use ws_core::connection::{Config, Connection, Event as Heard};
use ws_core::handshake::{Accept, Limits, ServerHandshake};
use ws_core::{Instant, Machine};

use super::{Answers, Plan};

/// A server that opens the WebSocket and notes what it hears.
pub(super) struct Server {
    handshake: Option<ServerHandshake>,
    connection: Option<Connection>,
    reject: Option<Plan>,
    /// What it will say, and when; in the order of the times.
    later: Vec<(Instant, String)>,
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
    /// One that has a transport and is waiting for a request.
    pub(super) fn new(plan: Plan, now: Instant) -> Self {
        Self {
            handshake: Some(ServerHandshake::new(Limits::default(), now)),
            connection: None,
            reject: matches!(plan, Plan::Reject(..)).then_some(plan),
            later: Vec::new(),
        }
    }

    pub(super) fn due(&self) -> Option<Instant> {
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
    pub(super) fn answer(&mut self, notes: &[String], answers: &mut Answers, now: Instant) -> bool {
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

    pub(super) fn turn(
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
