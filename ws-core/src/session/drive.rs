//! Bytes and time: the session as a machine that any driver of a connection can drive.
//!
//! It never decides what follows: that is `order`.

use super::Session;
use core::time::Duration;

use super::correlate::{Answer, RequestId, Unmatched};
use super::dialect::{Class, Dialect, Out};
use super::event::{Action, ConnId, Event, Lent, Payload, passed_on};
use super::link::Link;
use super::lost::Lost;
use super::order::Phase;
use crate::Instant;
use crate::buf::{RecvBuf, SendBuf};
use crate::connection::Event as Heard;
use crate::machine::{Deadline, Machine, Transport, TransportEnd};
use crate::message::Message;

/// What the event that the connection found is to the application.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sorted {
    Answer(RequestId, Duration),
    Plain,
    Stray(Unmatched),
}

impl<D: Dialect> Session<D> {
    /// The next thing that only the owner can do. Ask again until there is none, before waiting.
    pub fn action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Is there something that only the owner can do?
    #[must_use]
    pub fn has_actions(&self) -> bool {
        !self.actions.is_empty()
    }

    /// Processes what was received, up to the next event or action; `false` if there is neither.
    /// Asking again changes nothing.
    pub fn ready(&mut self, now: Instant) -> bool {
        self.note_sent(now);
        loop {
            if !self.events.is_empty() || !self.actions.is_empty() {
                return true;
            }
            let go_on = match &mut self.link {
                Link::Down | Link::Dialing { .. } => return false,
                Link::Opening { .. } => self.shake_hands(now),
                Link::Open { connection, .. } => {
                    if !connection.ready(now) {
                        return false;
                    }
                    if self.sorted.is_some() {
                        return true;
                    }
                    self.sort(now)
                }
            };
            if !go_on {
                return self.sorted.is_some();
            }
        }
    }

