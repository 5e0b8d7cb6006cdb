//! The receiving half: bytes to events, and what receiving obliges this end to do.
//!
//! Owns everything that is driven by reading: the decoder, the closing handshake, the keepalive and
//! all deadlines. It shares nothing with the sending half; what it owes the peer comes out as a
//! [`Reply`].

mod handout;
mod rate;
mod search;

use alloc::boxed::Box;
use core::time::Duration;

use bytes::Bytes;

use self::rate::ControlRate;
use super::closing::{Closing, LocalClose};
use super::config::{AutoPong, Config};
use super::event::{Closed, Event, OwnedEvent};
use super::sender::Sender;
use super::silence::{Due, Pulse, Silence};
use super::turn::{Next, Turn};
use crate::buf::RecvBuf;
#[cfg(feature = "testing")]
use crate::close::CloseCode;
use crate::deflate::Inflater;
use crate::frame::{OpCode, Reply};
use crate::handshake::Agreed;
use crate::machine::{Deadline, Transport, TransportEnd};
use crate::message::Decoder;
use crate::{Instant, Role};

/// The half of a connection that receives: made by `Connection::split`, for two tasks or threads.
///
/// Its owner reads into [`buf`](Self::buf), takes what [`poll`](Self::poll) gives, and hands every
/// [`Reply`] to the [`Sender`].
#[derive(Debug)]
pub struct Receiver {
    decoder: Decoder<Rare>,
    /// Found, and not handed out yet.
    next: Option<Turn>,
    pub(super) auto_pong: AutoPong,
    /// The transport ended; what was received before that is still to be looked at.
    end: Option<TransportEnd>,
    owes_close: bool,
    tell_fault: bool,
    flushed: bool,
}

/// What messages on an open connection hardly touch.
#[derive(Debug)]
struct Rare {
    closing: Closing,
    silence: Option<Box<Silence>>,
    /// What was asked for, if it was anything.
    asked: Option<Box<Asked>>,
}

/// What the application limits and the opening handshake agreed on beyond the protocol itself.
#[derive(Debug)]
struct Asked {
    agreed: Agreed,
    rate: Option<ControlRate>,
}

/// What is agreed on where nothing was asked for.
static NOTHING_AGREED: Agreed = Agreed::nothing();

/// What receiving leads to.
///
/// Exhaustive on purpose: forgetting what is owed must not compile.
#[derive(Clone, Debug, PartialEq)]
pub enum Received<'a> {
    /// Something for the application.
    Event(Event<'a>),
    /// Something for the peer: hand it to the [`Sender`].
    Reply(Reply),
}

impl Receiver {
    pub(super) fn new(
        role: Role,
        mut buf: RecvBuf,
        agreed: Agreed,
        inflater: Option<Box<Inflater>>,
        config: &Config,
        now: Instant,
    ) -> Self {
        let limits = &config.limits;
        let rate = limits.max_control_rate;
        let rate = rate.map(|limit| ControlRate::new(limit, now));
        let budget = limits.max_message;
        let rare = Rare {
            closing: Closing::new(role, config.close_timeout, budget),
            silence: Silence::new(config, now).map(Box::new),
            asked: (rate.is_some() || agreed != NOTHING_AGREED)
                .then(|| Box::new(Asked { agreed, rate })),
        };
        buf.stale();
        Self {
            decoder: Decoder::new(role, buf, limits, config.delivery, inflater, rare),
            next: None,
            auto_pong: config.auto_pong,
            end: None,
            owes_close: false,
            tell_fault: false,
            flushed: true,
        }
    }

    /// Where received bytes go.
    #[inline]
    pub fn buf(&mut self) -> &mut RecvBuf {
        self.decoder.buf_mut()
    }

    /// Decodes up to the next event. If it says `true`, [`poll`](Self::poll) returns an event;
    /// asking again changes nothing.
    ///
    /// # Errors
    /// A [`Reply`] that is owed on the way: hand it to the [`Sender`] and ask again.
    pub fn ready(&mut self, now: Instant) -> Result<bool, Reply> {
        match self.find(|| now, !self.flushed) {
            Ok(found) => Ok(found),
            Err(owed) => self.reply(owed).map_or(Ok(false), Err),
        }
    }

