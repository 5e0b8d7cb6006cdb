//! Seeds of the targets that run a row of operations.

use ws_fuzz::op::connection as op;
use ws_fuzz::op::{pair, send};

use crate::frames::frame;
use crate::{Seed, chunk, seed};

pub(crate) fn seeds() -> Vec<Seed> {
    [connections(), pairs()].concat()
}

/// A server with everything as by default, a clock that begins at zero, and no leftover.
const SERVER: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// The same for a client.
const CLIENT: &[u8] = &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// A server with a keepalive and an idle limit, each 10 ms or 1 s.
const TIMERS: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 4, 0, 0, 0];
/// A client with a queue of 100 bytes and fragments of 7.
const NARROW: &[u8] = &[1, 0, 0, 0, 3, 2, 0, 0, 0, 0];
/// A server that shares everything, and counts two control frames a second.
const SHARING: &[u8] = &[0, 0, 1, 0, 0, 0, 1, 0, 0, 0];

/// A server with an idle limit of 10 ms.
const IDLE: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0];

/// A server with a keepalive of 10 ms and 10 ms.
const ALIVE: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0];

/// The peer writes a frame, which is received and taken.
fn wire(masked: bool, first: u8, payload: &[u8]) -> Vec<u8> {
    let frame = frame(masked, first, payload);
    [&[op::WIRE][..], &chunk(&frame), &[op::TAKE_ALL]].concat()
}

/// The application sends something with a chunk behind it.
fn say(what: u8, payload: &[u8]) -> Vec<u8> {
    [&[op::SEND, what][..], &chunk(payload)].concat()
}

/// A piece of a text message.
fn piece(what: u8, payload: &[u8]) -> Vec<u8> {
    [&[op::SEND, what, 0][..], &chunk(payload)].concat()
}

/// A name, the choices that come first, and the operations.
type Case = (&'static str, &'static [u8], Vec<Vec<u8>>);

