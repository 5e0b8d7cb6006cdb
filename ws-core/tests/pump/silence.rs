//! A peer is judged by its silence only after one look at what it has said: an application that was
//! busy with something else finds the pong, or the message, that waited for it in the transport.
#![cfg(feature = "pump")]

use std::time::Duration;

use crate::pump_support::{Clock, Io, encoded, opened, peer, poll_once};
use ws_core::close::CloseCode;
use ws_core::connection::{Cause, Config, Keepalive, OwnedEvent};
use ws_core::pump::{Reader, WebSocket};
use ws_core::{Deadline, Instant, Role};

const INTERVAL: Duration = Duration::from_secs(15);
const BUSY: Duration = Duration::from_secs(30);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// A socket in one piece, or the half of one that reads.
enum Ours {
    Whole(Box<WebSocket<Io, Clock>>),
    Half(Box<Reader<Io, Io, Clock>>),
}

impl Ours {
    fn next(&mut self) -> Option<Option<OwnedEvent>> {
        match self {
            Self::Whole(socket) => poll_once(socket.next()).0,
            Self::Half(reader) => poll_once(reader.next()).0,
        }
    }

    fn round_trip(&self) -> Option<Duration> {
        match self {
            Self::Whole(socket) => socket.round_trip(),
            Self::Half(reader) => reader.round_trip(),
        }
    }
}

/// Runs `test` on a server's socket, in one piece and in halves; `first` is queued before that.
fn each(
    config: &Config,
    first: impl Fn(&mut WebSocket<Io, Clock>),
    test: impl Fn(&mut Ours, &Io, &Clock),
) {
    for halves in [false, true] {
        let (io, clock) = (Io::willing(), Clock::default());
        let mut socket =
            WebSocket::upgraded_on(clock.clone(), io.clone(), opened(Role::Server), config);
        first(&mut socket);
        let mut ours = match halves {
            false => Ours::Whole(Box::new(socket)),
            // The writing half is dropped: the reader does all there is to do.
            true => Ours::Half(Box::new(socket.split_with(|io| (io.clone(), io)).0)),
        };
        test(&mut ours, &io, &clock);
    }
}

fn message(text: &str) -> Vec<u8> {
    let mut client = peer(Role::Client);
    client.sender().text(text).unwrap();
    encoded(&mut client)
}

#[test]
fn a_pong_that_waits_in_the_transport_is_in_time() {
    let keepalive = Keepalive::default().interval(INTERVAL);
    let config = Config::default().keepalive(Some(keepalive));
    each(
        &config,
        |_| {},
        |ours, io, clock| {
            assert_eq!(ours.next(), None);
            clock.advance(INTERVAL);
            assert_eq!(ours.next(), None, "the ping leaves, and that is all");
            let mut client = peer(Role::Client);
            client.io().0.extend_from_slice(&io.take_written());
            assert!(client.ready(Instant::ORIGIN), "it is there");
            io.receive(&encoded(&mut client));

            clock.advance(BUSY);
            let event = ours.next();
            assert!(
                matches!(event, Some(Some(OwnedEvent::Pong(_)))),
                "{event:?}"
            );
            assert_eq!(ours.round_trip(), Some(BUSY));
            assert_eq!(ours.next(), None);
            // From then on it is silent, and judged.
            clock.advance(INTERVAL);
            assert_eq!(ours.next(), None, "another ping");
            clock.advance(BUSY);
            let event = ours.next();
            assert!(
                matches!(event, Some(Some(OwnedEvent::Closed(ref closed)))
                    if closed.cause == Cause::Timeout(Deadline::Pong)),
                "{event:?}"
            );
        },
    );
}

#[test]
fn a_peer_whose_messages_wait_in_the_transport_is_not_idle() {
    let config = Config::default().idle_timeout(Some(BUSY));
    each(
        &config,
        |_| {},
        |ours, io, clock| {
            assert_eq!(ours.next(), None);
            io.receive(&message("long ago"));
            clock.advance(3 * BUSY);
            let text = OwnedEvent::Text("long ago".into());
            assert_eq!(ours.next(), Some(Some(text)));
            assert_eq!(ours.next(), None);
            assert!(io.take_written().is_empty(), "no Close frame");
            clock.advance(BUSY);
            assert_eq!(ours.next(), None);
            assert_eq!(io.take_written()[0], 0x88, "idle now");
        },
    );
}

#[test]
fn a_peer_that_never_stops_does_not_put_the_close_deadline_off() {
    let config = Config::default().close_timeout(CLOSE_TIMEOUT);
    each(
        &config,
        |socket| socket.sender().close(CloseCode::NORMAL, "").unwrap(),
        |ours, io, clock| {
            assert_eq!(ours.next(), None);
            let message = message("more");
            io.0.borrow_mut().step = message.len();
            io.receive(&message.repeat(1000));
            clock.advance(CLOSE_TIMEOUT);
            let text = OwnedEvent::Text("more".into());
            assert_eq!(ours.next(), Some(Some(text)), "one read");
            let event = ours.next();
            assert!(
                matches!(event, Some(Some(OwnedEvent::Closed(ref closed)))
                    if closed.cause == Cause::Timeout(Deadline::Close)),
                "{event:?}"
            );
        },
    );
}
