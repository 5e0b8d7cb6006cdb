//! The closing handshake in virtual time (RFC 6455 §7, scenario S5): who closes first, what is sent
//! and delivered until the end, who hangs up, and how long that may take.

use crate::support::refusal::text;
use crate::support::{BOTH, End, Frame, at, close, frame};
use bytes::Buf;
use ws_core::close::CloseCode;
use ws_core::connection::{By, Cause, Config, Event, OwnedEvent};
use ws_core::error::SendError;
use ws_core::{Deadline, Role, Transport};

fn end(role: Role) -> End {
    End::new(role, &Config::default())
}

/// The one event that is left: the end.
fn assert_closed(end: &mut End, by: By, code: u16, reason: &str, cause: Cause) {
    let events = end.events();
    let [OwnedEvent::Closed(closed)] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(
        (closed.by, closed.code.get(), &closed.reason[..]),
        (by, code, reason)
    );
    assert_eq!(closed.cause, cause);
    assert_eq!(end.connection.closed(), Some(closed));
}

#[test]
fn s5a_a_local_close_is_echoed_and_the_server_hangs_up() {
    for role in BOTH {
        let mut end = end(role);
        end.connection.close(4000.into(), "bye", end.now).unwrap();
        assert_eq!(end.write(), [Frame::close(4000, "bye")]);
        assert_eq!(end.text("x"), Err(SendError::Closed));
        assert_eq!(end.transport(), Transport::Open);

        end.sleep_until(1_000);
        end.receive(&close(role, 4000, "bye"));
        assert_closed(&mut end, By::Local, 4000, "bye", Cause::Local);
        assert_eq!(end.write(), [], "one Close each");
        if role == Role::Client {
            assert_eq!(
                end.transport(),
                Transport::Open,
                "the server hangs up (§7.1.1)"
            );
            assert_eq!(end.deadline(), Some((at(6_000), Deadline::Close)));
            end.eof();
            assert_eq!(end.events(), []);
        }
        end.assert_over();
    }
}

#[test]
fn s5b_a_close_that_is_never_answered_ends_at_the_deadline() {
    for role in BOTH {
        let mut end = end(role);
        end.sleep_until(100);
        end.connection.close(4000.into(), "bye", end.now).unwrap();
        end.write();
        assert_eq!(end.deadline(), Some((at(5_100), Deadline::Close)));
        end.wake_at(5_099);
        assert_eq!((end.events(), end.transport()), (vec![], Transport::Open));
        end.wake_at(5_100);
        assert_eq!(end.transport(), Transport::Close);
        assert_closed(
            &mut end,
            By::Local,
            4000,
            "bye",
            Cause::Timeout(Deadline::Close),
        );
        end.assert_over();
    }
}

#[test]
fn s5cd_a_close_of_the_peer_is_echoed_with_its_code_and_reason() {
    for role in BOTH {
        for (code, reason) in [(1001, "restart"), (1000, ""), (4999, "x")] {
            let mut end = end(role);
            end.receive(&close(role, code, reason));
            assert_eq!(end.events(), [], "the end is told when the echo is written");
            assert_eq!(end.transport(), Transport::Open);
            assert_eq!(end.text("x"), Err(SendError::Closed));
            assert_eq!(end.write(), [Frame::close(code, reason)]);
            assert_closed(&mut end, By::Peer, code, reason, Cause::Peer);
            if role == Role::Client {
                assert_eq!(end.transport(), Transport::Open);
                end.wake_at(5_000);
            }
            end.assert_over();
        }
    }
}

#[test]
fn an_empty_close_is_echoed_empty() {
    for role in BOTH {
        let mut end = end(role);
        end.receive_frame(0x88, b"");
        end.events();
        assert_eq!(end.write(), [Frame::new(0x88, b"")]);
        assert_closed(&mut end, By::Peer, 1005, "", Cause::Peer);

        let mut end = self::end(role);
        end.connection
            .close(CloseCode::NO_STATUS, "", end.now)
            .unwrap();
        assert_eq!(end.write(), [Frame::new(0x88, b"")]);
        end.receive_frame(0x88, b"");
        assert_closed(&mut end, By::Local, 1005, "", Cause::Local);
    }
}

#[test]
fn s5f_both_ends_close_at_once_with_one_close_frame_each_and_no_error() {
    for role in BOTH {
        let mut end = end(role);
        // The peer's Close is here, and not looked at yet.
        end.receive(&close(role, 1001, "theirs"));
        end.connection.close(1000.into(), "ours", end.now).unwrap();
        assert_eq!(end.events(), []);
        assert_eq!(end.write(), [Frame::close(1000, "ours")]);
        assert_closed(&mut end, By::Local, 1000, "ours", Cause::Local);
        assert_eq!(end.write(), []);
    }
}

#[test]
fn a_close_after_the_peers_was_answered_is_refused() {
    for role in BOTH {
        let mut end = end(role);
        end.receive(&close(role, 1001, "theirs"));
        end.events();
        let refused = end.connection.close(1000.into(), "ours", end.now);
        assert_eq!(refused, Err(SendError::Closed));
        assert_eq!(end.write(), [Frame::close(1001, "theirs")]);
        assert_closed(&mut end, By::Peer, 1001, "theirs", Cause::Peer);
    }
}

