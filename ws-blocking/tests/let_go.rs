//! What becomes of a connection that its handler lets go of early, or that leaves its handler.

#[path = "../../ws-core/tests/bindings/guard.rs"]
mod guard;
#[path = "../../ws-core/tests/bindings/raw.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod raw;

mod rt {
    pub(crate) use ws_blocking as ws;
}

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use guard::{guard, join};
use raw::{CLOSE, TEXT};
use ws_blocking::server::{Arrival, Counts, Guest, Handle, Phase, Server, ServerLimits};
use ws_blocking::{CloseCode, OwnedEvent, ServerOptions};

/// Longer than any test takes: whoever waits for it hangs.
const NEVER: Duration = Duration::from_secs(300);

struct Running {
    address: SocketAddr,
    handle: Handle,
    serving: JoinHandle<Counts>,
}

fn serve(drain: Duration, handler: impl Fn(Arrival) + Send + Sync + 'static) -> Running {
    let limits = ServerLimits::threads().drain_timeout(drain);
    let options = ServerOptions::threads().limits(limits);
    let server = Server::bind("127.0.0.1:0", options).expect("a free port");
    let address = server.local_addr().expect("an address");
    let handle = server.handle();
    let serving = thread::spawn(move || server.run_with(handler).expect("a listener"));
    Running {
        address,
        handle,
        serving,
    }
}

/// A server whose handlers give away what they are given, and return.
fn give_away(drain: Duration) -> (Running, Receiver<Guest>) {
    let (given, guests) = channel();
    let give = move |arrival: Arrival| {
        let guest = arrival.open().expect("a client");
        given.send(guest).expect("somebody takes it");
    };
    (serve(drain, give), guests)
}

/// A handler that does something with its guest, and goes on until the other end is dropped.
fn linger(
    act: impl Fn(Guest) + Send + Sync + 'static,
) -> (impl Fn(Arrival) + Send + Sync + 'static, Sender<()>) {
    let (go_on, held) = channel::<()>();
    let held = std::sync::Mutex::new(held);
    let handler = move |arrival: Arrival| {
        act(arrival.open().expect("a client"));
        let _ = held.lock().expect("one handler").recv();
    };
    (handler, go_on)
}

#[track_caller]
fn assert_closed_with(client: &mut TcpStream, code: u16) {
    let (first, payload) = raw::read_frame(client).expect("a frame");
    assert_eq!(first, CLOSE);
    assert_eq!(payload[..2], code.to_be_bytes());
    let answer = raw::masked(CLOSE, &payload);
    client.write_all(&answer).expect("written");
    assert_eq!(raw::drain(client), b"");
}

fn until(handle: &Handle, reached: impl Fn(&Counts) -> bool) {
    while !reached(&handle.counts()) {
        thread::yield_now();
    }
}

#[test]
fn a_guest_that_is_dropped_early_is_closed_though_its_handler_goes_on() {
    guard(|| {
        let (handler, going_on) = linger(drop);
        let server = serve(NEVER, handler);
        let mut client = raw::connect(server.address);
        assert_closed_with(&mut client, 1000);
        // It has a thread of the server's.
        assert_eq!(server.handle.counts().open, 1);
        drop(going_on);
        until(&server.handle, |counts| counts.open == 0);
        server.handle.shutdown();
        join(server.serving);
    });
}

#[test]
fn halves_that_are_dropped_early_are_gone_though_their_handler_goes_on() {
    guard(|| {
        let (handler, going_on) = linger(|guest| drop(guest.split()));
        let server = serve(NEVER, handler);
        let mut client = raw::connect(server.address);
        assert_eq!(raw::drain(&mut client), b"", "without a word");
        drop(going_on);
        server.handle.shutdown();
        join(server.serving);
    });
}

