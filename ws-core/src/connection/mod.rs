//! Floor 3: a connection (RFC 6455 §5-7), as two halves joined by an explicit obligation.
//!
//! [`Receiver`] turns bytes into [`Event`]s, [`Sender`] turns commands into bytes, and the only
//! thing that passes between them is a [`Reply`]: the pong or Close that receiving obliges this end
//! to send. [`Connection`] is both, with the replies passed on. It refuses to know handshakes (an
//! [`Opened`] is all it takes from them), sockets and clocks.
//!
//! ```
//! use ws_core::connection::{Config, Connection, Event};
//! use ws_core::handshake::{Agreed, Opened};
//! use ws_core::{Instant, Role, Seed};
//!
//! let now = Instant::ORIGIN;
//! let opened = |role| Opened::upgraded(role, Agreed::default(), &[], Seed::new([7; 32]));
//! let mut client = Connection::new(opened(Role::Client), &Config::default(), now);
//! let mut server = Connection::new(opened(Role::Server), &Config::default(), now);
//!
//! client.sender().text("hello")?;
//! while let Some(bytes) = client.io().1.pop() {
//!     server.io().0.extend_from_slice(&bytes); // the network
//! }
//! let (event, reply) = server.poll(now).expect("a whole message has arrived");
//! assert_eq!(event, Event::Text("hello"));
//! reply.text("hello yourself")?;
//! # Ok::<(), ws_core::error::SendError>(())
//! ```

mod closing;
mod config;
mod encode;
mod event;
mod handout;
mod receiver;
mod sender;
mod silence;
mod turn;

pub use closing::LocalClose;
pub use config::{AutoPong, Config, Keepalive};
pub use event::{By, Cause, Closed, Event, OwnedEvent};
pub use receiver::{Received, Receiver};
pub use sender::Sender;
pub(crate) use sender::check_close;
pub(crate) use silence::Pulse;

use alloc::boxed::Box;
use core::time::Duration;

use bytes::Bytes;

use self::turn::Turn;
use crate::buf::{RecvBuf, SendBuf};
use crate::close::CloseCode;
use crate::deflate::{Compressor, Inflater};
use crate::error::SendError;
#[cfg(doc)]
use crate::frame::Reply;
use crate::handshake::{Agreed, Opened};
use crate::machine::{Deadline, Machine, Transport, TransportEnd};
use crate::message::Chunk;
use crate::{Instant, Role};

/// One end of a WebSocket connection, without its socket and its clock.
///
/// There are four kinds of calls: bytes in and out ([`io`](Self::io) and the rest of [`Machine`]),
/// events ([`poll`](Self::poll)), commands ([`sender`](Self::sender), [`close`](Self::close)) and
/// time (`now`, [`poll_timeout`](Machine::poll_timeout)). Nothing received is queued as an event:
/// it is decoded when `poll` asks for it, so not asking is back-pressure.
///
/// Nothing that the peer does makes a call fail. Its faults, timeouts and the end of the transport
/// all lead to one [`Event::Closed`], the last event.
#[derive(Debug)]
pub struct Connection {
    receiver: Receiver,
    /// Apart, so that a task that waits for a connection holds only what reading touches.
    sender: Box<Sender>,
}

impl Connection {
    /// A connection on what an opening handshake left behind.
    #[must_use]
    pub fn new(opened: Opened, config: &Config, now: Instant) -> Self {
        let Opened {
            role,
            agreed,
            recv,
            keys,
        } = opened;
        let (inflater, compressor) = codecs(&agreed);
        Self {
            receiver: Receiver::new(role, recv, agreed, inflater, config, now),
            sender: Box::new(Sender::new(keys, compressor, config)),
        }
    }

