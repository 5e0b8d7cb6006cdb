//! Bytes and time: the session as a machine that any driver of a connection can drive.

use core::time::Duration;

use super::auth::Auth;
use super::correlate::{Answer, Correlator, Key, RequestId, Unmatched};
use super::dialect::{Class, Dialect};
use super::errands::What;
use super::event::{Action, ConnId, Event, Lent, Payload, passed_on};
use super::journal::Tape;
use super::link::Link;
use super::lost::{Lost, SetupError};
use super::order::Phase;
use super::out::{Out, Said};
use super::outbox::Token;
use super::requests::Tag;
use super::subscriptions::{Step, SubId};
use super::vitals::own_ping;
use super::{Session, journal};
use crate::Instant;
use crate::buf::{RecvBuf, SendBuf};
use crate::connection::Event as Heard;
use crate::machine::{Deadline, Machine, Transport, TransportEnd};
use crate::message::Message;

/// What the event that the connection found is to the application.
#[derive(Clone, Debug)]
pub(super) enum Sorted {
    Call(Key),
    Data(SubId, Step),
    Answer(RequestId, Duration),
    Plain,
    Stray(Unmatched),
}

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
            _ => return self.sort_other(now),
        };
        self.vitals.data(now);
        let mut out = Out::wire(&mut *sender, &mut self.requests, &self.config.pricing);
        let mut class = self.dialect.classify(&message, &mut out);
        let mut said = out.done();
        let mut asked = None;
        if let Class::Response(Key::Number(number)) = class {
            if let Some((id, what)) = self.errands.find(number) {
                let what = what.clone();
                let mut out = Out::wire(sender, &mut self.requests, &self.config.pricing);
                self.dialect.answered(&what.asked(), &message, &mut out);
                said.add(out.done());
                asked = Some((id, what));
                class = Class::Handled;
            }
        }
        self.sorted = match class {
            Class::Handled => None,
            Class::Message => Some(Sorted::Plain),
            Class::Call(key) => Some(Sorted::Call(key)),
            Class::Response(key) => Some(answered(&mut self.requests, &key, now)),
            Class::Error => match self.requests.only().cloned() {
                Some(key) => Some(answered(&mut self.requests, &key, now)),
                None => Some(Sorted::Stray(Unmatched::Unattributed)),
            },
            Class::Data { topic, mark } => match self.topics.data(&*topic, mark, now) {
                None => Some(Sorted::Plain),
                Some(seen) => {
                    let sorted = Sorted::Data(seen.id, seen.step);
                    if seen.notice.is_some() || seen.continued.is_some() {
                        self.tell_seen(seen);
                    }
                    Some(sorted)
                }
            },
        };
        if let Some(Sorted::Answer(id, _)) = self.sorted {
            self.extents.remove(&Token::Request(id));
            self.release(id);
        }
        if !self.consume(now) {
            return true;
        }
        if said.is_news() || asked.is_some() {
            self.act_on(said, asked, now);
            return true;
        }
        self.sorted.is_none()
    }

    /// Takes what is not for the application, or not yet. `false` if that was the end.
    #[inline]
    fn consume(&mut self, now: Instant) -> bool {
        let Link::Open { connection, .. } = &mut self.link else {
            return false;
        };
        match self.sorted {
            None => drop(connection.poll(now)),
            Some(Sorted::Plain) if self.setup.is_some() => {
                self.sorted = None;
                if let Some(message) = connection.poll_owned(now) {
                    self.keep_early(message, now);
                }
                return self.setup.is_some();
            }
            Some(_) => {}
        }
        true
    }

    #[cold]
    fn act_on(&mut self, said: Said, asked: Option<(RequestId, What)>, now: Instant) {
        if said.failed.is_some() {
            return self.lost_link(Lost::Setup(SetupError::NotSent), now);
        }
        if let Some(cost) = &said.cost {
            self.outbox.limiter.debit(cost, now);
        }
        let number = self.errands.number();
        self.errands.begin(number, What::Reply, said.ids, false);
        let items = match &asked {
            Some((id, what)) => {
                self.errands.answered(*id);
                what.items()
            }
            None => &[],
        };
        self.hear(said.news, items, now);
        self.pump(now);
        self.drain_on(now);
    }

    /// What is neither text nor binary.
    #[cold]
    fn sort_other(&mut self, now: Instant) -> bool {
        let Link::Open { connection, .. } = &mut self.link else {
            return false;
        };
        match connection.peek_mut().0 {
            Some(Heard::Pong(payload)) => {
                let number = own_ping(payload);
                if number.is_some_and(|number| self.ponged(number, now)) {
                    if let Link::Open { connection, .. } = &mut self.link {
                        connection.poll(now);
                    }
                    return true;
                }
                self.note_round_trip();
                self.sorted = Some(Sorted::Plain);
                false
            }
            Some(Heard::Ping(_) | Heard::ProtocolError(_)) => {
                self.sorted = Some(Sorted::Plain);
                false
            }
            Some(Heard::Closed(closed)) => {
                let lost = Lost::Closed(closed.clone());
                self.lost_link(lost, now);
                true
            }
            // None comes: a session's messages are whole.
            Some(Heard::Chunk(_)) => {
                connection.poll(now);
                true
            }
            Some(Heard::Text(_) | Heard::Binary(_)) | None => false,
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

fn answered(requests: &mut Correlator<Tag>, key: &Key, now: Instant) -> Sorted {
    match requests.answered(key, now) {
        Answer::Matched(answered) => Sorted::Answer(answered.id, answered.round_trip),
        Answer::Unmatched(why) => Sorted::Stray(why),
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
