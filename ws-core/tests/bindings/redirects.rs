//! Servers that send the client on: where it goes, what it takes along, and where it stops.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};

use super::{echo, guard, join, listener, server};
use crate::rt::{wait, ws};
use ws::ws_core::handshake::RedirectError;
use ws::{
    CloseCode, ConnectError, ConnectOptions, DialConfig, HandshakeError, OwnedEvent, Request, Route,
};

/// Answers as many requests as there are locations, each with a redirect; the heads it read.
fn redirecting(locations: Vec<String>) -> (SocketAddr, JoinHandle<Vec<String>>) {
    redirecting_at(listener(), locations)
}

fn redirecting_at(
    (listener, address): (TcpListener, SocketAddr),
    locations: Vec<String>,
) -> (SocketAddr, JoinHandle<Vec<String>>) {
    let serving = thread::spawn(move || {
        let mut heads = Vec::new();
        for location in locations {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).expect("a request");
                head.push(byte[0]);
            }
            heads.push(String::from_utf8(head).expect("text"));
            let answer =
                format!("HTTP/1.1 307 On\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).expect("written");
        }
        heads
    });
    (address, serving)
}

fn request(address: SocketAddr) -> Request {
    let request = Request::new(format!("ws://{address}/old")).expect("a url");
    request
        .header("Authorization", "Bearer s3cret")
        .expect("a header")
}

fn key(head: &str) -> &str {
    let (_, rest) = head.split_once("Sec-WebSocket-Key: ").expect("a key");
    rest.split("\r\n").next().expect("a line")
}

#[test]
fn a_client_goes_where_it_is_sent_and_takes_no_secrets_to_another_origin() {
    guard(|| {
        let (last, serving) = server(|stream| {
            let upgrade =
                wait!(ws::upgrade(stream, &ws::AcceptOptions::default())).expect("a request");
            let request = upgrade.request();
            assert_eq!(request.path(), "/new");
            assert_eq!(request.header("Authorization"), None);
            let accept = ws::Accept::new();
            echo(&mut wait!(upgrade.accept(accept)).expect("an upgrade"));
        });
        let (first, redirected) = redirecting(vec!["/here".into(), format!("ws://{last}/new")]);
        let options = ConnectOptions::default().redirects(2);
        let mut socket = wait!(ws::connect_with(&request(first), &options)).expect("a connection");
        wait!(socket.send("hello")).expect("sent");
        assert_eq!(wait!(socket.next()), Some(OwnedEvent::Text("hello".into())));
        assert!(
            wait!(socket.close(CloseCode::NORMAL, ""))
                .expect("closed")
                .is_clean()
        );
        join(serving);
        let heads = join(redirected);
        assert!(heads[1].starts_with("GET /here "), "{}", heads[1]);
        assert!(
            heads.iter().all(|head| head.contains("s3cret")),
            "the same origin"
        );
        assert_ne!(
            key(&heads[0]),
            key(&heads[1]),
            "each handshake has a key of its own"
        );
    });
}

#[test]
fn none_is_followed_unless_asked_and_none_for_ever() {
    guard(|| {
        let (address, served) = redirecting(vec!["/x".into()]);
        let options = ConnectOptions::default();
        let error = wait!(ws::connect_with(&request(address), &options)).expect_err("a refusal");
        let ConnectError::Handshake(HandshakeError::Rejected(rejection)) = error else {
            panic!("{error:?}");
        };
        assert_eq!((rejection.status, rejection.location()), (307, Some("/x")));
        join(served);

        let (address, served) = redirecting(vec!["/x".into(); 4]);
        let options = ConnectOptions::default().redirects(3);
        let error = wait!(ws::connect_with(&request(address), &options)).expect_err("a circle");
        assert!(error.explain().suggestion.contains("circles"));
        let ConnectError::Redirect(error) = error else {
            panic!("{error:?}");
        };
        assert_eq!(error, RedirectError::TooMany { limit: 3 });
        assert_eq!(join(served).len(), 4);

        let (address, served) = redirecting(vec!["ftp://h/".into()]);
        let options = ConnectOptions::default().redirects(1);
        let error = wait!(ws::connect_with(&request(address), &options)).expect_err("no way");
        assert!(
            matches!(error, ConnectError::Redirect(RedirectError::BadLocation(_))),
            "{error:?}"
        );
        join(served);
    });
}

#[test]
fn what_is_known_of_the_first_host_is_not_taken_for_the_next() {
    guard(|| {
        // Some systems have but one address in the loopback network.
        let Ok(listener) = TcpListener::bind("127.0.0.78:0") else {
            return;
        };
        let known = listener.local_addr().expect("an address");
        let (last, serving) = server(|stream| {
            echo(&mut wait!(ws::accept(stream)).expect("an upgrade"));
        });
        let (_, redirected) = redirecting_at((listener, known), vec![format!("ws://{last}/new")]);
        let dial = DialConfig::default().addresses(vec![known.ip()]);
        let options = ConnectOptions::default()
            .redirects(1)
            .route(Route::default().dial(dial));
        let url = format!("ws://first.test:{}/", known.port());
        let request = Request::new(url).expect("a url");
        let mut socket = wait!(ws::connect_with(&request, &options)).expect("a connection");
        assert!(
            wait!(socket.close(CloseCode::NORMAL, ""))
                .expect("closed")
                .is_clean()
        );
        join(serving);
        join(redirected);
    });
}
