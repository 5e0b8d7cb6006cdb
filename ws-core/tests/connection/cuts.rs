//! However the bytes of a conversation are cut into reads, wherever they are put, and in whatever
//! way events are taken, the same events come out and the same bytes are sent back.
//!
//! `WS_CASES` sets the number of cases; a failure prints how to replay it (see `support`).

use crate::support::script::{Script, ScriptEnd, limits, script};
use crate::support::{cases, connection};
use bytes::{Buf, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;
use ws_core::buf::RecvBuf;
use ws_core::connection::{By, Cause, Config, Connection, OwnedEvent, Received};
use ws_core::error::ProtocolError;
use ws_core::{Instant, Machine, Role, TransportEnd};

const NOW: Instant = Instant::ORIGIN;

/// How received bytes reach the buffer.
#[derive(Clone, Copy, Debug)]
enum Read {
    /// Copied in.
    Extend,
    /// Read into the spare room, as a readiness loop does.
    Spare,
    /// Read into storage of its own, as a completion loop does.
    Completion,
    /// Read into the spare room of lent storage, which is taken back when nothing needs it.
    Lent,
}

/// How events are taken.
#[derive(Clone, Copy, Debug)]
enum Take {
    Lent,
    Owned,
    /// `ready`, `peek`, more bytes or a move of the storage, `peek` again, then `poll`.
    Peek,
    /// The two halves of the connection, driven by hand.
    Split,
    SplitOwned,
}

const TAKES: [Take; 5] = [
    Take::Lent,
    Take::Owned,
    Take::Peek,
    Take::Split,
    Take::SplitOwned,
];

fn read() -> impl Strategy<Value = Read> {
    use Read::{Completion, Extend, Lent, Spare};
    prop_oneof![1 => Just(Extend), 2 => Just(Spare), 1 => Just(Completion), 2 => Just(Lent)]
}

fn receive(buf: &mut RecvBuf, read: Read, mut data: &[u8], pool: &mut Vec<BytesMut>) {
    match read {
        Read::Extend => buf.extend_from_slice(data),
        Read::Completion => {
            let mut storage = buf.take_storage().unwrap_or_default();
            if storage.len() < data.len() {
                storage = BytesMut::zeroed(data.len() + 10);
            }
            storage[..data.len()].copy_from_slice(data);
            pool.extend(buf.put_storage(storage, data.len()));
        }
        Read::Spare | Read::Lent => {
            if let Read::Lent = read {
                let storage = pool.pop().unwrap_or_else(|| BytesMut::zeroed(4096));
                pool.extend(buf.put_storage(storage, 0));
            }
            while !data.is_empty() {
                let room = buf.spare();
                let n = room.len().min(data.len());
                room[..n].copy_from_slice(&data[..n]);
                buf.commit(n);
                data = &data[n..];
            }
        }
    }
}

/// What an end made of a conversation: its events, and the bytes it sent.
type Outcome = (Vec<OwnedEvent>, Vec<u8>);

/// Takes events until there are none, in the way of `take`.
fn drain(end: &mut Connection, take: Take, pool: &mut Vec<BytesMut>, events: &mut Vec<OwnedEvent>) {
    match take {
        Take::Lent => {
            while let Some((event, _)) = end.poll(NOW) {
                events.push(event.to_owned());
            }
        }
        Take::Owned => events.extend(core::iter::from_fn(|| end.poll_owned(NOW))),
        Take::Peek | Take::Split | Take::SplitOwned => {
            while end.ready(NOW) {
                let seen = end.peek().expect("ready").to_owned();
                // The event stays where it is when the storage moves under it.
                if let Some(storage) = end.io().0.take_storage() {
                    pool.extend(end.io().0.put_storage(storage, 0));
                }
                end.io().0.spare();
                assert!(end.ready(NOW), "looking changes nothing");
                assert_eq!(
                    end.peek().map(|event| event.to_owned()).as_ref(),
                    Some(&seen)
                );
                let (event, _) = end.poll(NOW).expect("ready");
                assert_eq!(event.to_owned(), seen);
                events.push(seen);
            }
            assert_eq!(end.peek(), None);
        }
    }
}

fn whole(config: &Config, script: &Script, cuts: &[(usize, Read)], take: Take) -> Outcome {
    let mut end = connection(script.role, config);
    let (mut events, mut pool) = (Vec::new(), Vec::new());
    for (part, read) in parts(&script.wire, cuts) {
        receive(end.io().0, read, part, &mut pool);
        drain(&mut end, take, &mut pool, &mut events);
        if let (Read::Lent, Some(storage)) = (read, end.io().0.take_storage()) {
            pool.push(storage);
        }
    }
    let out = end.io().1;
    let wire = out.copy_to_bytes(out.remaining()).to_vec();
    drain(&mut end, take, &mut pool, &mut events);
    end.lost(TransportEnd::Eof);
    drain(&mut end, take, &mut pool, &mut events);
    (events, wire)
}

fn halves(config: &Config, script: &Script, cuts: &[(usize, Read)], owned: bool) -> Outcome {
    let (mut receiver, mut sender) = connection(script.role, config).split();
    let (mut events, mut pool) = (Vec::new(), Vec::new());
    let mut drain = |receiver: &mut ws_core::connection::Receiver,
                     sender: &mut ws_core::connection::Sender| loop {
        // Looking ahead may pay what is owed, too.
        if events.len() % 2 == 1 {
            while let Err(reply) = receiver.ready(NOW) {
                sender.reply(&reply);
            }
        }
        if owned {
            match receiver.poll_owned(NOW) {
                Some(Ok(event)) => events.push(event),
                Some(Err(reply)) => sender.reply(&reply),
                None => break,
            }
        } else {
            match receiver.poll(NOW) {
                Some(Received::Event(event)) => events.push(event.to_owned()),
                Some(Received::Reply(reply)) => sender.reply(&reply),
                None => break,
            }
        }
    };
    for (part, read) in parts(&script.wire, cuts) {
        receive(receiver.buf(), read, part, &mut pool);
        drain(&mut receiver, &mut sender);
    }
    let out = sender.buf();
    let wire = out.copy_to_bytes(out.remaining()).to_vec();
    receiver.flushed();
    drain(&mut receiver, &mut sender);
    receiver.lost(TransportEnd::Eof);
    drain(&mut receiver, &mut sender);
    (events, wire)
}

/// The pieces that `cuts` make of the wire: sizes, and how each is read. The last way goes on.
fn parts<'a>(mut wire: &'a [u8], cuts: &[(usize, Read)]) -> impl Iterator<Item = (&'a [u8], Read)> {
    let mut cuts = cuts.iter().copied();
    let mut cut = (usize::MAX, Read::Spare);
    core::iter::from_fn(move || {
        cut = cuts.next().unwrap_or(cut);
        let (part, rest) = wire.split_at(cut.0.min(wire.len()));
        wire = rest;
        (!part.is_empty()).then_some((part, cut.1))
    })
}

