//! The two halves of a connection, driven by hand: what passes between them is what the receiving
//! half owes the peer, and what the sending half has closed; the end is told when both are through.

use core::time::Duration;

use crate::support::{BOTH, Frame, at, close, connection, frame, frames};
use bytes::Buf;
use ws_core::close::CloseCode;
use ws_core::connection::{
    AutoPong, By, Cause, Closed, Config, Event, Keepalive, OwnedEvent, Received, Receiver, Sender,
};
use ws_core::error::{ProtocolError, SendError};
use ws_core::frame::OpCode;
use ws_core::{Deadline, Instant, Role, Transport, TransportEnd};

struct Halves {
    role: Role,
    receiver: Receiver,
    sender: Sender,
    now: Instant,
}

impl Halves {
    fn new(role: Role, config: &Config) -> Self {
        let (receiver, sender) = connection(role, config).split();
        Self {
            role,
            receiver,
            sender,
            now: Instant::ORIGIN,
        }
    }

    fn receive(&mut self, wire: &[u8]) {
        self.receiver.buf().extend_from_slice(wire);
    }

    /// Takes everything: replies go to the sender, and are told apart by their opcode.
    fn poll(&mut self) -> (Vec<OwnedEvent>, Vec<OpCode>) {
        let (mut events, mut replies) = (vec![], vec![]);
        while let Some(received) = self.receiver.poll(self.now) {
            match received {
                Received::Event(event) => events.push(event.to_owned()),
                Received::Reply(reply) => {
                    replies.push(reply.opcode());
                    self.sender.reply(&reply);
                }
            }
        }
        (events, replies)
    }

    fn write(&mut self) -> Vec<Frame> {
        let out = self.sender.buf();
        let wire = out.copy_to_bytes(out.remaining());
        self.receiver.flushed();
        frames(self.role, &wire)
    }

    fn the_end(&mut self) -> Closed {
        match &self.poll().0[..] {
            [OwnedEvent::Closed(closed)] => closed.clone(),
            events => panic!("{events:?}"),
        }
    }
}

#[test]
fn a_ping_comes_out_as_its_pong_and_then_as_the_event() {
    for role in BOTH {
        let mut halves = Halves::new(role, &Config::default());
        halves.receive(&[frame(role, 0x89, b"a"), frame(role, 0x81, b"text")].concat());
        let Some(Received::Reply(reply)) = halves.receiver.poll(halves.now) else {
            panic!("the pong is owed first");
        };
        assert_eq!((reply.opcode(), reply.payload()), (OpCode::Pong, &b"a"[..]));
        halves.sender.reply(&reply);
        let ping = Received::Event(Event::Ping(b"a"));
        assert_eq!(halves.receiver.poll(halves.now), Some(ping));
        assert_eq!(
            halves.poll(),
            (vec![OwnedEvent::Text("text".into())], vec![])
        );
        assert_eq!(halves.write(), [Frame::new(0x8a, b"a")]);

        let mut halves = Halves::new(role, &Config::default().auto_pong(AutoPong::Off));
        halves.receive(&frame(role, 0x89, b"a"));
        assert_eq!(
            halves.poll(),
            (vec![OwnedEvent::Ping(b"a"[..].into())], vec![])
        );
    }
}

#[test]
fn looking_ahead_hands_over_what_is_owed_on_the_way() {
    for role in BOTH {
        let mut halves = Halves::new(role, &Config::default());
        assert_eq!(halves.receiver.ready(halves.now), Ok(false));
        halves.receive(&frame(role, 0x89, b"a"));
        let owed = halves.receiver.ready(halves.now).expect_err("a pong");
        assert_eq!(owed.opcode(), OpCode::Pong);
        assert_eq!(halves.receiver.ready(halves.now), Ok(true));
        assert_eq!(halves.receiver.peek(), Some(Event::Ping(b"a")));
        assert_eq!(
            halves.poll(),
            (vec![OwnedEvent::Ping(b"a"[..].into())], vec![])
        );
        assert_eq!(
            (halves.receiver.ready(halves.now), halves.receiver.peek()),
            (Ok(false), None)
        );
    }
}

