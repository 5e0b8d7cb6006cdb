//! Opening handshakes: what is asked for, what is answered, and bytes that come with them.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::raw::{self, BINARY, CLOSE, PING, PONG, TEXT};
use super::{guard, join, pair, pair_with, server};
use crate::rt::{self, wait, ws};
use ws::ws_core::Seed;
use ws::ws_core::handshake::{AnswerError, Limits};
use ws::{
    Accept, AcceptError, AcceptOptions, CloseCode, ConnectError, ConnectOptions, DialConfig,
    HandshakeError, OriginPolicy, OwnedEvent, Rejection, Request, Route,
};

fn rejected(error: ConnectError) -> Box<Rejection> {
    match error {
        ConnectError::Handshake(HandshakeError::Rejected(rejection)) => rejection,
        error => panic!("{error:?}"),
    }
}

#[test]
fn the_request_is_inspected_and_accepted_with_headers_of_ones_own() {
    guard(|| {
        let (address, server) = server(|stream| {
            let options = AcceptOptions::default();
            let upgrade = wait!(ws::upgrade(stream, &options)).unwrap();
            let request = upgrade.request();
            assert_eq!(
                (request.path(), request.query()),
                ("/chat/room", Some("id=7"))
            );
            assert_eq!(request.header("X-Token"), Some("secret"));
            assert_eq!(request.origin(), Some("https://example.com"));
            assert!(request.subprotocols().eq(["v2", "v1"]));
            assert!(
                upgrade
                    .stream()
                    .tcp()
                    .unwrap()
                    .peer_addr()
                    .unwrap()
                    .ip()
                    .is_loopback()
            );
            let answer = Accept::new().subprotocol("v1");
            let answer = answer.header("X-Served-By", "seven").unwrap();
            wait!(upgrade.accept(answer)).unwrap()
        });
        let request = Request::new(format!("ws://{address}/chat/room?id=7")).unwrap();
        let request = request.header("X-Token", "secret").unwrap();
        let request = request.origin("https://example.com").unwrap();
        let request = request
            .subprotocol("v2")
            .unwrap()
            .subprotocol("v1")
            .unwrap();
        let client = wait!(ws::connect_with(&request, &ConnectOptions::default())).unwrap();
        let agreed = client.agreed();
        assert_eq!(agreed.subprotocol.as_deref(), Some("v1"));
        let headers = agreed.response_headers.as_ref().expect("a client has them");
        assert_eq!(headers.get("x-served-by"), Some("seven"));
        assert_eq!(join(server).agreed().subprotocol.as_deref(), Some("v1"));
    });
}

#[test]
fn the_options_choose_the_subprotocol_that_the_server_prefers() {
    guard(|| {
        for (offered, chosen) in [
            (&["a", "b"][..], Some("b")),
            (&["a", "c"], Some("c")),
            (&["a"], None),
        ] {
            let options = AcceptOptions::default().subprotocols(["b", "c"]);
            let (address, server) =
                server(move |stream| wait!(ws::accept_with(stream, &options)).unwrap());
            let mut request = Request::new(format!("ws://{address}/")).unwrap();
            for name in offered {
                request = request.subprotocol(name).unwrap();
            }
            let client = wait!(ws::connect_with(&request, &ConnectOptions::default())).unwrap();
            assert_eq!(client.agreed().subprotocol.as_deref(), chosen);
            assert_eq!(join(server).agreed().subprotocol.as_deref(), chosen);
        }
    });
}

#[test]
fn a_rejection_arrives_with_its_status_headers_and_body() {
    guard(|| {
        let (address, server) = server(|stream| {
            let upgrade = wait!(ws::upgrade(stream, &AcceptOptions::default())).unwrap();
            let headers = [("Retry-After", "30"), ("X-Why", "maintenance")];
            wait!(upgrade.reject(503, &headers, b"back in half a minute"))
        });
        let error = wait!(ws::connect(format!("ws://{address}/"))).unwrap_err();
        assert!(error.to_string().contains("503"), "{error}");
        assert!(error.explain().suggestion.contains("Retry-After"));
        let rejection = rejected(error);
        assert_eq!(rejection.status, 503);
        assert_eq!(rejection.header("retry-after"), Some("30"));
        assert_eq!(rejection.header("X-Why"), Some("maintenance"));
        assert_eq!(rejection.text(), "back in half a minute");
        assert!(!rejection.truncated);
        join(server).unwrap();
    });
}

