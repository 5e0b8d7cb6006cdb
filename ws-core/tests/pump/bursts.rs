//! Long messages are read one by one, so that they are in the cache when they are decoded; they are
//! answered as many in one write as if they had been read together.

use std::time::Duration;

use crate::pump_support::{Clock, Io, encoded, opened, peer, poll_once};
use ws_core::Role;
use ws_core::connection::{Config, Event, OwnedEvent};
use ws_core::pump::WebSocket;

const SIZE: usize = 16 * 1024;

/// Masked, and as an answer.
const FRAME: usize = SIZE + 8;
const ANSWER: usize = SIZE + 4;

fn server(io: &Io) -> WebSocket<Io, Clock> {
    server_on(io, &Clock::default(), &Config::default())
}

fn server_on(io: &Io, clock: &Clock, config: &Config) -> WebSocket<Io, Clock> {
    WebSocket::upgraded_on(clock.clone(), io.clone(), opened(Role::Server), config)
}

/// So many messages of one length; each says which one it is.
fn messages(io: &Io, count: u8) {
    let mut client = peer(Role::Client);
    for i in 0..count {
        client.sender().binary(&[i; SIZE]).unwrap();
        io.receive(&encoded(&mut client));
    }
}

/// Echoes what there is, and says how much had been written by then at each message.
fn echo(socket: &mut WebSocket<Io, Clock>, io: &Io, first: u8) -> Vec<usize> {
    let mut written = Vec::new();
    let mut i = first;
    while let Some(Some((Event::Binary(data), sender))) = poll_once(socket.read()).0 {
        assert_eq!(data, &[i; SIZE][..]);
        sender.binary(data).unwrap();
        written.push(io.0.borrow().written.len());
        i += 1;
    }
    written
}

#[test]
fn three_of_16_kib_are_answered_in_one_write_and_what_is_left_before_waiting() {
    let io = Io::willing();
    let mut socket = server(&io);
    messages(&io, 30);
    let written = echo(&mut socket, &io, 0);
    let writes = |n: usize| ANSWER * (n / 3 * 3);
    // The first reads find out how long they are.
    let sure = 12;
    let rhythm: Vec<_> = written[sure..].iter().map(|n| n / ANSWER % 3).collect();
    assert!(rhythm.iter().all(|&n| n == rhythm[0]), "{written:?}");
    assert!(written[29] >= writes(25), "{written:?}");
    assert_eq!(io.take_written().len(), 30 * ANSWER, "nothing is kept");
    // A single one is answered although more could have come.
    messages(&io, 1);
    assert_eq!(echo(&mut socket, &io, 0), [0]);
    assert_eq!(io.take_written().len(), ANSWER);
}

#[test]
fn what_arrives_in_pieces_is_put_together() {
    for step in [1, 100, 5000, FRAME - 1, FRAME + 1, 40_000] {
        let io = Io::willing();
        io.0.borrow_mut().step = step;
        let mut socket = server(&io);
        messages(&io, 12);
        let written = echo_polling(&mut socket, &io);
        assert_eq!(written, 12 * ANSWER, "{step}");
    }
}

/// Echoes until nothing comes any more, however often it has to be asked.
fn echo_polling(socket: &mut WebSocket<Io, Clock>, io: &Io) -> usize {
    let mut first = 0;
    loop {
        let echoed = echo(socket, io, first);
        first += u8::try_from(echoed.len()).unwrap();
        if echoed.is_empty() && io.0.borrow().incoming.is_empty() {
            return io.0.borrow().written.len();
        }
    }
}

#[test]
fn messages_that_are_taken_are_whole_and_hold_no_more_than_themselves() {
    let io = Io::willing();
    let mut socket = server(&io);
    let mut kept = Vec::new();
    messages(&io, 60);
    for i in 0..60 {
        let Some(Some(OwnedEvent::Binary(data))) = poll_once(socket.next()).0 else {
            panic!("message {i}");
        };
        assert_eq!(data, [i; SIZE][..]);
        // The first ones share what one read brought.
        kept.extend((i >= 20).then_some(data));
    }
    assert!(poll_once(socket.next()).0.is_none(), "there are no more");
    for (i, data) in (20..60).zip(kept) {
        assert_eq!(data, [i; SIZE][..], "it stays what it was");
        let storage = data.try_into_mut().expect("nobody else has it");
        assert!(storage.capacity() <= FRAME, "{}", storage.capacity());
    }
}

#[test]
fn what_is_read_while_writing_waits_is_not_lost() {
    let io = Io::willing();
    let clock = Clock::default();
    let silence = Duration::from_secs(16);
    let config = Config::default().idle_timeout(Some(silence));
    let mut socket = server_on(&io, &clock, &config);
    messages(&io, 32);
    for _ in 0..31 {
        assert!(poll_once(socket.next()).0.is_some());
    }
    // The last one is there, and more comes while the peer takes nothing.
    assert!(poll_once(socket.next()).0.is_some());
    io.0.borrow_mut().capacity = Some(0);
    messages(&io, 2);
    clock.advance(silence);
    socket.sender().binary(b"x").unwrap();
    assert!(poll_once(socket.flush()).0.is_none());
    assert_eq!(io.0.borrow().incoming.len(), FRAME, "it has read");
    for i in 0..2 {
        let event = poll_once(socket.next()).0.flatten();
        let Some(OwnedEvent::Binary(data)) = event else {
            panic!("{event:?}");
        };
        assert_eq!(data, [i; SIZE][..]);
    }
}
