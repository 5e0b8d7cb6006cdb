//! Room that a sink has promised stays there: `poll_ready` is followed by a `start_send` that
//! succeeds, although pongs go to the same queue in between.
#![cfg(feature = "pump")]

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::pump_support::{Clock, Io, opened, poll_once};
use futures_sink::Sink;
use ws_core::Role;
use ws_core::connection::{Config, OwnedEvent};
use ws_core::error::{Error, SendError};
use ws_core::message::Message;
use ws_core::pump::WebSocket;

/// An empty ping of a client's, with a masking key of zeros.
const PING: [u8; 6] = [0x89, 0x80, 0, 0, 0, 0];

/// A server's socket whose queue is full with one byte, on a transport that takes none.
fn socket(io: &Io) -> WebSocket<Io, Clock> {
    io.0.borrow_mut().capacity = Some(0);
    let config = Config::default().send_limit(1);
    WebSocket::upgraded_on(Clock::default(), io.clone(), opened(Role::Server), &config)
}

fn is_ready(sink: impl for<'m> Sink<Message<'m>, Error = Error>) -> bool {
    let ready = pin!(sink).poll_ready(&mut Context::from_waker(Waker::noop()));
    matches!(ready, Poll::Ready(Ok(())))
}

fn start_send(sink: impl for<'m> Sink<Message<'m>, Error = Error>) -> Result<(), Error> {
    pin!(sink).start_send(Message::Text("x"))
}

fn is_full(sent: &Result<(), Error>) -> bool {
    matches!(sent, Err(Error::Send(SendError::Full { .. })))
}

#[test]
fn a_pong_between_poll_ready_and_start_send_does_not_make_the_sink_fail() {
    let io = Io::willing();
    let mut socket = socket(&io);
    assert!(is_ready(&mut socket));
    io.receive(&PING);
    let event = poll_once(socket.next()).0.flatten();
    assert!(matches!(event, Some(OwnedEvent::Ping(_))), "{event:?}");
    assert!(start_send(&mut socket).is_ok(), "there was room");
    assert!(!is_ready(&mut socket));
    assert!(is_full(&start_send(&mut socket)), "once");
}

#[test]
fn a_pong_of_the_reader_half_does_not_make_the_sink_of_the_writer_half_fail() {
    let io = Io::willing();
    let (mut reader, mut writer) = socket(&io).split_with(|io| (io.clone(), io));
    assert!(is_ready(&mut writer));
    io.receive(&PING);
    let event = poll_once(reader.next()).0.flatten();
    assert!(matches!(event, Some(OwnedEvent::Ping(_))), "{event:?}");
    assert!(start_send(&mut writer).is_ok(), "there was room");
    assert!(!is_ready(&mut writer));
    assert!(is_full(&start_send(&mut writer)), "once");
}
