//! Strictness, control frames: one pong per ping, at once and without the application, never behind
//! all of its data, bounded in memory when the peer does not read and in rate if asked for.

use core::num::NonZeroUsize;

use crate::support::refusal::{Refusal, small, text};
use crate::support::{BOTH, End, Frame, frame, frames};
use bytes::Buf;
use ws_core::Transport;
use ws_core::connection::{AutoPong, Config, Event, OwnedEvent};
use ws_core::error::{ProtocolError, SendError};
use ws_core::message::Kind;

fn ping(payload: &[u8]) -> OwnedEvent {
    OwnedEvent::Ping(payload.to_vec().into())
}

fn pong(payload: &[u8]) -> Frame {
    Frame::new(0x8a, payload)
}

#[test]
fn ten_pings_in_one_read_get_ten_pongs_without_the_application() {
    for role in BOTH {
        let mut end = End::new(role, &Config::default());
        let (mut pings, mut pongs) = (Vec::new(), Vec::new());
        for n in 0..10 {
            let payload = vec![n; usize::from(n)];
            end.receive_frame(0x89, &payload);
            pings.push(ping(&payload));
            pongs.push(pong(&payload));
        }
        assert_eq!(end.events(), pings);
        assert_eq!(end.write(), pongs);
    }
}

#[test]
fn a_pong_is_queued_before_its_ping_is_shown() {
    for role in BOTH {
        let mut end = End::new(role, &Config::default());
        end.receive_frame(0x89, b"hi");
        let (event, sender) = end.connection.poll(end.now).expect("the ping");
        assert_eq!(event, Event::Ping(b"hi"));
        sender.text("after").unwrap();
        assert_eq!(end.write(), [pong(b"hi"), Frame::new(0x81, b"after")]);
        // Looking ahead is enough to answer.
        end.receive_frame(0x89, b"again");
        assert!(end.connection.ready(end.now));
        assert_eq!(end.write(), [pong(b"again")]);
        assert_eq!(end.events(), [ping(b"again")]);
        assert_eq!(end.write(), [], "once");
    }
}

#[test]
fn pings_of_0_and_125_bytes_are_answered_in_full() {
    for role in BOTH {
        for len in [0, 1, 124, 125] {
            let mut end = End::new(role, &Config::default());
            end.receive_frame(0x89, &vec![0xfe; len]);
            assert_eq!(end.events(), [ping(&vec![0xfe; len])]);
            assert_eq!(end.write(), [pong(&vec![0xfe; len])]);
        }
    }
}

#[test]
fn a_ping_between_fragments_is_answered_at_once_and_does_not_disturb_the_message() {
    for role in BOTH {
        let mut end = End::new(role, &Config::default());
        end.receive_frame(0x01, b"frag");
        end.receive_frame(0x89, b"hi");
        assert_eq!(end.events(), [ping(b"hi")]);
        assert_eq!(end.write(), [pong(b"hi")]);
        end.receive_frame(0x80, b"ment");
        assert_eq!(end.events(), [text("fragment")]);
    }
}

#[test]
fn a_pong_goes_between_the_fragments_of_what_we_are_sending() {
    for role in BOTH {
        let size = NonZeroUsize::new(1000);
        let mut end = End::new(role, &Config::default().fragment_size(size));
        end.connection.sender().binary(&[7; 3000]).unwrap();
        let mut wire = Vec::new();
        let out = end.connection.io().1;
        wire.extend_from_slice(&out.chunk()[..10]);
        out.advance(10); // the first fragment is under way
        end.receive_frame(0x89, b"hi");
        assert_eq!(end.events(), [ping(b"hi")]);
        let out = end.connection.io().1;
        wire.extend(out.copy_to_bytes(out.remaining()));
        let seen: Vec<u8> = frames(role, &wire)
            .iter()
            .map(|frame| frame.first)
            .collect();
        assert_eq!(seen, [0x02, 0x8a, 0x00, 0x80]);
    }
}

#[test]
fn above_the_send_limit_only_the_latest_pong_is_kept_and_it_does_leave() {
    for role in BOTH {
        let mut end = End::new(role, &Config::default().send_limit(100));
        end.connection.sender().binary(&[7; 200]).unwrap();
        for n in 0..50u8 {
            end.receive_frame(0x89, &[n]);
            assert_eq!(end.events(), [ping(&[n])]);
        }
        assert_eq!(end.write(), [Frame::new(0x82, &[7; 200]), pong(&[49])]);
    }
}

