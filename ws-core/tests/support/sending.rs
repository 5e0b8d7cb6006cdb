//! What an application may ask a sender for, and what must come of it.

use core::num::NonZeroUsize;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use ws_core::connection::{Config, OwnedEvent};
use ws_core::error::SendError;
use ws_core::message::Kind;

use super::Frame;
use super::script::{payload, text};

#[derive(Clone, Debug)]
pub(crate) enum Op {
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
pub(crate) enum Write {
    /// One chunk, of which the transport takes a part.
    Chunk(Index),
    /// A piece is taken out, more is queued meanwhile, and a part of the piece comes back.
    Pop(Index, Option<Vec<u8>>),
    #[cfg_attr(not(feature = "std"), allow(dead_code))]
    Vectored(usize, Index),
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
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
    pub(crate) fn config()(
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
pub(crate) struct Model {
    pub(crate) data: Vec<OwnedEvent>,
    /// Control frames that the application sent, which keep their order.
    pub(crate) controls: Vec<Frame>,
    /// Pongs to the peer's pings, of which those may be missing that found the queue full.
    pub(crate) pongs: Vec<Frame>,
    pub(crate) pieces: Option<(Kind, Vec<u8>)>,
}

pub(crate) fn event(text: bool, data: &[u8]) -> OwnedEvent {
    if text {
        OwnedEvent::Text(core::str::from_utf8(data).expect("text").into())
    } else {
        OwnedEvent::Binary(Bytes::copy_from_slice(data))
    }
}

/// Could these bytes be the beginning of a text?
pub(crate) fn may_be_text(data: &[u8]) -> bool {
    core::str::from_utf8(data).map_or_else(|error| error.error_len().is_none(), |_| true)
}

impl Model {
    pub(crate) fn new() -> Self {
        Self {
            data: vec![],
            controls: vec![],
            pongs: vec![],
            pieces: None,
        }
    }

    /// A whole message: refused in the middle of another.
    pub(crate) fn message(&mut self, text: bool, data: &[u8]) -> Result<(), SendError> {
        if self.pieces.is_some() {
            return Err(SendError::MidMessage);
        }
        self.data.push(event(text, data));
        Ok(())
    }

    pub(crate) fn control(&mut self, first: u8, data: &[u8]) -> Result<(), SendError> {
        if data.len() > 125 {
            return Err(SendError::ControlTooLong {
                len: data.len(),
                limit: 125,
            });
        }
        self.controls.push(Frame::new(first, data));
        Ok(())
    }

    pub(crate) fn piece(&mut self, piece: &[u8], fin: bool) -> Result<(), SendError> {
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
    pub(crate) fn expect(&mut self, op: &Op) -> Result<(), SendError> {
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
