//! Everything that can be wrong with a server, or with what the user asks for: the error says which
//! it is, in a type for the program and in words for the reader.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::{guard, raw};
use crate::rt::{wait, ws};
use ws::ws_core::TransportEnd;
use ws::ws_core::handshake::{Limits, RequestError};
use ws::ws_core::policy::Stage;
use ws::ws_core::url::UrlError;
use ws::{ConnectError, ConnectOptions, DialConfig, HandshakeError, Request, Route};

/// Both texts of an error hold the words that lead the reader on.
#[track_caller]
fn assert_says(error: &ConnectError, display: &str, suggestion: &str) {
    let shown = error.to_string();
    assert!(shown.contains(display), "{shown:?} without {display:?}");
    assert!(!shown.ends_with('.') && !shown.contains('\n'), "{shown:?}");
    let explained = error.explain().to_string();
    assert!(
        explained.contains(suggestion),
        "{explained:?} without {suggestion:?}"
    );
}

fn refused(url: &str, options: &ConnectOptions) -> ConnectError {
    let request = Request::new(url).expect("a url");
    wait!(ws::connect_with(&request, options)).expect_err("there is no such server")
}

#[test]
fn a_bad_url_is_refused_before_anything_is_done() {
    guard(|| {
        for (url, expected, display, suggestion) in [
            ("", UrlError::NoScheme, "scheme", "ws://"),
            ("localhost:80", UrlError::NoScheme, "scheme", "ws://"),
            ("ftp://host/", UrlError::UnknownScheme, "scheme", "wss://"),
            ("ws://", UrlError::EmptyHost, "host is empty", "after ://"),
            ("ws://host:0/", UrlError::BadPort, "port", "1 to 65535"),
            ("ws://host:http/", UrlError::BadPort, "port", "1 to 65535"),
            ("ws://1.2.3/", UrlError::BadIpv4, "ipv4", "four numbers"),
            ("ws://::1/", UrlError::BadIpv6, "ipv6", "brackets"),
            ("ws://host/#top", UrlError::Fragment, "fragment", "%23"),
        ] {
            let error = wait!(ws::connect(url)).expect_err(url);
            let ConnectError::Request(RequestError::Url(found)) = &error else {
                panic!("{url}: {error:?}");
            };
            assert_eq!(*found, expected, "{url}");
            assert_says(&error, display, suggestion);
        }
    });
}

#[cfg(not(feature = "tls"))]
#[test]
fn tls_is_not_spoken_and_the_error_says_what_to_do() {
    guard(|| {
        for url in ["wss://localhost:1/", "https://localhost:1/"] {
            let error = refused(url, &ConnectOptions::default());
            assert!(matches!(&error, ConnectError::TlsNotBuilt { .. }));
            assert_says(&error, "localhost:1 wants tls", "client()");
        }
    });
}

fn dialing(set: impl FnOnce(DialConfig) -> DialConfig) -> ConnectOptions {
    let dial = set(DialConfig::default());
    ConnectOptions::default().route(Route::default().dial(dial))
}

#[test]
fn a_port_where_no_one_listens_is_told_from_a_host_that_no_one_knows() {
    guard(|| {
        let (address, _taken) = raw::nobody();
        let error = refused(&format!("ws://{address}/"), &ConnectOptions::default());
        let ConnectError::Dial {
            authority,
            stage,
            error: cause,
        } = &error
        else {
            panic!("{error:?}");
        };
        assert_eq!(*authority, address.to_string());
        assert_eq!(*stage, Stage::Connect);
        assert_eq!(cause.kind(), std::io::ErrorKind::ConnectionRefused);
        assert_says(&error, &address.to_string(), "server is running");

        let error = refused("ws://nowhere.invalid:81/", &ConnectOptions::default());
        let ConnectError::Dial { stage, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(*stage, Stage::Resolve);
        assert_says(
            &error,
            "looking up nowhere.invalid:81",
            "spelling of the host",
        );
    });
}

/// A port whose queue of connections is full: the operating system answers no one, as a host behind
/// a firewall does.
#[cfg(target_os = "linux")]
fn silent_port() -> (SocketAddr, impl Drop) {
    struct Full(
        #[expect(dead_code, reason = "kept open")] socket2::Socket,
        Vec<TcpStream>,
    );
    impl Drop for Full {
        fn drop(&mut self) {
            self.1.clear();
        }
    }
    let socket =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    socket.bind(&any.into()).expect("a free port");
    socket.listen(0).expect("listening");
    let address = socket
        .local_addr()
        .ok()
        .and_then(|address| address.as_socket());
    let address = address.expect("an address");
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(50)) {
        waiting.push(stream);
    }
    (address, Full(socket, waiting))
}

