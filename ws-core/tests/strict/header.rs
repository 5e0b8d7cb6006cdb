//! Strictness, frames: whatever a header can do wrong is answered with 1002 at the first byte that
//! shows it, before any payload is waited for, by servers and clients alike.

use crate::support::refusal::{binary, refused, refused_after};
use crate::support::{BOTH, End, frame, header, raw};
use ws_core::Role;
use ws_core::connection::{Config, OwnedEvent};
use ws_core::error::ProtocolError;

#[test]
fn a_reserved_bit_without_an_extension_is_1002() {
    for role in BOTH {
        for bit in [0x40, 0x20, 0x10] {
            for first in [0x81, 0x82, 0x01, 0x02, 0x88, 0x89, 0x8a] {
                refused(role, &[first | bit], ProtocolError::ReservedBits);
            }
        }
    }
}

#[test]
fn a_reserved_bit_on_a_continuation_is_1002() {
    for role in BOTH {
        let start = frame(role, 0x01, b"start");
        for bit in [0x40, 0x20, 0x10] {
            refused_after(role, &start, &[0x80 | bit], ProtocolError::ReservedBits);
        }
    }
}

#[test]
fn a_reserved_opcode_is_1002() {
    for role in BOTH {
        for opcode in (0x3..=0x7).chain(0xb..=0xf) {
            let error = ProtocolError::ReservedOpcode { opcode };
            refused(role, &[0x80 | opcode], error.clone());
            refused(role, &[opcode], error);
        }
    }
}

#[test]
fn a_fragmented_control_frame_is_1002() {
    for role in BOTH {
        for first in [0x08, 0x09, 0x0a] {
            refused(role, &[first], ProtocolError::ControlFragmented);
        }
    }
}

#[test]
fn a_control_frame_of_126_bytes_or_more_is_1002() {
    for role in BOTH {
        let masked = if role == Role::Server { 0x80 } else { 0 };
        for first in [0x88, 0x89, 0x8a] {
            // 126 and 127 announce a longer length field: no control frame has one.
            for len in [126, 127] {
                refused(role, &[first, masked | len], ProtocolError::ControlTooLong);
            }
        }
    }
}

#[test]
fn a_server_refuses_an_unmasked_frame_with_1002() {
    for first in [0x81, 0x82, 0x01, 0x88, 0x89, 0x8a] {
        for len in [0, 5, 125] {
            refused(Role::Server, &[first, len], ProtocolError::MaskMissing);
        }
    }
    for len in [126, 127] {
        refused(Role::Server, &[0x82, len], ProtocolError::MaskMissing);
    }
    let start = frame(Role::Server, 0x01, b"start");
    refused_after(Role::Server, &start, &[0x80, 5], ProtocolError::MaskMissing);
}

#[test]
fn a_client_refuses_a_masked_frame_with_1002() {
    for first in [0x81, 0x82, 0x01, 0x88, 0x89, 0x8a] {
        for len in [0x80, 0x85, 0xfd] {
            refused(Role::Client, &[first, len], ProtocolError::MaskUnexpected);
        }
    }
    for len in [0xfe, 0xff] {
        refused(Role::Client, &[0x82, len], ProtocolError::MaskUnexpected);
    }
    let start = frame(Role::Client, 0x01, b"start");
    refused_after(
        Role::Client,
        &start,
        &[0x80, 0x85],
        ProtocolError::MaskUnexpected,
    );
}

#[test]
fn a_length_in_more_bytes_than_it_needs_is_1002() {
    let short = |len: u16| [&[126][..], &len.to_be_bytes()].concat();
    let long = |len: u64| [&[127][..], &len.to_be_bytes()].concat();
    for role in BOTH {
        for len in [
            short(0),
            short(125),
            long(0),
            long(125),
            long(126),
            long(0xffff),
        ] {
            // The masking key is not waited for.
            let mut bad = raw(role, 0x82, &len, &[]);
            bad.truncate(1 + len.len());
            refused(role, &bad, ProtocolError::LengthNotMinimal);
        }
    }
}

#[test]
fn a_64_bit_length_with_its_top_bit_set_is_1002() {
    for role in BOTH {
        for len in [1 << 63, u64::MAX] {
            let len = [&[127][..], &len.to_be_bytes()].concat();
            let mut bad = raw(role, 0x82, &len, &[]);
            bad.truncate(1 + len.len());
            refused(role, &bad, ProtocolError::LengthTopBit);
        }
    }
}

#[test]
fn a_continuation_without_a_start_is_1002() {
    for role in BOTH {
        for first in [0x00, 0x80] {
            refused(
                role,
                &header(role, first, 5),
                ProtocolError::ContinuationWithoutStart,
            );
        }
    }
}

#[test]
fn a_finished_message_can_not_be_continued() {
    for role in BOTH {
        let mut end = End::new(role, &Config::default());
        let whole = [frame(role, 0x02, b"a"), frame(role, 0x80, b"b")].concat();
        end.receive(&[whole, frame(role, 0x80, b"c")].concat());
        let error = ProtocolError::ContinuationWithoutStart;
        assert_eq!(
            end.events(),
            [binary(b"ab"), OwnedEvent::ProtocolError(error)]
        );
    }
}

#[test]
fn a_new_message_inside_a_fragmented_one_is_1002() {
    for role in BOTH {
        for start in [frame(role, 0x01, b"start"), frame(role, 0x02, b"")] {
            for first in [0x81, 0x82, 0x01, 0x02] {
                let bad = header(role, first, 5);
                refused_after(role, &start, &bad, ProtocolError::DataInsideFragmented);
            }
        }
    }
}
