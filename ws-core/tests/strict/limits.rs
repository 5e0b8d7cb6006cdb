//! Strictness, frames: too much is refused when it is announced (1009) or counted (1008), before any
//! of it is held; what is within the limits passes.

use crate::support::refusal::{Refusal, binary, refused, refused_after, small};
use crate::support::{BOTH, End, frame, header, raw};
use ws_core::Role;
use ws_core::connection::{Config, OwnedEvent};
use ws_core::error::ProtocolError;
use ws_core::message::Limits;

/// A header whose length field has all of its eight bytes.
fn announced(role: Role, first: u8, len: u64) -> Vec<u8> {
    raw(role, first, &[&[127], &len.to_be_bytes()[..]].concat(), &[])
}

#[test]
fn a_frame_over_the_limit_is_1009_as_soon_as_its_header_is_there() {
    for role in BOTH {
        for first in [0x81, 0x82, 0x01, 0x02] {
            let error = ProtocolError::FrameTooLarge {
                len: 601,
                limit: 600,
            };
            refused(role, &header(role, first, 601), error);
        }
    }
}

#[test]
fn a_length_near_2_to_the_63_is_1009_and_no_overflow() {
    for role in BOTH {
        for len in [1 << 32, 1 << 62, u64::MAX >> 1] {
            let error = ProtocolError::FrameTooLarge { len, limit: 600 };
            refused(role, &announced(role, 0x82, len), error.clone());
            // Added to what the message has already, it would not fit 64 bits with a sign.
            let start = frame(role, 0x02, &[0; 600]);
            refused_after(role, &start, &announced(role, 0x80, len), error);
        }
    }
}

#[test]
fn without_a_frame_limit_the_message_limit_refuses_any_length() {
    for role in BOTH {
        for start in [vec![], frame(role, 0x02, b"x")] {
            let first = if start.is_empty() { 0x82 } else { 0x80 };
            Refusal {
                role,
                limits: small().max_frame(usize::MAX),
                prelude: &start,
                bad: &announced(role, first, u64::MAX >> 1),
                rest: b"",
                error: ProtocolError::MessageTooLarge { limit: 1000 },
            }
            .check();
        }
    }
}

#[test]
fn a_message_over_the_limit_is_1009_when_the_fragment_that_passes_it_is_announced() {
    let error = ProtocolError::MessageTooLarge { limit: 1000 };
    for role in BOTH {
        let start = [
            frame(role, 0x01, &[b'x'; 600]),
            frame(role, 0x00, &[b'x'; 400]),
        ]
        .concat();
        for first in [0x00, 0x80] {
            refused_after(role, &start, &header(role, first, 1), error.clone());
            refused_after(role, &start, &header(role, first, 600), error.clone());
        }
    }
}

#[test]
fn one_running_total_counts_an_unfinished_message_and_pings_do_not_reset_it() {
    for role in BOTH {
        let ping = OwnedEvent::Ping(b""[..].into());
        let mut end = End::new(role, &Config::default().limits(small()));
        end.receive_frame(0x02, &[0; 500]);
        end.receive_frame(0x89, b"");
        end.receive_frame(0x00, &[0; 500]);
        end.receive_frame(0x89, b"");
        assert_eq!(end.events(), [ping.clone(), ping]);
        end.receive(&header(role, 0x80, 1));
        let error = ProtocolError::MessageTooLarge { limit: 1000 };
        assert_eq!(end.events(), [OwnedEvent::ProtocolError(error)]);
    }
}

#[test]
fn the_bytes_of_a_cut_character_count_too() {
    // Three bytes of a character are held back by the check of the text; they are still held.
    for role in BOTH {
        let limits = small().max_message(10);
        let start = frame(role, 0x01, b"1234567\xf0\x9f\x98");
        Refusal {
            role,
            limits,
            prelude: &start,
            bad: &header(role, 0x80, 1),
            rest: b"",
            error: ProtocolError::MessageTooLarge { limit: 10 },
        }
        .check();
    }
}