#[test]
fn a_pong_that_was_held_back_leaves_before_a_close() {
    for role in BOTH {
        let mut end = End::new(role, &Config::default().send_limit(100));
        end.connection.sender().binary(&[7; 200]).unwrap();
        end.receive_frame(0x89, b"hi");
        end.events();
        end.connection.close(1000.into(), "", end.now).unwrap();
        let data = Frame::new(0x82, &[7; 200]);
        assert_eq!(end.write(), [data, pong(b"hi"), Frame::close(1000, "")]);
    }
}

#[test]
fn without_auto_pong_the_application_answers_as_it_likes_or_not_at_all() {
    for role in BOTH {
        let mut end = End::new(role, &Config::default().auto_pong(AutoPong::Off));
        end.receive_frame(0x89, b"one");
        end.receive_frame(0x89, b"two");
        let (event, sender) = end.connection.poll(end.now).expect("a ping");
        assert_eq!(event, Event::Ping(b"one"));
        sender.pong(b"my own").unwrap();
        assert_eq!(end.events(), [ping(b"two")]);
        assert_eq!(end.write(), [pong(b"my own")]);
    }
}

#[test]
fn a_control_payload_over_125_bytes_is_refused_at_the_call_and_changes_nothing() {
    for role in BOTH {
        let mut end = End::new(role, &Config::default());
        let too_long = Err(SendError::ControlTooLong {
            len: 126,
            limit: 125,
        });
        assert_eq!(end.connection.sender().ping(&[0; 126]), too_long);
        assert_eq!(end.connection.sender().pong(&[0; 126]), too_long);
        assert_eq!(end.transport(), Transport::Open);
        end.connection.sender().ping(&[0; 125]).unwrap();
        assert_eq!(end.write(), [Frame::new(0x89, &[0; 125])]);
    }
}

#[test]
fn pings_may_be_sent_in_the_middle_of_a_fragmented_message() {
    for role in BOTH {
        let mut end = End::new(role, &Config::default());
        let sender = end.connection.sender();
        sender.fragment(Kind::Text, b"a").unwrap();
        sender.ping(b"p").unwrap();
        sender.continuation(b"b").unwrap();
        sender.pong(b"q").unwrap();
        assert_eq!(sender.text("x"), Err(SendError::MidMessage));
        sender.finish(b"c").unwrap();
        let mut written = end.write();
        written.retain(|frame| frame.first & 0x08 == 0);
        let data = [(0x01, b"a"), (0x00, b"b"), (0x80, b"c")];
        assert_eq!(written, data.map(|(first, data)| Frame::new(first, data)));
    }
}

#[test]
fn control_frames_over_the_rate_limit_are_1008() {
    for role in BOTH {
        let limits = small().max_control_rate(Some(3));
        let mut end = End::new(role, &Config::default().limits(limits.clone()));
        end.sleep_until(500);
        for ms in [500, 1_500] {
            end.sleep_until(ms);
            end.receive(&[frame(role, 0x89, b""), frame(role, 0x8a, b"")].concat());
            end.receive_frame(0x89, b"");
            assert_eq!(end.events().len(), 3, "three in a second pass");
        }
        end.write();
        end.sleep_until(2_499);
        end.receive_frame(0x8a, b"");
        let error = ProtocolError::ControlRate { limit: 3 };
        assert_eq!(end.events(), [OwnedEvent::ProtocolError(error.clone())]);
        assert_eq!(end.write(), [Frame::close(1008, &error.to_string())]);
    }
}

#[test]
fn a_control_rate_of_none_at_all_refuses_the_first_ping() {
    for role in BOTH {
        Refusal {
            role,
            limits: small().max_control_rate(Some(0)),
            prelude: &[],
            bad: &frame(role, 0x89, b""),
            rest: &[],
            error: ProtocolError::ControlRate { limit: 0 },
        }
        .check();
    }
}

#[test]
fn a_control_frame_is_held_back_by_no_message_limit() {
    for role in BOTH {
        let limits = small().max_message(1).max_frame(1);
        let mut end = End::new(role, &Config::default().limits(limits));
        end.receive_frame(0x89, &[1; 125]);
        assert_eq!(end.events(), [ping(&[1; 125])]);
    }
}
