//! Endings that go wrong: the transport breaks in either direction at every stage of the closing
//! handshake, and the peer misbehaves while it goes on. There is one `Closed`, it is last, and it
//! says what happened.

use crate::support::refusal::text;
use crate::support::{BOTH, End, Frame, at, close, frame, header};
use ws_core::connection::{By, Cause, Closed, Config, Event, OwnedEvent};
use ws_core::error::{ProtocolError, SendError};
use ws_core::{Deadline, Machine, Role, Transport, TransportEnd};

fn end(role: Role) -> End {
    End::new(role, &Config::default())
}

fn unwritable(end: &mut End) {
    end.connection.unwritable(end.now);
}

fn the_end(end: &mut End) -> Closed {
    match &end.events()[..] {
        [OwnedEvent::Closed(closed)] => closed.clone(),
        events => panic!("{events:?}"),
    }
}

/// The end is told as 1006: the transport ended, without a Close of the peer.
fn assert_broken_off(end: &mut End, how: TransportEnd) {
    let Closed {
        by,
        code,
        reason,
        cause,
        ..
    } = the_end(end);
    assert_eq!((by, code.get(), &reason[..]), (By::Transport, 1006, ""));
    assert_eq!(cause, Cause::Transport(how));
    end.assert_over();
}

#[test]
fn a_transport_that_ends_without_a_close_is_1006_and_never_clean() {
    let ways = [
        TransportEnd::Eof,
        TransportEnd::Reset,
        TransportEnd::TimedOut,
        TransportEnd::Other,
    ];
    for role in BOTH {
        for how in ways {
            let mut end = end(role);
            end.connection.lost(how);
            end.connection.lost(TransportEnd::Other); // the first word stands
            assert_broken_off(&mut end, how);
            assert!(!end.connection.closed().expect("told").is_clean());
        }
    }
}

#[test]
fn a_transport_that_ends_inside_a_frame_or_a_message_is_1006() {
    for role in BOTH {
        let message = frame(role, 0x81, b"message");
        let mut wires: Vec<Vec<u8>> = (1..message.len()).map(|n| message[..n].to_vec()).collect();
        wires.push(frame(role, 0x01, b"fragment"));
        wires.push([header(role, 0x82, 100_000), vec![0; 50_000]].concat());
        wires.push(close(role, 1000, "")[..3].to_vec());
        for wire in wires {
            let mut end = end(role);
            end.receive(&wire);
            assert_eq!(end.events(), []);
            end.eof();
            assert_broken_off(&mut end, TransportEnd::Eof);
        }
    }
}

#[test]
fn messages_that_arrived_before_the_transport_ended_are_delivered_first() {
    for role in BOTH {
        for looked_at in [false, true] {
            let mut end = end(role);
            end.receive(&[frame(role, 0x81, b"one"), frame(role, 0x89, b"p")].concat());
            end.receive(&[frame(role, 0x01, b"tw"), frame(role, 0x80, b"o")].concat());
            end.receive_frame(0x81, b"cut off");
            end.connection.io().0.spare();
            if looked_at {
                assert!(end.connection.ready(end.now));
            }
            end.connection.lost(TransportEnd::Reset);
            let ping = OwnedEvent::Ping(b"p"[..].into());
            let expected = [text("one"), ping, text("two"), text("cut off")];
            for event in expected {
                assert_eq!(end.connection.poll_owned(end.now), Some(event));
            }
            assert_eq!(
                the_end(&mut end).cause,
                Cause::Transport(TransportEnd::Reset)
            );
        }
    }
}

#[test]
fn a_close_frame_that_arrived_before_the_transport_ended_counts() {
    for role in BOTH {
        let mut end = end(role);
        end.receive(&[frame(role, 0x81, b"last"), close(role, 1001, "bye")].concat());
        end.connection.lost(TransportEnd::Reset);
        assert_eq!(end.connection.poll_owned(end.now), Some(text("last")));
        // No one waits for the echo to be written: it may still be tried.
        let Closed {
            by, code, cause, ..
        } = the_end(&mut end);
        assert_eq!((by, code.get(), cause), (By::Peer, 1001, Cause::Peer));
        assert_eq!(end.transport(), Transport::Close);
        assert_eq!(end.write(), [Frame::close(1001, "bye")]);
        end.assert_over();
    }
}

#[test]
fn a_peer_that_hangs_up_instead_of_answering_our_close_is_1006() {
    for role in BOTH {
        for written in [false, true] {
            let mut end = end(role);
            end.connection.close(1000.into(), "", end.now).unwrap();
            if written {
                end.write();
            }
            end.receive(&frame(role, 0x81, b"cut off")[..4]);
            end.eof();
            let closed = the_end(&mut end);
            assert_eq!((closed.by, closed.code.get()), (By::Transport, 1006));
        }
    }
}

#[test]
fn no_close_frame_is_tried_after_a_write_error_and_the_peers_is_still_read() {
    for role in BOTH {
        for close_first in [false, true] {
            let mut end = end(role);
            end.text("never leaves").unwrap();
            if close_first {
                end.connection.close(1000.into(), "ours", end.now).unwrap();
            }
            end.sleep_until(100);
            unwritable(&mut end);
            assert_eq!((end.events(), end.transport()), (vec![], Transport::Open));
            assert_eq!(end.deadline(), Some((at(5_100), Deadline::Close)));
            assert_eq!(end.text("x"), Err(SendError::Closed));

            end.receive(&[frame(role, 0x81, b"why"), frame(role, 0x89, b"p")].concat());
            assert_eq!(
                end.events(),
                [text("why"), OwnedEvent::Ping(b"p"[..].into())]
            );
            end.receive(&close(role, 1013, "try later"));
            let Closed {
                by,
                code,
                reason,
                cause,
                ..
            } = the_end(&mut end);
            assert_eq!((by, code.get(), &reason[..]), (By::Peer, 1013, "try later"));
            assert_eq!(cause, Cause::Peer);
            end.assert_over();
        }
    }
}

