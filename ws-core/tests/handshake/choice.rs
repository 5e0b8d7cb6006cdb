//! What a server chooses of what was offered, and what it takes ahead of its answer.

use crate::handshake_support::{
    NOW, REQUEST, feed, refused_by, request_with, sent, server, server_accepts,
};
use ws_core::ext::Offer;
use ws_core::handshake::{Accept, AnswerError, HandshakeError};
use ws_core::{Machine, Transport};

#[test]
fn a_server_chooses_only_offered_subprotocols_and_answers_only_offered_extensions() {
    let request = request_with(
        "Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Extensions: x-a; p=1; q, x-b\r\n",
    );
    let mut server = server();
    feed(&mut server, request.as_bytes(), usize::MAX);
    let offer = |name| Offer::new(name).expect("a token");
    for (wrong, error) in [
        (
            Accept::new().subprotocol("c"),
            AnswerError::SubprotocolNotOffered,
        ),
        (
            Accept::new().subprotocol("A"),
            AnswerError::SubprotocolNotOffered,
        ),
        (
            Accept::new().subprotocol("a, b"),
            AnswerError::SubprotocolNotOffered,
        ),
    ] {
        assert_eq!(server.accept(wrong), Err(error));
    }
    for wrong in [
        offer("x-c"),
        offer("x-b").flag("p").expect("a token"),
        offer("x-a").param("r", "1").expect("a token"),
        offer("x-a")
            .flag("q")
            .and_then(|offer| offer.flag("q"))
            .expect("tokens"),
    ] {
        let name = wrong.name().into();
        let accept = Accept::new().extension(wrong).expect("not reserved");
        assert_eq!(
            server.accept(accept),
            Err(AnswerError::ExtensionNotOffered { name })
        );
    }
    assert!(
        server.ready(NOW) && sent(&mut server).is_empty(),
        "nothing was sent by all that"
    );

    let chosen = offer("x-a").param("p", "2").expect("tokens");
    let accept = Accept::new()
        .subprotocol("b")
        .extension(chosen.clone())
        .expect("not reserved");
    server
        .accept(accept.clone())
        .expect("all of it was offered");
    assert_eq!(server.accept(accept), Err(AnswerError::NoRequest), "once");
    let answer = String::from_utf8(sent(&mut server)).expect("text");
    assert!(answer.contains("\r\nSec-WebSocket-Protocol: b\r\n"));
    assert!(answer.contains("\r\nSec-WebSocket-Extensions: x-a; p=2\r\n"));
    let opened = server.finish().expect("written");
    assert_eq!(opened.agreed().extensions, [chosen]);
    assert_eq!(opened.agreed().subprotocol.as_deref(), Some("b"));
}

#[test]
fn extra_headers_of_the_answer_follow_those_of_the_handshake() {
    let accept = Accept::new()
        .header("Set-Cookie", "a=1")
        .and_then(|a| a.header("set-cookie", "b=2"));
    let (answer, _) = server_accepts(&request_with(""), accept.expect("fine"));
    assert!(
        answer.ends_with("\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\n\r\n"),
        "{answer}"
    );
}

#[test]
fn bytes_after_the_head_belong_to_the_frame_parser_in_one_segment_or_many() {
    let wire = [request_with("").as_bytes(), b"\x81\x85\0\0\0\0He"].concat();
    let mut server = server();
    feed(&mut server, &wire, usize::MAX);
    server.io().0.extend_from_slice(b"l");
    assert!(server.poll(NOW).is_ok_and(|request| request.is_some()));
    server.accept(Accept::new()).expect("a request waits");
    server.io().0.extend_from_slice(b"lo");
    sent(&mut server);
    let opened = server.finish().expect("written");
    assert_eq!(opened.leftover(), b"\x81\x85\0\0\0\0Hello");
}

#[test]
fn data_ahead_of_the_answer_is_bounded() {
    let flood = vec![0; (64 << 10) + 1];
    let mut undecided = server();
    feed(&mut undecided, REQUEST.as_bytes(), usize::MAX);
    feed(&mut undecided, b"\r\n", usize::MAX);
    undecided.io().0.extend_from_slice(&flood);
    let (answer, error) = refused_by(&mut undecided);
    assert!(answer.starts_with("HTTP/1.1 400 "));
    assert_eq!(error, HandshakeError::EarlyData { limit: 64 << 10 });
    assert_eq!(undecided.accept(Accept::new()), Err(AnswerError::NoRequest));

    let mut unwritten = server();
    feed(&mut unwritten, request_with("").as_bytes(), usize::MAX);
    unwritten.accept(Accept::new()).expect("a request waits");
    unwritten.io().0.extend_from_slice(&flood);
    assert!(unwritten.poll(NOW).is_err() && unwritten.transport() == Transport::Close);
}
