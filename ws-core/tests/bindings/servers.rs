//! Servers on real sockets: whom they let in, what a handler can't do to them, and how they go down.
//!
//! The binding's `rt::serve` starts one whose handlers do what the path says, see `guests.rs`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::raw::{self, CLOSE, TEXT};
use super::{assert_serves, guard, join};
use crate::rt::{self, wait, ws};
use ws::server::{Counts, Handle, Phase, ServerLimits};
use ws::ws_core::handshake::Limits;
use ws::{AcceptOptions, CloseCode, Config, OriginPolicy, OwnedEvent, ServerOptions};

/// Longer than any test takes: whoever waits for it hangs.
const NEVER: Duration = Duration::from_secs(300);

pub(super) fn options(limits: ServerLimits) -> ServerOptions {
    ServerOptions::default().limits(limits.drain_timeout(NEVER))
}

/// A request for a path, with more headers.
fn request(path: &str, more: &str) -> String {
    let request = raw::REQUEST.replace("GET / ", &format!("GET {path} "));
    request.replace(
        "Upgrade: websocket\r\n",
        &format!("Upgrade: websocket\r\n{more}"),
    )
}

/// Asks, and reads the head of the answer.
fn ask(address: SocketAddr, path: &str, more: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(address).expect("a server");
    let request = request(path, more);
    stream.write_all(request.as_bytes()).expect("written");
    let head = raw::read_head(&mut stream);
    (stream, head)
}

#[track_caller]
pub(super) fn open(address: SocketAddr, path: &str) -> TcpStream {
    let (stream, head) = ask(address, path, "");
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    stream
}

#[track_caller]
pub(super) fn refused(address: SocketAddr, path: &str, more: &str, status: u16) -> String {
    let (mut stream, mut answer) = ask(address, path, more);
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status} ")),
        "{answer}"
    );
    assert!(answer.contains("Connection: close"), "{answer}");
    stream.read_to_string(&mut answer).expect("an orderly end");
    answer
}

/// Waits until the server's numbers are as they should be.
pub(super) fn until(handle: &Handle, reached: impl Fn(&Counts) -> bool) -> Counts {
    loop {
        let counts = handle.counts();
        if reached(&counts) {
            return counts;
        }
        std::thread::yield_now();
    }
}

#[track_caller]
pub(super) fn assert_closed_with(stream: &mut TcpStream, code: u16) {
    let (first, payload) = raw::read_frame(stream).expect("a frame");
    assert_eq!(first, CLOSE);
    assert_eq!(payload[..2], code.to_be_bytes());
    stream
        .write_all(&raw::masked(CLOSE, &payload))
        .expect("written");
    assert_eq!(raw::drain(stream), b"");
}

#[test]
fn clients_are_served_and_closed_with_1001_when_the_server_goes_down() {
    guard(|| {
        let (address, handle, serving) = rt::serve(options(ServerLimits::default()));
        assert_serves(address);
        let mut clients = [open(address, "/"), open(address, "/halves")];
        for client in &mut clients {
            client.write_all(&raw::masked(TEXT, b"echo")).unwrap();
            assert_eq!(raw::read_frame(client).unwrap(), (TEXT, b"echo".to_vec()));
        }
        let counts = until(&handle, |counts| counts.open == 2);
        assert_eq!((counts.opened, counts.handshaking), (3, 0));
        assert_eq!(handle.phase(), Phase::Serving);
        handle.shutdown();
        for client in &mut clients {
            assert_closed_with(client, 1001);
        }
        let counts = join(serving);
        assert_eq!((counts.open, counts.opened, counts.failed), (0, 3, 0));
        assert!(TcpStream::connect(address).is_err(), "nobody listens");
    });
}

