//! Strictness, control frames and close: which Close frames are accepted, which are refused and
//! with what, which may not be sent, and that nothing behind a Close is looked at.

use crate::support::refusal::{Refusal, small, text};
use crate::support::{BOTH, End, Frame, close, frame};
use ws_core::Role;
use ws_core::close::CloseCode;
use ws_core::connection::{By, Cause, Closed, Config, OwnedEvent};
use ws_core::error::{ProtocolError, SendError};

/// A refusal that needs the whole frame: nothing shows before its last byte.
fn refused(role: Role, payload: &[u8], error: ProtocolError) {
    let bad = &frame(role, 0x88, payload)[..];
    Refusal {
        role,
        limits: small(),
        prelude: &[],
        bad,
        rest: &[],
        error,
    }
    .check();
}

#[test]
fn s5h_a_close_payload_of_one_byte_is_1002() {
    for role in BOTH {
        refused(role, &[0x03], ProtocolError::ClosePayloadTooShort);
    }
}

#[test]
fn s5h_a_close_code_that_may_not_travel_is_1002() {
    let reserved = [
        0u16, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
    ];
    for role in BOTH {
        for code in reserved {
            refused(
                role,
                &code.to_be_bytes(),
                ProtocolError::BadCloseCode { code },
            );
            let with_reason = Frame::close(code, "why").payload;
            refused(role, &with_reason, ProtocolError::BadCloseCode { code });
        }
    }
}

#[test]
fn s5h_a_close_reason_that_is_not_utf_8_is_1007() {
    for role in BOTH {
        for reason in [&b"\xff"[..], b"ok \xed\xa0\x80", b"cut \xf0\x9f\x98"] {
            let payload = [b"\x03\xe8", reason].concat();
            refused(role, &payload, ProtocolError::CloseReasonNotUtf8);
        }
    }
}

#[test]
fn a_bad_close_inside_a_fragmented_message_is_refused_too() {
    for role in BOTH {
        let start = frame(role, 0x01, b"unfinished");
        let bad = &frame(role, 0x88, &[1])[..];
        let error = ProtocolError::ClosePayloadTooShort;
        Refusal {
            role,
            limits: small(),
            prelude: &start,
            bad,
            rest: &[],
            error,
        }
        .check();
    }
}

#[test]
fn every_code_that_may_travel_is_accepted_and_echoed() {
    let registered = (1000..=1003).chain(1007..=1014);
    for code in registered.chain([3000, 3999, 4000, 4999]) {
        for role in BOTH {
            for reason in ["", "κόσμε", &"x".repeat(123)] {
                let mut end = End::new(role, &Config::default());
                end.receive(&close(role, code, reason));
                assert_eq!(end.events(), []);
                assert_eq!(end.write(), [Frame::close(code, reason)]);
                let events = end.events();
                let [
                    OwnedEvent::Closed(Closed {
                        by,
                        code: seen,
                        reason: why,
                        cause,
                        ..
                    }),
                ] = &events[..]
                else {
                    panic!("{code}: {events:?}");
                };
                assert_eq!((*by, seen.get(), &why[..]), (By::Peer, code, reason));
                assert_eq!(cause, &Cause::Peer);
            }
        }
    }
}

#[test]
fn s5g_a_close_that_may_not_be_sent_is_refused_at_the_call_and_changes_nothing() {
    for role in BOTH {
        let mut end = End::new(role, &Config::default());
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
            let refused = end.connection.close(CloseCode::new(code), "why", end.now);
            assert_eq!(refused, Err(SendError::BadCloseCode { code }));
            let refused = end.connection.sender().close(CloseCode::new(code), "why");
            assert_eq!(refused, Err(SendError::BadCloseCode { code }));
        }
        let long = "x".repeat(124);
        let too_long = Err(SendError::ControlTooLong {
            len: 124,
            limit: 123,
        });
        assert_eq!(
            end.connection.close(CloseCode::NORMAL, &long, end.now),
            too_long
        );
        // 62 characters, 124 bytes.
        assert_eq!(
            end.connection
                .close(CloseCode::NORMAL, &"é".repeat(62), end.now),
            too_long
        );

        assert!(end.connection.sender().is_open());
        assert_eq!((end.deadline(), end.write()), (None, vec![]));
        end.text("still open").unwrap();
        end.connection
            .close(CloseCode::NORMAL, &long[..123], end.now)
            .unwrap();
        let expected = [
            Frame::new(0x81, b"still open"),
            Frame::close(1000, &long[..123]),
        ];
        assert_eq!(end.write(), expected);
    }
}

#[test]
fn nothing_behind_a_close_is_parsed_delivered_or_answered() {
    for role in BOTH {
        for behind in [
            frame(role, 0x81, b"data"),
            frame(role, 0x89, b"ping"),
            frame(role, 0x81, b"\xff"),
            vec![0xff; 40],
            close(role, 1000, "a second one"),
            frame(role, 0x88, &[1]),
        ] {
            let wire = [
                frame(role, 0x81, b"data"),
                close(role, 1001, "first"),
                behind,
            ]
            .concat();
            for step in [1, wire.len()] {
                let mut end = End::new(role, &Config::default());
                let mut events = Vec::new();
                for part in wire.chunks(step) {
                    end.receive(part);
                    events.extend(end.events());
                }
                assert_eq!(events, [text("data")]);
                assert_eq!(end.write(), [Frame::close(1001, "first")]);
                let events = end.events();
                let [OwnedEvent::Closed(closed)] = &events[..] else {
                    panic!("{events:?}");
                };
                assert_eq!((closed.by, closed.code.get()), (By::Peer, 1001));
                assert_eq!((end.events(), end.write()), (vec![], vec![]));
                assert!(end.connection.io().0.filled().is_empty(), "dropped");
            }
        }
    }
}

#[test]
fn a_close_between_the_fragments_of_a_message_drops_the_message() {
    for role in BOTH {
        let mut end = End::new(role, &Config::default());
        end.receive_frame(0x01, b"unfinished");
        end.receive(&close(role, 1000, ""));
        end.receive_frame(0x80, b"!");
        assert_eq!(end.events(), []);
        assert_eq!(end.write(), [Frame::close(1000, "")]);
        assert_eq!(end.events().len(), 1);
    }
}

#[test]
fn the_reason_of_every_fault_fits_into_its_close_frame() {
    // The longest are those with numbers in them.
    let (len, limit) = (u64::MAX, u64::MAX);
    for error in [
        ProtocolError::BadCloseCode { code: u16::MAX },
        ProtocolError::ControlRate { limit: u32::MAX },
        ProtocolError::FrameTooLarge { len, limit },
        ProtocolError::MaskUnexpected,
        ProtocolError::MessageTooLarge { limit },
        ProtocolError::ReservedBits,
        ProtocolError::TooManyEmptyFragments { limit: u32::MAX },
        ProtocolError::TooManyFragments { limit: u32::MAX },
    ] {
        assert!(error.to_string().len() <= 123, "{error}");
        assert!(error.close_code().is_sendable());
    }
}
