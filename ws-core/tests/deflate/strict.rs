//! What a peer that compresses may not do, and what it costs (RFC 7692 §6, §7.2.2).
#![cfg(feature = "deflate")]

use crate::support::squeeze::{Peer, end, noise, prose};
use crate::support::{BOTH, End, Frame};
use ws_core::Role;
use ws_core::buf::RecvBuf;
use ws_core::connection::{Config, OwnedEvent};
use ws_core::deflate::{Deflate, Takeover};
use ws_core::error::ProtocolError;
use ws_core::message::{Delivery, Limits};

const PLAIN: Deflate = Deflate::max_ratio();

/// The end refuses with this error, says so on the wire, and takes nothing more.
fn refused(end: &mut End, error: &ProtocolError) {
    let events = end.events();
    let told = OwnedEvent::ProtocolError(error.clone());
    assert_eq!(events.last(), Some(&told), "{:?}", end.role);
    let close = Frame::close(error.close_code().into(), &error.to_string());
    assert_eq!(end.write().last(), Some(&close));
    end.receive_frame(0x81, b"late");
    assert_eq!(end.connection.poll_owned(end.now), None);
}

fn ends() -> impl Iterator<Item = End> {
    BOTH.into_iter()
        .map(|role| end(role, &PLAIN, &Config::default()))
}

#[test]
fn rsv1_on_a_continuation_is_1002() {
    for mut end in ends() {
        end.receive_frame(0x41, b"\xf2\x48\xcd");
        end.receive_frame(0xc0, b"\xc9\xc9\x07\x00");
        refused(&mut end, &ProtocolError::ReservedBits);
    }
}

#[test]
fn rsv1_on_a_control_frame_is_1002() {
    for first in [0xc8, 0xc9, 0xca] {
        for mut end in ends() {
            end.receive_frame(first, b"");
            refused(&mut end, &ProtocolError::ReservedBits);
        }
    }
}

#[test]
fn rsv1_where_nothing_was_agreed_is_1002() {
    for role in BOTH {
        let mut end = End::new(role, &Config::default());
        end.receive_frame(0xc1, b"\xf2\x48\xcd\xc9\xc9\x07\x00");
        refused(&mut end, &ProtocolError::ReservedBits);
    }
}

#[test]
fn rsv2_and_rsv3_stay_reserved() {
    for first in [0xa1, 0x91, 0xe1, 0xd1] {
        for mut end in ends() {
            end.receive_frame(first, b"");
            refused(&mut end, &ProtocolError::ReservedBits);
        }
    }
}

#[test]
fn garbage_is_1007() {
    for garbage in [
        &b"\xff"[..],
        b"\x06",                         // a block of the reserved type
        b"\x00\x05\x00\xfa\xfe\x48",     // a stored block that contradicts its length
        b"\xf2\x48\xcd\xc9\xc9\x07\x04", // what follows the block is not the end of one
        b"\x00\x00\xff\xff",
    ] {
        for mut end in ends() {
            end.receive_frame(0xc2, garbage);
            refused(&mut end, &ProtocolError::BadDeflate);
        }
    }
}

#[test]
fn a_message_that_is_cut_off_anywhere_is_1007() {
    let payloads = [
        b"\xf2\x48\xcd\xc9\xc9\x07\x00".to_vec(),
        b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00".to_vec(),
        b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00".to_vec(),
        Peer::new(15).pack(&prose(300)),
        Peer::new(15).pack(&noise(300)),
    ];
    for payload in payloads {
        for cut in 1..payload.len() {
            let cut = &payload[..cut];
            if cut == b"\xf3\x48\xcd\xc9\xc9\x07\x00" || cut.len() == 1 && cut[0] == 0 {
                continue; // whole, though not as the RFC writes it
            }
            for mut end in ends() {
                end.receive_frame(0xc2, cut);
                refused(&mut end, &ProtocolError::BadDeflate);
            }
        }
    }
}

#[test]
fn a_reference_to_what_was_never_sent_is_1007() {
    for mut end in ends() {
        // Five bytes from five bytes back, as the first message.
        end.receive_frame(0xc1, b"\xf2\x00\x11\x00\x00");
        refused(&mut end, &ProtocolError::BadDeflate);
    }
}

#[test]
fn a_reference_to_an_earlier_message_is_1007_without_takeover() {
    let deflate = PLAIN
        .peer_takeover(Takeover::Reset)
        .takeover(Takeover::Reset);
    for role in BOTH {
        let mut end = end(role, &deflate, &Config::default());
        end.receive_frame(0xc1, b"\xf2\x48\xcd\xc9\xc9\x07\x00");
        end.receive_frame(0xc1, b"\xf2\x00\x11\x00\x00");
        refused(&mut end, &ProtocolError::BadDeflate);
    }
}

#[test]
fn a_reference_beyond_the_agreed_window_to_an_earlier_message_is_1007() {
    let noise = noise(1000);
    for (bits, fits) in [(9, false), (10, true)] {
        let deflate = PLAIN.peer_window_bits(bits).window_bits(bits);
        for role in BOTH {
            let mut end = end(role, &deflate, &Config::default());
            let mut peer = Peer::new(15);
            end.receive_frame(0xc2, &peer.pack(&noise));
            end.receive_frame(0xc2, &peer.pack(&noise[..500]));
            if fits {
                assert_eq!(end.events().len(), 2);
            } else {
                refused(&mut end, &ProtocolError::BadDeflate);
            }
        }
    }
}