#[test]
fn a_handler_s_client_sees_the_shutdown_as_such() {
    guard(|| {
        let (address, handle, serving) = rt::serve(options(ServerLimits::default()));
        let mut client = wait!(ws::connect(format!("ws://{address}/"))).unwrap();
        wait!(client.send("one")).unwrap();
        assert_eq!(wait!(client.next()), Some(OwnedEvent::Text("one".into())));
        handle.shutdown();
        let closed = super::read_to_end(&mut client, |event| panic!("{event:?}"));
        assert!(closed.is_clean());
        assert_eq!(closed.code, CloseCode::GOING_AWAY);
        assert_eq!(join(serving).open, 0);
    });
}

#[test]
fn what_a_handler_leaves_is_closed_for_it_whether_it_returns_or_panics() {
    guard(|| {
        let (address, handle, serving) = rt::serve(options(ServerLimits::default()));
        for (path, code) in [("/leave", 1000), ("/panic", 1011)] {
            let mut client = open(address, path);
            client.write_all(&raw::masked(TEXT, b"go")).unwrap();
            assert_closed_with(&mut client, code);
        }
        for path in ["/before", "/unanswered"] {
            refused(address, path, "", 500);
        }
        let answer = refused(address, "/rejected", "", 401);
        assert!(answer.contains("WWW-Authenticate: Basic"), "{answer}");
        assert!(answer.ends_with("who is it?"), "{answer}");
        assert_serves(address);
        let counts = until(&handle, |counts| counts.open + counts.handshaking == 0);
        assert_eq!((counts.panicked, counts.opened, counts.failed), (2, 3, 3));
        handle.shutdown();
        join(serving);
    });
}

#[test]
fn pages_of_other_sites_are_refused_unless_they_are_listed() {
    guard(|| {
        let (address, handle, serving) = rt::serve(options(ServerLimits::default()));
        refused(address, "/", "Origin: http://elsewhere.example\r\n", 403);
        refused(address, "/", "Origin: null\r\n", 403);
        let (_own, head) = ask(address, "/", "Origin: http://localhost\r\n");
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        // Whoever was refused has left when the server has seen so.
        until(&handle, |counts| counts.failed == 2);
        handle.abort();
        assert_eq!(join(serving).failed, 2);

        let list = OriginPolicy::allow(["https://friend.example"]);
        let (address, handle, serving) = rt::serve(options(ServerLimits::default()).origins(list));
        let (_friend, head) = ask(address, "/", "Origin: https://friend.example\r\n");
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        refused(address, "/", "Origin: http://localhost\r\n", 403);
        refused(address, "/", "", 403);
        handle.abort();
        join(serving);
    });
}

#[test]
fn whoever_is_over_a_limit_is_told_so_and_gets_in_when_there_is_room() {
    guard(|| {
        for (limits, status) in [
            (ServerLimits::default().max_connections(1), 503),
            (ServerLimits::default().max_per_address(1), 429),
        ] {
            let (address, handle, serving) = rt::serve(options(limits));
            let first = open(address, "/");
            until(&handle, |counts| counts.open == 1);
            let answer = refused(address, "/", "", status);
            assert!(answer.contains("Retry-After: 5\r\n"), "{answer}");
            drop(first);
            until(&handle, |counts| counts.open == 0);
            assert_serves(address);
            handle.shutdown();
            let counts = join(serving);
            let refusals = counts.refused_full + counts.refused_address;
            assert_eq!((counts.opened, refusals, counts.refusing), (2, 1, 0));
        }
    });
}

