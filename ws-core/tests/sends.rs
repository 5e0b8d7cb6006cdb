//! Whatever is sent, by whichever call, cut into fragments or not, shared or copied, written in
//! whichever steps: the peer gets the same messages in the same order, frames are never
//! interrupted, and what is refused leaves no trace.
//!
//! `WS_CASES` sets the number of cases; a failure prints how to replay it (see `support`).

mod support;

use core::num::NonZeroUsize;

use bytes::{Buf, Bytes};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use support::script::{payload, text};
use support::{End, Frame, cases, frame, frames};
use ws_core::Role;
use ws_core::buf::SendBuf;
use ws_core::connection::{Config, OwnedEvent, Sender};
use ws_core::error::SendError;
use ws_core::message::{Kind, Limits, Message, Text};

#[derive(Clone, Debug)]
enum Op {
    Batch(Vec<(bool, Vec<u8>)>),
    Binary(Vec<u8>),
    Continue(Vec<u8>),
    Finish(Vec<u8>),
    Fragment(Kind, Vec<u8>),
    Owned(bool, Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// The peer's ping arrives and is answered.
    Receive(Vec<u8>),
    Shared(bool, Vec<u8>),
    Storage,
    Text(String),
    Write(Write),
}

#[derive(Clone, Debug)]
enum Write {
    /// One chunk, of which the transport takes a part.
    Chunk(Index),
    /// A piece is taken out, more is queued meanwhile, and a part of the piece comes back.
    Pop(Index, Option<Vec<u8>>),
    #[cfg_attr(not(feature = "std"), allow(dead_code))]
    Vectored(usize, Index),
}

fn op() -> impl Strategy<Value = Op> {
    let control = || vec(any::<u8>(), 0..=126);
    let piece = || {
        prop_oneof![
            ".{0,9}".prop_map(String::into_bytes),
            vec(any::<u8>(), 0..5)
        ]
    };
    let kind = prop_oneof![Just(Kind::Text), Just(Kind::Binary)];
    let write = prop_oneof![
        any::<Index>().prop_map(Write::Chunk),
        (any::<Index>(), prop::option::of(control())).prop_map(|(n, ping)| Write::Pop(n, ping)),
        (1..5usize, any::<Index>()).prop_map(|(slices, n)| Write::Vectored(slices, n)),
    ];
    prop_oneof![
        1 => vec(payload(), 0..5).prop_map(Op::Batch),
        2 => payload().prop_map(|(_, data)| Op::Binary(data)),
        2 => piece().prop_map(Op::Continue),
        2 => piece().prop_map(Op::Finish),
        3 => (kind, piece()).prop_map(|(kind, piece)| Op::Fragment(kind, piece)),
        1 => payload().prop_map(|(text, data)| Op::Owned(text, data)),
        2 => control().prop_map(Op::Ping),
        2 => control().prop_map(|data| Op::Pong([b"own", &data[..]].concat())),
        2 => control().prop_map(Op::Receive),
        2 => payload().prop_map(|(text, data)| Op::Shared(text, data)),
        1 => Just(Op::Storage),
        2 => text().prop_map(Op::Text),
        10 => write.prop_map(Op::Write),
    ]
}

prop_compose! {
    fn config()(
        limit in prop_oneof![Just(0), 1..3_000usize, Just(1 << 20)],
        fragment in prop_oneof![Just(None), (1..200usize).prop_map(Some), (1_000..70_000usize).prop_map(Some)],
        share_min in prop_oneof![Just(0), 1..3_000usize, Just(16 << 10), Just(usize::MAX)],
    ) -> Config {
        Config::default()
            .send_limit(limit)
            .fragment_size(fragment.and_then(NonZeroUsize::new))
            .share_min(share_min)
    }
}

/// What must arrive.
struct Model {
    data: Vec<OwnedEvent>,
    /// Control frames that the application sent, which keep their order.
    controls: Vec<Frame>,
    /// Pongs to the peer's pings, of which those may be missing that found the queue full.
    pongs: Vec<Frame>,
    pieces: Option<(Kind, Vec<u8>)>,
}

fn event(text: bool, data: &[u8]) -> OwnedEvent {
    if text {
        OwnedEvent::Text(core::str::from_utf8(data).expect("text").into())
    } else {
        OwnedEvent::Binary(Bytes::copy_from_slice(data))
    }
}

/// Could these bytes be the beginning of a text?
fn may_be_text(data: &[u8]) -> bool {
    core::str::from_utf8(data).map_or_else(|error| error.error_len().is_none(), |_| true)
}

impl Model {
    fn new() -> Self {
        Self {
            data: vec![],
            controls: vec![],
            pongs: vec![],
            pieces: None,
        }
    }

