//! The Close frame that answers a fault must survive what the peer has still under way: a transport
//! that is closed while received bytes lie unread is reset, and the reset destroys what the peer has
//! not read yet. So unread input is drained, and that is bounded in bytes and in time.

use crate::support::refusal::small;
use crate::support::{BOTH, End, at, header};
use ws_core::connection::{Config, OwnedEvent};
use ws_core::error::ProtocolError;
use ws_core::message::Limits;
use ws_core::{Deadline, Role, Transport};

/// An end that has refused a frame of `len` bytes and written its Close.
fn refusing(role: Role, limits: &Limits, len: usize) -> End {
    let mut end = End::new(role, &Config::default().limits(limits.clone()));
    end.receive(&header(role, 0x82, len));
    let limit = u64::try_from(limits.max_frame).expect("64 bits");
    let len = u64::try_from(len).expect("64 bits");
    let error = ProtocolError::FrameTooLarge { len, limit };
    assert_eq!(end.events(), [OwnedEvent::ProtocolError(error)]);
    assert_eq!(end.write().len(), 1);
    end
}

/// Feeds `len` bytes in reads of 16 KiB; stops when the transport is to be closed.
fn feed(end: &mut End, mut len: usize) -> usize {
    while len > 0 && end.transport() == Transport::Shutdown {
        let n = len.min(16 << 10);
        end.receive(&vec![0; n]);
        assert_eq!(end.connection.peek(), None);
        end.connection.ready(end.now);
        len -= n;
    }
    len
}

#[test]
fn a_small_message_limit_still_leaves_room_for_the_rest_of_the_frame_that_passed_it() {
    for role in BOTH {
        let mut end = refusing(role, &small(), 900_000);
        assert_eq!(feed(&mut end, 900_000), 0);
        assert_eq!(
            end.transport(),
            Transport::Shutdown,
            "the peer may still read our Close"
        );
        end.eof();
        assert_eq!(end.events().len(), 1);
        end.assert_over();
    }
}

#[test]
fn draining_is_bounded_in_bytes_by_the_larger_of_a_mebibyte_and_the_message_limit() {
    for role in BOTH {
        for limits in [small(), small().max_message(3 << 20)] {
            let most = limits.max_message.max(1 << 20);
            let mut end = refusing(role, &limits, 1 << 30);
            let fed = (1 << 30) - feed(&mut end, 1 << 30);
            assert!((most..=most + (16 << 10)).contains(&fed), "{fed} of {most}");
            assert_eq!(end.transport(), Transport::Close);
            assert_eq!(end.events().len(), 1);
            end.assert_over();
        }
    }
}

#[test]
fn draining_is_bounded_in_time_however_slowly_the_peer_sends() {
    for role in BOTH {
        let mut end = refusing(role, &small(), 1000);
        for ms in 0..5_000 {
            end.wake_at(ms);
            end.receive(&[0]);
            assert_eq!(end.events(), []);
            assert_eq!(end.deadline(), Some((at(5_000), Deadline::Close)));
            assert_eq!(end.transport(), Transport::Shutdown);
        }
        end.wake_at(5_000);
        assert_eq!(end.transport(), Transport::Close);
        assert_eq!(end.events().len(), 1);
        end.assert_over();
    }
}

#[test]
fn a_close_frame_that_can_not_be_written_does_not_hold_the_transport_beyond_the_deadline() {
    for role in BOTH {
        let mut end = End::new(role, &Config::default());
        end.receive(&[0x83]);
        assert_eq!(end.events().len(), 1);
        end.wake_at(4_999);
        assert_eq!(end.events(), []);
        assert_eq!(end.transport(), Transport::Open, "unwritten");
        end.wake_at(5_000);
        assert_eq!(end.transport(), Transport::Close, "unwritten, and given up");
        assert_eq!(end.events().len(), 1);
    }
}

#[test]
fn nothing_is_kept_of_what_is_drained() {
    for role in BOTH {
        let mut end = refusing(role, &small(), 500_000);
        assert_eq!(feed(&mut end, 500_000), 0);
        let recv = end.connection.io().0;
        assert!(recv.filled().is_empty());
        assert!(recv.capacity() <= 16 << 10, "{}", recv.capacity());
    }
}