fn connections() -> Vec<Seed> {
    let cases: Vec<Case> = vec![
        (
            "echo",
            SERVER,
            vec![wire(true, 0x81, b"Hello"), say(send::TEXT, b"Hello")],
        ),
        (
            "ping_and_close",
            CLIENT,
            vec![
                wire(false, 0x89, b"p"),
                wire(false, 0x88, b"\x03\xe8"),
                vec![op::WRITE, 1],
            ],
        ),
        (
            "close_first",
            SERVER,
            vec![
                vec![op::CLOSE, 0],
                chunk(b"bye"),
                wire(true, 0x82, b"late"),
                wire(true, 0x88, b"\x03\xe8bye"),
            ],
        ),
        (
            "close_unanswered",
            CLIENT,
            vec![vec![op::CLOSE, 1, 0, op::NEXT_DEADLINE]],
        ),
        (
            "fault",
            SERVER,
            vec![
                wire(true, 0x83, b""),
                vec![op::WRITE_ALL],
                wire(true, 0x81, b"drained"),
            ],
        ),
        (
            "fault_seen_late",
            SERVER,
            vec![
                vec![op::WIRE],
                chunk(&frame(true, 0x81, b"\xff")),
                vec![
                    op::READ,
                    20,
                    op::PEEK,
                    op::UNWRITABLE,
                    op::NEXT_DEADLINE,
                    op::TAKE,
                ],
            ],
        ),
        (
            "fragments",
            CLIENT,
            vec![
                piece(send::FRAGMENT, b"\xe2"),
                say(send::PING, b""),
                piece(send::CONTINUATION, b"\x82"),
                piece(send::FINISH, b"\xac"),
                say(send::PONG, b"x"),
            ],
        ),
        (
            "pongs_between_fragments",
            NARROW,
            vec![
                say(send::BINARY, &[7; 60]),
                vec![op::WRITE, 10],
                wire(false, 0x89, b"1"),
                wire(false, 0x89, b"2"),
                vec![op::WRITE_VECTORED, 4, 30],
                wire(false, 0x89, b"3"),
            ],
        ),
        (
            "full",
            NARROW,
            vec![
                vec![op::SEND, send::SIZED, 0, 1],
                wire(false, 0x89, b"1"),
                wire(false, 0x89, b"2"),
                say(send::TEXT, b"no room"),
                vec![op::POP, op::UNPOP, 3],
            ],
        ),
        (
            "shared",
            SHARING,
            vec![
                say(send::SHARED_BINARY, b"shared"),
                say(send::SHARED_TEXT, b"too"),
                vec![op::SEND, send::BATCH, 2, 1, b'a', 1, b'b', op::POP],
                wire(true, 0x8a, b""),
                vec![op::UNPOP, 1, op::WRITE_ALL, op::SWAP_SENDING, 1],
            ],
        ),
        (
            "long_message",
            SERVER,
            vec![
                vec![
                    op::LONG,
                    1,
                    b'x',
                    6,
                    op::READ,
                    250,
                    200,
                    0,
                    op::READ_AS,
                    2,
                    4,
                    250,
                    200,
                    0,
                ],
                vec![
                    op::TAKE_AND_SEND,
                    send::SIZED,
                    5,
                    2,
                    op::SWAP_RECEIVING,
                    1,
                    op::TAKE_ALL,
                ],
            ],
        ),
        (
            "long_fragments",
            CLIENT,
            vec![vec![
                op::LONG,
                2,
                0,
                4,
                op::LONG,
                4,
                1,
                7,
                op::LONG,
                5,
                2,
                0,
                op::TAKE_ALL,
            ]],
        ),
        (
            "control_rate",
            SHARING,
            vec![
                wire(true, 0x89, b""),
                wire(true, 0x8a, b""),
                wire(true, 0x89, b""),
            ],
        ),
        (
            "keepalive",
            TIMERS,
            vec![
                vec![op::NEXT_DEADLINE, op::WRITE_ALL],
                wire(true, 0x8a, &[0, 0, 0, 0, 0, 0, 0, 1]),
                vec![op::NEXT_DEADLINE, op::NEXT_DEADLINE, op::NEXT_DEADLINE],
            ],
        ),
        (
            "idle",
            TIMERS,
            vec![vec![op::WAKE, 4, op::WRITE, 2, op::LOST, 1]],
        ),
        (
            "idle_later",
            IDLE,
            vec![
                vec![op::SLEEP, 3],
                wire(true, 0x8a, b""),
                vec![op::NEXT_DEADLINE, op::NEXT_DEADLINE, op::WRITE_ALL],
                wire(true, 0x88, b"\x03\xe9"),
            ],
        ),
        (
            "silent_while_an_event_waits",
            ALIVE,
            vec![
                vec![op::WIRE],
                chunk(&frame(true, 0x81, b"waits")),
                vec![op::READ, 20, op::PEEK, op::NEXT_DEADLINE, op::NEXT_DEADLINE],
            ],
        ),
        (
            "pong_held_and_close",
            NARROW,
            vec![
                vec![op::SEND, send::SIZED, 0, 1],
                wire(false, 0x89, b"1"),
                wire(false, 0x88, b"\x03\xe8"),
            ],
        ),
        (
            "ping_at_a_half_written_fragment",
            NARROW,
            vec![
                say(send::BINARY, &[7; 60]),
                [op::WRITE, 20].repeat(8),
                vec![op::WRITE, 1],
                wire(false, 0x89, b"1"),
                say(send::PING, b"2"),
            ],
        ),
        (
            "never_all_written",
            SERVER,
            [
                vec![vec![op::SEND, send::SIZED, 3, 1]],
                vec![vec![op::SEND, send::SIZED, 3, 2, op::WRITE, 255, 64, 0]; 14],
            ]
            .concat(),
        ),
        (
            "shared_and_cut",
            &[0, 0, 0, 0, 0, 2, 1, 0, 0, 0],
            vec![
                say(send::SHARED_BINARY, b"in pieces of seven"),
                say(send::TEXT, b"likewise"),
            ],
        ),
        (
            "batch_with_a_long_ping",
            SERVER,
            vec![
                vec![op::SEND, send::BATCH, 3, 1, b'a', 1, b'b', 123],
                vec![b'p'; 123],
                vec![op::SEND, send::BATCH, 3, 1, b'a', 1, b'b', 1, b'p'],
            ],
        ),
        (
            "late_after_a_close",
            CLIENT,
            vec![
                wire(false, 0x88, b"\x03\xe8"),
                vec![op::WRITE_ALL],
                wire(false, 0x82, b"late"),
            ],
        ),
        (
            "unwritable",
            CLIENT,
            vec![
                say(send::TEXT, b"x"),
                vec![op::UNWRITABLE],
                wire(false, 0x88, b""),
            ],
        ),
        (
            "lost",
            SERVER,
            vec![wire(true, 0x01, b"half"), vec![op::LOST, 0, op::TAKE]],
        ),
        (
            "storage",
            CLIENT,
            vec![
                vec![op::WIRE],
                chunk(&frame(false, 0x81, b"in four ways")),
                vec![
                    op::READ_AS,
                    1,
                    0,
                    3,
                    op::READ_AS,
                    2,
                    2,
                    3,
                    op::READ_AS,
                    3,
                    3,
                    3,
                    op::READ,
                    9,
                ],
                vec![op::TAKE_OWNED],
            ],
        ),
    ];
    let seeds = cases.into_iter();
    let seeds = seeds
        .map(|(name, choices, ops)| seed("connection", name, [choices, &ops.concat()].concat()));
    seeds.collect()
}