    /// A whole message: refused in the middle of another.
    fn message(&mut self, text: bool, data: &[u8]) -> Result<(), SendError> {
        if self.pieces.is_some() {
            return Err(SendError::MidMessage);
        }
        self.data.push(event(text, data));
        Ok(())
    }

    fn control(&mut self, first: u8, data: &[u8]) -> Result<(), SendError> {
        if data.len() > 125 {
            return Err(SendError::ControlTooLong {
                len: data.len(),
                limit: 125,
            });
        }
        self.controls.push(Frame::new(first, data));
        Ok(())
    }

    fn piece(&mut self, piece: &[u8], fin: bool) -> Result<(), SendError> {
        let Some((kind, data)) = &mut self.pieces else {
            return Err(SendError::NotMidMessage);
        };
        let whole = [data, piece].concat();
        let text = *kind == Kind::Text;
        if text && (!may_be_text(&whole) || fin && core::str::from_utf8(&whole).is_err()) {
            return Err(SendError::InvalidUtf8);
        }
        *data = whole;
        if fin {
            let whole = core::mem::take(data);
            self.pieces = None;
            self.data.push(event(text, &whole));
        }
        Ok(())
    }

    /// What sending this must answer, if the queue has room.
    fn expect(&mut self, op: &Op) -> Result<(), SendError> {
        match op {
            Op::Batch(messages) if self.pieces.is_some() && !messages.is_empty() => {
                Err(SendError::MidMessage)
            }
            Op::Batch(messages) => messages
                .iter()
                .try_for_each(|(text, data)| self.message(*text, data)),
            Op::Binary(data) => self.message(false, data),
            Op::Text(text) => self.message(true, text.as_bytes()),
            Op::Owned(text, data) | Op::Shared(text, data) => self.message(*text, data),
            Op::Ping(data) => self.control(0x89, data),
            Op::Pong(data) => self.control(0x8a, data),
            Op::Fragment(..) if self.pieces.is_some() => Err(SendError::MidMessage),
            Op::Fragment(Kind::Text, piece) if !may_be_text(piece) => Err(SendError::InvalidUtf8),
            Op::Fragment(kind, piece) => {
                self.pieces = Some((*kind, piece.clone()));
                Ok(())
            }
            Op::Continue(piece) => self.piece(piece, false),
            Op::Finish(piece) => self.piece(piece, true),
            Op::Receive(_) | Op::Storage | Op::Write(_) => Ok(()),
        }
    }
}

fn message(text: bool, data: &[u8]) -> Message<'_> {
    match text {
        true => Message::Text(core::str::from_utf8(data).expect("text")),
        false => Message::Binary(data),
    }
}

fn send(sender: &mut Sender, op: &Op) -> Result<(), SendError> {
    match op {
        Op::Batch(messages) => {
            let messages: Vec<_> = messages.iter().map(|(t, data)| message(*t, data)).collect();
            sender.batch(&messages)
        }
        Op::Binary(data) => sender.binary(data),
        Op::Text(text) => sender.text(text),
        Op::Owned(true, data) => sender.send(String::from_utf8(data.clone()).expect("text")),
        Op::Owned(false, data) => sender.send(data.clone()),
        Op::Shared(true, data) => {
            sender.send(Text::try_from(Bytes::from(data.clone())).expect("text"))
        }
        Op::Shared(false, data) => sender.send(Bytes::from(data.clone())),
        Op::Ping(data) => sender.ping(data),
        Op::Pong(data) => sender.pong(data),
        Op::Fragment(kind, piece) => sender.fragment(*kind, piece),
        Op::Continue(piece) => sender.continuation(piece),
        Op::Finish(piece) => sender.finish(piece),
        Op::Receive(_) | Op::Storage | Op::Write(_) => Ok(()),
    }
}

fn write(end: &mut End, how: &Write, wire: &mut Vec<u8>, model: &mut Model) {
    let out: &mut SendBuf = end.connection.io().1;
    match how {
        Write::Chunk(index) => {
            let n = index.index(out.chunk().len() + 1);
            wire.extend_from_slice(&out.chunk()[..n]);
            out.advance(n);
        }
        Write::Pop(index, ping) => {
            let Some(mut rest) = out.pop() else { return };
            if let Some(ping) = ping {
                apply(end, &Op::Ping(ping.clone()), wire, model);
            }
            let n = index.index(rest.len() + 1);
            wire.extend(rest.split_to(n));
            end.connection.io().1.unpop(rest);
        }
        #[cfg(feature = "std")]
        Write::Vectored(slices, index) => {
            let mut slices = vec![std::io::IoSlice::new(&[]); *slices];
            let n = out.chunks_vectored(&mut slices);
            let seen: Vec<u8> = slices[..n]
                .iter()
                .flat_map(|slice| slice.to_vec())
                .collect();
            let n = index.index(seen.len() + 1);
            wire.extend_from_slice(&seen[..n]);
            out.advance(n);
        }
        #[cfg(not(feature = "std"))]
        Write::Vectored(..) => {}
    }
}