fn outcome(script: &Script, cuts: &[(usize, Read)], take: Take) -> Outcome {
    let config = Config::default().limits(limits());
    match take {
        Take::Split => halves(&config, script, cuts, false),
        Take::SplitOwned => halves(&config, script, cuts, true),
        Take::Lent | Take::Owned | Take::Peek => whole(&config, script, cuts, take),
    }
}

/// What must come out: the script's own events, its fault if it has one, and the end.
fn assert_expected(script: &Script, (events, wire): &Outcome) {
    let n = script.events.len();
    assert_eq!(events[..n], script.events);
    let OwnedEvent::Closed(closed) = &events[events.len() - 1] else {
        panic!("the end is not last: {events:?}");
    };
    let fault: Option<&ProtocolError> = match &events[n..events.len() - 1] {
        [] => None,
        [OwnedEvent::ProtocolError(error)] => Some(error),
        others => panic!("{others:?}"),
    };
    let frames = crate::support::frames(script.role, wire);
    let pings = script
        .events
        .iter()
        .filter(|event| matches!(event, OwnedEvent::Ping(_)));
    let pongs = pings.count();
    match &script.end {
        ScriptEnd::Close(payload) => {
            assert_eq!(
                (closed.by, &closed.cause, fault),
                (By::Peer, &Cause::Peer, None)
            );
            assert_eq!((&frames[pongs].payload, frames.len()), (payload, pongs + 1));
        }
        ScriptEnd::CutOff => {
            assert_eq!(
                (closed.by, fault, frames.len()),
                (By::Transport, None, pongs)
            );
        }
        ScriptEnd::Fault(error) => {
            assert_eq!((closed.by, fault), (By::Local, Some(error)));
            assert_eq!(closed.cause, Cause::Protocol(error.clone()));
            let close = crate::support::Frame::close(closed.code.get(), &error.to_string());
            assert_eq!((&frames[pongs], frames.len()), (&close, pongs + 1));
        }
    }
}

fn check(script: &Script, cuts: &[(usize, Read)]) {
    let at_once = outcome(script, &[], Take::Lent);
    assert_expected(script, &at_once);
    for take in TAKES {
        let cut = outcome(script, cuts, take);
        assert_eq!(cut, at_once, "{take:?}");
    }
    if script.wire.len() <= 3000 {
        for take in TAKES {
            assert_eq!(
                outcome(script, &[(1, Read::Spare)], take),
                at_once,
                "bytes, {take:?}"
            );
        }
    }
}

fn cut() -> impl Strategy<Value = (usize, Read)> {
    (
        prop_oneof![1..20usize, 1..2_000usize, 1..40_000usize],
        read(),
    )
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn any_cut_gives_a_server_the_same_events(
        script in script(Role::Server),
        cuts in vec(cut(), 0..12),
    ) {
        check(&script, &cuts);
    }

    #[test]
    fn any_cut_gives_a_client_the_same_events(
        script in script(Role::Client),
        cuts in vec(cut(), 0..12),
    ) {
        check(&script, &cuts);
    }
}
