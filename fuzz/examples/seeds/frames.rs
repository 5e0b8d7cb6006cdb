//! Seeds of the target `frames`: what a peer may put on the wire.

use crate::{Seed, seed};

/// Default limits; all bytes in one read, into spare room; owned events.
const PLAIN: &[u8] = &[0, 0, 0, 0, 0];
/// Default limits; byte by byte; events that are looked at first.
const BYTES: &[u8] = &[0, 1, 0, 0, 0, 2];
/// Default limits; in reads of 3 and 2 bytes, into lent storage; the two halves.
const LENT: &[u8] = &[0, 2, 2, 1, 3, 2, 3];
/// Messages of at most 5 bytes; in one read; owned events.
const MESSAGE_5: &[u8] = &[1, 2, 0, 0, 0, 0];
/// Frames of at most 5 bytes, messages of any size.
const FRAME_5: &[u8] = &[2, 8, 2, 0, 0, 0, 0];
/// No limit on sizes.
const NO_LIMIT: &[u8] = &[2, 8, 8, 0, 0, 0, 0];
/// At most 3 fragments, of which 1 in a row is empty.
const FRAGMENTS: &[u8] = &[3, 8, 8, 3, 0, 0, 0, 0, 0];

type Frames = [(u8, &'static [u8])];

const CASES: &[(&str, &[u8], &Frames)] = &[
    ("rfc_hello", PLAIN, &[(0x81, b"Hello")]),
    ("rfc_hello_bytes", BYTES, &[(0x81, b"Hello")]),
    ("rfc_fragments", LENT, &[(0x01, b"Hel"), (0x80, b"lo")]),
    (
        "rfc_ping_pong",
        PLAIN,
        &[(0x89, b"Hello"), (0x8a, b"Hello")],
    ),
    ("binary_256", LENT, &[(0x82, &[0xfe; 256])]),
    (
        "control_between_fragments",
        BYTES,
        &[
            (0x01, b"a"),
            (0x89, b"p"),
            (0x00, b""),
            (0x8a, b""),
            (0x80, b"b"),
            (0x88, b""),
        ],
    ),
    (
        "two_messages",
        LENT,
        &[(0x82, b"\0\xff"), (0x81, b""), (0x88, b"\x03\xe8bye")],
    ),
    (
        "behind_a_close",
        PLAIN,
        &[(0x88, b"\x0f\xa0"), (0x81, b"late"), (0x88, b"")],
    ),
    ("close_code", PLAIN, &[(0x88, b"\x03\xed")]),
    ("close_one_byte", PLAIN, &[(0x88, b"\x03")]),
    ("close_not_utf8", PLAIN, &[(0x88, b"\x03\xe8\xff")]),
    (
        "utf8_every_width",
        BYTES,
        &[(0x81, "a\u{e9}\u{20ac}\u{1f600}".as_bytes())],
    ),
    (
        "utf8_across_fragments",
        LENT,
        &[(0x01, b"\xf0\x9f"), (0x00, b"\x98"), (0x80, b"\x80")],
    ),
    ("utf8_bad_at_once", BYTES, &[(0x81, b"ab\xed\xa0\x80cd")]),
    (
        "utf8_bad_fragment",
        PLAIN,
        &[(0x01, b"\xe0"), (0x00, b"\x80")],
    ),
    ("utf8_cut_at_the_end", PLAIN, &[(0x81, b"\xe2\x82")]),
    (
        "utf8_cut_at_the_last",
        LENT,
        &[(0x01, b"a"), (0x80, b"\xe2\x82")],
    ),
    ("utf8_overlong", PLAIN, &[(0x81, b"\xc0\xaf")]),
    ("utf8_too_high", PLAIN, &[(0x81, b"\xf4\x90\x80\x80")]),
    ("continuation_first", PLAIN, &[(0x80, b"x")]),
    (
        "message_inside_another",
        PLAIN,
        &[(0x01, b"x"), (0x82, b"y")],
    ),
    ("reserved_bit", PLAIN, &[(0xa1, b"x")]),
    ("reserved_opcode", PLAIN, &[(0x81, b"x"), (0x83, b"")]),
    ("fragmented_ping", PLAIN, &[(0x09, b"x")]),
    ("long_ping", PLAIN, &[(0x89, &[0; 126])]),
    (
        "message_limit",
        MESSAGE_5,
        &[(0x81, b"Hello"), (0x01, b"Hel"), (0x80, b"lo!")],
    ),
    (
        "frame_limit",
        FRAME_5,
        &[(0x01, b"Hello"), (0x80, b"Hello"), (0x82, b"Hello!")],
    ),
    (
        "fragment_limit",
        FRAGMENTS,
        &[(0x01, b""), (0x00, b"a"), (0x00, b""), (0x80, b"")],
    ),
    ("empty_fragments", FRAGMENTS, &[(0x02, b""), (0x00, b"")]),
    (
        "message_limit_inside_a_character",
        MESSAGE_5,
        &[(0x01, b"\xe2\x82"), (0x80, b"\xac123")],
    ),
];

/// The masking key of the examples in RFC 6455 §5.7.
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame, masked or not.
pub(crate) fn frame(masked: bool, first: u8, payload: &[u8]) -> Vec<u8> {
    let mut wire = match u8::try_from(payload.len()) {
        Ok(len @ 0..=125) => vec![first, len],
        _ => {
            let len = u16::try_from(payload.len()).expect("a short payload");
            [&[first, 126], &len.to_be_bytes()[..]].concat()
        }
    };
    if masked {
        wire[1] |= 0x80;
        wire.extend(KEY);
    }
    let key = if masked { KEY } else { [0; 4] };
    wire.extend(payload.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k));
    wire
}

pub(crate) fn seeds() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (i, (name, choices, frames)) in CASES.iter().enumerate() {
        // Servers and clients in turn; the fuzzer finds the other half by itself.
        let (role, masked) = if i % 2 == 0 { (0, true) } else { (1, false) };
        let wire = frames
            .iter()
            .flat_map(|(first, data)| frame(masked, *first, data));
        let bytes = [role]
            .into_iter()
            .chain(choices.iter().copied())
            .chain(wire);
        seeds.push(seed("frames", name, bytes.collect::<Vec<u8>>()));
    }
    let not_minimal = [&[1], PLAIN, b"\x82\x7e\0\x01x"].concat();
    seeds.push(seed("frames", "length_not_minimal", not_minimal));
    let unmasked = [&[0], PLAIN, b"\x81\x05Hello"].concat();
    seeds.push(seed("frames", "mask_missing", unmasked));
    let masked = [&[1], PLAIN, &frame(true, 0x81, b"Hello")].concat();
    seeds.push(seed("frames", "mask_unexpected", masked));
    let cut = [&[1], PLAIN, b"\x82\x7f\0\0\0\0\0\x01\0\0never complete"].concat();
    seeds.push(seed("frames", "announced_and_never_sent", cut));
    let huge = [&[1], NO_LIMIT, b"\x82\x7f\x40\0\0\0\0\0\0\0x"].concat();
    seeds.push(seed("frames", "announced_more_than_there_is", huge));
    seeds
}
