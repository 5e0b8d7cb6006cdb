//! A client and a server joined in memory: two pipes of limited room that may break at any byte, a
//! clock that is counted up by hand, and the loop of `ws_core::Machine` as every driver runs it.

use std::collections::VecDeque;

use bytes::Buf;
use ws_core::connection::{Config, Connection, OwnedEvent};
use ws_core::error::SendError;
use ws_core::message::Kind;
use ws_core::{Instant, Machine, Role, Transport, TransportEnd};

use super::connection;

/// One direction of a transport, with the manners of TCP.
#[derive(Debug)]
pub(crate) struct Pipe {
    bytes: VecDeque<u8>,
    room: usize,
    /// The writer has finished: the reader sees the end behind the last byte.
    fin: bool,
    /// Nothing can be written any more; what is in the pipe can still be read, then it is an error.
    broken: bool,
    /// Bytes that it still carries before it breaks.
    life: u64,
}

impl Pipe {
    fn new(room: usize, life: u64) -> Self {
        Self {
            bytes: VecDeque::new(),
            room,
            fin: false,
            broken: false,
            life,
        }
    }

    /// Takes what there is room for; an error if it can't carry any more.
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ()> {
        if self.broken || self.life == 0 {
            self.broken = true;
            return Err(());
        }
        let life = usize::try_from(self.life).unwrap_or(usize::MAX);
        let n = bytes.len().min(self.room - self.bytes.len()).min(life);
        self.bytes.extend(&bytes[..n]);
        self.life -= n as u64;
        Ok(n)
    }

    fn read(&mut self, room: &mut [u8]) -> Result<Option<usize>, TransportEnd> {
        if self.bytes.is_empty() {
            return match (self.broken || self.life == 0, self.fin) {
                (true, _) => Err(TransportEnd::Reset),
                (false, true) => Err(TransportEnd::Eof),
                (false, false) => Ok(None),
            };
        }
        let n = room.len().min(self.bytes.len());
        self.bytes
            .drain(..n)
            .zip(room)
            .for_each(|(byte, room)| *room = byte);
        Ok(Some(n))
    }
}

/// One end, and what it has said and been told.
pub(crate) struct Side {
    pub(crate) connection: Connection,
    config: Config,
    pub(crate) events: Vec<OwnedEvent>,
    /// Messages and pings that the application handed over and the sender took.
    pub(crate) sent: Vec<OwnedEvent>,
    /// The message that is being sent piece by piece.
    pieces: Option<Vec<u8>>,
    lost: bool,
    unwritable: bool,
    pub(crate) closed: Option<Instant>,
}

impl Side {
    fn new(role: Role, config: Config) -> Self {
        Self {
            connection: connection(role, &config),
            config,
            events: vec![],
            sent: vec![],
            pieces: None,
            lost: false,
            unwritable: false,
            closed: None,
        }
    }

    pub(crate) fn end(&self) -> Option<&ws_core::connection::Closed> {
        match self.events.last() {
            Some(OwnedEvent::Closed(closed)) => Some(closed),
            _ => None,
        }
    }

    fn take(&mut self, now: Instant) -> bool {
        let Some(event) = self.connection.poll_owned(now) else {
            return false;
        };
        assert!(self.end().is_none(), "{event:?} after the end");
        self.events.push(event);
        true
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "an enum that grows")]
    pub(crate) fn send(&mut self, event: OwnedEvent) {
        let sender = self.connection.sender();
        let answer = match &event {
            OwnedEvent::Binary(data) => sender.send(data.clone()),
            OwnedEvent::Ping(data) => sender.ping(data),
            OwnedEvent::Text(text) => sender.text(text),
            other => panic!("not sent by an application: {other:?}"),
        };
        if answer.is_ok() {
            self.sent.push(event);
        }
    }

    /// The next piece of a message: the first, one more, or the last.
    pub(crate) fn piece(&mut self, piece: &[u8], last: bool) -> Result<(), SendError> {
        let sender = self.connection.sender();
        match &mut self.pieces {
            None => {
                sender.fragment(Kind::Binary, piece)?;
                self.pieces = Some(piece.to_vec());
            }
            Some(pieces) if !last => {
                sender.continuation(piece)?;
                pieces.extend(piece);
            }
            Some(pieces) => {
                sender.finish(piece)?;
                pieces.extend(piece);
                let whole = core::mem::take(pieces);
                self.sent.push(OwnedEvent::Binary(whole.into()));
                self.pieces = None;
            }
        }
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.connection.handle_timeout(now);
        let due = self.connection.poll_timeout();
        assert!(
            due.is_none_or(|(at, _)| at > now),
            "{due:?} at {now:?}: a busy loop"
        );
    }

    /// The bounds on memory: a frame under way, the queue and one message beyond its limit.
    fn assert_bounds(&mut self, longest: usize) {
        let limit = self.config.send_limit;
        let (recv, send) = self.connection.io();
        assert!(
            recv.capacity() <= (64 << 10) + 16,
            "{} to receive",
            recv.capacity()
        );
        let most = limit + 2 * longest + 1000;
        assert!(send.remaining() <= most, "{} to send", send.remaining());
        assert!(
            send.capacity() <= 2 * most + (64 << 10),
            "{} held",
            send.capacity()
        );
    }
}