#[cfg(target_os = "linux")]
#[test]
fn a_host_that_does_not_answer_is_given_up_at_the_deadline() {
    guard(|| {
        let (address, _full) = silent_port();
        let options = dialing(|dial| dial.connect_timeout(Duration::from_millis(30)));
        let error = refused(&format!("ws://{address}/"), &options);
        let ConnectError::Dial { error: cause, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(cause.kind(), std::io::ErrorKind::TimedOut);
        assert_says(&error, "connecting to", "DialConfig::connect_timeout");
    });
}

#[test]
fn a_server_that_accepts_and_says_nothing_is_given_up_at_the_deadline() {
    guard(|| {
        let address = raw::serve(|stream| drop(raw::drain(stream)));
        let limits = Limits::default().timeout(Duration::from_millis(30));
        let options = ConnectOptions::default().handshake(limits);
        let error = refused(&format!("ws://{address}/"), &options);
        assert!(matches!(
            &error,
            ConnectError::Handshake(HandshakeError::Timeout)
        ));
        assert_says(&error, "took too long", "Limits::timeout");
    });
}

#[test]
fn the_longest_deadlines_are_no_mistake() {
    guard(|| {
        let limits = Limits::default().timeout(Duration::MAX);
        let config = ws::Config::default()
            .close_timeout(Duration::MAX)
            .idle_timeout(Some(Duration::MAX));
        let connect = dialing(|dial| {
            dial.connect_timeout(Duration::MAX)
                .resolve_timeout(Duration::MAX)
                .stagger(Duration::MAX)
        });
        let connect = connect.handshake(limits.clone()).config(config.clone());
        let accept = ws::AcceptOptions::default()
            .handshake(limits)
            .config(config);
        let (mut client, mut server) = super::pair_with(&connect, &accept);
        let server = std::thread::spawn(move || super::echo(&mut server));
        wait!(client.send("x")).unwrap();
        assert!(wait!(client.next()).is_some());
        assert!(
            wait!(client.close(ws::CloseCode::NORMAL, ""))
                .unwrap()
                .is_clean()
        );
        assert!(super::join(server).expect("an end").is_clean());
    });
}

/// What a server answers, and what becomes of it.
struct Case {
    answer: &'static str,
    expected: fn(&HandshakeError) -> bool,
    display: &'static str,
    suggestion: &'static str,
}

const CASES: &[Case] = &[
    Case {
        answer: "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>",
        expected: |error| {
            matches!(error, HandshakeError::Rejected(it)
                if it.status == 200 && it.text() == "<html></html>")
        },
        display: "status 200",
        suggestion: "lead to a WebSocket server",
    },
    Case {
        answer: "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        expected: |error| matches!(error, HandshakeError::Rejected(it) if it.status == 404),
        display: "status 404",
        suggestion: "path of the URL",
    },
    Case {
        answer: "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
        expected: |error| matches!(error, HandshakeError::Rejected(it) if it.status == 401),
        display: "status 401",
        suggestion: "credentials",
    },
    Case {
        // A body without a length ends with the stream.
        answer: "HTTP/1.1 500 Oops\r\n\r\nit broke",
        expected: |error| {
            matches!(error, HandshakeError::Rejected(it)
                if it.status == 500 && it.text() == "it broke")
        },
        display: "status 500",
        suggestion: "Try again later",
    },
    Case {
        answer: "HTTP/1.1 301 Moved\r\nLocation: ws://other/\r\nContent-Length: 0\r\n\r\n",
        expected: |error| matches!(error, HandshakeError::Rejected(it) if it.location() == Some("ws://other/")),
        display: "status 301",
        suggestion: "Location",
    },
    Case {
        answer: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
        expected: |error| *error == HandshakeError::AcceptMismatch,
        display: "sec-websocket-accept",
        suggestion: "proxy",
    },
    Case {
        answer: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n",
        expected: |error| matches!(error, HandshakeError::UpgradeMissing { .. }),
        display: "upgrade",
        suggestion: "proxy",
    },
    Case {
        answer: "SSH-2.0-OpenSSH_9.9\r\n",
        expected: |error| *error == HandshakeError::NotHttp,
        display: "does not speak http",
        suggestion: "host and port",
    },
    Case {
        answer: "\0\u{1}\u{2}\u{3}\u{4}",
        expected: |error| *error == HandshakeError::NotHttp,
        display: "does not speak http",
        suggestion: "host and port",
    },
    Case {
        // A TLS alert: that is how a TLS server answers a GET.
        answer: "\x15\x03\x03\0\x02\x02\x0a",
        expected: |error| *error == HandshakeError::TlsFromServer,
        display: "tls",
        suggestion: "TLS",
    },
    Case {
        answer: "",
        expected: |error| {
            let end = TransportEnd::Eof;
            *error == HandshakeError::Ended { end, received: 0 }
        },
        display: "ended the stream",
        suggestion: "TLS",
    },
    Case {
        answer: "HTTP/1.1 101 Switch",
        expected: |error| {
            let end = TransportEnd::Eof;
            *error == HandshakeError::Ended { end, received: 19 }
        },
        display: "after 19 bytes",
        suggestion: "Try again",
    },
];

#[test]
fn what_a_server_does_wrong_is_told_in_a_type_and_in_words() {
    guard(|| {
        for case in CASES {
            let address = raw::serve(|stream| {
                raw::read_head(stream);
                stream.write_all(case.answer.as_bytes()).expect("written");
            });
            let error = wait!(ws::connect(format!("ws://{address}/"))).expect_err(case.answer);
            let ConnectError::Handshake(found) = &error else {
                panic!("{:?}: {error:?}", case.answer);
            };
            assert!((case.expected)(found), "{:?}: {found:?}", case.answer);
            assert_says(&error, case.display, case.suggestion);
        }
    });
}

#[test]
fn a_server_that_resets_the_connection_is_told_as_such() {
    guard(|| {
        let address = raw::serve(|stream| {
            // Closing a socket whose bytes are unread resets the connection.
            stream.peek(&mut [0]).expect("a request");
        });
        let error = wait!(ws::connect(format!("ws://{address}/"))).expect_err("a reset");
        let ConnectError::Handshake(HandshakeError::Ended { end, received: 0 }) = &error else {
            panic!("{error:?}");
        };
        assert_eq!(*end, TransportEnd::Reset);
        assert_says(&error, "reset", "TLS");
    });
}
