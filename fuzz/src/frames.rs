//! Received frames: one decoder against a plainer one, for both roles and however bytes arrive.

use bytes::Buf;
use ws_core::connection::{By, Cause, Config, Connection, OwnedEvent, Received, Receiver, Sender};
use ws_core::handshake::{Agreed, Opened};
use ws_core::message::Limits;
use ws_core::{Instant, Machine, Role, Seed, TransportEnd};

use crate::config::limits;
use crate::input::{Cuts, Input};
use crate::plain::{End, Seen, Told, decode};
use crate::reading::Reads;

const NOW: Instant = Instant::ORIGIN;

/// What a peer sends, under any limits: the messages, the fault and the answer are those of a plain
/// decoder, whichever way the bytes come in and the events are taken.
///
/// Input: role, limits, how to cut, read and take; then the bytes of the peer.
pub fn frames(data: &[u8]) {
    let mut input = Input::new(data);
    let role = input.pick(&[Role::Server, Role::Client]);
    let run = Run {
        role,
        config: Config::default().limits(limits(&mut input)),
        cuts: input.cuts(),
        reads: Reads::choose(&mut input),
        take: input.pick(&[
            Take::Owned,
            Take::Lent,
            Take::Peek,
            Take::Halves,
            Take::HalvesOwned,
        ]),
    };
    let wire = input.rest();
    let outcome = run.outcome(wire);
    let plain = decode(role.peer(), &run.config.limits, wire);
    outcome.check(role, &plain);
    let at_once = Run {
        cuts: Cuts::WHOLE,
        reads: Reads::PLAIN,
        take: Take::Lent,
        ..run
    };
    assert_eq!(
        outcome,
        at_once.outcome(wire),
        "how bytes arrive makes no difference"
    );
}

/// How events are taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Take {
    Halves,
    HalvesOwned,
    Lent,
    Owned,
    /// With a look ahead, during which more may happen.
    Peek,
}

#[derive(Debug)]
struct Run {
    role: Role,
    config: Config,
    cuts: Cuts,
    reads: Reads,
    take: Take,
}

/// All that was told, and all that was written.
#[derive(Debug, Default, Eq, PartialEq)]
struct Outcome {
    events: Vec<OwnedEvent>,
    written: Vec<u8>,
}

impl Run {
    fn outcome(&self, wire: &[u8]) -> Outcome {
        let opened = Opened::upgraded(self.role, Agreed::default(), &[], Seed::new([7; 32]));
        let end = Connection::new(opened, &self.config, NOW);
        match self.take {
            Take::Halves | Take::HalvesOwned => self.halves(end.split(), wire),
            Take::Lent | Take::Owned | Take::Peek => self.whole(end, wire),
        }
    }

    fn whole(&self, mut end: Connection, wire: &[u8]) -> Outcome {
        let mut outcome = Outcome::default();
        for part in self.cuts.parts(wire) {
            self.reads.receive(end.io().0, part);
            while let Some(event) = self.next(&mut end) {
                outcome.events.push(event);
            }
            self.reads.settle(end.io().0);
        }
        let out = end.io().1;
        outcome.written = out.copy_to_bytes(out.remaining()).to_vec();
        end.lost(TransportEnd::Eof);
        while let Some(event) = self.next(&mut end) {
            outcome.events.push(event);
        }
        outcome
    }

    fn next(&self, end: &mut Connection) -> Option<OwnedEvent> {
        match self.take {
            Take::Lent => end.poll(NOW).map(|(event, _)| event.to_owned()),
            Take::Peek => {
                if !end.ready(NOW) {
                    assert_eq!(end.peek(), None);
                    return None;
                }
                let seen = end.peek().expect("ready").to_owned();
                // What was found stays what it is when the storage moves under it.
                let storage = end.io().0.take_storage();
                storage.and_then(|storage| end.io().0.put_storage(storage, 0));
                end.io().0.spare();
                assert!(end.ready(NOW));
                let (event, _) = end.poll(NOW).expect("ready");
                assert_eq!(event.to_owned(), seen);
                Some(seen)
            }
            Take::Halves | Take::HalvesOwned | Take::Owned => end.poll_owned(NOW),
        }
    }

