//! What goes over the connections of a session, written down frame by frame (feature `testing`).
//!
//! What is received is written down as the session sorts it, what is sent as it leaves: the bytes
//! that were written are decoded again, as the server does it. Nothing is written to any file here,
//! and logins, with the answers to them, are never shown.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::Session;
use super::action::ConnId;
use super::dialect::Dialect;
use super::link::Link;
use super::out::Kept;
use crate::Instant;
use crate::close::CloseCode;
use crate::connection::{self, Connection, Event as Heard, Received, Receiver};
use crate::handshake::{Agreed, Request};
use crate::message::Message;
use crate::testing::{Direction, Frame, Recorder, RecorderConfig, RecorderStats};
use crate::wall::UnixTime;

/// Messages that must not be shown and have not been seen to leave; the oldest is forgotten first.
const SECRETS: usize = 64;

/// The frame log of a session.
#[derive(Debug)]
pub(super) struct FrameLog {
    recorder: Recorder,
    /// Decodes what was written on the present connection.
    sent: Option<Box<Receiver>>,
    /// Digests of what must not be shown.
    secrets: VecDeque<u64>,
    /// Numbers of messages that belong to logins: no answer to them is shown, late or repeated.
    logins: VecDeque<u64>,
    /// What the time of day was when it was last said, if ever.
    wall: Option<(UnixTime, Instant)>,
    /// That of the last line.
    last: Option<UnixTime>,
}

impl FrameLog {
    /// The time of day for the next line: never before that of the last, whatever the clock does.
    /// None as long as it is not known.
    fn time(&mut self, now: Instant) -> Option<UnixTime> {
        let (wall, then) = self.wall?;
        let passed = u64::try_from((now - then).as_nanos()).unwrap_or(u64::MAX);
        let time = UnixTime::from_nanos(wall.as_nanos().saturating_add(passed));
        self.last = self.last.max(Some(time));
        self.last
    }

    fn record(&mut self, direction: Direction, frame: Frame<'_>, now: Instant) {
        let wall = self.time(now);
        self.recorder.record(direction, frame, wall, now);
    }

    pub(super) fn wall_clock(&mut self, wall: UnixTime, now: Instant) {
        self.wall = Some((wall, now));
    }

    /// A message is about to be queued that must not be shown.
    pub(super) fn hide(&mut self, messages: &[Kept]) {
        let digests = { messages.iter() }.map(|message| digest(message.borrowed().payload()));
        self.hide_digests(digests);
    }

    /// The same, of messages that are queued already.
    pub(super) fn hide_digests(&mut self, digests: impl IntoIterator<Item = u64>) {
        for digest in digests {
            remember(&mut self.secrets, digest);
        }
    }

    /// A message with this number is part of a login.
    pub(super) fn login(&mut self, number: u64) {
        remember(&mut self.logins, number);
    }

    /// Is it?
    pub(super) fn is_login(&self, number: u64) -> bool {
        self.logins.contains(&number)
    }

    /// A connection is open: another stream of bytes begins.
    pub(super) fn opened(
        &mut self,
        conn: ConnId,
        request: &Request,
        connection: &mut Connection,
        now: Instant,
    ) {
        connection.sender().buf().tee();
        let agreed = connection.agreed();
        self.sent = Some(Box::new(connection::overhear(agreed, now)));
        let wall = self.time(now);
        self.header(conn, request, agreed, wall, now);
    }

    fn header(
        &mut self,
        conn: ConnId,
        request: &Request,
        agreed: &Agreed,
        wall: Option<UnixTime>,
        now: Instant,
    ) {
        let (conn, origin) = (conn.to_string(), request.url().origin().to_string());
        let subprotocol = agreed.subprotocol.as_deref().unwrap_or_default();
        let fields = [
            ("connection", &*conn),
            ("origin", &*origin),
            ("subprotocol", subprotocol),
        ];
        self.recorder.header(&fields, wall, now);
    }

    /// A message was received.
    #[cold]
    pub(super) fn received(&mut self, message: &Message<'_>, secret: bool, now: Instant) {
        if let Some(frame) = shown(message, secret) {
            self.record(Direction::In, frame, now);
        }
    }

    /// Anything else was received.
    #[cold]
    pub(super) fn heard(&mut self, event: &Heard<'_>, now: Instant) {
        match event {
            Heard::Ping(data) => self.record(Direction::In, Frame::Ping(data), now),
            Heard::Pong(data) => self.record(Direction::In, Frame::Pong(data), now),
            _ => {}
        }
    }

    /// The connection is over, and this is what the server's Close frame said, if there was one.
    pub(super) fn peer_closed(&mut self, said: Option<(CloseCode, &str)>, now: Instant) {
        if let Some((code, reason)) = said {
            let code = code.get();
            self.record(Direction::In, Frame::Close { code, reason }, now);
        }
    }