#[test]
fn a_close_of_the_sending_half_starts_the_deadline_when_the_receiving_half_is_told() {
    for role in BOTH {
        let mut halves = Halves::new(role, &Config::default());
        halves.sender.close(4000.into(), "bye").unwrap();
        assert_eq!(halves.sender.text("x"), Err(SendError::Closed));
        let local = halves.sender.take_close().expect("to be told");
        assert_eq!(halves.sender.take_close(), None);
        halves.receiver.closing(local, at(100));
        assert_eq!(
            halves.receiver.poll_timeout(),
            Some((at(5_100), Deadline::Close))
        );
        assert_eq!(halves.receiver.close_timeout(), Duration::from_secs(5));

        halves.receive(&close(role, 4000, "bye"));
        assert_eq!(
            halves.poll(),
            (vec![], vec![]),
            "our own Close is not written yet"
        );
        assert!(halves.receiver.is_ending());
        assert_eq!(halves.receiver.transport(), Transport::Open);
        assert_eq!(halves.write(), [Frame::close(4000, "bye")]);
        let Closed {
            by, code, cause, ..
        } = halves.the_end();
        assert_eq!((by, code.get(), cause), (By::Local, 4000, Cause::Local));
        let hangs_up = if role == Role::Server {
            Transport::Close
        } else {
            Transport::Open
        };
        assert_eq!(halves.receiver.transport(), hangs_up);
        halves.receiver.lost(TransportEnd::Eof);
        assert_eq!(halves.poll(), (vec![], vec![]));
        assert_eq!(halves.receiver.transport(), Transport::Close);
    }
}

#[test]
fn a_close_of_the_peer_is_owed_and_the_end_waits_until_it_is_written() {
    for role in BOTH {
        let mut halves = Halves::new(role, &Config::default());
        halves.receive(&close(role, 1001, "bye"));
        assert_eq!(halves.poll(), (vec![], vec![OpCode::Close]));
        assert_eq!(halves.receiver.closed(), None);
        assert_eq!(halves.sender.close(1000.into(), ""), Err(SendError::Closed));
        assert_eq!(halves.write(), [Frame::close(1001, "bye")]);
        let closed = halves.the_end();
        assert_eq!((closed.by, closed.code), (By::Peer, CloseCode::GOING_AWAY));
        assert_eq!(halves.receiver.closed(), Some(&closed));
    }
}

#[test]
fn flushing_early_does_not_let_the_end_out() {
    for role in BOTH {
        let mut halves = Halves::new(role, &Config::default());
        halves.receive(&close(role, 1001, "bye"));
        halves.receiver.flushed();
        let Some(Received::Reply(reply)) = halves.receiver.poll(halves.now) else {
            panic!("the echo is owed");
        };
        // The writer is behind: it has not been given the echo yet.
        assert_eq!(halves.receiver.poll(halves.now), None);
        halves.sender.reply(&reply);
        assert_eq!(halves.write().len(), 1);
        assert_eq!(halves.the_end().by, By::Peer);
    }
}

#[test]
fn every_fault_is_answered_shut_down_and_drained() {
    for role in BOTH {
        for (wire, error) in [
            (vec![0x83], ProtocolError::ReservedOpcode { opcode: 3 }),
            (frame(role, 0x81, b"\xff"), ProtocolError::InvalidUtf8),
        ] {
            let mut halves = Halves::new(role, &Config::default());
            halves.receive(&wire);
            let told = OwnedEvent::ProtocolError(error.clone());
            assert_eq!(halves.poll(), (vec![told], vec![OpCode::Close]));
            assert_eq!(halves.receiver.transport(), Transport::Open);
            let code = error.close_code().get();
            assert_eq!(halves.write(), [Frame::close(code, &error.to_string())]);
            assert_eq!(halves.receiver.transport(), Transport::Shutdown);
            halves.receive(&frame(role, 0x89, b"late"));
            assert_eq!(halves.poll(), (vec![], vec![]));
            halves
                .receiver
                .handle_timeout(at(5_000), &mut halves.sender);
            assert_eq!(halves.receiver.transport(), Transport::Close);
            assert_eq!(halves.the_end().cause, Cause::Protocol(error));
            assert_eq!(halves.receiver.poll_timeout(), None);
        }
    }
}