    fn halves(&self, (mut receiver, mut sender): (Receiver, Sender), wire: &[u8]) -> Outcome {
        let mut outcome = Outcome::default();
        for part in self.cuts.parts(wire) {
            self.reads.receive(receiver.buf(), part);
            while let Some(event) = self.next_half(&mut receiver, &mut sender) {
                outcome.events.push(event);
            }
            self.reads.settle(receiver.buf());
        }
        let out = sender.buf();
        outcome.written = out.copy_to_bytes(out.remaining()).to_vec();
        receiver.flushed();
        receiver.lost(TransportEnd::Eof);
        while let Some(event) = self.next_half(&mut receiver, &mut sender) {
            outcome.events.push(event);
        }
        outcome
    }

    fn next_half(&self, receiver: &mut Receiver, sender: &mut Sender) -> Option<OwnedEvent> {
        loop {
            let reply = match self.take {
                Take::HalvesOwned => match receiver.poll_owned(NOW)? {
                    Ok(event) => return Some(event),
                    Err(reply) => reply,
                },
                _ => match receiver.ready(NOW) {
                    Ok(found) => {
                        let seen = receiver.peek().map(|event| event.to_owned());
                        assert_eq!(seen.is_some(), found);
                        let Some(Received::Event(event)) = receiver.poll(NOW) else {
                            assert!(!found);
                            return None;
                        };
                        assert_eq!(Some(event.to_owned()), seen);
                        return seen;
                    }
                    Err(reply) => reply,
                },
            };
            sender.reply(&reply);
        }
    }
}

impl Outcome {
    /// Compares with what a plain decoder makes of the same bytes.
    fn check(&self, role: Role, plain: &Told) {
        let n = plain.seen.len();
        let seen: Vec<Seen> = self.events.iter().filter_map(seen).collect();
        assert_eq!(seen, plain.seen);
        let Some((OwnedEvent::Closed(closed), rest)) = self.events[n..].split_last() else {
            panic!("the end is not last: {:?}", self.events);
        };
        let answer = decode(role, &Limits::default(), &self.written);
        assert_eq!(
            answer.used,
            self.written.len(),
            "whole frames, and nothing behind a Close"
        );
        let pongs = seen.iter().filter_map(|seen| match seen {
            Seen::Ping(payload) => Some(Seen::Pong(payload.clone())),
            _ => None,
        });
        assert!(answer.seen.into_iter().eq(pongs), "a pong for each ping");
        match &plain.end {
            End::Open => {
                assert_eq!((rest, answer.end), (&[][..], End::Open));
                assert_eq!((closed.by, closed.code.get()), (By::Transport, 1006));
                assert_eq!(closed.cause, Cause::Transport(TransportEnd::Eof));
            }
            End::Close(payload) => {
                assert_eq!((rest, &answer.end), (&[][..], &plain.end));
                assert_eq!((closed.by, &closed.cause), (By::Peer, &Cause::Peer));
                let code = payload
                    .first_chunk()
                    .map_or(1005, |code| u16::from_be_bytes(*code));
                assert_eq!(closed.code.get(), code);
            }
            End::Fault(code) => {
                let [OwnedEvent::ProtocolError(error)] = rest else {
                    panic!("{code} is told as {rest:?}");
                };
                assert_eq!(error.close_code().get(), *code, "{error}");
                assert_eq!(closed.cause, Cause::Protocol(error.clone()));
                let payload = [&code.to_be_bytes(), error.to_string().as_bytes()].concat();
                assert_eq!(answer.end, End::Close(payload));
            }
        }
    }
}

/// A message, ping or pong of an event.
pub(crate) fn seen(event: &OwnedEvent) -> Option<Seen> {
    match event {
        OwnedEvent::Binary(data) => Some(Seen::Binary(data.to_vec())),
        OwnedEvent::Ping(data) => Some(Seen::Ping(data.to_vec())),
        OwnedEvent::Pong(data) => Some(Seen::Pong(data.to_vec())),
        OwnedEvent::Text(text) => Some(Seen::Text(text.as_str().into())),
        _ => None,
    }
}