#[test]
fn a_rejection_of_the_largest_size_arrives_whole() {
    guard(|| {
        let body = "x".repeat(16 << 10);
        let sent = body.clone();
        let (address, server) = server(move |stream| {
            let upgrade = wait!(ws::upgrade(stream, &AcceptOptions::default())).unwrap();
            wait!(upgrade.reject(400, &[], sent.as_bytes()))
        });
        let rejection = rejected(wait!(ws::connect(format!("ws://{address}/"))).unwrap_err());
        assert_eq!((rejection.text(), rejection.truncated), (body, false));
        join(server).unwrap();
    });
}

#[test]
fn a_rejection_has_a_status_from_300_to_599() {
    guard(|| {
        for status in [300, 399, 599] {
            let (address, server) = server(move |stream| {
                let upgrade = wait!(ws::upgrade(stream, &AcceptOptions::default())).unwrap();
                wait!(upgrade.reject(status, &[], b""))
            });
            let error = wait!(ws::connect(format!("ws://{address}/"))).unwrap_err();
            assert_eq!(rejected(error).status, status);
            join(server).unwrap();
        }
        for status in [0, 101, 200, 299, 600] {
            let (address, server) = server(move |stream| {
                let upgrade = wait!(ws::upgrade(stream, &AcceptOptions::default())).unwrap();
                wait!(upgrade.reject(status, &[], b""))
            });
            let error = wait!(ws::connect(format!("ws://{address}/"))).unwrap_err();
            assert!(matches!(
                error,
                ConnectError::Handshake(HandshakeError::Ended { received: 0, .. })
            ));
            let refused = join(server).unwrap_err();
            assert!(matches!(
                refused,
                AcceptError::Answer(AnswerError::BadStatus { status: given }) if given == status
            ));
        }
    });
}

#[test]
fn an_origin_that_is_not_allowed_gets_403() {
    guard(|| {
        let options = AcceptOptions::default().origins(OriginPolicy::SameOrigin);
        let (address, server) = server(move |stream| wait!(ws::accept_with(stream, &options)));
        let request = Request::new(format!("ws://{address}/")).unwrap();
        let request = request.origin("https://elsewhere.example").unwrap();
        let refused = wait!(ws::connect_with(&request, &ConnectOptions::default()));
        assert_eq!(rejected(refused.unwrap_err()).status, 403);
        assert!(matches!(
            join(server).unwrap_err(),
            AcceptError::Handshake(HandshakeError::Refused { status: 403 })
        ));
    });
}

#[test]
fn an_answer_that_cannot_be_given_is_an_error_and_ends_the_stream() {
    guard(|| {
        let (address, server) = server(|stream| {
            let upgrade = wait!(ws::upgrade(stream, &AcceptOptions::default())).unwrap();
            wait!(upgrade.accept(Accept::new().subprotocol("never offered")))
        });
        let mut raw = TcpStream::connect(address).unwrap();
        raw.write_all(raw::REQUEST.as_bytes()).unwrap();
        assert_eq!(raw::drain(&mut raw), b"");
        assert!(matches!(join(server), Err(AcceptError::Answer(_))));
    });
}

#[test]
fn a_dropped_upgrade_ends_the_stream_without_an_answer() {
    guard(|| {
        let (address, server) = server(|stream| {
            drop(wait!(ws::upgrade(stream, &AcceptOptions::default())).unwrap());
        });
        let error = wait!(ws::connect(format!("ws://{address}/"))).unwrap_err();
        assert!(matches!(
            error,
            ConnectError::Handshake(HandshakeError::Ended { received: 0, .. })
        ));
        join(server);
    });
}