    /// Which end this is.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.receiver.role()
    }

    /// What the opening handshake agreed on.
    #[must_use]
    pub fn agreed(&self) -> &Agreed {
        self.receiver.agreed()
    }

    /// Where received bytes go, and where bytes to be written come from.
    #[inline]
    pub fn io(&mut self) -> (&mut RecvBuf, &mut SendBuf) {
        (self.receiver.buf(), self.sender.buf())
    }

    /// Decodes up to the next event and queues replies on the way. If it says `true`,
    /// [`poll`](Self::poll) returns an event; asking again changes nothing.
    #[inline]
    pub fn ready(&mut self, now: Instant) -> bool {
        self.found_with(|| now)
    }

    #[inline]
    fn found_with(&mut self, now: impl Fn() -> Instant) -> bool {
        self.note_close(&now);
        self.sender.buf().unlend();
        loop {
            match self.receiver.find(&now, !self.sender.is_flushed()) {
                Ok(found) => return found,
                Err(owed) => self.pay(owed),
            }
        }
    }

    /// The event that [`ready`](Self::ready) found, without consuming it.
    #[must_use]
    pub fn peek(&self) -> Option<Event<'_>> {
        self.receiver.peek()
    }

    /// Copies out what fits of the piece of a message that [`ready`](Self::ready) found, and says how
    /// much that was; `None` if it found something else. What does not fit stays found.
    pub fn read_chunk(&mut self, out: &mut [u8]) -> Option<Chunk<usize>> {
        self.receiver.read_chunk(out)
    }

    /// The event that [`ready`](Self::ready) found, without consuming it, and the sender.
    pub(crate) fn peek_mut(&mut self) -> (Option<Event<'_>>, &mut Sender) {
        (self.receiver.peek(), &mut self.sender)
    }

    /// Are pings answered without the application?
    #[cfg(feature = "pump")]
    pub(crate) fn answers_pings(&self) -> bool {
        self.receiver.auto_pong == AutoPong::On
    }

    /// May messages still be queued?
    pub(crate) fn is_open(&self) -> bool {
        self.sender.is_open()
    }

    /// The half that sends: messages, pings, fragments.
    #[inline]
    pub fn sender(&mut self) -> &mut Sender {
        &mut self.sender
    }

    /// Queues a Close frame behind everything queued so far and starts the wait for the peer's
    /// (RFC 6455 §7.1.2). Messages that the peer sent before its Close frame are still delivered.
    ///
    /// # Errors
    /// As [`Sender::close`]; the connection is unharmed.
    pub fn close(&mut self, code: CloseCode, reason: &str, now: Instant) -> Result<(), SendError> {
        self.sender.close(code, reason)?;
        self.note_close(|| now);
        Ok(())
    }

    /// How it ended, once [`ready`](Self::ready) or [`poll`](Self::poll) has found that it did.
    #[must_use]
    pub fn closed(&self) -> Option<&Closed> {
        self.receiver.closed()
    }

    /// The time from the last answered keepalive ping to its pong.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.receiver.round_trip()
    }

    /// Asks the peer at once whether it is still there, whatever the keepalive. If nothing at all
    /// arrives within `timeout` the connection ends as after an unanswered keepalive ping.
    pub fn probe(&mut self, timeout: Duration, now: Instant) {
        self.receiver.probe(timeout, now, &mut self.sender);
    }

    /// Nothing was read until now, for reasons of the owner's: the peer is not judged by it.
    pub(crate) fn excuse(&mut self, now: Instant) {
        self.receiver.excuse(now);
    }

    pub(crate) fn pulse(&self) -> Option<Pulse> {
        self.receiver.pulse()
    }

    /// What the peer's Close frame said, if one came.
    #[cfg(feature = "testing")]
    pub(crate) fn peer_said(&self) -> Option<(CloseCode, &str)> {
        self.receiver.peer_said()
    }

    /// The two halves, for two tasks or threads. Whoever reads must hand every
    /// [`Received::Reply`] to the sender, and whoever closes must hand [`Sender::take_close`] to
    /// [`Receiver::closing`].
    #[must_use]
    pub fn split(mut self) -> (Receiver, Sender) {
        // What was lent is not any more.
        self.sender.buf().unlend();
        (self.receiver, *self.sender)
    }

    /// Received bytes that no event has consumed, exactly as they were received, for a protocol that
    /// goes on where this one stops.
    ///
    /// Nothing in the middle of a message that arrives in several frames: its beginning can't be given
    /// back. Nothing behind a fault or a Close frame of the peer's: what follows those is dropped.
    #[must_use]
    pub fn into_leftover(self) -> Bytes {
        self.receiver.into_leftover()
    }

    #[inline]
    fn note_close(&mut self, now: impl FnOnce() -> Instant) {
        if let Some(close) = self.sender.take_close() {
            self.receiver.closing(close, now());
        }
    }

    #[cold]
    fn pay(&mut self, owed: Turn) {
        if let Some(reply) = self.receiver.reply(owed) {
            self.sender.reply(&reply);
        }
    }
}

/// What the server receives of what a client sends, and nothing else: it answers nothing, has no
/// deadlines, and only a message that was sent is as large as it is.
#[cfg(feature = "testing")]
pub(crate) fn overhear(agreed: &Agreed, now: Instant) -> Receiver {
    let limits = crate::message::Limits::default()
        .max_message(usize::MAX)
        .max_frame(usize::MAX)
        .max_fragments(u32::MAX)
        .max_empty_fragments(u32::MAX)
        .max_control_rate(None);
    let config = Config::default()
        .limits(limits)
        .auto_pong(AutoPong::Off)
        .keepalive(None);
    #[cfg(feature = "deflate")]
    let inflater = agreed.deflate.as_ref();
    #[cfg(feature = "deflate")]
    let inflater = inflater.map(|terms| Box::new(Inflater::new(&terms.reversed())));
    #[cfg(not(feature = "deflate"))]
    let inflater = None;
    let (buf, agreed) = (RecvBuf::new(), agreed.clone());
    Receiver::new(Role::Server, buf, agreed, inflater, &config, now)
}

