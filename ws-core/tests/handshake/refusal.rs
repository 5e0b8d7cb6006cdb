//! A server's refusal is a complete HTTP answer, and it reaches a client that is still sending.

use core::time::Duration;

use crate::handshake_support::{
    NOW, client, feed, refused_by, request_but, request_with, sent, server, server_refuses,
};
use ws_core::handshake::{
    Accept, AnswerError, HandshakeError, HeaderError, Rejection, ServerHandshake,
};
use ws_core::{Machine, Transport, TransportEnd};

/// A server with a request that waits for an answer.
fn asked() -> ServerHandshake {
    let mut server = server();
    feed(&mut server, request_with("").as_bytes(), usize::MAX);
    assert!(server.poll(NOW).is_ok_and(|request| request.is_some()));
    server
}

/// A refusal as this project's client understands it, which needs its framing to be right.
fn understood(answer: &str) -> Rejection {
    let mut client = client();
    feed(&mut client, answer.as_bytes(), usize::MAX);
    match client.poll(NOW).map(|_| ()) {
        Err(HandshakeError::Rejected(rejection)) if !rejection.truncated => *rejection,
        other => panic!("{other:?}: {answer}"),
    }
}

#[test]
fn a_refusal_is_a_complete_http_answer_with_connection_close() {
    for (request, status) in [
        (request_but("GET", "POST"), 405),
        (request_but("HTTP/1.1", "HTTP/1.0"), 505),
        (request_but("13", "12"), 426),
        (request_with("X: \0\r\n"), 400),
        (request_with(&"X: y\r\n".repeat(200)), 431),
        (request_but("Host", "Ghost"), 400),
        ("GET / HTTP/1.1\r\nHost: h\r\n\r\n".into(), 426),
    ] {
        let (answer, error) = server_refuses(request.as_bytes());
        let refusal = understood(&answer);
        assert_eq!(refusal.status, status);
        let connection = refusal.header("Connection").expect("there is one");
        assert!(connection.starts_with("close"), "{answer}");
        assert_eq!(
            refusal.header("Content-Type"),
            Some("text/plain; charset=utf-8")
        );
        assert_eq!(refusal.text(), format!("{error}\n"));
    }
}

#[test]
fn a_refusal_survives_unread_input() {
    let mut server = server();
    // A body that is under way, and more of it that comes after the refusal.
    let request = request_with("Content-Length: 100000\r\n");
    feed(
        &mut server,
        &[request.as_bytes(), &[b'x'; 10_000]].concat(),
        usize::MAX,
    );
    assert_eq!(
        server.transport(),
        Transport::Open,
        "the answer is not written yet"
    );
    assert_eq!(server.io().0.filled(), b"", "what came is dropped");
    assert!(sent(&mut server).starts_with(b"HTTP/1.1 400 "));
    assert_eq!(
        server.transport(),
        Transport::Shutdown,
        "write side down, keep reading"
    );
    for _ in 0..9 {
        server.io().0.extend_from_slice(&[b'x'; 10_000]);
        assert!(!server.ready(NOW));
        assert!(server.io().0.filled().is_empty());
        assert_eq!(server.transport(), Transport::Shutdown);
    }
    server.lost(TransportEnd::Eof);
    assert_eq!(
        (server.transport(), server.ready(NOW)),
        (Transport::Close, true)
    );
    assert_eq!(
        server.poll(NOW).map(|_| ()),
        Err(HandshakeError::BodyAnnounced)
    );
}

#[test]
fn lingering_is_bounded_in_bytes_and_time() {
    let mut flooded = server();
    feed(&mut flooded, b"\xff", 1);
    sent(&mut flooded);
    let mut reads = 0;
    while !flooded.ready(NOW) {
        flooded.io().0.extend_from_slice(&[0; 64 << 10]);
        reads += 1;
    }
    assert!(
        (16..=17).contains(&reads),
        "about a megabyte, not {reads} times 64 KiB"
    );
    assert_eq!(flooded.transport(), Transport::Close);

    let mut patient = server();
    feed(&mut patient, b"\xff", 1);
    sent(&mut patient);
    let (until, _) = patient.poll_timeout().expect("a deadline");
    assert_eq!(
        until,
        NOW + Duration::from_secs(5),
        "five of the ten seconds that are left"
    );
    patient.handle_timeout(until - Duration::from_nanos(1));
    assert!(!patient.ready(NOW));
    patient.handle_timeout(until);
    assert_eq!(
        (patient.ready(until), patient.transport()),
        (true, Transport::Close)
    );
    assert_eq!(patient.poll_timeout(), None);
    assert_eq!(
        patient.poll(until).map(|_| ()),
        Err(HandshakeError::NotHttp)
    );
    assert!(patient.finish().is_err());
}

#[test]
fn a_refusal_is_written_to_a_client_that_has_ended_its_own_side() {
    let mut server = asked();
    server.lost(TransportEnd::Eof);
    assert!(server.ready(NOW), "the request still stands");
    server.reject(503, &[], b"", NOW).expect("a valid refusal");
    assert_eq!(
        (server.transport(), server.ready(NOW)),
        (Transport::Open, false)
    );
    assert!(sent(&mut server).starts_with(b"HTTP/1.1 503 Service Unavailable\r\n"));
    assert_eq!(
        (server.transport(), server.ready(NOW)),
        (Transport::Close, true)
    );
}

