//! Keepalive in virtual time: a peer that falls silent is pinged after `interval` and given up after
//! `timeout`, counted from its last byte, whatever it did before and whatever waits in the queue.

use core::time::Duration;

use crate::support::refusal::text;
use crate::support::{BOTH, End, Frame, at, cases, header};
use proptest::prelude::*;
use ws_core::connection::{By, Cause, Closed, Config, Keepalive, OwnedEvent};
use ws_core::error::SendError;
use ws_core::{Deadline, Machine, Transport};

/// Pings after `interval` ms of silence, gives up `timeout` ms later.
fn config(interval: u64, timeout: u64) -> Config {
    let keepalive = Keepalive::default()
        .interval(Duration::from_millis(interval))
        .timeout(Duration::from_millis(timeout));
    Config::default().keepalive(Some(keepalive))
}

fn ping(number: u64) -> Frame {
    Frame::new(0x89, &number.to_be_bytes())
}

fn assert_timed_out(end: &mut End) {
    let events = end.events();
    let [
        OwnedEvent::Closed(Closed {
            by,
            code,
            reason,
            cause,
            ..
        }),
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    assert_eq!(
        (*by, code.get(), &reason[..]),
        (By::Local, 1011, "keepalive ping timeout")
    );
    assert_eq!(cause, &Cause::Timeout(Deadline::Pong));
    end.assert_over();
}

#[test]
fn a_silent_peer_is_pinged_told_and_given_up() {
    for role in BOTH {
        let mut end = End::new(role, &config(15_000, 10_000));
        assert_eq!(end.deadline(), Some((at(15_000), Deadline::Ping)));
        end.wake_at(14_999);
        assert_eq!(end.write(), []);
        end.wake_at(15_000);
        assert_eq!(end.write(), [ping(1)]);
        assert_eq!(end.deadline(), Some((at(25_000), Deadline::Pong)));
        end.wake_at(24_999);
        assert_eq!((end.events(), end.write()), (vec![], vec![]));
        end.wake_at(25_000);
        assert_eq!(end.text("x"), Err(SendError::Closed));
        // The Close had its chance: nothing is waited for behind it.
        assert_eq!(end.transport(), Transport::Open);
        assert_eq!(end.events(), []);
        assert_eq!(end.write(), [Frame::close(1011, "keepalive ping timeout")]);
        assert_eq!(end.transport(), Transport::Close);
        assert_timed_out(&mut end);
    }
}

#[test]
fn a_silent_peer_is_told_while_an_event_waits_to_be_taken() {
    for role in BOTH {
        let idle = Config::default().idle_timeout(Some(Duration::from_secs(25)));
        for (config, written) in [
            (
                config(15_000, 10_000),
                Frame::close(1011, "keepalive ping timeout"),
            ),
            (idle, Frame::close(1001, "idle timeout")),
        ] {
            let mut end = End::new(role, &config);
            end.receive_frame(0x81, b"waits");
            assert!(end.connection.ready(end.now));
            end.wake_at(15_000);
            end.write();
            end.wake_at(25_000);
            assert_eq!(end.text("x"), Err(SendError::Closed));
            assert_eq!(end.write(), [written]);
            assert_eq!(end.connection.poll_owned(end.now), Some(text("waits")));
        }
    }
}

#[test]
fn a_pong_starts_the_interval_over_and_gives_the_round_trip() {
    for role in BOTH {
        let mut end = End::new(role, &config(15_000, 10_000));
        for round in 1..4 {
            end.wake_at(round * 17_000 - 2_000);
            assert_eq!(end.write(), [ping(round)]);
            end.sleep_until(round * 17_000);
            end.receive_frame(0x8a, &round.to_be_bytes());
            let pong = round.to_be_bytes().to_vec().into();
            assert_eq!(end.events(), [OwnedEvent::Pong(pong)]);
            assert_eq!(end.connection.round_trip(), Some(Duration::from_secs(2)));
            assert_eq!(
                end.deadline(),
                Some((at((round + 1) * 17_000 - 2_000), Deadline::Ping))
            );
        }
    }
}

#[test]
fn a_pong_that_answers_no_ping_is_an_event_and_a_sign_of_life_but_no_round_trip() {
    for role in BOTH {
        let mut end = End::new(role, &config(15_000, 10_000));
        end.wake_at(15_000);
        end.write();
        end.sleep_until(16_000);
        end.receive_frame(0x8a, b"unasked");
        assert_eq!(end.events(), [OwnedEvent::Pong(b"unasked"[..].into())]);
        assert_eq!(end.connection.round_trip(), None);
        end.wake_at(25_000);
        assert_eq!(end.deadline(), Some((at(31_000), Deadline::Ping)));
    }
}

#[test]
fn a_peer_in_the_middle_of_a_long_message_is_alive() {
    for role in BOTH {
        let mut end = End::new(role, &config(10_000, 5_000));
        end.receive(&header(role, 0x82, 1000));
        for second in 0..500 {
            end.wake_at(second * 1000);
            end.receive(&[0]);
            assert_eq!((end.events(), end.write()), (vec![], vec![]));
        }
        end.wake_at(509_000);
        assert_eq!(end.write(), [ping(1)]);
    }
}

#[test]
fn bytes_that_the_application_has_not_asked_for_yet_are_a_sign_of_life() {
    for role in BOTH {
        let mut end = End::new(role, &config(10_000, 5_000));
        end.sleep_until(9_000);
        end.receive_frame(0x81, b"unread");
        end.wake_at(10_000);
        assert_eq!(end.deadline(), Some((at(20_000), Deadline::Ping)));
        assert_eq!(end.events(), [text("unread")]);
    }
}

#[test]
fn a_silent_peer_that_does_not_read_is_given_up_with_a_full_queue() {
    for role in BOTH {
        let mut end = End::new(role, &config(10_000, 5_000).send_limit(1000));
        while end.text(&"x".repeat(300)).is_ok() {}
        let full = bytes::Buf::remaining(end.connection.io().1);
        end.wake_at(10_000);
        assert!(
            bytes::Buf::remaining(end.connection.io().1) > full,
            "pinged all the same"
        );
        end.wake_at(15_000);
        assert_eq!(end.events(), []);
        assert_eq!(end.transport(), Transport::Open, "the Close has not left");
        assert_eq!(end.deadline(), Some((at(20_000), Deadline::Close)));
        end.wake_at(20_000);
        assert_eq!(end.transport(), Transport::Close, "and is given up");
        let events = end.events();
        assert!(matches!(&events[..], [OwnedEvent::Closed(_)]), "{events:?}");
        assert_eq!(end.deadline(), None);
    }
}

#[test]
fn the_wait_for_a_pong_goes_on_while_the_queue_in_front_of_the_ping_moves() {
    for role in BOTH {
        let mut end = End::new(role, &config(10_000, 5_000));
        end.connection.sender().binary(&[0; 4000]).unwrap();
        end.wake_at(10_000);
        for round in 1..4 {
            bytes::Buf::advance(end.connection.io().1, 1000);
            end.wake_at(10_000 + round * 5_000);
            assert_eq!(
                end.deadline(),
                Some((at(15_000 + round * 5_000), Deadline::Pong))
            );
        }
        end.wake_at(30_000);
        assert!(
            end.write()
                .ends_with(&[Frame::close(1011, "keepalive ping timeout")])
        );
        assert_timed_out(&mut end);
    }
}

#[test]
fn a_peer_that_talks_and_never_reads_does_not_make_pings_pile_up() {
    for role in BOTH {
        let mut end = End::new(role, &config(1_000, 500));
        end.text("stuck").unwrap();
        for round in 1..10_000 {
            end.wake_at(round * 300);
            if round % 4 == 0 {
                end.receive_frame(0x81, b"x");
                assert_eq!(end.events(), [text("x")]);
            }
        }
        assert!(
            bytes::Buf::remaining(end.connection.io().1) < 100,
            "one ping is enough"
        );
        // It is still noticed when it falls silent.
        let mut due = end.deadline();
        while let Some((when, Deadline::Ping | Deadline::Pong)) = due {
            end.now = when;
            end.connection.handle_timeout(when);
            due = end.deadline();
        }
        let last_byte = at(9_996 * 300);
        assert_eq!(end.now, last_byte + Duration::from_millis(1_500));
    }
}

#[test]
fn there_is_no_keepalive_once_a_close_is_sent_or_received() {
    for role in BOTH {
        let mut end = End::new(role, &config(1_000, 500));
        end.connection.close(1000.into(), "", end.now).unwrap();
        assert_eq!(end.write(), [Frame::close(1000, "")]);
        end.wake_at(4_999);
        assert_eq!(end.write(), []);
        assert_eq!(end.deadline(), Some((at(5_000), Deadline::Close)));

        let mut end = End::new(role, &config(1_000, 500));
        end.receive(&crate::support::close(role, 1000, ""));
        assert_eq!(end.events(), []);
        end.wake_at(4_999);
        assert_eq!(end.write(), [Frame::close(1000, "")]);
    }
}

/// Lets the timers of an open connection fire until `ms`; the number of pings that were written.
fn fire(end: &mut End, ms: u64, writes: bool) -> u64 {
    let mut pings = 0;
    while let Some((when, Deadline::Ping | Deadline::Pong)) = end.deadline() {
        if when >= at(ms) {
            break;
        }
        end.now = when;
        end.connection.handle_timeout(when);
        if writes {
            pings += end
                .write()
                .iter()
                .filter(|frame| frame.first == 0x89)
                .count() as u64;
        }
    }
    pings
}

proptest! {
    #![proptest_config(cases(1000))]

    /// However the peer's bytes came, and however its pings and our timers fell between them: its
    /// last byte plus `interval` plus `timeout` is when it is given up, to the nanosecond.
    #[test]
    fn a_peer_is_given_up_interval_plus_timeout_after_its_last_byte(
        interval in 1..100u64,
        timeout in 1..100u64,
        gaps in prop::collection::vec(0..150u64, 0..20),
        answers: bool,
        reads: bool,
    ) {
        for role in BOTH {
            let mut end = End::new(role, &config(interval, timeout));
            let (mut last, mut pings) = (0, 0);
            for gap in &gaps {
                // Timers fire on time until the next bytes arrive.
                pings += fire(&mut end, last + gap, reads);
                if !end.connection.sender().is_open() {
                    break;
                }
                last += gap;
                end.sleep_until(last);
                let pong = if answers { pings.to_be_bytes().to_vec() } else { vec![] };
                end.receive_frame(0x8a, &pong);
                prop_assert_eq!(end.events(), [OwnedEvent::Pong(pong.into())]);
            }
            fire(&mut end, u64::MAX / 2_000_000, reads);
            prop_assert_eq!(end.now, at(last + interval + timeout));
        }
    }
}
