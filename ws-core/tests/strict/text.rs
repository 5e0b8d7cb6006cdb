//! Strictness, frames: text that is not UTF-8 is answered with 1007 at the first byte that no text
//! has in this place (RFC 6455 §5.6, §8.1), however the message is cut into frames and reads.

use crate::support::refusal::{Refusal, small, text};
use crate::support::{BOTH, End, Frame, frame, header, raw};
use ws_core::Role;
use ws_core::connection::{Config, Event, OwnedEvent};
use ws_core::error::{ProtocolError, SendError};

/// The good beginning, the first impossible byte, and something behind it.
const BAD: &[(&str, &[u8], u8, &[u8])] = &[
    (
        "no character begins with a continuation byte",
        b"ab",
        0x80,
        b"cd",
    ),
    ("no character begins with 0xff", b"", 0xff, b"cd"),
    ("no character begins with 0xc0", b"ab", 0xc0, b"\xaf"),
    (
        "no character begins with 0xf5",
        b"ab",
        0xf5,
        b"\x80\x80\x80",
    ),
    (
        "a character is cut short by ASCII",
        b"ab\xe2\x82",
        b'c',
        b"d",
    ),
    ("a character is cut short by another", b"ab\xe2", 0xe2, b"x"),
    ("too many continuation bytes", "aκ".as_bytes(), 0xba, b"x"),
    ("overlong in two bytes", b"", 0xc1, b"\xbf"),
    ("overlong in three bytes", b"\xe0", 0x9f, b"\xbf"),
    ("overlong in four bytes", b"\xf0", 0x8f, b"\xbf\xbf"),
    ("a high surrogate", b"ab\xed", 0xa0, b"\x80"),
    ("a low surrogate", b"ab\xed", 0xbf, b"\xbf"),
    ("above U+10FFFF", b"ab\xf4", 0x90, b"\x80\x80"),
];

fn refused(role: Role, prelude: &[u8], bad: &[u8], rest: &[u8]) {
    let (limits, error) = (small(), ProtocolError::InvalidUtf8);
    Refusal {
        role,
        limits,
        prelude,
        bad,
        rest,
        error,
    }
    .check();
}

#[test]
fn text_fails_at_the_first_impossible_byte_inside_a_frame() {
    for role in BOTH {
        for &(_, good, byte, behind) in BAD {
            let payload = [good, &[byte], behind].concat();
            let wire = frame(role, 0x81, &payload);
            let (bad, rest) = wire.split_at(wire.len() - behind.len());
            refused(role, &[], bad, rest);
        }
    }
}

#[test]
fn text_fails_at_the_first_impossible_byte_of_a_fragment() {
    for role in BOTH {
        for &(_, good, byte, behind) in BAD {
            // The frame goes on after the bad byte: it is not waited for.
            let start = frame(role, 0x01, good);
            let wire = frame(role, 0x00, &[&[byte], behind].concat());
            let (bad, rest) = wire.split_at(wire.len() - behind.len());
            refused(role, &start, bad, rest);
        }
    }
}

#[test]
fn text_fails_across_fragments_of_one_byte() {
    for role in BOTH {
        for &(_, good, byte, _) in BAD {
            let mut prelude = frame(role, 0x01, b"");
            good.iter()
                .for_each(|byte| prelude.extend(frame(role, 0x00, &[*byte])));
            refused(role, &prelude, &frame(role, 0x80, &[byte]), b"");
        }
    }
}

#[test]
fn a_text_that_ends_inside_a_character_is_1007_at_its_fin() {
    for role in BOTH {
        for cut in 1..4 {
            let cut = &"\u{10ffff}".as_bytes()[..cut];
            refused(role, &[], &frame(role, 0x81, cut), b"");
            // Once the last frame says so, also when it has nothing to add.
            let start = frame(role, 0x01, cut);
            refused(role, &start, &header(role, 0x80, 0), b"");
        }
    }
}

#[test]
fn text_fails_at_the_first_impossible_byte_of_a_frame_that_streams() {
    // Over 64 KiB a frame is not kept in the receive buffer: another path checks it.
    for role in BOTH {
        let mut end = End::new(role, &Config::default());
        let wire = frame(
            role,
            0x81,
            &[&[b'x'; 70_000][..], b"\xed\xa0", &[b'x'; 70_000]].concat(),
        );
        let bad = wire.len() - 70_001;
        for part in wire[..bad].chunks(9_000) {
            end.receive(part);
            assert_eq!(end.events(), []);
        }
        end.receive(&wire[bad..=bad]);
        assert_eq!(
            end.events(),
            [OwnedEvent::ProtocolError(ProtocolError::InvalidUtf8)]
        );
    }
}

#[test]
fn nothing_can_be_sent_between_the_fault_of_a_whole_frame_and_its_close() {
    // This fault is found only when the text is handed out: its Close must be queued by then.
    for role in BOTH {
        let mut end = End::new(role, &Config::default());
        end.receive_frame(0x81, b"\xff");
        assert!(end.connection.ready(end.now));
        let (event, sender) = end.connection.poll(end.now).expect("the fault");
        assert_eq!(event, Event::ProtocolError(&ProtocolError::InvalidUtf8));
        assert_eq!(sender.text("in between"), Err(SendError::Closed));
        assert_eq!(end.write(), [Frame::close(1007, "text is not valid utf-8")]);

        let mut end = End::new(role, &Config::default());
        end.receive_frame(0x81, b"\xff");
        let told = OwnedEvent::ProtocolError(ProtocolError::InvalidUtf8);
        assert_eq!(end.connection.poll_owned(end.now), Some(told));
        assert_eq!(end.text("in between"), Err(SendError::Closed));
        assert_eq!(end.write(), [Frame::close(1007, "text is not valid utf-8")]);
    }
}

#[test]
fn control_frames_between_fragments_do_not_disturb_a_cut_character() {
    for role in BOTH {
        let mut end = End::new(role, &Config::default());
        end.receive_frame(0x01, b"\xf0\x9f");
        end.receive_frame(0x89, b"\xff");
        end.receive_frame(0x00, b"");
        end.receive_frame(0x8a, b"\xff");
        end.receive_frame(0x80, b"\x98\x80!");
        let (ping, pong) = (b"\xff"[..].into(), b"\xff"[..].into());
        let expected = [
            OwnedEvent::Ping(ping),
            OwnedEvent::Pong(pong),
            text("\u{1f600}!"),
        ];
        assert_eq!(end.events(), expected);
    }
}

#[test]
fn every_kind_of_valid_text_passes_whole_and_in_fragments_of_one_byte() {
    let good = "\0\u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{fffd}\u{ffff}\u{10000}\u{10ffff}";
    for role in BOTH {
        let mut end = End::new(role, &Config::default());
        end.receive_frame(0x81, good.as_bytes());
        end.receive_frame(0x01, b"");
        good.bytes()
            .for_each(|byte| end.receive_frame(0x00, &[byte]));
        end.receive_frame(0x80, b"");
        assert_eq!(end.events(), [text(good), text(good)]);
    }
}

#[test]
fn binary_is_not_looked_at() {
    for role in BOTH {
        let mut end = End::new(role, &Config::default());
        end.receive(&raw(role, 0x82, &[2], b"\xff\xfe"));
        end.receive_frame(0x02, b"\xff");
        end.receive_frame(0x80, b"\xfe");
        let data = OwnedEvent::Binary(b"\xff\xfe"[..].into());
        assert_eq!(end.events(), [data.clone(), data]);
    }
}
