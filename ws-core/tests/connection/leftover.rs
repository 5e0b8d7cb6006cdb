//! What is left in the receive buffer when a connection is given up for another protocol: the bytes
//! that no event has consumed, and only those.

use crate::support::refusal::text;
use crate::support::{BOTH, End, frame};
use ws_core::Role;
use ws_core::connection::{Config, Connection};
use ws_core::handshake::{Agreed, Opened};
use ws_core::message::Delivery;
use ws_core::{Instant, Seed};

#[test]
fn a_message_that_was_handed_out_is_not_left_over() {
    for role in BOTH {
        let next = frame(role, 0x81, b"next");
        for owned in [false, true] {
            let mut end = End::new(role, &Config::default());
            end.receive(&frame(role, 0x81, b"last"));
            end.receive(&next);
            if owned {
                assert_eq!(end.connection.poll_owned(end.now), Some(text("last")));
            } else {
                assert!(end.connection.poll(end.now).is_some());
            }
            assert_eq!(end.connection.into_leftover(), next);
        }
    }
}

#[test]
fn nothing_is_left_over_of_what_was_never_received_or_all_handed_out() {
    for role in BOTH {
        let end = End::new(role, &Config::default());
        assert!(end.connection.into_leftover().is_empty());
        let mut end = End::new(role, &Config::default());
        end.receive_frame(0x82, &[7; 20_000]);
        end.receive_frame(0x02, &[7; 20_000]);
        end.receive_frame(0x80, &[7; 70_000]);
        assert_eq!(end.events().len(), 2);
        assert!(end.connection.into_leftover().is_empty());
    }
}

#[test]
fn bytes_behind_the_handshake_belong_to_the_first_frames() {
    for role in BOTH {
        let wire = [frame(role, 0x81, b"one"), frame(role, 0x81, b"two")].concat();
        for cut in 0..=wire.len() {
            let (early, late) = wire.split_at(cut);
            let opened = Opened::upgraded(role, Agreed::default(), early, Seed::new([7; 32]));
            assert_eq!((opened.role(), opened.leftover()), (role, early));
            let connection = Connection::new(opened, &Config::default(), Instant::ORIGIN);
            let mut end = End {
                role,
                connection,
                now: Instant::ORIGIN,
            };
            let mut events = end.events();
            end.receive(late);
            events.extend(end.events());
            assert_eq!(events, [text("one"), text("two")]);
        }
    }
    assert_eq!(Role::Client.peer(), Role::Server);
}

/// The first frame, cut or whole, in every way of being under way or found and not taken.
#[test]
fn what_no_event_has_consumed_is_left_over_as_it_was_received() {
    for role in BOTH {
        for payload in [&b""[..], b"x", b"hello", &[b'x'; 126], &[b'x'; 65_536]] {
            for opcode in [0x81, 0x82, 0x89] {
                if opcode == 0x89 && payload.len() > 125 {
                    continue;
                }
                let wire = [frame(role, opcode, payload), frame(role, 0x81, b"next")].concat();
                let cuts =
                    (0..wire.len().min(20)).chain([wire.len().saturating_sub(11), wire.len() - 1]);
                for cut in cuts.chain([wire.len()]) {
                    for twice in [false, true] {
                        let mut end = End::new(role, &Config::default());
                        if twice {
                            end.receive(&wire[..cut / 2]);
                            end.connection.ready(end.now);
                        }
                        end.receive(&wire[if twice { cut / 2 } else { 0 }..cut]);
                        end.connection.ready(end.now);
                        let left = end.connection.into_leftover();
                        assert!(left == wire[..cut], "{role:?} {opcode:#x} cut at {cut}");
                    }
                }
            }
        }
    }
}

fn cut(wire: &[u8], by: usize) -> Vec<u8> {
    wire[..wire.len() - by].to_vec()
}

#[test]
fn a_piece_that_was_not_taken_is_not_taken_for_a_message() {
    let config = Config::default().delivery(Delivery::Chunks);
    for role in BOTH {
        for pieces in [&[0x82][..], &[0x02, 0x80]] {
            let mut end = End::new(role, &config);
            end.receive(&frame(role, 0x89, b"p"));
            assert_eq!(end.events().len(), 1);
            for &opcode in pieces {
                assert!(end.connection.poll(end.now).is_none());
                end.receive(&frame(role, opcode, b"hello"));
                assert!(end.connection.ready(end.now));
                if opcode == 0x02 {
                    assert!(end.connection.poll(end.now).is_some());
                }
            }
            end.receive(b"rest");
            assert!(end.connection.into_leftover().is_empty());
        }
    }
}

#[test]
fn nothing_is_left_over_of_a_message_whose_beginning_is_gone() {
    for role in BOTH {
        let (long, next) = (frame(role, 0x82, &[7; 70_000]), frame(role, 0x81, b"next"));
        for wire in [
            &frame(role, 0x01, b"one ")[..],
            &[
                &frame(role, 0x02, b"one ")[..],
                &frame(role, 0x80, &[7; 70_000]),
            ]
            .concat(),
            &[
                &frame(role, 0x02, b"one ")[..],
                &frame(role, 0x80, &[7; 70_000])[..50_000],
            ]
            .concat(),
            &[frame(role, 0x01, b"one "), frame(role, 0x80, b"two")].concat(),
            &[frame(role, 0x01, b"one "), frame(role, 0x89, b"!")].concat(),
            // A ping that has half arrived is no beginning of the message.
            &cut(
                &[frame(role, 0x01, b"one "), frame(role, 0x89, b"ping")].concat(),
                1,
            ),
            &cut(
                &[frame(role, 0x01, b"one "), frame(role, 0x89, b"ping")].concat(),
                4,
            ),
        ] {
            let mut end = End::new(role, &Config::default());
            end.receive(wire);
            end.connection.ready(end.now);
            end.receive(&next);
            assert!(end.connection.into_leftover().is_empty());
        }
        // In one frame, it is not gone.
        for wire in [&long[..40_000], &long[..50_000], &long] {
            for opcode in [0x81, 0x82] {
                let mut wire = wire.to_vec();
                wire[0] = opcode;
                let mut end = End::new(role, &Config::default());
                for part in wire.chunks(30_000) {
                    end.receive(part);
                    end.connection.ready(end.now);
                }
                end.receive(b"more of it");
                wire.extend_from_slice(b"more of it");
                assert!(end.connection.into_leftover() == wire, "{opcode:#x}");
            }
        }
        // Handed out, it is no longer in the way.
        let mut end = End::new(role, &Config::default());
        end.receive(&long);
        assert!(end.connection.poll(end.now).is_some());
        end.receive(&next);
        assert_eq!(end.connection.into_leftover(), next);
    }
}

#[test]
fn what_follows_a_close_frame_or_a_fault_is_not_left_over() {
    for role in BOTH {
        for last in [frame(role, 0x88, &[3, 232]), frame(role, 0x83, b"")] {
            let mut end = End::new(role, &Config::default());
            end.receive(&[&last[..], b"another protocol"].concat());
            end.connection.ready(end.now);
            assert!(end.connection.into_leftover().is_empty());
        }
    }
}