/// Two default configurations, all the room there is.
const PLAIN: &[u8] = &[0; 12];
/// Short queues, fragments, little room in one direction.
const NARROW_PAIR: &[u8] = &[0, 3, 2, 0, 0, 0, 0, 0, 1, 0, 1, 3];
/// Keepalives.
const TIMED_PAIR: &[u8] = &[
    0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0,
];

fn pairs() -> Vec<Seed> {
    let turns = [pair::TURN, 0, 239, pair::TURN, 1, 239].repeat(3);
    let say = |i: u8, what, text: &[u8]| [&[pair::SEND, i, what][..], &chunk(text)].concat();
    let talk = [
        say(0, send::TEXT, b"question"),
        say(1, send::BINARY, b"answer"),
    ]
    .concat();
    let cases: Vec<(&str, &[u8], Vec<u8>)> = vec![
        (
            "talk",
            PLAIN,
            [turns.clone(), talk.clone(), turns.clone()].concat(),
        ),
        (
            "closes",
            PLAIN,
            [&turns[..], &[pair::CLOSE, 0, 0, 0, pair::CLOSE, 1, 2, 0]].concat(),
        ),
        (
            "narrow",
            NARROW_PAIR,
            [turns.clone(), talk.repeat(4), turns.clone()].concat(),
        ),
        (
            "controls",
            NARROW_PAIR,
            [
                turns.clone(),
                talk.clone(),
                say(0, send::PING, b"1"),
                say(1, send::PONG, b"2"),
            ]
            .concat(),
        ),
        (
            "sized",
            PLAIN,
            [
                &turns[..],
                &[
                    pair::SEND,
                    0,
                    send::SIZED,
                    6,
                    1,
                    pair::WRITE,
                    0,
                    255,
                    9,
                    9,
                    pair::READ,
                    1,
                    9,
                ],
            ]
            .concat(),
        ),
        (
            "sleeps",
            TIMED_PAIR,
            [
                &turns[..],
                &[pair::SLEEP, 0, 0, 3],
                &turns,
                &[pair::SLEEP, 0, 2, 3],
            ]
            .concat(),
        ),
        (
            "breaks",
            PLAIN,
            [&turns[..], &talk, &[pair::FAIL_WRITES, 0, pair::TURN, 1, 9]].concat(),
        ),
        (
            "never_opens",
            PLAIN,
            vec![pair::WRITE, 0, 40, pair::BREAK, 0],
        ),
    ];
    let seeds = cases.into_iter();
    let seeds = seeds.map(|(name, choices, ops)| seed("pair", name, [choices, &ops].concat()));
    seeds.collect()
}
