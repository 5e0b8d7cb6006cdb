//! permessage-deflate on the wire: the examples of RFC 7692 and what an endpoint may send and must
//! accept (§6, §7.2).
#![cfg(feature = "deflate")]

use crate::support::squeeze::{Peer, Reader, end, noise, prose};
use crate::support::{BOTH, Frame};
use ws_core::Role;
use ws_core::close::CloseCode;
use ws_core::connection::{Config, OwnedEvent};
use ws_core::deflate::{Compress, Deflate, Takeover};
use ws_core::error::SendError;
use ws_core::message::Kind;

const PLAIN: Deflate = Deflate::max_ratio();

fn text(text: &str) -> OwnedEvent {
    OwnedEvent::Text(text.into())
}

fn binary(data: &[u8]) -> OwnedEvent {
    OwnedEvent::Binary(data.to_vec().into())
}

#[test]
fn the_examples_of_rfc_7692_7_2_3_are_received() {
    let hello: &[(&str, &[&[u8]])] = &[
        ("one block", &[b"\xf2\x48\xcd\xc9\xc9\x07\x00"]),
        (
            "no compression",
            &[b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"],
        ),
        ("a last block", &[b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"]),
        (
            "two blocks",
            &[b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"],
        ),
        ("two fragments", &[b"\xf2\x48\xcd", b"\xc9\xc9\x07\x00"]),
        (
            "two messages that share a window",
            &[b"\xf2\x48\xcd\xc9\xc9\x07\x00", b"\xf2\x00\x11\x00\x00"],
        ),
    ];
    for role in BOTH {
        for (name, payloads) in hello {
            let mut end = end(role, &PLAIN, &Config::default());
            let mut expected = vec![text("Hello")];
            match payloads {
                [one] => end.receive_frame(0xc1, one),
                [one, two] if name.contains("messages") => {
                    end.receive_frame(0xc1, one);
                    end.receive_frame(0xc1, two);
                    expected.push(text("Hello"));
                }
                [first, last] => {
                    end.receive_frame(0x41, first);
                    end.receive_frame(0x80, last);
                }
                _ => unreachable!(),
            }
            assert_eq!(end.events(), expected, "{role:?}: {name}");
        }
    }
}

#[test]
fn the_first_example_is_what_is_sent() {
    for role in BOTH {
        let mut end = end(role, &PLAIN, &Config::default());
        let sender = end.connection.sender();
        let hello = "Hello Hello Hello Hello Hello Hello Hello Hello Hello Hello Hello";
        sender.text(hello).unwrap();
        let [frame] = &end.write()[..] else {
            panic!("one frame");
        };
        assert_eq!(frame.first, 0xc1);
        assert_eq!(&frame.payload[..2], b"\xf2\x48", "a fixed block with an H");
        assert!(!frame.payload.ends_with(&[0, 0, 0xff, 0xff]));
        assert_eq!(Reader::new().unpack(&frame.payload), hello.as_bytes());
    }
}

#[test]
fn short_messages_and_those_that_would_grow_are_sent_as_they_are() {
    for role in BOTH {
        let mut end = end(role, &PLAIN, &Config::default());
        let (short, long) = (vec![b'x'; 63], vec![b'x'; 64]);
        let noise = noise(5000);
        for (payload, first) in [
            (&b""[..], 0x82),
            (&short, 0x82),
            (&noise, 0x82),
            (&long, 0xc2),
        ] {
            end.connection.sender().binary(payload).unwrap();
            let [
                Frame {
                    first: is,
                    payload: sent,
                },
            ] = &end.write()[..]
            else {
                panic!("one frame");
            };
            assert_eq!(*is, first);
            assert!(*is == 0xc2 && sent.len() < payload.len() || sent == payload);
        }
    }
}

#[test]
fn messages_sent_as_they_are_do_not_disturb_those_that_share_a_window() {
    for role in BOTH {
        let mut end = end(role, &PLAIN, &Config::default());
        let mut reader = Reader::new();
        let prose = prose(3000);
        let mut lengths = Vec::new();
        for _ in 0..3 {
            for payload in [&prose, &noise(3000), &b"short".to_vec()] {
                end.connection.sender().binary(payload).unwrap();
                let [
                    Frame {
                        first,
                        payload: sent,
                    },
                ] = &end.write()[..]
                else {
                    panic!("one frame");
                };
                if *first == 0xc2 {
                    assert_eq!(reader.unpack(sent), *payload);
                    lengths.push(sent.len());
                } else {
                    assert_eq!(sent, payload);
                }
            }
        }
        let [first, rest @ ..] = &lengths[..] else {
            panic!("three")
        };
        assert_eq!(rest.len(), 2);
        assert!(rest.iter().all(|len| *len < first / 10), "{lengths:?}");
    }
}

#[test]
fn without_takeover_each_message_stands_alone() {
    for role in BOTH {
        let deflate = PLAIN.takeover(Takeover::Reset);
        let mut end = end(role, &deflate, &Config::default());
        let prose = prose(1000);
        let mut sent = Vec::new();
        for _ in 0..2 {
            end.connection.sender().binary(&prose).unwrap();
            sent.extend(end.write());
        }
        assert_eq!(sent[0], sent[1]);
        assert_eq!(Reader::new().unpack(&sent[1].payload), prose);
    }
}

#[test]
fn no_window_larger_than_agreed_is_used_to_compress() {
    // Two equal halves of noise, farther apart than the window: nothing to find.
    for (bits, found) in [(9, false), (12, false), (13, true)] {
        let half = noise(5000);
        let deflate = PLAIN.window_bits(bits);
        let mut end = end(Role::Client, &deflate, &Config::default());
        let twice = [&half[..], &half].concat();
        end.connection.sender().binary(&twice).unwrap();
        assert_eq!(end.write()[0].first == 0xc2, found, "{bits}");
        let mut first = [&b"a".repeat(100)[..], &half].concat();
        end.connection.sender().binary(&first).unwrap();
        end.connection.sender().binary(&half).unwrap();
        first.clear();
        let frames = end.write();
        assert_eq!(frames[1].first == 0xc2, found, "{bits}, across messages");
    }
}

#[test]
fn a_message_may_be_kept_from_compression_or_forced_into_it() {
    for role in BOTH {
        let mut end = end(role, &PLAIN, &Config::default());
        let sender = end.connection.sender();
        let prose = prose(1000);
        sender.send_with(&prose, Compress::Never).unwrap();
        sender.send_with(&prose, Compress::Auto).unwrap();
        sender
            .send_with("aaaaaaaaaaaaaaaaaa", Compress::Always)
            .unwrap();
        sender.send_with("a", Compress::Always).unwrap();
        let firsts: Vec<u8> = end.write().iter().map(|frame| frame.first).collect();
        assert_eq!(firsts, [0x82, 0xc2, 0xc1, 0x81]);
    }
}

#[test]
fn rsv1_is_on_the_first_fragment_only_and_control_frames_are_never_compressed() {
    for role in BOTH {
        let size = core::num::NonZeroUsize::new(50);
        let config = Config::default().fragment_size(size);
        let mut end = end(role, &PLAIN, &config);
        end.connection.sender().binary(&prose(2000)).unwrap();
        end.connection.sender().ping(&[b'x'; 125]).unwrap();
        end.receive_frame(0x89, &[b'y'; 125]);
        end.events();
        let frames = end.write();
        let data: Vec<u8> = frames
            .iter()
            .map(|frame| frame.first)
            .filter(|first| first & 8 == 0)
            .collect();
        assert!(data.len() > 2);
        assert_eq!(data[0], 0x42);
        assert_eq!(data[data.len() - 1], 0x80);
        assert!(data[1..data.len() - 1].iter().all(|first| *first == 0));
        assert!(frames.contains(&Frame::new(0x89, &[b'x'; 125])));
        assert!(frames.contains(&Frame::new(0x8a, &[b'y'; 125])));
        let whole: Vec<u8> = frames
            .iter()
            .filter(|frame| frame.first & 8 == 0)
            .flat_map(|frame| frame.payload.clone())
            .collect();
        assert_eq!(Reader::new().unpack(&whole), prose(2000));
    }
}

#[test]
fn large_compressed_payloads_of_a_server_are_queued_without_a_copy() {
    let config = Config::default().share_min(1000);
    let mut end = end(Role::Server, &PLAIN, &config);
    let prose = prose(100_000);
    end.connection.sender().binary(&prose).unwrap();
    end.connection.sender().binary(&prose).unwrap();
    let mut reader = Reader::new();
    for frame in end.write() {
        assert_eq!(frame.first, 0xc2);
        assert_eq!(reader.unpack(&frame.payload), prose);
    }
}

#[test]
fn plain_and_compressed_messages_come_in_any_order() {
    for role in BOTH {
        let mut end = end(role, &PLAIN, &Config::default());
        let mut peer = Peer::new(15);
        let prose = prose(500);
        let mut expected = Vec::new();
        for _ in 0..3 {
            end.receive_frame(0xc2, &peer.pack(&prose));
            end.receive_frame(0x82, &prose);
            end.receive_frame(0x81, b"");
            end.receive_frame(0xc1, b"\x02\x00");
            end.receive_frame(0xc1, b"");
            end.receive_frame(0xc1, &[0]);
            expected.extend([binary(&prose), binary(&prose)]);
            expected.extend((0..4).map(|_| text("")));
        }
        assert_eq!(end.events(), expected, "{role:?}");
    }
}

#[test]
fn a_last_block_ends_no_window() {
    for role in BOTH {
        for takeover in [Takeover::Keep, Takeover::Reset] {
            let deflate = PLAIN.takeover(takeover).peer_takeover(takeover);
            let mut end = end(role, &deflate, &Config::default());
            // "Hello" in a last block; then a block that refers to it; a last block once more.
            let one = b"\xf3\x48\xcd\xc9\xc9\x07\x00";
            let again = b"\xf3\x00\x11\x00";
            end.receive_frame(0xc1, &[&one[..], again, again, &[0]].concat());
            assert_eq!(
                end.events(),
                [text("HelloHelloHello")],
                "{role:?} {takeover:?}"
            );
            // Some leave off the byte after the last block.
            end.receive_frame(0xc1, one);
            end.receive_frame(0xc2, &Peer::pack_final(&prose(1000)));
            end.receive_frame(0xc2, &Peer::new(15).pack(&prose(1000)));
            let expected = [text("Hello"), binary(&prose(1000)), binary(&prose(1000))];
            assert_eq!(end.events(), expected);
        }
    }
}

#[test]
fn an_empty_last_fragment_may_carry_one_octet_or_none() {
    for role in BOTH {
        let mut end = end(role, &PLAIN, &Config::default());
        let mut peer = Peer::new(15);
        for last in [&b"\x00"[..], b""] {
            end.receive_frame(0x41, &peer.pack(b"Hello"));
            // §7.2.3.6: what was left off must then be there.
            let tail = if last.is_empty() {
                &b""[..]
            } else {
                &[0, 0, 0xff, 0xff]
            };
            end.receive_frame(0x00, tail);
            end.receive_frame(0x80, last);
            assert_eq!(end.events(), [text("Hello")]);
        }
    }
}

#[test]
fn control_frames_come_between_the_fragments_of_a_compressed_message() {
    for role in BOTH {
        let mut end = end(role, &PLAIN, &Config::default());
        let packed = Peer::new(15).pack(&prose(3000));
        let mut expected = Vec::new();
        for (i, piece) in packed.chunks(10).enumerate() {
            end.receive_frame(if i == 0 { 0x42 } else { 0 }, piece);
            end.receive_frame(0x89, b"?");
            expected.push(OwnedEvent::Ping("?".into()));
        }
        end.receive_frame(0x80, b"");
        expected.push(binary(&prose(3000)));
        assert_eq!(end.events(), expected);
    }
}

#[test]
fn a_message_sent_in_pieces_is_compressed_piece_by_piece() {
    for role in BOTH {
        for takeover in [Takeover::Keep, Takeover::Reset] {
            let mut end = end(role, &PLAIN.takeover(takeover), &Config::default());
            let (mut reader, prose) = (Reader::new(), prose(3000));
            for turn in 0..2 {
                let sender = end.connection.sender();
                sender.fragment(Kind::Binary, &prose[..1000]).unwrap();
                sender.ping(b"between").unwrap();
                sender.continuation(&prose[1000..2000]).unwrap();
                sender.finish(&prose[2000..]).unwrap();
                let frames = end.write();
                let (ping, pieces): (Vec<_>, Vec<_>) =
                    frames.into_iter().partition(|frame| frame.first == 0x89);
                assert_eq!(ping.len(), 1);
                let firsts: Vec<u8> = pieces.iter().map(|piece| piece.first).collect();
                assert_eq!(firsts, [0x42, 0x00, 0x80], "RSV1 on the first alone");
                // Each of them ends where the peer can make it whole, the last without its tail.
                let ends = |piece: &Frame| piece.payload.ends_with(&[0, 0, 0xff, 0xff]);
                assert_eq!(
                    pieces.iter().map(ends).collect::<Vec<_>>(),
                    [true, true, false]
                );
                let all: Vec<u8> = pieces.into_iter().flat_map(|piece| piece.payload).collect();
                assert!(all.len() < 1200, "{}", all.len());
                assert!(turn == 0 || takeover == Takeover::Reset || all.len() < 100);
                assert_eq!(reader.unpack(&all), prose);
            }
        }
    }
}

#[test]
fn an_empty_last_piece_is_one_octet() {
    for role in BOTH {
        let mut end = end(role, &PLAIN, &Config::default());
        for piece in [&b"Hello"[..], b""] {
            let sender = end.connection.sender();
            sender.fragment(Kind::Text, piece).unwrap();
            sender.finish(b"").unwrap();
            let frames = end.write();
            assert_eq!(frames[1], Frame::new(0x80, &[0]), "RFC 7692 §7.2.3.6");
            let all = [&frames[0].payload[..], &[0]].concat();
            assert_eq!(Reader::new().unpack(&all), piece);
        }
    }
}

#[test]
fn a_message_sent_in_pieces_may_be_kept_from_compression() {
    for role in BOTH {
        let mut end = end(role, &PLAIN, &Config::default());
        let sender = end.connection.sender();
        let never = Compress::Never;
        sender.fragment_with(Kind::Text, b"aaaa", never).unwrap();
        sender.finish(b"aaaa").unwrap();
        let [one, two] = [(0x01, b"aaaa"), (0x80, b"aaaa")].map(|(f, p)| Frame::new(f, p));
        assert_eq!(end.write(), [one, two]);
    }
}

#[test]
fn a_message_cut_off_by_a_close_leaves_nothing_behind() {
    let mut end = end(Role::Server, &PLAIN, &Config::default());
    let sender = end.connection.sender();
    sender.fragment(Kind::Binary, &prose(1000)).unwrap();
    sender.close(CloseCode::NORMAL, "").unwrap();
    assert_eq!(sender.finish(b""), Err(SendError::Closed));
    // The compressor is as good as new for whoever gets it next.
    let mut next = another();
    next.connection.sender().binary(&prose(1000)).unwrap();
    let frames = next.write();
    assert_eq!(Reader::new().unpack(&frames[0].payload), prose(1000));
}

fn another() -> crate::support::End {
    end(Role::Client, &PLAIN, &Config::default())
}
