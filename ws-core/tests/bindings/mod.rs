//! What every binding must do on real sockets, written once.
//!
//! A binding's test includes this folder by path and provides a module `rt`: its crate as `ws`, a
//! macro `wait!` that calls a method of it to the end (by blocking the thread on the future, if it
//! gives one), and a few functions where the runtimes differ. Every test is a few threads, so the
//! same text runs on tokio, smol, async-std and blocking sockets.
//!
//! No test measures time: a deadline given to a connection is there to be reached, and a test that
//! hangs fails (see [`guard`](mod@guard)).
#![allow(
    clippy::cast_possible_truncation,
    reason = "lengths and noise, cut on purpose"
)]

mod bad_input;
mod bursts;
mod conversations;
mod deadlines;
mod faults;
pub(crate) mod guard;
mod halves;
mod handshakes;
mod hostile;
mod leftovers;
mod lines;
mod moved;
mod parity;
pub(crate) mod raw;
mod redirects;
mod routes;
#[cfg(feature = "tls")]
mod secure;
mod servers;
mod streams;
#[cfg(unix)]
mod unix;
#[cfg(all(feature = "tls", feature = "tracing"))]
mod warned;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

pub(crate) use guard::{guard, join};

use crate::rt::{self, wait, ws};
use ws::{AcceptOptions, Closed, ConnectOptions, OwnedEvent, Request, WebSocket};

/// A listener on a free port of the loopback.
pub(crate) fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// A listener on the loopback of IPv6; `None` on a machine without one.
pub(crate) fn listener_v6() -> Option<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind("[::1]:0").ok()?;
    let address = listener.local_addr().expect("an address");
    Some((listener, address))
}

/// Serves one client: what `serve` makes of it is the result of the thread.
pub(crate) fn server<T: Send + 'static>(
    serve: impl FnOnce(rt::Tcp) -> T + Send + 'static,
) -> (SocketAddr, JoinHandle<T>) {
    let (listener, address) = listener();
    let serving = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        serve(rt::tcp(stream))
    });
    (address, serving)
}

/// Both ends of a connection over TCP.
pub(crate) fn pair() -> (WebSocket, WebSocket) {
    pair_with(&ConnectOptions::default(), &AcceptOptions::default())
}

pub(crate) fn pair_with(
    connect: &ConnectOptions,
    accept: &AcceptOptions,
) -> (WebSocket, WebSocket) {
    let accept = accept.clone();
    let (address, server) =
        server(move |stream| wait!(ws::accept_with(stream, &accept)).expect("an upgrade"));
    let request = Request::new(format!("ws://{address}/")).expect("a url");
    let client = wait!(ws::connect_with(&request, connect)).expect("a connection");
    (client, join(server))
}

/// One end, and the socket of the other end, whose opening handshake is done.
pub(crate) fn server_and_raw(options: &AcceptOptions) -> (WebSocket, TcpStream) {
    let options = options.clone();
    let (address, server) =
        server(move |stream| wait!(ws::accept_with(stream, &options)).expect("an upgrade"));
    let raw = raw::connect(address);
    (join(server), raw)
}

/// As [`server_and_raw`], the other way round.
pub(crate) fn client_and_raw(options: &ConnectOptions) -> (WebSocket, TcpStream) {
    let (listener, address) = listener();
    let raw = thread::spawn(move || raw::accept(&listener));
    let request = Request::new(format!("ws://{address}/")).expect("a url");
    let client = wait!(ws::connect_with(&request, options)).expect("a connection");
    (client, join(raw))
}

/// Echoes until the end, as the example servers do.
pub(crate) fn echo(socket: &mut WebSocket) -> Option<Closed> {
    while let Some((event, reply)) = wait!(socket.read()) {
        let _ = match event {
            ws::Event::Text(text) => reply.text(text),
            ws::Event::Binary(data) => reply.binary(data),
            _ => Ok(()),
        };
    }
    socket.closed().cloned()
}

/// An echo server for any number of clients, until the test process ends.
pub(crate) fn echo_server(options: &AcceptOptions) -> (SocketAddr, mpsc::Receiver<Option<Closed>>) {
    let (listener, address) = listener();
    let (ended, ends) = mpsc::channel();
    let options = options.clone();
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let (options, ended) = (options.clone(), ended.clone());
            thread::spawn(move || {
                let end = match wait!(ws::accept_with(rt::tcp(stream), &options)) {
                    Ok(mut socket) => echo(&mut socket),
                    Err(_) => None,
                };
                let _ = ended.send(end);
            });
        }
    });
    (address, ends)
}

/// The server serves a new client as if nothing had happened.
pub(crate) fn assert_serves(address: SocketAddr) {
    let mut client = wait!(ws::connect(format!("ws://{address}/"))).expect("a connection");
    wait!(client.send("still there?")).expect("an open connection");
    assert_eq!(
        wait!(client.next()),
        Some(OwnedEvent::Text("still there?".into()))
    );
    assert!(
        wait!(client.close(ws::CloseCode::NORMAL, ""))
            .expect("an end")
            .is_clean()
    );
}

/// Reads on to the end, which it returns; nothing but what `see` is shown comes before.
pub(crate) fn read_to_end(socket: &mut WebSocket, mut see: impl FnMut(OwnedEvent)) -> Closed {
    while let Some(event) = wait!(socket.next()) {
        match event {
            OwnedEvent::Closed(closed) => {
                assert_eq!(wait!(socket.next()), None, "the end is told once");
                return closed;
            }
            event => see(event),
        }
    }
    panic!("it ended without a word");
}

/// Bytes in which every position differs from its neighbours.
pub(crate) fn payload(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + i / 251) as u8).collect()
}