#[test]
fn handshakes_under_way_are_limited_and_end_at_their_deadline() {
    guard(|| {
        let limits = ServerLimits::default().max_handshakes(2).max_refusals(0);
        let (address, handle, serving) = rt::serve(options(limits.clone()));
        let half_open = [(); 2].map(|()| TcpStream::connect(address).unwrap());
        until(&handle, |counts| counts.handshaking == 2);
        let mut third = TcpStream::connect(address).unwrap();
        assert_eq!(raw::drain(&mut third), b"", "hung up on without a word");
        assert_eq!(until(&handle, |counts| counts.dropped == 1).refusing, 0);
        drop(half_open);
        until(&handle, |counts| counts.handshaking == 0);
        assert_serves(address);
        handle.shutdown();
        assert_eq!(join(serving).failed, 2);

        let deadline = Limits::default().timeout(Duration::from_millis(20));
        let accept = AcceptOptions::default().handshake(deadline);
        let (address, handle, serving) = rt::serve(options(limits).accept(accept));
        let mut silent = TcpStream::connect(address).unwrap();
        let mut slow = TcpStream::connect(address).unwrap();
        slow.write_all(b"GET / HTTP/1.1\r\n").unwrap();
        assert_eq!(raw::drain(&mut silent), b"");
        assert!(raw::read_head(&mut slow).starts_with("HTTP/1.1 408 "));
        drop(slow);
        until(&handle, |counts| counts.failed == 2);
        handle.shutdown();
        join(serving);
    });
}

#[test]
fn going_down_waits_for_nobody_who_has_not_asked_and_for_others_until_the_deadline() {
    guard(|| {
        let limit = Limits::default().timeout(NEVER);
        let accept = AcceptOptions::default().handshake(limit);
        let (address, handle, serving) = rt::serve(options(ServerLimits::default()).accept(accept));
        let mut half_open = TcpStream::connect(address).unwrap();
        until(&handle, |counts| counts.handshaking == 1);
        handle.shutdown();
        assert_eq!(join(serving).open, 0);
        assert_eq!(raw::drain(&mut half_open), b"");

        // One that never answers the Close, and one whose handler never looks.
        let limits = ServerLimits::default().drain_timeout(Duration::from_millis(20));
        let config = Config::default().close_timeout(NEVER);
        let accept = AcceptOptions::default().config(config);
        let stuck = ServerOptions::default().limits(limits).accept(accept);
        let (address, handle, serving) = rt::serve(stuck);
        let mut deaf = open(address, "/");
        let mut stays = open(address, "/stay");
        until(&handle, |counts| counts.open == 2);
        handle.shutdown();
        assert_eq!(handle.phase(), Phase::Closing);
        assert_eq!(join(serving).open, 2, "who was still there");
        raw::drain(&mut deaf);
        raw::drain(&mut stays);
    });
}

#[cfg(feature = "tls")]
#[test]
fn tls_has_the_same_deadline_and_the_same_answers() {
    use super::secure::{authority, good, options as client_options, serving, trusting};
    guard(|| {
        let authority = authority("ours");
        let config = serving(&good(&authority));
        let limits = ServerLimits::default().max_connections(1);
        let options = options(limits).tls(Some(config));
        let deadline = Limits::default().timeout(Duration::from_millis(500));
        let silent = options
            .clone()
            .accept(AcceptOptions::default().handshake(deadline));
        let (address, handle, server) = rt::serve(silent);
        let mut stream = TcpStream::connect(address).unwrap();
        assert_eq!(raw::drain(&mut stream), b"", "it never began");
        until(&handle, |counts| counts.failed == 1);
        handle.shutdown();
        join(server);

        let (address, handle, server) = rt::serve(options);
        let request = ws::Request::new(format!("wss://localhost:{}/", address.port())).unwrap();
        let route = client_options(trusting(&authority));
        let mut client = wait!(ws::connect_with(&request, &route)).unwrap();
        wait!(client.send("secret")).unwrap();
        let echoed = wait!(client.next());
        assert_eq!(echoed, Some(OwnedEvent::Text("secret".into())));
        match wait!(ws::connect_with(&request, &route)) {
            Err(ws::ConnectError::Handshake(ws::HandshakeError::Rejected(rejection))) => {
                assert_eq!(rejection.status, 503);
            }
            other => panic!("{other:?}"),
        }
        handle.shutdown();
        let closed = super::read_to_end(&mut client, |event| panic!("{event:?}"));
        assert_eq!(closed.code, CloseCode::GOING_AWAY);
        assert_eq!(join(server).refused_full, 1);
    });
}