/// What the two halves decompress and compress with.
#[cfg_attr(not(feature = "deflate"), allow(clippy::missing_const_for_fn))]
fn codecs(agreed: &Agreed) -> (Option<Box<Inflater>>, Option<Box<Compressor>>) {
    #[cfg(feature = "deflate")]
    if let Some(terms) = &agreed.deflate {
        return (
            Some(Box::new(Inflater::new(terms))),
            Some(Box::new(Compressor::new(terms))),
        );
    }
    let _ = agreed;
    (None, None)
}

impl Machine for Connection {
    fn ready(&mut self, now: Instant) -> bool {
        Self::ready(self, now)
    }

    fn ready_with(&mut self, now: impl Fn() -> Instant) -> bool {
        self.found_with(now)
    }

    #[inline(always)]
    fn at_hand(&mut self) -> bool {
        !self.sender.has_close() && self.receiver.at_hand()
    }

    fn io(&mut self) -> (&mut RecvBuf, &mut SendBuf) {
        Self::io(self)
    }

    fn lost(&mut self, end: TransportEnd) {
        self.receiver.lost(end);
    }

    fn unwritable(&mut self, now: Instant) {
        self.sender.unwritable();
        self.receiver.unwritable(now);
    }

    fn transport(&self) -> Transport {
        self.receiver.transport_after(!self.sender.is_flushed())
    }

    fn poll_timeout(&self) -> Option<(Instant, Deadline)> {
        self.receiver.poll_timeout()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.note_close(|| now);
        self.receiver.handle_timeout(now, &mut self.sender);
        // A Close frame for a silent peer goes out at once, even if an event waits to be taken.
        if let Some(owed) = self.receiver.take_owed_close() {
            self.pay(owed);
        }
        self.ready(now);
    }
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_is_small() {
        // A task of tokio's that reads a socket fits in 384 bytes only if this stays so, and what is
        // boxed in the gaps that tasks leave between them, of 104 bytes each.
        assert!(size_of::<Connection>() <= 136);
        assert!(size_of::<Sender>() <= 104);
    }
}

#[cfg(test)]
mod clock {
    use super::*;
    use crate::Seed;
    use core::cell::Cell;

    /// Does a server look at the clock to find out what it has received? It is `at` then.
    fn asks(conn: &mut Connection, bytes: &[u8], at: Instant) -> bool {
        conn.io().0.extend_from_slice(bytes);
        let asked = Cell::new(false);
        conn.ready_with(|| {
            asked.set(true);
            at
        });
        asked.get()
    }

    fn server(config: &Config) -> Connection {
        let opened = Opened::upgraded(Role::Server, Agreed::default(), &[], Seed::new([7; 32]));
        Connection::new(opened, config, Instant::ORIGIN)
    }

    const HALF: &[u8] = &[0x82, 0x81, 0];
    const REST: &[u8] = &[0, 0, 0, b'x'];
    const CLOSE: &[u8] = &[0x88, 0x80, 0, 0, 0, 0];

    #[test]
    fn a_message_needs_no_time_and_a_close_frame_has_its_own() {
        let mut conn = server(&Config::default());
        assert!(!asks(&mut conn, HALF, Instant::ORIGIN));
        assert!(!asks(&mut conn, REST, Instant::ORIGIN));
        assert_eq!(conn.poll(Instant::ORIGIN).unwrap().0, Event::Binary(b"x"));
        assert!(!asks(&mut conn, &[], Instant::ORIGIN));
        // Nor does one that is cut off in its payload and waits for the rest.
        assert!(!asks(
            &mut conn,
            &[0x81, 0x82, 0, 0, 0, 0, b'x'],
            Instant::ORIGIN
        ));
        assert!(!asks(&mut conn, b"y", Instant::ORIGIN));
        assert_eq!(conn.poll(Instant::ORIGIN).unwrap().0, Event::Text("xy"));

        let hour = Instant::ORIGIN + Duration::from_secs(3600);
        assert!(asks(&mut conn, CLOSE, hour));
        let (at, why) = conn
            .poll_timeout()
            .expect("the end of the transport is due");
        assert_eq!(why, Deadline::Close);
        assert!(at > hour, "it counts from when the frame came");
    }

    #[test]
    fn whoever_watches_the_peer_needs_the_time_of_what_came_and_of_nothing_else() {
        let mut conn = server(&Config::default().keepalive(Some(Keepalive::default())));
        assert!(asks(&mut conn, HALF, Instant::ORIGIN));
        assert!(!asks(&mut conn, &[], Instant::ORIGIN));
        assert!(asks(&mut conn, REST, Instant::ORIGIN));
    }
}
