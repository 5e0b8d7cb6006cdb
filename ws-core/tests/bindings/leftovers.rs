//! S17: whoever drops a session, in whatever state it is, leaves no task, thread or socket behind.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use super::lines::Lines;
use super::parity::options;
use super::{guard, listener, raw};
use crate::rt::{self, wait, ws};
use ws::session::{Client, Events, State, start_with};
use ws::{CloseCode, Request};

/// A session that says when nothing is left of it.
fn mortal(
    address: SocketAddr,
    backoff: Duration,
) -> (Client<Lines>, Events<Lines>, mpsc::Receiver<()>) {
    let (alive, gone) = mpsc::channel();
    let lines = Lines { alive: Some(alive) };
    let request = Request::new(format!("ws://{address}/")).expect("a url");
    let mut options = options(backoff);
    options.config.connection.close_timeout = Duration::from_millis(50);
    let started = rt::enter(|| start_with(request, lines, &options));
    let (client, events) = started.expect("a start");
    (client, events, gone)
}

/// Waits until the session is gone, its task and all.
fn assert_gone(gone: &mpsc::Receiver<()>) {
    assert_eq!(gone.recv(), Err(mpsc::RecvError));
}

#[test]
fn s17_a_dropped_session_leaves_nothing_behind_in_any_state() {
    guard(|| {
        // While it connects.
        let (listener, address) = listener();
        let (client, events, gone) = mortal(address, Duration::ZERO);
        let (mut stream, _) = listener.accept().expect("a client");
        assert!(matches!(
            client.state(),
            State::Dialing { .. } | State::Upgrading { .. }
        ));
        drop((client, events));
        raw::drain(&mut stream);
        assert_gone(&gone);

        // While it is open.
        let (client, events, gone) = mortal(address, Duration::ZERO);
        let mut stream = raw::accept(&listener);
        answer_hello(&mut stream);
        wait!(client.ready()).expect("a connection");
        drop((client, events));
        assert_eq!(raw::read_frame(&mut stream).expect("a frame").0, raw::CLOSE);
        raw::drain(&mut stream);
        assert_gone(&gone);

        // While it waits.
        let (nobody, _taken) = raw::nobody();
        let (client, mut events, gone) = mortal(nobody, Duration::from_secs(3600));
        while !matches!(client.state(), State::Waiting { .. }) {
            wait!(events.next()).expect("no end");
        }
        drop((client, events));
        assert_gone(&gone);

        // While it closes, and the server does not answer.
        let (client, events, gone) = mortal(address, Duration::ZERO);
        let mut stream = raw::accept(&listener);
        answer_hello(&mut stream);
        wait!(client.ready()).expect("a connection");
        client.close(CloseCode::NORMAL, "").expect("an end");
        assert_eq!(raw::read_frame(&mut stream).expect("a frame").0, raw::CLOSE);
        drop((client, events));
        raw::drain(&mut stream);
        assert_gone(&gone);
    });
}

/// What a session of lines begins with, and its answer.
fn answer_hello(stream: &mut TcpStream) {
    let (_, hello) = raw::read_frame(stream).expect("a frame");
    let number = hello.split(|byte| *byte == b' ').next().expect("a number");
    let answer = [number, b" ok"].concat();
    stream
        .write_all(&raw::frame(raw::TEXT, &answer))
        .expect("a client");
}