    /// Bytes were written.
    fn wrote(&mut self, bytes: &[u8], secret: impl Fn(&Message<'_>) -> bool, now: Instant) {
        let Some(mut sent) = self.sent.take() else {
            return;
        };
        sent.buf().extend_from_slice(bytes);
        while let Some(overheard) = sent.poll(now) {
            let event = match overheard {
                Received::Event(event) => event,
                Received::Reply(_) => {
                    sent.flushed();
                    continue;
                }
            };
            let message = match &event {
                Heard::Text(text) => Message::Text(text),
                Heard::Binary(data) => Message::Binary(data),
                Heard::Ping(data) => Message::Ping(data),
                Heard::Pong(data) => Message::Pong(data),
                Heard::Closed(closed) => {
                    let (code, reason) = (closed.code.get(), &*closed.reason);
                    self.record(Direction::Out, Frame::Close { code, reason }, now);
                    continue;
                }
                Heard::Chunk(_) | Heard::ProtocolError(_) => continue,
            };
            let digest = digest(message.payload());
            let known = self.secrets.iter().position(|secret| *secret == digest);
            known.map(|at| self.secrets.remove(at));
            if let Some(frame) = shown(&message, known.is_some() || secret(&message)) {
                self.record(Direction::Out, frame, now);
            }
        }
        self.sent = Some(sent);
    }
}

/// As much of a message as may be shown.
fn shown<'a>(message: &'a Message<'_>, secret: bool) -> Option<Frame<'a>> {
    Some(match message {
        _ if secret => Frame::Redacted {
            len: message.payload().len(),
        },
        Message::Text(text) => Frame::Text(text),
        Message::Binary(data) => Frame::Binary(data),
        Message::Ping(data) => Frame::Ping(data),
        Message::Pong(data) => Frame::Pong(data),
        Message::Prepared(_) | Message::SharedBinary(_) | Message::SharedText(_) => return None,
    })
}

/// FNV-1a: a secret is recognised, not kept.
fn remember(numbers: &mut VecDeque<u64>, number: u64) {
    if numbers.len() == SECRETS {
        numbers.pop_front();
    }
    numbers.push_back(number);
}

pub(super) fn digest(data: &[u8]) -> u64 {
    data.iter().fold(0xcbf2_9ce4_8422_2325, |digest, byte| {
        (digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl<D: Dialect> Session<D> {
    /// Writes down all frames from now on, those of connections to come included: a line of JSON for
    /// each, gathered until they are [taken](Self::take_frames). What no longer fits is dropped and
    /// counted.
    ///
    /// Of a login, the answer to it, and whatever [`Dialect::is_secret`] says, only the length is
    /// shown; of what connections are asked for, only scheme, host and port. A connection that is
    /// open already is not written down. Lines have no time of day before
    /// [`wall_clock`](Self::wall_clock) was told it.
    pub fn record_frames(&mut self, config: RecorderConfig) {
        self.log = Some(Box::new(FrameLog {
            recorder: Recorder::new(config),
            sent: None,
            secrets: VecDeque::new(),
            logins: VecDeque::new(),
            wall: self.vitals.watch.last(),
            last: None,
        }));
    }

    /// The lines that were written down since this was last asked; `None` if nothing is written down.
    pub fn take_frames(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.log_written(now);
        Some(self.log.as_mut()?.recorder.take())
    }

    /// How much was written down, and how much did not fit; `None` if nothing is written down.
    #[must_use]
    pub fn frame_stats(&self) -> Option<RecorderStats> {
        self.log.as_ref().map(|log| log.recorder.stats())
    }

    /// Writes down what was written since this was last called.
    #[cold]
    fn log_written_now(&mut self, now: Instant) {
        let (Some(log), Link::Open { connection, .. }) = (&mut self.log, &mut self.link) else {
            return;
        };
        let bytes = connection.sender().buf().take_teed();
        if !bytes.is_empty() {
            let dialect = &self.dialect;
            log.wrote(&bytes, |message| dialect.is_secret(message), now);
        }
    }

    #[inline]
    pub(super) fn log_written(&mut self, now: Instant) {
        if self.log.is_some() {
            self.log_written_now(now);
        }
    }

    /// The same, at the end of a connection: nothing that was taken to be written comes back.
    pub(super) fn log_last_written(&mut self, now: Instant) {
        if self.log.is_none() {
            return;
        }
        if let Link::Open { connection, .. } = &mut self.link {
            connection.sender().buf().settle_tee();
        }
        self.log_written_now(now);
    }
}
