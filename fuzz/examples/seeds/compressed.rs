//! Seeds of the targets `inflate` and `stream`: compressed messages, and messages read as streams.

use crate::frames::frame;
use crate::{Seed, chunk, seed};

/// The payloads of RFC 7692 §7.2.3 that become "Hello", and what is wrong with others.
const PAYLOADS: &[(&str, &[u8])] = &[
    ("rfc_one_block", b"\xf2\x48\xcd\xc9\xc9\x07\x00"),
    (
        "rfc_no_compression",
        b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00",
    ),
    ("rfc_last_block", b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"),
    (
        "rfc_two_blocks",
        b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
    ),
    ("empty", b""),
    ("one_octet", b"\x00"),
    ("cut_off", b"\xf2\x48\xcd\xc9"),
    ("block_of_no_type", b"\x06"),
    ("last_blocks", &[0x03, 0x00, 0x03, 0x00, 0x03, 0x00]),
    ("too_far_back", b"\xf2\x00\x11\x00\x00"),
    ("bomb", BOMB),
];

/// What 100 000 times the same byte becomes.
const BOMB: &[u8] = &[
    0xec, 0xc1, 0x31, 0x01, 0x00, 0x00, 0x00, 0xc2, 0xa0, 0xac, 0xeb, 0x5f, 0xc2, 0x1a, 0x1e, 0x40,
    0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0xaf, 0x06,
];

/// A role, what was agreed on, a limit, a delivery, and no cuts.
const PLAIN: &[u8] = &[0, 0, 0, 0, 0, 0];
/// A client that forgets, windows of 512 bytes, messages of at most 100 bytes in pieces, byte by
/// byte.
const NARROW: &[u8] = &[1, 1, 1, 3, 1, 1, 0];
/// In pieces, windows of 4 KiB, in reads of 3 and 2 bytes.
const PIECES: &[u8] = &[0, 0, 2, 0, 1, 2, 2, 1];

pub(crate) fn seeds() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (i, (name, payload)) in PAYLOADS.iter().enumerate() {
        let choices = [PLAIN, NARROW, PIECES][i % 3];
        let message = [&[1, 3][..], &chunk(payload)].concat();
        // Twice, so that the second may build on the first.
        let bytes = [choices, &message, &message].concat();
        seeds.push(seed("inflate", name, bytes));
    }
    let window = [
        PIECES,
        &[1, 0],
        &chunk(b"\xf2\x48\xcd\xc9\xc9\x07\x00"),
        &[0, 2],
        &chunk(b"\xf2\x00\x11\x00\x00"),
    ];
    seeds.push(seed("inflate", "rfc_shared_window", window.concat()));
    seeds.extend(streams());
    seeds
}

fn streams() -> Vec<Seed> {
    // A server without compression or limits, in pieces: three bytes at once, to the end.
    let plain: &[u8] = &[0, 0, 0, 0, 3, 0, 0];
    // Byte by byte, and readers are dropped after the first read.
    let dropped: &[u8] = &[0, 0, 0, 0, 1, 1, 1, 0];
    // Whole messages of at most 5 bytes.
    let whole: &[u8] = &[0, 0, 1, 2, 1, 100, 0, 0];
    // Compressed, with windows that are kept.
    let packed: &[u8] = &[0, 1, 0, 0, 0, 0, 2, 0, 1, 4];
    let messages = [
        frame(true, 0x01, b"Hel"),
        frame(true, 0x89, b"p"),
        frame(true, 0x80, b"lo"),
        frame(true, 0x82, &[7; 300]),
        frame(true, 0x82, b""),
    ]
    .concat();
    let binary = [
        frame(true, 0x02, b"one"),
        frame(true, 0x80, b"two"),
        frame(true, 0x82, b"three"),
        frame(true, 0x88, b"\x03\xe8"),
    ]
    .concat();
    let compressed = [
        frame(true, 0x41, b"\xf2\x48\xcd"),
        frame(true, 0x80, b"\xc9\xc9\x07\x00"),
        frame(true, 0xc1, b"\xf2\x00\x11\x00\x00"),
        frame(true, 0x81, b"plain"),
        frame(true, 0xc2, b"\x06"),
    ]
    .concat();
    let broken = [frame(true, 0x01, b"\xe2\x82"), frame(true, 0x80, b"\xff")].concat();
    let cut = [frame(true, 0x02, b"begun"), frame(true, 0x88, b"")].concat();
    [
        ("messages", plain, &messages),
        ("messages_dropped", dropped, &messages),
        ("messages_too_long", whole, &messages),
        ("bytes_to_a_close", plain, &binary),
        ("compressed", packed, &compressed),
        ("not_utf8", plain, &broken),
        ("cut_off_by_a_close", dropped, &cut),
    ]
    .into_iter()
    .map(|(name, choices, wire)| seed("stream", name, [choices, wire].concat()))
    .collect()
}
