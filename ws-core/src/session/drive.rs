//! Bytes and time: the session as a machine that any driver of a connection can drive.
//!
//! It never decides what follows: that is `order`.

use super::action::{Action, ConnId};
use super::auth::Auth;
use super::dialect::Dialect;
use super::event::{Event, Lent, passed_on};
use super::journal::Tape;
use super::link::Link;
use super::lost::Lost;
use super::order::Phase;
use super::payload::Payload;
use super::sort::Sorted;
use super::{Session, journal};
use crate::Instant;
use crate::buf::{RecvBuf, SendBuf};
use crate::connection::Event as Heard;
use crate::machine::{Deadline, Machine, Transport, TransportEnd};

impl<D: Dialect> Session<D> {
    /// The next thing that only the owner can do. Ask again until there is none, before waiting.
    pub fn action(&mut self) -> Option<Action> {
        let action = self.actions.pop_front()?;
        self.note("action", Instant::ORIGIN, |_, _| {});
        if let Some(tape) = &mut self.tape {
            tape.told(&action);
        }
        Some(action)
    }

    /// Is there something that only the owner can do?
    #[must_use]
    pub fn has_actions(&self) -> bool {
        !self.actions.is_empty()
    }

    /// Processes what was received, up to the next event or action; `false` if there is neither.
    /// Asking again changes nothing.
    pub fn ready(&mut self, now: Instant) -> bool {
        self.note_look("ready", now);
        self.look(now)
    }

    fn look(&mut self, now: Instant) -> bool {
        self.note_sent(now);
        #[cfg(feature = "testing")]
        self.log_written(now);
        if !self.outbox.queue.is_empty() || self.topics.next_command().is_some() {
            self.pump(now);
        }
        self.drain_on(now);
        loop {
            let early = !self.early.is_empty() && self.setup.is_none();
            if !self.events.is_empty() || !self.actions.is_empty() || early {
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
        self.note_look("poll", now);
        if !self.look(now) {
            return None;
        }
        if let Some(event) = self.events.pop_front() {
            let event = event.map(|none| match none {}, |none| match none {});
            return Some(taped(self.tape.as_deref_mut(), event));
        }
        if self.setup.is_none() && !self.early.is_empty() {
            self.lent = self.early.pop_front();
            let early = match self.lent.as_ref()? {
                Payload::Binary(data) => Event::Binary(&data[..]),
                Payload::Text(text) => Event::Text(text.as_str()),
            };
            return Some(taped(self.tape.as_deref_mut(), early));
        }
        let sorted = self.sorted.take()?;
        let Link::Open { connection, .. } = &mut self.link else {
            return None;
        };
        let event = connection.poll(now)?.0;
        let event = match sorted {
            Sorted::Plain => passed_on(event),
            Sorted::Awaited(id) => Some(Event::Awaited {
                id,
                message: payload(event)?,
            }),
            Sorted::Call(key) => Some(Event::Call {
                key,
                message: payload(event)?,
            }),
            Sorted::Data(id, step) => Some(Event::Data {
                id,
                step,
                message: payload(event)?,
            }),
            Sorted::Answer(id, round_trip) => Some(Event::Response {
                id,
                message: payload(event)?,
                round_trip,
            }),
            Sorted::Stray(why) => Some(Event::Unmatched {
                why,
                message: payload(event)?,
            }),
        };
        Some(taped(self.tape.as_deref_mut(), event?))
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
        self.note("lost", Instant::ORIGIN, |_, line| {
            line.number(conn.0);
            line.number(journal::transport_end(end));
        });
        if let Some(machine) = self.current(conn).and_then(Link::machine) {
            machine.lost(end);
        }
    }

    /// The transport of a connection can't write any more.
    pub fn unwritable(&mut self, conn: ConnId, now: Instant) {
        self.note("unwritable", now, |_, line| line.number(conn.0));
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
            Phase::Idle | Phase::Over | Phase::Parked { .. } => None,
            Phase::Waiting { at, .. } => Some((at, Deadline::Retry)),
            Phase::Trying { .. } => self.link.poll_timeout(),
        };
        let named = |at: Option<Instant>, what| at.map(|at| (at, what));
        let setup = self.setup.and_then(|setup| setup.by);
        let login = self.auth.as_ref().and_then(Auth::poll_timeout);
        let all = [
            link,
            named(self.requests.poll_timeout(), Deadline::Request),
            named(self.waiters.poll_timeout(), Deadline::Request),
            named(setup, Deadline::Setup),
            named(login, Deadline::Login),
            named(self.topics_due(), Deadline::Subscription),
            named(self.outbox.wake, Deadline::Queue),
            named(self.outbox.queue.expires_at(), Deadline::Queue),
            named(self.drain.as_ref().map(|drain| drain.by), Deadline::Drain),
            self.vitals.poll_timeout(),
        ];
        all.into_iter().flatten().min()
    }

    /// Acts on the deadlines that have passed. Calling it early changes nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.note("timeout", now, |_, _| {});
        let due = self.poll_timeout().map(|(at, _)| at);
        self.notice_lateness(due, now);
        match self.link.machine() {
            Some(machine) => machine.handle_timeout(now),
            None => self.expire(now),
        }
        self.expire_set_up(now);
        self.expire_login(now);
        self.expire_topics(now);
        self.expire_requests(now);
        self.expire_waiters(now);
        self.expire_vitals(now);
        self.pump(now);
        self.drain_on(now);
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
                if !self.follow(&error, now) {
                    self.lost_link(Lost::Handshake(error), now);
                }
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
}

/// Writes an event down, if anything is.
#[inline]
fn taped<'a>(tape: Option<&mut Tape>, event: Lent<'a>) -> Lent<'a> {
    if let Some(tape) = tape {
        tape.told(&event);
    }
    event
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
        if let Some(conn) = self.link.conn() {
            Self::lost(self, conn, end);
        }
    }

    fn unwritable(&mut self, now: Instant) {
        if let Some(conn) = self.link.conn() {
            Self::unwritable(self, conn, now);
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
