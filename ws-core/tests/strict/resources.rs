//! Strictness, resources, as far as the core is concerned: a peer that never reads, a half-open link
//! and a clock that jumps. The figures in bytes are in `bounds.rs`, the timing in `keepalive.rs`.

use core::time::Duration;

use crate::support::{BOTH, End, Frame, at};
use bytes::Buf;
use ws_core::connection::{Config, Keepalive};
use ws_core::error::SendError;
use ws_core::{Deadline, Role, Transport};

fn header_len(role: Role) -> usize {
    if role == Role::Client { 6 } else { 2 }
}

#[test]
fn a_peer_that_never_reads_makes_the_application_wait_and_nothing_is_dropped() {
    for role in BOTH {
        let mut end = End::new(role, &Config::default().send_limit(1000));
        let mut sent = 0;
        let queued = loop {
            match end.text(&format!("{sent:0100}")) {
                Ok(()) => sent += 1,
                Err(SendError::Full { queued }) => break queued,
                Err(other) => panic!("{other}"),
            }
        };
        // Below the limit there is room for one more, whatever its size.
        assert_eq!(sent, 1000usize.div_ceil(100 + header_len(role)));
        assert_eq!(queued, sent * (100 + header_len(role)));
        assert!(end.connection.io().1.is_full());
        // Being refused harms nothing, and reading goes on.
        end.receive_frame(0x81, b"still heard");
        assert_eq!(end.events().len(), 1);
        assert_eq!(end.text("again"), Err(SendError::Full { queued }));

        let written: Vec<Frame> = end.write();
        let expected = (0..sent).map(|n| Frame::new(0x81, format!("{n:0100}").as_bytes()));
        assert_eq!(written, expected.collect::<Vec<_>>());
        end.text("room again").unwrap();
    }
}

#[test]
fn one_message_of_any_size_fits_into_a_queue_that_is_not_full() {
    for role in BOTH {
        for limit in [0, 1, 1000] {
            let mut end = End::new(role, &Config::default().send_limit(limit));
            end.connection.sender().binary(&[0; 100_000]).unwrap();
            assert!(matches!(end.text(""), Err(SendError::Full { .. })));
            assert_eq!(end.write(), [Frame::new(0x82, &[0; 100_000])]);
        }
    }
}

#[test]
fn a_batch_is_taken_whole_or_not_at_all() {
    for role in BOTH {
        let mut end = End::new(role, &Config::default().send_limit(100));
        let sender = end.connection.sender();
        let many = ["one".into(), b"two".into(), "three".into()];
        sender.batch(&many).unwrap();
        let bad = ["one".into(), ws_core::message::Message::Ping(&[0; 126])];
        let too_long = Err(SendError::ControlTooLong {
            len: 126,
            limit: 125,
        });
        assert_eq!(sender.batch(&bad), too_long);
        sender.binary(&[0; 100]).unwrap();
        assert!(matches!(sender.batch(&many), Err(SendError::Full { .. })));
        let first: Vec<u8> = end.write().iter().map(|frame| frame.first).collect();
        assert_eq!(first, [0x81, 0x82, 0x81, 0x82]);
    }
}

fn keepalive() -> Config {
    let keepalive = Keepalive::default()
        .interval(Duration::from_secs(15))
        .timeout(Duration::from_secs(10));
    Config::default().keepalive(Some(keepalive))
}

#[test]
fn a_half_open_link_is_found_by_a_loop_that_only_reads() {
    for role in BOTH {
        let mut end = End::new(role, &keepalive());
        // The application sends nothing and never asks; only the deadlines are kept.
        while let Some((when, _)) = end.deadline() {
            end.now = when;
            ws_core::Machine::handle_timeout(&mut end.connection, when);
            end.write();
            if end.transport() == Transport::Close {
                break;
            }
        }
        assert_eq!((end.now, end.transport()), (at(25_000), Transport::Close));
    }
}

#[test]
fn a_clock_that_jumps_ahead_asks_before_it_judges() {
    for role in BOTH {
        let mut end = End::new(role, &keepalive());
        // Suspended for an hour, with no ping out: the peer gets its chance to answer.
        end.wake_at(3_600_000);
        assert_eq!(end.write(), [Frame::new(0x89, &1u64.to_be_bytes())]);
        assert_eq!(end.deadline(), Some((at(3_610_000), Deadline::Pong)));
        end.receive_frame(0x8a, &1u64.to_be_bytes());
        assert_eq!(end.events().len(), 1);
        assert_eq!(end.deadline(), Some((at(3_615_000), Deadline::Ping)));
    }
}

#[test]
fn what_arrived_before_a_late_timer_counts() {
    for role in BOTH {
        let mut end = End::new(role, &keepalive());
        end.wake_at(15_000);
        end.write();
        // The pong is in the buffer when the late timer is looked at.
        end.sleep_until(3_600_000);
        end.receive_frame(0x8a, &1u64.to_be_bytes());
        end.wake_at(3_600_000);
        assert!(end.connection.sender().is_open());
        assert_eq!(end.events().len(), 1);
    }
}

#[test]
fn a_clock_that_stands_still_repeats_nothing() {
    for role in BOTH {
        let mut end = End::new(role, &keepalive());
        end.sleep_until(15_000);
        for _ in 0..100 {
            end.wake_at(15_000);
        }
        assert_eq!(end.write(), [Frame::new(0x89, &1u64.to_be_bytes())]);
        assert!(end.connection.io().1.remaining() == 0);
    }
}