#[test]
fn a_client_that_does_not_ask_for_a_websocket_is_told_what_is_wrong() {
    guard(|| {
        for (request, status) in [
            ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "426"),
            ("POST / HTTP/1.1\r\nHost: localhost\r\n\r\n", "405"),
            ("\x16\x03\x01\x02\x00\x01\x00\x01\x7c\x03\x03", "400"),
            ("hello, is anybody there?\r\n\r\n", "400"),
            (&raw::REQUEST.replace("Version: 13", "Version: 12"), "426"),
        ] {
            let (address, server) = server(|stream| wait!(ws::accept(stream)).unwrap_err());
            let mut raw = TcpStream::connect(address).unwrap();
            raw.write_all(request.as_bytes()).unwrap();
            let answer = String::from_utf8(raw::drain(&mut raw)).unwrap();
            let start = format!("HTTP/1.1 {status} ");
            assert!(answer.starts_with(&start), "{request}: {answer}");
            drop(raw);
            let error = join(server);
            assert!(!error.explain().suggestion.is_empty(), "{error}");
        }
    });
}

#[test]
fn the_same_seed_asks_with_the_same_key_and_no_seed_with_another() {
    fn key(options: &ConnectOptions) -> String {
        let (tell, told) = std::sync::mpsc::channel();
        let address = raw::serve(move |stream| {
            let request = raw::read_head(stream);
            let key = request
                .lines()
                .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
            tell.send(key.expect("a key").to_owned()).unwrap();
        });
        let request = Request::new(format!("ws://{address}/")).unwrap();
        assert!(wait!(ws::connect_with(&request, options)).is_err());
        told.recv().unwrap()
    }
    guard(|| {
        let fixed = ConnectOptions::default().seed(Some(Seed::new([5; 32])));
        assert_eq!(key(&fixed), key(&fixed));
        let random = ConnectOptions::default();
        assert_ne!(key(&random), key(&random));
    });
}

#[test]
fn the_options_decide_about_nodelay() {
    guard(|| {
        for nodelay in [true, false] {
            let (client, server) = pair_with(
                &ConnectOptions::default()
                    .route(Route::default().dial(DialConfig::default().nodelay(nodelay))),
                &AcceptOptions::default().nodelay(nodelay),
            );
            assert_eq!(client.stream().tcp().unwrap().nodelay().unwrap(), nodelay);
            assert_eq!(server.stream().tcp().unwrap().nodelay().unwrap(), nodelay);
        }
    });
}

#[test]
fn the_limits_of_the_handshake_hold_at_both_ends() {
    guard(|| {
        let limits = Limits::default().max_head(200);
        let address = raw::serve(|stream| {
            let mut answer = raw::answer(&raw::read_head(stream));
            answer.truncate(answer.len() - 2);
            answer.extend_from_slice(format!("X-Long: {}\r\n\r\n", "x".repeat(200)).as_bytes());
            stream.write_all(&answer).unwrap();
            raw::drain(stream);
        });
        let request = Request::new(format!("ws://{address}/")).unwrap();
        let options = ConnectOptions::default().handshake(limits.clone());
        let error = wait!(ws::connect_with(&request, &options)).unwrap_err();
        assert!(matches!(
            &error,
            ConnectError::Handshake(HandshakeError::HeadTooLarge { limit: 200 })
        ));
        assert!(error.explain().suggestion.contains("Limits::max_head"));

        let options = AcceptOptions::default().handshake(limits);
        let (address, server) =
            server(move |stream| wait!(ws::accept_with(stream, &options)).unwrap_err());
        let request = Request::new(format!("ws://{address}/{}", "x".repeat(200))).unwrap();
        let refused = wait!(ws::connect_with(&request, &ConnectOptions::default()));
        assert_eq!(rejected(refused.unwrap_err()).status, 431);
        assert!(matches!(
            join(server),
            AcceptError::Handshake(HandshakeError::HeadTooLarge { limit: 200 })
        ));
    });
}

#[test]
fn frames_in_the_same_segment_as_the_answer_are_not_lost() {
    guard(|| {
        let address = raw::serve(|stream| {
            let mut bytes = raw::answer(&raw::read_head(stream));
            bytes.extend(raw::frame(TEXT, b"welcome"));
            bytes.extend(raw::frame(PING, b"?"));
            bytes.extend(raw::frame(CLOSE, &raw::close(1001, "and goodbye")));
            stream.write_all(&bytes).unwrap();
            assert_eq!(raw::read_frame(stream).unwrap().0, PONG);
            assert_eq!(raw::read_frame(stream).unwrap().0, CLOSE);
        });
        let mut client = wait!(ws::connect(format!("ws://{address}/"))).unwrap();
        assert_eq!(
            wait!(client.next()),
            Some(OwnedEvent::Text("welcome".into()))
        );
        assert_eq!(
            wait!(client.next()),
            Some(OwnedEvent::Ping(b"?".as_slice().into()))
        );
        let closed = wait!(client.close(CloseCode::NORMAL, "")).unwrap();
        assert!(closed.is_clean(), "{closed}");
    });
}