    /// The next event, lent from the buffers until the next call.
    #[inline]
    pub fn poll(&mut self, now: Instant) -> Option<Lent<'_>> {
        if !self.ready(now) {
            return None;
        }
        if let Some(event) = self.events.pop_front() {
            return Some(event.map(|none| match none {}, |none| match none {}));
        }
        let sorted = self.sorted.take()?;
        let Link::Open { connection, .. } = &mut self.link else {
            return None;
        };
        let event = connection.poll(now)?.0;
        match sorted {
            Sorted::Plain => passed_on(event),
            Sorted::Answer(id, round_trip) => Some(Event::Response {
                id,
                message: payload(event)?,
                round_trip,
            }),
            Sorted::Stray(why) => Some(Event::Unmatched {
                why,
                message: payload(event)?,
            }),
        }
    }

    /// The next event, owned.
    pub fn poll_owned(&mut self, now: Instant) -> Option<Event> {
        self.poll(now).map(|event| event.to_owned())
    }

    /// The buffers of a connection; `None` if it is over, or not dialled yet.
    pub fn io(&mut self, conn: ConnId) -> Option<(&mut RecvBuf, &mut SendBuf)> {
        self.current(conn)?.machine().map(Machine::io)
    }

    /// The transport of a connection ended; nothing more will be received on it.
    pub fn lost(&mut self, conn: ConnId, end: TransportEnd) {
        if let Some(machine) = self.current(conn).and_then(Link::machine) {
            machine.lost(end);
        }
    }

    /// The transport of a connection can't write any more.
    pub fn unwritable(&mut self, conn: ConnId, now: Instant) {
        if let Some(machine) = self.current(conn).and_then(Link::machine) {
            machine.unwritable(now);
        }
    }

    /// What to do with the transport of a connection; one that is over is to be closed.
    #[must_use]
    pub fn transport(&self, conn: ConnId) -> Transport {
        if self.link.conn() == Some(conn) {
            Machine::transport(self)
        } else {
            Transport::Close
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) must be called at the latest, and why.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Instant, Deadline)> {
        let link = match self.phase {
            Phase::Idle | Phase::Over => None,
            Phase::Waiting { at, .. } => Some((at, Deadline::Retry)),
            Phase::Trying { .. } => self.link.poll_timeout(),
        };
        let request = self.requests.poll_timeout();
        let request = request.map(|at| (at, Deadline::Request));
        [link, request].into_iter().flatten().min()
    }

    /// Acts on the deadlines that have passed. Calling it early changes nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self.link.machine() {
            Some(machine) => machine.handle_timeout(now),
            None => self.expire(now),
        }
        self.expire_requests(now);
    }

    fn current(&mut self, conn: ConnId) -> Option<&mut Link> {
        if self.link.conn() == Some(conn) {
            Some(&mut self.link)
        } else {
            self.stale += 1;
            None
        }
    }

    /// Takes the handshake as far as it goes; `false` if it waits for bytes.
    fn shake_hands(&mut self, now: Instant) -> bool {
        let Link::Opening { conn, handshake } = &mut self.link else {
            return false;
        };
        let conn = *conn;
        match handshake.poll(now) {
            Ok(None) => return false,
            Ok(Some(_)) => {}
            Err(error) => {
                self.lost_link(Lost::Handshake(error), now);
                return true;
            }
        }
        let Link::Opening { handshake, .. } = core::mem::replace(&mut self.link, Link::Down) else {
            return false;
        };
        match handshake.finish() {
            Ok(opened) => {
                self.opened(conn, opened, now);
                true
            }
            Err(handshake) => {
                self.link = Link::Opening { conn, handshake };
                false
            }
        }
    }

    /// Looks at what the connection found. `false` if it is for the application; what is not is
    /// consumed.
    #[inline]
    fn sort(&mut self, now: Instant) -> bool {
        let Link::Open { connection, .. } = &mut self.link else {
            return false;
        };
        let (found, sender) = connection.peek_mut();
        let message = match found {
            Some(Heard::Text(text)) => Message::Text(text),
            Some(Heard::Binary(data)) => Message::Binary(data),
            Some(Heard::Ping(_) | Heard::Pong(_) | Heard::ProtocolError(_)) => {
                self.sorted = Some(Sorted::Plain);
                return false;
            }
            // None comes: a session's messages are whole.
            Some(Heard::Chunk(_)) => {
                connection.poll(now);
                return true;
            }
            Some(Heard::Closed(closed)) => {
                let lost = Lost::Closed(closed.clone());
                self.lost_link(lost, now);
                return true;
            }
            None => return false,
        };
        let mut out = Out::new(sender);
        let class = self.dialect.classify(&message, &mut out);
        if out.failed().is_some() {
            self.lost_link(Lost::Setup, now);
            return true;
        }
        self.sorted = Some(match class {
            Class::Message => Sorted::Plain,
            Class::Response(key) => match self.requests.answered(&key, now) {
                Answer::Matched(answered) => {
                    self.extents.remove(&answered.id);
                    Sorted::Answer(answered.id, answered.round_trip)
                }
                Answer::Unmatched(why) => Sorted::Stray(why),
            },
            Class::Handled => {
                connection.poll(now);
                return true;
            }
        });
        false
    }
}

fn payload(event: Heard<'_>) -> Option<Payload<&str, &[u8]>> {
    match event {
        Heard::Binary(data) => Some(Payload::Binary(data)),
        Heard::Text(text) => Some(Payload::Text(text)),
        Heard::Chunk(_)
        | Heard::Closed(_)
        | Heard::Ping(_)
        | Heard::Pong(_)
        | Heard::ProtocolError(_) => None,
    }
}

/// The connection of the moment, for a driver that has one transport at a time.
impl<D: Dialect> Machine for Session<D> {
    fn ready(&mut self, now: Instant) -> bool {
        Self::ready(self, now)
    }

    fn io(&mut self) -> (&mut RecvBuf, &mut SendBuf) {
        match self.link.machine() {
            Some(machine) => machine.io(),
            None => {
                self.unused.0.clear();
                (&mut self.unused.0, &mut self.unused.1)
            }
        }
    }

    fn lost(&mut self, end: TransportEnd) {
        if let Some(machine) = self.link.machine() {
            machine.lost(end);
        }
    }

    fn unwritable(&mut self, now: Instant) {
        if let Some(machine) = self.link.machine() {
            machine.unwritable(now);
        }
    }

    fn transport(&self) -> Transport {
        self.link
            .machine_ref()
            .map_or(Transport::Close, Machine::transport)
    }

    fn poll_timeout(&self) -> Option<(Instant, Deadline)> {
        Self::poll_timeout(self)
    }

    fn handle_timeout(&mut self, now: Instant) {
        Self::handle_timeout(self, now);
    }
}