#[test]
fn what_was_queued_before_a_close_goes_out_before_it() {
    for role in BOTH {
        let data = |bytes: &[u8]| Frame::new(0x81, bytes);
        let mut end = end(role);
        end.text("one").unwrap();
        end.text("two").unwrap();
        end.connection.close(1000.into(), "", end.now).unwrap();
        assert_eq!(
            end.write(),
            [data(b"one"), data(b"two"), Frame::close(1000, "")]
        );

        let mut end = self::end(role);
        end.text("owed").unwrap();
        end.receive(&close(role, 1001, ""));
        end.events();
        assert_eq!(end.write(), [data(b"owed"), Frame::close(1001, "")]);
    }
}

#[test]
fn messages_that_the_peer_sent_before_its_close_are_delivered_while_closing() {
    for role in BOTH {
        let mut end = end(role);
        end.connection.close(1000.into(), "", end.now).unwrap();
        end.write();
        end.receive_frame(0x81, b"one");
        end.receive_frame(0x89, b"ping");
        end.receive_frame(0x02, b"tw");
        assert_eq!(
            end.events(),
            [text("one"), OwnedEvent::Ping(b"ping"[..].into())]
        );
        // What is behind our Close would not be read, so nothing is put there.
        assert_eq!(end.write(), []);
        end.sleep_until(4_999);
        end.receive_frame(0x80, b"o");
        end.receive(&close(role, 1000, ""));
        let two = OwnedEvent::Binary(b"two"[..].into());
        assert_eq!(end.connection.poll_owned(end.now), Some(two));
        assert_closed(&mut end, By::Local, 1000, "", Cause::Local);
    }
}

#[test]
fn a_handler_may_close_while_it_looks_at_an_event() {
    for role in BOTH {
        let mut end = end(role);
        end.sleep_until(100);
        end.receive(&[frame(role, 0x81, b"one"), frame(role, 0x81, b"two")].concat());
        let (event, sender) = end.connection.poll(end.now).expect("a message");
        assert_eq!(event, Event::Text("one"));
        sender.close(1000.into(), "enough").unwrap();
        assert_eq!(sender.text("x"), Err(SendError::Closed));
        assert_eq!(end.deadline(), None, "no time was given yet");
        assert_eq!(end.events(), [text("two")]);
        assert_eq!(end.deadline(), Some((at(5_100), Deadline::Close)));
        assert_eq!(end.write(), [Frame::close(1000, "enough")]);
        end.receive(&close(role, 1000, ""));
        assert_closed(&mut end, By::Local, 1000, "enough", Cause::Local);
    }
}

#[test]
fn the_end_waits_for_the_echo_to_be_written_but_not_beyond_the_deadline() {
    for role in BOTH {
        let mut end = end(role);
        end.connection.sender().binary(&[0; 10_000]).unwrap();
        end.receive(&close(role, 1000, ""));
        for ms in [0, 1_000, 4_999] {
            end.wake_at(ms);
            assert_eq!((end.events(), end.transport()), (vec![], Transport::Open));
            end.connection.io().1.advance(3_000);
        }
        end.wake_at(5_000);
        assert_eq!(
            end.transport(),
            Transport::Close,
            "given up, though not all is written"
        );
        assert_closed(&mut end, By::Peer, 1000, "", Cause::Peer);
        assert_eq!((end.events(), end.deadline()), (vec![], None));
    }
}

#[test]
fn a_client_gives_a_server_that_does_not_hang_up_until_the_deadline() {
    let mut end = end(Role::Client);
    end.sleep_until(1_000);
    end.receive(&close(Role::Client, 1000, ""));
    end.events();
    end.write();
    assert_closed(&mut end, By::Peer, 1000, "", Cause::Peer);
    for ms in [1_001, 3_000, 5_999] {
        end.wake_at(ms);
        // A server that goes on talking does not gain time.
        end.receive_frame(0x81, b"still here");
        assert_eq!((end.events(), end.transport()), (vec![], Transport::Open));
        assert_eq!(end.deadline(), Some((at(6_000), Deadline::Close)));
    }
    end.wake_at(6_000);
    end.assert_over();
}

#[test]
fn a_server_hangs_up_as_soon_as_both_close_frames_are_done() {
    let mut end = end(Role::Server);
    end.receive(&close(Role::Server, 1000, ""));
    end.events();
    end.connection.io().1.advance(1);
    assert_eq!(
        end.transport(),
        Transport::Open,
        "half of the echo is written"
    );
    end.connection.io().1.advance(3);
    assert_eq!(end.transport(), Transport::Close);
    assert_closed(&mut end, By::Peer, 1000, "", Cause::Peer);
    end.assert_over();
}

#[test]
fn the_close_timeout_can_be_chosen() {
    for role in BOTH {
        for (timeout, until) in [(0, 0), (1, 1), (60_000, 60_000)] {
            let timeout = core::time::Duration::from_millis(timeout);
            let mut end = End::new(role, &Config::default().close_timeout(timeout));
            end.connection.close(1000.into(), "", end.now).unwrap();
            assert_eq!(end.deadline(), Some((at(until), Deadline::Close)));
            end.wake_at(until);
            assert_closed(
                &mut end,
                By::Local,
                1000,
                "",
                Cause::Timeout(Deadline::Close),
            );
        }
        let forever = Config::default().close_timeout(core::time::Duration::MAX);
        let mut end = End::new(role, &forever);
        end.connection.close(1000.into(), "", end.now).unwrap();
        end.wake_at(u64::MAX / 2_000_000);
        assert_eq!(end.events(), []);
    }
}