#[test]
fn nobody_lingers_when_the_client_is_out_of_reach() {
    for out_of_reach in [
        |server: &mut ServerHandshake| server.lost(TransportEnd::Reset),
        |server: &mut ServerHandshake| server.unwritable(NOW),
    ] {
        let mut server = asked();
        server.reject(403, &[], b"", NOW).expect("a valid refusal");
        out_of_reach(&mut server);
        assert_eq!(
            (server.transport(), server.ready(NOW)),
            (Transport::Close, true)
        );
        let refused = HandshakeError::Refused { status: 403 };
        assert_eq!(server.poll(NOW).map(|_| ()), Err(refused));
    }
}

#[test]
fn the_application_refuses_with_status_headers_and_body() {
    let mut server = asked();
    let headers = [
        ("WWW-Authenticate", "Basic realm=\"x\""),
        ("X-Why", " because "),
    ];
    server
        .reject(401, &headers, b"no\n", NOW)
        .expect("a valid refusal");
    let (answer, error) = refused_by(&mut server);
    assert_eq!(
        answer,
        "HTTP/1.1 401 Unauthorized\r\n\
         Connection: close\r\n\
         Content-Length: 3\r\n\
         WWW-Authenticate: Basic realm=\"x\"\r\n\
         X-Why: because\r\n\
         \r\n\
         no\n"
    );
    assert_eq!(error, HandshakeError::Refused { status: 401 });
    assert_eq!(error.status_hint(), Some(401));

    let mut server = asked();
    server.reject(426, &[], b"", NOW).expect("a valid refusal");
    let refusal = understood(&refused_by(&mut server).0);
    assert_eq!(refusal.header("Upgrade"), Some("websocket"));
    let mut server = asked();
    server.reject(599, &[], b"", NOW).expect("a valid refusal");
    assert!(
        refused_by(&mut server).0.starts_with("HTTP/1.1 599 \r\n"),
        "no name, no reason"
    );
}

#[test]
fn a_refusal_that_would_not_be_one_is_refused_to_the_caller() {
    let mut server = asked();
    for status in [0, 100, 101, 200, 299, 600, u16::MAX] {
        let error = AnswerError::BadStatus { status };
        assert_eq!(server.reject(status, &[], b"", NOW), Err(error));
    }
    let large = vec![b'x'; (16 << 10) + 1];
    let limit = AnswerError::BodyTooLarge {
        len: large.len(),
        limit: 16 << 10,
    };
    assert_eq!(server.reject(400, &[], &large, NOW), Err(limit));
    let limit = AnswerError::BodyTooLarge { len: 1, limit: 0 };
    assert_eq!(server.reject(304, &[], b"x", NOW), Err(limit));
    for (name, value, error) in [
        ("X\r\nY", "z", HeaderError::BadName),
        ("X", "y\r\nZ: z", HeaderError::BadValue { name: "X".into() }),
        (
            "content-length",
            "0",
            HeaderError::Reserved {
                name: "content-length".into(),
            },
        ),
    ] {
        let expected = Err(AnswerError::Header(error));
        assert_eq!(server.reject(400, &[(name, value)], b"", NOW), expected);
    }
    assert!(sent(&mut server).is_empty(), "nothing of it was sent");
    server
        .accept(Accept::new())
        .expect("the request still waits");
    assert_eq!(
        server.reject(400, &[], b"", NOW),
        Err(AnswerError::NoRequest)
    );
}

#[test]
fn answers_without_a_request_are_refused_to_the_caller() {
    let mut server = server();
    assert_eq!(server.accept(Accept::new()), Err(AnswerError::NoRequest));
    assert_eq!(
        server.reject(400, &[], b"", NOW),
        Err(AnswerError::NoRequest)
    );
    feed(&mut server, b"\xff", 1);
    assert_eq!(server.accept(Accept::new()), Err(AnswerError::NoRequest));
}

#[test]
fn the_end_of_the_stream_before_the_request_is_complete_is_reported() {
    for end in [TransportEnd::Eof, TransportEnd::Reset] {
        let mut server = server();
        feed(&mut server, b"GET /", 2);
        server.lost(end);
        assert!(server.ready(NOW));
        let error = HandshakeError::Ended { end, received: 5 };
        assert_eq!(server.poll(NOW).map(|_| ()), Err(error));
        assert!(sent(&mut server).is_empty() && server.transport() == Transport::Close);
    }
    let mut gone = asked();
    gone.lost(TransportEnd::Reset);
    assert!(gone.poll(NOW).is_err(), "there is no one left to answer");
    let mut whole = server();
    whole.io().0.extend_from_slice(request_with("").as_bytes());
    whole.lost(TransportEnd::Eof);
    assert!(
        whole.poll(NOW).is_ok_and(|request| request.is_some()),
        "all of it had come"
    );
}