#[test]
fn the_transport_stays_open_until_the_close_that_a_bad_text_owes_is_written() {
    for role in BOTH {
        let mut halves = Halves::new(role, &Config::default());
        halves.receive(&frame(role, 0x81, b"\xff"));
        let told = Received::Event(Event::ProtocolError(&ProtocolError::InvalidUtf8));
        assert_eq!(halves.receiver.poll(halves.now), Some(told));
        // A writer that has nothing to write says so; the Close is still to come.
        halves.receiver.flushed();
        assert_eq!(halves.receiver.transport(), Transport::Open);
        assert_eq!(halves.poll(), (vec![], vec![OpCode::Close]));
        assert_eq!(halves.receiver.transport(), Transport::Open);
        assert_eq!(halves.write().len(), 1);
        assert_eq!(halves.receiver.transport(), Transport::Shutdown);
    }
}

#[test]
fn the_receiving_half_pings_through_the_sender_and_gives_a_silent_peer_up() {
    let keepalive = Keepalive::default()
        .interval(Duration::from_secs(10))
        .timeout(Duration::from_secs(5));
    for role in BOTH {
        let mut halves = Halves::new(role, &Config::default().keepalive(Some(keepalive)));
        halves
            .receiver
            .handle_timeout(at(10_000), &mut halves.sender);
        assert_eq!(halves.write(), [Frame::new(0x89, &1u64.to_be_bytes())]);
        halves.now = at(12_000);
        halves.receive(&frame(role, 0x8a, &1u64.to_be_bytes()));
        assert_eq!(halves.poll().0.len(), 1);
        assert_eq!(halves.receiver.round_trip(), Some(Duration::from_secs(2)));
        halves
            .receiver
            .handle_timeout(at(22_000), &mut halves.sender);
        halves.write();
        halves.now = at(27_000);
        halves
            .receiver
            .handle_timeout(halves.now, &mut halves.sender);
        assert_eq!(
            halves.poll(),
            (vec![], vec![OpCode::Close]),
            "the Close is a reply"
        );
        assert_eq!(
            halves.write(),
            [Frame::close(1011, "keepalive ping timeout")]
        );
        assert_eq!(halves.receiver.transport(), Transport::Close);
        assert_eq!(halves.the_end().cause, Cause::Timeout(Deadline::Pong));
    }
}

#[test]
fn a_write_error_is_told_to_both_halves() {
    for role in BOTH {
        let mut halves = Halves::new(role, &Config::default());
        halves.sender.text("lost").unwrap();
        halves.sender.unwritable();
        halves.receiver.unwritable(halves.now);
        assert!(halves.sender.is_flushed() && !halves.sender.is_open());
        assert_eq!(
            halves.receiver.poll_timeout(),
            Some((at(5_000), Deadline::Close))
        );
        halves.receive(&[frame(role, 0x89, b"p"), close(role, 1001, "why")].concat());
        let (events, _) = halves.poll();
        let [OwnedEvent::Ping(_), OwnedEvent::Closed(closed)] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!((closed.by, closed.code), (By::Peer, CloseCode::GOING_AWAY));
        assert!(
            halves.sender.is_flushed(),
            "nothing is queued that could not leave"
        );
    }
}

#[test]
fn a_close_that_the_receiving_half_was_not_told_of_still_ends_with_one_close_frame() {
    for role in BOTH {
        let mut halves = Halves::new(role, &Config::default());
        halves.sender.close(1000.into(), "ours").unwrap();
        halves.receive(&close(role, 1000, "ours"));
        assert_eq!(halves.poll(), (vec![], vec![OpCode::Close]));
        assert_eq!(halves.write(), [Frame::close(1000, "ours")]);
        halves.the_end();
        halves.sender.shut();
        assert_eq!(halves.sender.ping(b""), Err(SendError::Closed));
    }
}