#[test]
fn inflated_text_that_is_not_utf_8_is_1007_as_soon_as_it_shows() {
    for mut end in ends() {
        let text = [&b"a".repeat(1000)[..], b"\xff", &b"b".repeat(1000)].concat();
        end.receive_frame(0x41, &Peer::new(15).pack(&text));
        refused(&mut end, &ProtocolError::InvalidUtf8);
    }
    for mut end in ends() {
        end.receive_frame(
            0xc1,
            &Peer::new(15).pack(&"ä".repeat(100).as_bytes()[..199]),
        );
        refused(&mut end, &ProtocolError::InvalidUtf8);
    }
    for mut end in ends() {
        let text = "κόσμε".repeat(1000);
        let packed = Peer::new(15).pack(text.as_bytes());
        let (one, two) = packed.split_at(7);
        end.receive_frame(0x41, one);
        end.receive_frame(0x80, two);
        assert_eq!(end.events(), [OwnedEvent::Text(text.into())]);
    }
}

#[test]
fn a_bomb_is_1009_at_the_limit_whole_or_in_fragments() {
    let limit = 100_000;
    let config = Config::default().limits(Limits::default().max_message(limit));
    let too_large = ProtocolError::MessageTooLarge {
        limit: limit as u64,
    };
    for role in BOTH {
        for (len, passes) in [(limit, true), (limit + 1, false), (10 * limit, false)] {
            let packed = Peer::new(15).pack(&vec![0; len]);
            assert!(packed.len() < limit / 50);
            for size in [packed.len(), 100, 7] {
                let mut end = end(role, &PLAIN, &config);
                for (i, piece) in packed.chunks(size).enumerate() {
                    end.receive_frame(if i == 0 { 0x42 } else { 0 }, piece);
                }
                end.receive_frame(0x80, b"");
                if passes {
                    assert_eq!(end.events(), [OwnedEvent::Binary(vec![0; len].into())]);
                } else {
                    refused(&mut end, &too_large);
                }
            }
        }
    }
}

#[test]
fn a_compressed_message_may_be_longer_than_the_message_and_not_without_end() {
    let limit = 1000;
    let config = Config::default().limits(Limits::default().max_message(limit));
    let noise = noise(limit);
    for role in BOTH {
        let mut end = end(role, &PLAIN, &config);
        let packed = Peer::new(15).pack(&noise);
        assert!(packed.len() > limit);
        end.receive_frame(0xc2, &packed);
        assert_eq!(end.events(), [OwnedEvent::Binary(noise.clone().into())]);
        // Empty blocks for ever.
        let empty = [0, 0, 0, 0xff, 0xff].repeat(20);
        end.receive_frame(0x42, b"");
        for _ in 0..31 {
            end.receive_frame(0, &empty);
        }
        refused(
            &mut end,
            &ProtocolError::MessageTooLarge {
                limit: limit as u64,
            },
        );
    }
}

#[test]
fn last_blocks_without_end_are_1007() {
    for role in [Role::Client, Role::Server] {
        let mut end = end(role, &PLAIN, &Config::default());
        end.receive_frame(0xc2, &b"\x03\x00".repeat(1024));
        assert_eq!(end.events(), [OwnedEvent::Binary(Default::default())]);
        end.receive_frame(0xc2, &b"\x03\x00".repeat(1025));
        refused(&mut end, &ProtocolError::BadDeflate);
    }
}

#[test]
fn a_message_given_up_half_way_leaves_nothing_behind() {
    for mut end in ends() {
        end.receive_frame(0x42, &Peer::new(15).pack(&prose(1000)));
        end.receive_frame(0x88, b"");
        let events = end.events();
        assert!(
            events
                .iter()
                .all(|event| !matches!(event, OwnedEvent::Binary(_))),
            "{events:?}"
        );
    }
    // What was under way there is not seen by the next connection of this thread.
    for mut end in ends() {
        end.receive_frame(0xc2, &Peer::new(15).pack(&prose(1000)));
        assert_eq!(end.events(), [OwnedEvent::Binary(prose(1000).into())]);
    }
}

#[test]
fn a_buffer_exchanged_in_the_middle_of_a_compressed_message_is_no_panic() {
    let chunks = Config::default().delivery(Delivery::Chunks);
    for role in BOTH {
        let mut end = end(role, &PLAIN, &chunks);
        // Half of its bits are noise: what is made of it at once leaves some of it unread.
        let data: Vec<u8> = noise(300_000).iter().map(|byte| byte & 0x0f).collect();
        end.receive_frame(0xc2, &Peer::new(15).pack(&data));
        for _ in 0..3 {
            let event = end.connection.poll_owned(end.now);
            assert!(matches!(event, Some(OwnedEvent::Chunk(_))), "{event:?}");
        }
        *end.connection.io().0 = RecvBuf::new();
        // A message without its middle, or a fault, but no more than that.
        let rest = std::iter::from_fn(|| end.connection.poll_owned(end.now));
        assert!(rest.take(10).count() < 10);
    }
}