    /// The next event or reply; `None` if bytes are missing, or if the end waits for the replies to
    /// be written (see [`flushed`](Self::flushed)).
    pub fn poll(&mut self, now: Instant) -> Option<Received<'_>> {
        let turn = self.turn(|| now, !self.flushed)?;
        if turn.is_owed() {
            return self.reply(turn).map(Received::Reply);
        }
        Some(Received::Event(if turn.is(Next::Binary) {
            self.binary(turn)
        } else if turn.is(Next::Text) {
            self.text(turn, || now)
        } else {
            self.lend(turn)
        }))
    }

    /// [`poll`](Self::poll), with events owned.
    pub fn poll_owned(&mut self, now: Instant) -> Option<Result<OwnedEvent, Reply>> {
        let turn = self.turn(|| now, !self.flushed)?;
        if turn.is_owed() {
            return self.reply(turn).map(Err);
        }
        Some(Ok(if turn.is(Next::Binary) {
            self.owned_binary(turn)
        } else if turn.is(Next::Text) {
            let text = self.owned_text(turn, || now);
            text.unwrap_or_else(OwnedEvent::ProtocolError)
        } else {
            self.own(turn)
        }))
    }

    /// All replies so far have been written to the transport: the end may be told.
    pub fn flushed(&mut self) {
        self.flushed = !self.owes_close;
    }

    /// The sending half has queued a Close frame: starts the wait for the peer's.
    pub fn closing(&mut self, close: LocalClose, now: Instant) {
        self.rare_mut().closing.local_close(close, now);
        self.flushed = false;
    }

    /// The transport ended; what was received before that is still delivered.
    pub fn lost(&mut self, end: TransportEnd) {
        self.end.get_or_insert(end);
    }

    /// The transport can't write any more; the peer's Close frame may still come.
    pub fn unwritable(&mut self, now: Instant) {
        self.rare_mut().closing.unwritable(now);
    }

    #[inline(always)]
    fn rare(&self) -> &Rare {
        self.decoder.kept()
    }

    #[inline(always)]
    fn rare_mut(&mut self) -> &mut Rare {
        self.decoder.kept_mut().0
    }

    /// Which end this is.
    pub(super) const fn role(&self) -> Role {
        self.decoder.role()
    }

    /// What the opening handshake agreed on.
    pub(super) fn agreed(&self) -> &Agreed {
        let asked = self.rare().asked.as_ref();
        asked.map_or(&NOTHING_AGREED, |asked| &asked.agreed)
    }

    /// What to do with the transport once replies are written.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.transport_after(!self.flushed)
    }

    pub(super) fn transport_after(&self, unwritten: bool) -> Transport {
        self.rare().closing.transport(unwritten || self.owes_close)
    }

    /// How it ended, once that was told.
    #[must_use]
    pub fn closed(&self) -> Option<&Closed> {
        self.rare()
            .closing
            .closed()
            .filter(|_| self.rare().closing.is_told())
    }

    /// Is nothing received any more? Then only what is owed has to be written.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        !self.rare().closing.is_receiving()
    }

    /// How long the peer may take to answer a Close frame (`Config::close_timeout`).
    #[must_use]
    pub fn close_timeout(&self) -> Duration {
        self.rare().closing.timeout()
    }

    /// What the peer's Close frame said, if one came.
    #[cfg(feature = "testing")]
    pub(super) fn peer_said(&self) -> Option<(CloseCode, &str)> {
        self.rare().closing.peer_said()
    }

    /// The time from the last answered keepalive ping to its pong.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.rare().silence.as_ref()?.round_trip()
    }

    /// When [`handle_timeout`](Self::handle_timeout) must be called at the latest, and why.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Instant, Deadline)> {
        let close = self
            .rare()
            .closing
            .deadline()
            .map(|at| (at, Deadline::Close));
        let silence = self
            .rare()
            .silence
            .as_ref()
            .filter(|_| self.rare().closing.is_open());
        // While the connection is open only silence has deadlines, afterwards only closing has.
        close.or_else(|| silence?.deadline())
    }

    /// Acts on the deadlines that have passed. A keepalive ping is queued in `sender` at once; the
    /// Close frame for a silent peer comes out of the next [`poll`](Self::poll) as a reply.
    pub fn handle_timeout(&mut self, now: Instant, sender: &mut Sender) {
        self.rare_mut().closing.handle_timeout(now);
        self.note_heard(|| now);
        let Rare {
            silence, closing, ..
        } = self.rare_mut();
        let Some(silence) = silence.as_mut().filter(|_| closing.is_open()) else {
            return;
        };
        match silence.handle_timeout(now, sender.buf().written()) {
            Some(Due::Ping(payload)) => {
                if let Ok(ping) = Reply::new(OpCode::Ping, &payload) {
                    sender.reply(&ping);
                }
                let buf = sender.buf();
                silence.pinged(buf.mark(), buf.written(), now);
            }
            Some(Due::Silent(deadline)) => {
                self.owes_close |= closing.silent(deadline, now);
            }
            None => {}
        }
    }

    /// Asks the peer at once whether it is still there; without any bytes within `timeout` it is
    /// given up as after a keepalive ping.
    pub(super) fn probe(&mut self, timeout: Duration, now: Instant, sender: &mut Sender) {
        self.note_heard(|| now);
        if !self.rare().closing.is_open() {
            return;
        }
        let silence = self
            .rare_mut()
            .silence
            .get_or_insert_with(|| Box::new(Silence::idle(now)));
        if let Some(payload) = silence.probe(timeout, now) {
            if let Ok(ping) = Reply::new(OpCode::Ping, &payload) {
                sender.reply(&ping);
            }
            let buf = sender.buf();
            silence.pinged(buf.mark(), buf.written(), now);
        }
    }

    pub(super) fn excuse(&mut self, now: Instant) {
        if let Some(silence) = &mut self.rare_mut().silence {
            silence.heard(now);
        }
    }

    pub(super) fn pulse(&self) -> Option<Pulse> {
        self.rare().silence.as_ref().map(|silence| silence.pulse())
    }

    /// What was received and handed out by no event, as it was on the wire.
    pub(super) fn into_leftover(self) -> Bytes {
        if self.is_ending() {
            return Bytes::new();
        }
        self.decoder.into_leftover(self.next.map(Turn::span))
    }

    /// The frame that pays what is owed.
    pub(super) fn reply(&self, owed: Turn) -> Option<Reply> {
        if owed.is(Next::OwePong) {
            return Reply::new(OpCode::Pong, self.decoder.payload(owed.span())).ok();
        }
        self.rare().closing.reply()
    }
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;

    #[test]
    fn what_every_connection_keeps_apart_is_small() {
        const { assert!(Decoder::<Rare>::SIZE_APART <= 104) }
    }
}