pub(crate) struct Pair {
    pub(crate) sides: [Side; 2],
    /// `pipes[i]` carries what `sides[i]` writes.
    pipes: [Pipe; 2],
    pub(crate) now: Instant,
    /// The longest message of this run.
    pub(crate) longest: usize,
}

impl Pair {
    /// `room` is the room of each pipe, `life` how many bytes each carries before it breaks.
    pub(crate) fn new(configs: [Config; 2], room: [usize; 2], life: [u64; 2]) -> Self {
        let [client, server] = configs;
        Self {
            sides: [
                Side::new(Role::Client, client),
                Side::new(Role::Server, server),
            ],
            pipes: [Pipe::new(room[0], life[0]), Pipe::new(room[1], life[1])],
            now: Instant::ORIGIN,
            longest: 0,
        }
    }

    fn assert_bounds(&mut self) {
        let longest = self.longest;
        self.sides
            .iter_mut()
            .for_each(|side| side.assert_bounds(longest));
    }

    /// The write side of the end `i` fails from now on.
    pub(crate) fn fail_writes(&mut self, i: usize) {
        self.pipes[i].broken = true;
        self.pipes[i].bytes.clear();
    }

    /// Writes at most `most` bytes of the end `i`; says whether any moved.
    pub(crate) fn write(&mut self, i: usize, most: usize) -> bool {
        let (side, pipe) = (&mut self.sides[i], &mut self.pipes[i]);
        let mut left = most;
        while left > 0 && !side.unwritable && side.closed.is_none() {
            let out = side.connection.io().1;
            let chunk = &out.chunk()[..out.chunk().len().min(left)];
            if chunk.is_empty() {
                break;
            }
            match pipe.write(chunk) {
                Ok(0) => break,
                Ok(n) => {
                    out.advance(n);
                    left -= n;
                }
                Err(()) => {
                    side.unwritable = true;
                    side.connection.unwritable(self.now);
                }
            }
        }
        self.assert_bounds();
        left < most
    }

    /// Reads at most `most` bytes into the end `i`, if it wants any; says whether anything came.
    pub(crate) fn read(&mut self, i: usize, most: usize) -> bool {
        let (side, pipe) = (&mut self.sides[i], &mut self.pipes[1 - i]);
        if side.connection.ready(self.now) || side.lost || side.closed.is_some() {
            return false;
        }
        let recv = side.connection.io().0;
        let room = recv.spare();
        let most = most.min(room.len());
        match pipe.read(&mut room[..most]) {
            Ok(None) => return false,
            Ok(Some(n)) => recv.commit(n),
            Err(end) => {
                side.lost = true;
                side.connection.lost(end);
            }
        }
        self.assert_bounds();
        true
    }

    pub(crate) fn take(&mut self, i: usize) -> bool {
        self.sides[i].take(self.now)
    }

    /// Does what the end `i` advises to do with its transport.
    fn obey(&mut self, i: usize) -> bool {
        if self.sides[i].closed.is_some() {
            return false;
        }
        match self.sides[i].connection.transport() {
            Transport::Open => false,
            Transport::Shutdown => !core::mem::replace(&mut self.pipes[i].fin, true),
            Transport::Close => {
                self.sides[i].closed = Some(self.now);
                self.pipes[i].fin = true;
                // The peer can't reach us any more. Unread bytes make this a reset, which destroys
                // what we said last.
                self.pipes[1 - i].broken = true;
                if !self.pipes[1 - i].bytes.is_empty() {
                    self.pipes[1 - i].bytes.clear();
                    self.pipes[i].bytes.clear();
                    self.pipes[i].broken = true;
                }
                true
            }
        }
    }

    /// Moves the clock and, for the ends that look at it, acts on what is due.
    pub(crate) fn sleep_until(&mut self, at: Instant, look: [bool; 2]) {
        self.now = self.now.max(at);
        for (side, look) in self.sides.iter_mut().zip(look) {
            if look {
                side.handle_timeout(self.now);
            }
        }
    }

    /// One round of the driver's loop for the end `i`; says whether anything happened.
    pub(crate) fn turn(&mut self, i: usize, step: usize) -> bool {
        let mut busy = false;
        while self.take(i) {
            busy = true;
        }
        busy |= self.write(i, step);
        busy |= self.obey(i);
        let due = self.sides[i].connection.poll_timeout();
        if due.is_some_and(|(at, _)| at <= self.now) {
            self.sides[i].handle_timeout(self.now);
            busy = true;
        }
        busy | self.read(i, step)
    }

    /// Runs both ends until nothing moves; time stands still.
    pub(crate) fn settle(&mut self, step: usize) {
        for _ in 0..10_000_000 {
            let moved = [self.turn(0, step), self.turn(1, step)];
            if moved == [false; 2] {
                return;
            }
        }
        panic!("it goes on for ever: {:?}", self.pipes);
    }

    /// Runs both ends, from deadline to deadline, until both are through.
    pub(crate) fn finish(&mut self, step: usize) {
        for _ in 0..10_000 {
            self.settle(step);
            let next = self.sides.iter().filter(|side| side.closed.is_none());
            let next = next.filter_map(|side| side.connection.poll_timeout());
            let Some((at, _)) = next.min() else { break };
            self.sleep_until(at, [true; 2]);
        }
        self.settle(step);
    }
}