#[test]
fn exactly_the_limit_passes_in_one_frame_and_in_many() {
    for role in BOTH {
        let mut end = End::new(role, &Config::default().limits(small()));
        for _ in 0..2 {
            end.receive_frame(0x82, &[7; 600]);
            end.receive_frame(0x02, &[7; 600]);
            end.receive_frame(0x00, &[]);
            end.receive_frame(0x80, &[7; 400]);
            assert_eq!(end.events(), [binary(&[7; 600]), binary(&[7; 1000])]);
        }
    }
}

#[test]
fn a_limit_of_nothing_still_lets_empty_messages_and_control_frames_pass() {
    for role in BOTH {
        let limits = Limits::default().max_message(0).max_frame(0);
        let mut end = End::new(role, &Config::default().limits(limits));
        end.receive_frame(0x82, b"");
        end.receive_frame(0x8a, &[1; 125]);
        let pong = OwnedEvent::Pong(vec![1; 125].into());
        assert_eq!(end.events(), [binary(b""), pong]);
    }
}

#[test]
fn too_many_fragments_are_1008() {
    for role in BOTH {
        let start = [
            frame(role, 0x02, b"a"),
            frame(role, 0x00, b"b"),
            frame(role, 0x00, b"c"),
        ];
        for first in [0x00, 0x80] {
            Refusal {
                role,
                limits: small().max_fragments(3),
                prelude: &start.concat(),
                bad: &header(role, first, 1),
                rest: b"",
                error: ProtocolError::TooManyFragments { limit: 3 },
            }
            .check();
        }
    }
}

#[test]
fn the_fragment_limit_is_131_072_unless_set() {
    for role in BOTH {
        let mut end = End::new(role, &Config::default());
        end.receive_frame(0x02, b"x");
        let many = frame(role, 0x00, b"x").repeat(1023);
        for _ in 0..128 {
            end.receive(&many);
            assert_eq!(end.events(), []);
        }
        end.receive(&frame(role, 0x00, b"x").repeat(131_071 - 128 * 1023));
        assert_eq!(end.events(), []);
        end.receive_frame(0x80, b"x");
        let error = ProtocolError::TooManyFragments { limit: 131_072 };
        assert_eq!(end.events(), [OwnedEvent::ProtocolError(error)]);
    }
}

#[test]
fn more_than_32_empty_fragments_in_a_row_are_1008() {
    for role in BOTH {
        for first in [0x01, 0x02] {
            let start = [frame(role, first, b""), frame(role, 0x00, b"").repeat(31)].concat();
            let error = ProtocolError::TooManyEmptyFragments { limit: 32 };
            refused_after(role, &start, &header(role, 0x00, 0), error);
        }
    }
}

#[test]
fn empty_fragments_between_others_pass() {
    for role in BOTH {
        let mut end = End::new(role, &Config::default());
        end.receive_frame(0x02, b"");
        for _ in 0..10 {
            end.receive(&frame(role, 0x00, b"").repeat(31));
            end.receive_frame(0x00, b"x");
        }
        end.receive_frame(0x80, b"");
        assert_eq!(end.events(), [binary(&[b'x'; 10])]);
    }
}

#[test]
fn whole_messages_are_not_counted_as_fragments() {
    for role in BOTH {
        let limits = Limits::default().max_fragments(0).max_empty_fragments(0);
        let mut end = End::new(role, &Config::default().limits(limits));
        end.receive(&frame(role, 0x82, b"").repeat(100));
        assert_eq!(end.events().len(), 100);
        // Nor are those that are too long to wait for in the receive buffer.
        end.receive_frame(0x82, &[7; 100_000]);
        assert_eq!(end.events(), [binary(&[7; 100_000])]);
    }
}

#[test]
fn a_message_limit_is_per_message() {
    for role in BOTH {
        let mut end = End::new(role, &Config::default().limits(small()));
        for _ in 0..10 {
            end.receive_frame(0x02, &[1; 500]);
            end.receive_frame(0x80, &[1; 500]);
            assert_eq!(end.events(), [binary(&[1; 1000])]);
        }
    }
}