fn apply(end: &mut End, op: &Op, wire: &mut Vec<u8>, model: &mut Model) {
    match op {
        Op::Write(how) => return write(end, how, wire, model),
        Op::Receive(ping) => {
            let ping = &ping[..ping.len().min(125)];
            end.receive(&frame(end.role, 0x89, ping));
            assert_eq!(end.events().len(), 1);
            model.pongs.push(Frame::new(0x8a, ping));
            return;
        }
        Op::Storage => {
            let out = end.connection.io().1;
            if let Some(storage) = out.take_storage() {
                assert_eq!((out.is_empty(), out.capacity()), (true, 0));
                assert!(out.put_storage(storage).is_none());
            }
            return;
        }
        _ => {}
    }
    let full = end.connection.io().1.is_full();
    let queued = end.connection.io().1.remaining();
    let answer = send(end.connection.sender(), op);
    if full && !matches!(op, Op::Batch(messages) if messages.is_empty()) {
        assert_eq!(answer, Err(SendError::Full { queued }));
    } else {
        assert_eq!(answer, model.expect(op), "{op:?}");
    }
    if answer.is_err() {
        assert_eq!(
            end.connection.io().1.remaining(),
            queued,
            "a refusal leaves no trace"
        );
    }
}

/// Are the first all in the second, in order, and the last of both the same?
fn latest_kept(kept: &[Frame], all: &[Frame]) -> bool {
    let mut all_left = all.iter();
    kept.iter().all(|frame| all_left.any(|one| one == frame)) && kept.last() == all.last()
}

fn check(role: Role, config: &Config, ops: &[Op]) {
    let mut end = End::new(role, config);
    let (mut wire, mut model) = (Vec::new(), Model::new());
    for op in ops {
        apply(&mut end, op, &mut wire, &mut model);
        let out = end.connection.io().1;
        assert_eq!(out.written(), wire.len() as u64);
    }
    end.connection
        .close(1000.into(), "bye", end.now)
        .expect("open");
    while let Some(piece) = end.connection.io().1.pop() {
        wire.extend(piece);
    }
    let sent = frames(role, &wire);
    assert_eq!(sent.last(), Some(&Frame::close(1000, "bye")));
    assert_sizes(config, &sent);

    let limits = Limits::default()
        .max_fragments(u32::MAX)
        .max_empty_fragments(u32::MAX);
    let mut peer = End::new(role.peer(), &Config::default().limits(limits));
    peer.receive(&wire);
    let (mut data, mut controls) = (Vec::new(), Vec::new());
    for event in peer.events() {
        match event {
            OwnedEvent::Ping(payload) => controls.push(Frame::new(0x89, &payload)),
            OwnedEvent::Pong(payload) => controls.push(Frame::new(0x8a, &payload)),
            event => data.push(event),
        }
    }
    assert_eq!(data, model.data);
    // The application's own control frames, and the pongs to the peer's pings.
    let (pongs, own): (Vec<Frame>, Vec<Frame>) = controls
        .into_iter()
        .partition(|frame| frame.first == 0x8a && !frame.payload.starts_with(b"own"));
    assert_eq!(own, model.controls);
    assert!(
        latest_kept(&pongs, &model.pongs),
        "{pongs:?} of {:?}",
        model.pongs
    );
}

/// Whole messages are cut as the configuration says.
fn assert_sizes(config: &Config, sent: &[Frame]) {
    let Some(size) = config.fragment_size else {
        return;
    };
    for data in sent.iter().filter(|frame| frame.first & 0x08 == 0) {
        assert!(
            data.payload.len() <= size.get().max(40),
            "{}",
            data.payload.len()
        );
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn what_a_client_sends_arrives_whatever_the_writes(
        config in config(),
        ops in vec(op(), 0..30),
    ) {
        check(Role::Client, &config, &ops);
    }

    #[test]
    fn what_a_server_sends_arrives_whatever_the_writes(
        config in config(),
        ops in vec(op(), 0..30),
    ) {
        check(Role::Server, &config, &ops);
    }
}