#[test]
fn a_close_that_never_comes_after_a_write_error_is_waited_for_until_the_deadline() {
    for role in BOTH {
        let mut end = end(role);
        unwritable(&mut end);
        end.wake_at(4_999);
        assert_eq!((end.events(), end.transport()), (vec![], Transport::Open));
        end.wake_at(5_000);
        assert_broken_off(&mut end, TransportEnd::Other);

        let mut end = self::end(role);
        unwritable(&mut end);
        end.connection.lost(TransportEnd::Reset);
        assert_broken_off(&mut end, TransportEnd::Reset);
    }
}

#[test]
fn a_fault_after_a_write_error_is_told_and_not_answered() {
    for role in BOTH {
        for bad in [vec![0x83], frame(role, 0x81, b"\xff")] {
            let mut end = end(role);
            unwritable(&mut end);
            end.receive(&bad);
            let events = end.events();
            let [OwnedEvent::ProtocolError(told), OwnedEvent::Closed(closed)] = &events[..] else {
                panic!("{events:?}");
            };
            assert_eq!(closed.cause, Cause::Protocol(told.clone()));
            assert_eq!(end.write(), []);
            end.assert_over();
        }
    }
}

#[test]
fn a_write_error_while_the_echo_leaves_ends_it_at_once() {
    for role in BOTH {
        let mut end = end(role);
        end.receive(&close(role, 1000, "bye"));
        assert_eq!(end.events(), []);
        unwritable(&mut end);
        let Closed { by, code, .. } = the_end(&mut end);
        assert_eq!((by, code.get()), (By::Peer, 1000));
        end.assert_over();
    }
}

#[test]
fn a_fault_while_waiting_for_the_peers_close_is_told_and_no_second_close_sent() {
    for role in BOTH {
        for bad in [
            vec![0x83],
            frame(role, 0x81, b"\xff"),
            frame(role, 0x88, &[1]),
        ] {
            let mut end = end(role);
            end.connection.close(1000.into(), "ours", end.now).unwrap();
            assert_eq!(end.write(), [Frame::close(1000, "ours")]);
            end.sleep_until(1_000);
            end.receive(&bad);
            let events = end.events();
            let [OwnedEvent::ProtocolError(told)] = &events[..] else {
                panic!("{events:?}");
            };
            assert_eq!(end.events(), []);
            assert_eq!(
                (end.write(), end.transport()),
                (vec![], Transport::Shutdown)
            );
            assert_eq!(end.deadline(), Some((at(6_000), Deadline::Close)));
            end.eof();
            let closed = the_end(&mut end);
            assert_eq!(
                (closed.by, closed.cause),
                (By::Local, Cause::Protocol(told.clone()))
            );
            end.assert_over();
        }
    }
}

#[test]
fn a_fault_and_the_end_of_the_transport_in_one_read() {
    for role in BOTH {
        let mut end = end(role);
        end.receive(&[frame(role, 0x81, b"good"), vec![0x83]].concat());
        end.eof();
        let error = ProtocolError::ReservedOpcode { opcode: 3 };
        let events = end.events();
        assert_eq!(
            events[..2],
            [text("good"), OwnedEvent::ProtocolError(error.clone())]
        );
        let [_, _, OwnedEvent::Closed(closed)] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!(closed.cause, Cause::Protocol(error.clone()));
        // The peer may have closed its own direction only: the Close is there to be tried.
        assert_eq!(end.write(), [Frame::close(1002, &error.to_string())]);
        end.assert_over();
    }
}

#[test]
fn a_handlers_close_that_is_cut_off_by_a_write_error_leaves_one_end() {
    for role in BOTH {
        let mut end = end(role);
        end.connection.sender().close(1000.into(), "ours").unwrap();
        unwritable(&mut end);
        assert_eq!(end.events(), []);
        end.eof();
        assert_broken_off(&mut end, TransportEnd::Eof);
    }
}

#[test]
fn looking_ahead_at_the_end_changes_nothing() {
    for role in BOTH {
        let mut end = end(role);
        end.receive(&[frame(role, 0x81, b"last"), close(role, 1000, "bye")].concat());
        assert!(end.connection.ready(end.now) && end.connection.ready(end.now));
        assert_eq!(end.connection.peek(), Some(Event::Text("last")));
        assert_eq!(
            end.write(),
            [],
            "what is behind the message was not looked at"
        );
        assert_eq!(end.connection.poll_owned(end.now), Some(text("last")));
        assert!(!end.connection.ready(end.now), "the echo is not written");
        assert_eq!(end.write(), [Frame::close(1000, "bye")]);
        for _ in 0..2 {
            assert!(Machine::ready(&mut end.connection, end.now));
            assert!(matches!(end.connection.peek(), Some(Event::Closed(_))));
        }
        assert_eq!(the_end(&mut end).cause, Cause::Peer);
        assert!(!end.connection.ready(end.now));
        assert_eq!(end.connection.peek(), None);
    }
}