#[test]
fn frames_in_the_same_segment_as_the_request_are_not_lost() {
    guard(|| {
        let (address, server) = server(|stream| {
            let mut socket = wait!(ws::accept(stream)).unwrap();
            wait!(socket.next())
        });
        let mut raw = TcpStream::connect(address).unwrap();
        let bytes = [raw::REQUEST.as_bytes(), &raw::masked(BINARY, b"early")].concat();
        raw.write_all(&bytes).unwrap();
        assert_eq!(
            join(server),
            Some(OwnedEvent::Binary(b"early".as_slice().into()))
        );
    });
}

#[test]
fn frames_that_wait_for_a_slow_decision_are_not_lost() {
    guard(|| {
        let (decide, decided) = std::sync::mpsc::channel();
        let (address, server) = server(move |stream| {
            let upgrade = wait!(ws::upgrade(stream, &AcceptOptions::default())).unwrap();
            decided.recv().unwrap();
            let mut socket = wait!(upgrade.accept(Accept::new())).unwrap();
            (wait!(socket.next()), wait!(socket.next()))
        });
        let mut raw = TcpStream::connect(address).unwrap();
        raw.write_all(raw::REQUEST.as_bytes()).unwrap();
        raw.write_all(&raw::masked(TEXT, b"one")).unwrap();
        decide.send(()).unwrap();
        raw.write_all(&raw::masked(TEXT, b"two")).unwrap();
        let expected = ["one", "two"].map(|text| Some(OwnedEvent::Text(text.into())));
        assert_eq!(<[_; 2]>::from(join(server)), expected);
    });
}

#[test]
fn the_stream_comes_back_with_what_no_event_has_consumed() {
    const REST: &[u8] = b"\x81not a framemore";
    guard(|| {
        let (address, server) = server(|stream| {
            let mut socket = wait!(ws::accept(stream)).unwrap();
            assert_eq!(wait!(socket.next()), Some(OwnedEvent::Text("last".into())));
            wait!(socket.send("over to you")).unwrap();
            let (mut stream, leftover) = socket.into_inner();
            // However the bytes were cut on the way, none is lost and none comes twice.
            let mut rest = leftover.to_vec();
            let mut buf = [0; 64];
            while rest.len() < REST.len() {
                let n = wait!(rt::read(&mut stream, &mut buf)).unwrap();
                assert_ne!(n, 0, "the client is still there");
                rest.extend_from_slice(&buf[..n]);
            }
            (rest, stream)
        });
        let mut raw = raw::connect(address);
        let bytes = [&raw::masked(TEXT, b"last")[..], b"\x81not a frame"].concat();
        raw.write_all(&bytes).unwrap();
        assert_eq!(
            raw::read_frame(&mut raw).unwrap(),
            (TEXT, b"over to you".to_vec())
        );
        raw.write_all(b"more").unwrap();
        let (rest, stream) = join(server);
        assert_eq!(rest, REST);
        drop(stream);
        assert_eq!(raw.read(&mut [0]).unwrap(), 0);
    });
}

#[test]
fn a_name_with_several_addresses_is_tried_at_each() {
    guard(|| {
        // `localhost` is ::1 as well on most systems, and there is no one there.
        let (address, server) = server(|stream| wait!(ws::accept(stream)).unwrap());
        let url = format!("ws://localhost:{}/", address.port());
        let client = wait!(ws::connect(url)).unwrap();
        assert_eq!(client.stream().tcp().unwrap().peer_addr().unwrap(), address);
        join(server);
    });
}

#[test]
fn the_rest_of_the_api_shows_what_it_should() {
    guard(|| {
        let (client, server) = pair();
        assert_eq!(client.closed(), None);
        assert_eq!(client.round_trip(), None);
        assert_eq!(client.agreed().subprotocol, None);
        assert_eq!(
            client.stream().tcp().unwrap().local_addr().unwrap(),
            server.stream().tcp().unwrap().peer_addr().unwrap()
        );
        assert!(format!("{client:?}").starts_with("WebSocket"));
    });
}
