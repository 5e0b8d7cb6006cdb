//! The idle limit in virtual time: a peer that sends nothing for too long is asked to close with
//! 1001, and gets the time of an ordinary closing handshake to agree.

use core::time::Duration;

use crate::support::refusal::text;
use crate::support::{BOTH, End, Frame, at, close, header};
use ws_core::connection::{By, Cause, Closed, Config, Keepalive, OwnedEvent};
use ws_core::{Deadline, Machine, Transport};

fn config() -> Config {
    Config::default().idle_timeout(Some(Duration::from_secs(60)))
}

fn the_end(end: &mut End) -> Closed {
    match &end.events()[..] {
        [OwnedEvent::Closed(closed)] => closed.clone(),
        events => panic!("{events:?}"),
    }
}

#[test]
fn an_idle_peer_is_asked_to_close_and_agrees() {
    for role in BOTH {
        let mut end = End::new(role, &config());
        assert_eq!(end.deadline(), Some((at(60_000), Deadline::Idle)));
        end.wake_at(59_999);
        assert_eq!(end.write(), []);
        end.wake_at(60_000);
        assert_eq!(end.write(), [Frame::close(1001, "idle timeout")]);
        assert_eq!(end.events(), []);
        assert_eq!(end.transport(), Transport::Open);
        assert_eq!(end.deadline(), Some((at(65_000), Deadline::Close)));

        // A message that was under way is still delivered.
        end.sleep_until(61_000);
        end.receive_frame(0x81, b"under way");
        end.receive(&close(role, 1001, ""));
        assert_eq!(end.connection.poll_owned(end.now), Some(text("under way")));
        let Closed {
            by,
            code,
            reason,
            cause,
            ..
        } = the_end(&mut end);
        assert_eq!(
            (by, code.get(), &reason[..]),
            (By::Local, 1001, "idle timeout")
        );
        assert_eq!(cause, Cause::Timeout(Deadline::Idle));
        end.eof();
        assert_eq!(end.events(), []);
        end.assert_over();
    }
}

#[test]
fn an_idle_peer_that_does_not_agree_is_dropped_at_the_close_deadline() {
    for role in BOTH {
        let mut end = End::new(role, &config());
        end.wake_at(60_000);
        end.write();
        end.wake_at(64_999);
        assert_eq!((end.events(), end.transport()), (vec![], Transport::Open));
        end.wake_at(65_000);
        assert_eq!(end.transport(), Transport::Close);
        let Closed {
            by, code, cause, ..
        } = the_end(&mut end);
        assert_eq!((by, code.get()), (By::Local, 1001));
        assert_eq!(cause, Cause::Timeout(Deadline::Idle));
        end.assert_over();
    }
}

#[test]
fn every_byte_puts_the_idle_limit_off_and_sending_does_not() {
    for role in BOTH {
        let mut end = End::new(role, &config());
        end.receive(&header(role, 0x82, 1000));
        for minute in 0..10 {
            end.wake_at(minute * 59_000);
            end.text("busy").unwrap();
            end.receive(&[0]);
            assert_eq!(end.events(), []);
        }
        assert!(end.connection.sender().is_open());
        let last = 9 * 59_000;
        end.wake_at(last + 59_999);
        assert!(end.connection.sender().is_open());
        end.text("busy").unwrap();
        end.wake_at(last + 60_000);
        assert!(!end.connection.sender().is_open());
    }
}

#[test]
fn pongs_to_our_keepalive_keep_the_connection_from_being_idle() {
    for role in BOTH {
        let keepalive = Keepalive::default().interval(Duration::from_secs(30));
        let mut end = End::new(role, &config().keepalive(Some(keepalive)));
        let mut pings = 0u64;
        while pings < 10 {
            let (when, _) = end.deadline().expect("there is always a next one");
            end.now = when;
            end.connection.handle_timeout(when);
            for ping in end.write() {
                pings += 1;
                assert_eq!(ping, Frame::new(0x89, &pings.to_be_bytes()));
                end.receive_frame(0x8a, &ping.payload);
                assert_eq!(end.events().len(), 1);
            }
        }
        assert_eq!(end.now, at(300_000), "ten intervals and no idle peer");
    }
}

#[test]
fn the_earlier_of_idle_and_pong_wins() {
    for (idle, reason) in [(44_999, "idle timeout"), (45_001, "keepalive ping timeout")] {
        for role in BOTH {
            let keepalive = Keepalive::default()
                .interval(Duration::from_secs(30))
                .timeout(Duration::from_secs(15));
            let config = config().keepalive(Some(keepalive));
            let mut end = End::new(
                role,
                &config.idle_timeout(Some(Duration::from_millis(idle))),
            );
            end.wake_at(30_000);
            assert_eq!(end.write().len(), 1);
            end.wake_at(idle.min(45_000));
            let written = end.write();
            assert_eq!(&written[0].payload[2..], reason.as_bytes());
            assert_eq!(written.len(), 1);
        }
    }
}

#[test]
fn a_transport_that_ends_before_the_idle_limit_is_no_timeout() {
    for role in BOTH {
        let mut end = End::new(role, &config());
        end.sleep_until(59_000);
        end.eof();
        assert!(matches!(the_end(&mut end).cause, Cause::Transport(_)));
        end.assert_over();
    }
}
