//! Random conversations: what a peer puts on the wire, and what an end must make of it.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use ws_core::Role;
use ws_core::connection::OwnedEvent;
use ws_core::error::ProtocolError;
use ws_core::message::Limits;

use super::{Frame, length};

/// The limits under which the faults of [`Script`]s are faults.
pub(crate) fn limits() -> Limits {
    Limits::default().max_message(400_000).max_frame(200_000)
}

/// What the peer sends, byte by byte, and the events that it makes before the transport ends.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) role: Role,
    pub(crate) wire: Vec<u8>,
    pub(crate) events: Vec<OwnedEvent>,
    /// How the conversation ends: a Close frame (its payload), a fault, or neither.
    pub(crate) end: ScriptEnd,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ScriptEnd {
    Close(Vec<u8>),
    CutOff,
    Fault(ProtocolError),
}

/// A message and how it is cut into frames, with control frames in between.
#[derive(Clone, Debug)]
struct Sent {
    text: bool,
    payload: Vec<u8>,
    /// Where its fragments end; whole if there are none.
    cuts: Vec<Index>,
    between: Vec<(bool, Vec<u8>)>,
    key: [u8; 4],
}

/// A frame for `to`, masked with `key` if `to` is a server.
pub(crate) fn keyed(to: Role, first: u8, payload: &[u8], key: [u8; 4]) -> Vec<u8> {
    let mut wire = vec![first];
    wire.extend(length(payload.len()));
    if to == Role::Server {
        wire[1] |= 0x80;
        wire.extend(key);
        wire.extend(
            payload
                .iter()
                .zip(key.iter().cycle())
                .map(|(byte, key)| byte ^ key),
        );
    } else {
        wire.extend(payload);
    }
    wire
}

/// Sizes that are mostly small, and often near a limit of some kind: of a control frame, of each
/// length encoding, of what is delivered in place, of what is shared.
pub(crate) fn size() -> impl Strategy<Value = usize> {
    prop_oneof![
        20 => 0..40usize,
        6 => 120..132usize,
        4 => 0..5_000usize,
        2 => 16_000..17_000usize,
        2 => 65_500..65_560usize,
        1 => 65_536..150_000usize,
    ]
}

/// Text of about that size, with characters of every width.
pub(crate) fn text() -> impl Strategy<Value = String> {
    (size(), ".{1,12}").prop_map(|(size, text)| text.repeat(size / text.len() + 1))
}

pub(crate) fn payload() -> impl Strategy<Value = (bool, Vec<u8>)> {
    prop_oneof![
        text().prop_map(|text| (true, text.into_bytes())),
        Just((true, vec![])),
        (size(), any::<u8>()).prop_map(|(size, start)| {
            let data = (0..size).map(|i| start.wrapping_add(i.to_le_bytes()[0]));
            (false, data.collect())
        }),
    ]
}

fn sent() -> impl Strategy<Value = Sent> {
    let control = || (any::<bool>(), vec(any::<u8>(), 0..=125));
    let cuts = prop_oneof![3 => Just(vec![]), 2 => vec(any::<Index>(), 1..6)];
    (payload(), cuts, vec(control(), 0..4), any::<[u8; 4]>()).prop_map(
        |((text, payload), cuts, between, key)| Sent {
            text,
            payload,
            cuts,
            between,
            key,
        },
    )
}

/// What breaks the rules after a complete message, the fault it is, and whether it needs a
/// fragmented message under way.
fn faults() -> Vec<(u8, &'static [u8], ProtocolError)> {
    use ProtocolError as E;
    vec![
        (0x83, b"", E::ReservedOpcode { opcode: 3 }),
        (0xc1, b"x", E::ReservedBits),
        (0x09, b"", E::ControlFragmented),
        (0x80, b"x", E::ContinuationWithoutStart),
        (0x88, b"x", E::ClosePayloadTooShort),
        (0x88, b"\x03\xed", E::BadCloseCode { code: 1005 }),
        (0x88, b"\x03\xe8ab\xff", E::CloseReasonNotUtf8),
        (0x81, b"ab\xffcd", E::InvalidUtf8),
        (0x81, b"cut \xf0\x9f\x98", E::InvalidUtf8),
        (0x01, b"early \xe0\x80 enough", E::InvalidUtf8),
    ]
}