#[test]
fn a_guest_that_has_left_its_handler_is_served_and_closed_wherever_it_is() {
    guard(|| {
        let (server, guests) = give_away(NEVER);
        let mut client = raw::connect(server.address);
        let mut guest = guests.recv().expect("a guest");
        client.write_all(&raw::masked(TEXT, b"hi")).expect("sent");
        assert_eq!(guest.next(), Some(OwnedEvent::Text("hi".into())));
        drop(guest);
        assert_closed_with(&mut client, 1000);

        let mut client = raw::connect(server.address);
        let guest = guests.recv().expect("a guest");
        let panicking = thread::spawn(move || {
            let _guest = guest;
            panic!("on purpose, with a guest");
        });
        assert!(panicking.join().is_err());
        assert_closed_with(&mut client, 1011);
        until(&server.handle, |counts| counts.open == 0);
        assert_eq!(server.handle.counts().panicked, 0, "it was no handler");

        // Nobody reads this one when the server goes down.
        let mut client = raw::connect(server.address);
        let guest = guests.recv().expect("a guest");
        server.handle.shutdown();
        let closing = thread::spawn(move || assert_closed_with(&mut client, 1001));
        drop(guest);
        join(closing);
        let counts = join(server.serving);
        assert_eq!((counts.open, counts.opened), (0, 3));
    });
}

#[test]
fn halves_that_have_left_their_handler_keep_their_seat_until_both_are_gone() {
    guard(|| {
        let (server, guests) = give_away(NEVER);
        let mut client = raw::connect(server.address);
        let (mut reader, writer) = guests.recv().expect("a guest").split();
        until(&server.handle, |counts| counts.open == 1);
        server.handle.shutdown();
        let (first, payload) = raw::read_frame(&mut client).expect("a frame");
        assert_eq!((first, &payload[..2]), (CLOSE, &[3, 233][..]));
        let answer = raw::masked(CLOSE, &payload);
        client.write_all(&answer).expect("written");
        let Some(OwnedEvent::Closed(closed)) = reader.next() else {
            panic!("the end is told");
        };
        assert_eq!(closed.code, CloseCode::GOING_AWAY);
        drop(reader);
        assert_eq!(server.handle.counts().open, 1);
        assert_eq!(server.handle.phase(), Phase::Closing);
        drop(writer);
        assert_eq!(join(server.serving).open, 0);
        assert_eq!(server.handle.phase(), Phase::Over);
    });
}

#[test]
fn who_has_left_a_handler_is_cut_at_the_drain_deadline() {
    guard(|| {
        let (server, guests) = give_away(Duration::from_millis(20));
        let mut clients = [(); 2].map(|()| raw::connect(server.address));
        let guest = guests.recv().expect("a guest");
        let (mut reader, writer) = guests.recv().expect("a guest").split();
        server.handle.shutdown();
        assert_eq!(join(server.serving).open, 2, "who was still there");
        clients.iter_mut().for_each(|client| {
            raw::drain(client);
        });
        assert!(matches!(reader.next(), Some(OwnedEvent::Closed(_))));
        drop((guest, reader, writer));
        until(&server.handle, |counts| counts.open == 0);
    });
}

#[test]
fn a_request_that_is_dropped_elsewhere_is_answered_all_the_same() {
    guard(|| {
        let (given, arrivals) = channel();
        let server = serve(NEVER, move |arrival| {
            given.send(arrival).expect("somebody takes it");
        });
        let mut client = TcpStream::connect(server.address).expect("a server");
        client.write_all(raw::REQUEST.as_bytes()).expect("written");
        drop(arrivals.recv().expect("a request"));
        let mut answer = String::new();
        client.read_to_string(&mut answer).expect("an orderly end");
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
        drop(client);
        until(&server.handle, |counts| counts.failed == 1);
        server.handle.shutdown();
        join(server.serving);
    });
}

#[test]
fn a_server_that_is_aborted_says_no_farewell() {
    guard(|| {
        let server = serve(NEVER, |arrival| {
            let mut guest = arrival.open().expect("a client");
            while guest.next().is_some() {}
        });
        let mut client = raw::connect(server.address);
        until(&server.handle, |counts| counts.open == 1);
        server.handle.abort();
        assert_eq!(raw::drain(&mut client), b"");
        assert_eq!(join(server.serving).open, 1, "who was still there");
    });
}