fn end() -> impl Strategy<Value = (ScriptEnd, Vec<(u8, Vec<u8>)>)> {
    let codes = select(vec![1000u16, 1001, 1013, 3000, 4999]);
    let close = prop_oneof![
        Just(vec![]),
        (codes, ".{0,20}").prop_map(|(code, why)| Frame::close(code, &why).payload),
    ];
    prop_oneof![
        Just((ScriptEnd::CutOff, vec![])),
        close.prop_map(|payload| (ScriptEnd::Close(payload.clone()), vec![(0x88, payload)])),
        select(faults()).prop_map(|(first, payload, error)| {
            (ScriptEnd::Fault(error), vec![(first, payload.to_vec())])
        }),
        Just((
            ScriptEnd::Fault(ProtocolError::DataInsideFragmented),
            vec![(0x02, vec![1]), (0x81, vec![2])],
        )),
        Just((
            ScriptEnd::Fault(ProtocolError::InvalidUtf8),
            vec![
                (0x01, b"\xed".to_vec()),
                (0x00, vec![]),
                (0x80, b"\xa0".to_vec())
            ],
        )),
        Just((
            ScriptEnd::Fault(ProtocolError::FrameTooLarge {
                len: 200_001,
                limit: 200_000
            }),
            vec![(0x82, vec![0; 200_001])],
        )),
        Just((
            ScriptEnd::Fault(ProtocolError::MessageTooLarge { limit: 400_000 }),
            vec![
                (0x02, vec![0; 200_000]),
                (0x00, vec![0; 200_000]),
                (0x80, vec![0])
            ],
        )),
    ]
}

/// What may follow the end: anything at all.
fn junk() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![Just(vec![]), vec(any::<u8>(), 0..40)]
}

/// Conversations in which the peer talks to an end of this role.
pub(crate) fn script(role: Role) -> impl Strategy<Value = Script> {
    let parts = (vec(sent(), 0..8), end(), junk(), any::<Index>());
    parts.prop_map(move |(messages, (end, frames), junk, cut)| {
        let mut script = Script {
            role,
            wire: vec![],
            events: vec![],
            end,
        };
        messages.iter().for_each(|message| script.push(message));
        if script.end == ScriptEnd::CutOff {
            // A frame that never becomes complete.
            let last = keyed(role, 0x81, b"never complete", [9; 4]);
            script.wire.extend(&last[..cut.index(last.len())]);
        } else {
            let frames = frames
                .iter()
                .map(|(first, data)| keyed(role, *first, data, [5; 4]));
            script.wire.extend(frames.flatten());
            script.wire.extend(junk);
        }
        script
    })
}

impl Script {
    fn push(&mut self, message: &Sent) {
        let Sent {
            text,
            payload,
            cuts,
            between,
            key,
        } = message;
        let mut ends: Vec<usize> = cuts
            .iter()
            .map(|cut| cut.index(payload.len() + 1))
            .collect();
        ends.sort_unstable();
        let mut between = between.iter();
        let (mut at, mut first) = (0, if *text { 0x01 } else { 0x02 });
        for end in ends {
            self.wire
                .extend(keyed(self.role, first, &payload[at..end], *key));
            if let Some(control) = between.next() {
                self.control(control, *key);
            }
            (at, first) = (end, 0x00);
        }
        self.wire
            .extend(keyed(self.role, first | 0x80, &payload[at..], *key));
        self.events.push(if *text {
            let text = String::from_utf8(payload.clone()).expect("generated as text");
            OwnedEvent::Text(text.into())
        } else {
            OwnedEvent::Binary(payload.clone().into())
        });
        between.for_each(|control| self.control(control, *key));
    }

    fn control(&mut self, (ping, payload): &(bool, Vec<u8>), key: [u8; 4]) {
        let (first, event) = if *ping {
            (0x89, OwnedEvent::Ping(payload.clone().into()))
        } else {
            (0x8a, OwnedEvent::Pong(payload.clone().into()))
        };
        self.wire.extend(keyed(self.role, first, payload, key));
        self.events.push(event);
    }
}
