//! What a client accepts as the answer that opens the connection, and how it fails otherwise.

use crate::handshake_support::{
    ANSWER, NOW, answer_but, answer_with, client, client_fails, client_for, client_gets, feed,
    plain_request, sent,
};
use ws_core::ext::{ExtError, Offer};
use ws_core::handshake::{HandshakeError, HeadFault, Limits, Request};
use ws_core::{Machine, Transport, TransportEnd};

fn bad_head(fault: HeadFault) -> HandshakeError {
    HandshakeError::BadHead { fault }
}

fn offering(names: &[&str]) -> Request {
    names.iter().fold(plain_request(), |request, name| {
        request
            .extension(Offer::new(name).expect("a token"))
            .expect("not reserved")
    })
}

#[test]
fn upgrade_and_connection_are_case_insensitive_token_lists_on_several_lines() {
    for (part, other) in [
        ("Upgrade: websocket", "UPGRADE:WebSocket"),
        ("Upgrade: websocket", "Upgrade: foo, WEBSOCKET"),
        ("Connection: Upgrade", "connection: keep-alive, upgrade"),
        (
            "Connection: Upgrade",
            "Connection: keep-alive\r\nX: y\r\nConnection: UPGRADE",
        ),
    ] {
        let answer = answer_but(part, other);
        assert!(
            client_gets(&plain_request(), answer.as_bytes()).is_ok(),
            "{answer}"
        );
    }
    for (part, other, name) in [
        ("Upgrade: websocket\r\n", "", "Upgrade"),
        ("Upgrade: websocket", "Upgrade: websockets", "Upgrade"),
        ("Upgrade: websocket", "Upgrade: h2c", "Upgrade"),
        ("Connection: Upgrade\r\n", "", "Connection"),
        ("Connection: Upgrade", "Connection: close", "Connection"),
        (
            "Connection: Upgrade",
            "Connection: not-upgrade",
            "Connection",
        ),
    ] {
        let error = client_fails(&answer_but(part, other));
        assert_eq!(error, HandshakeError::UpgradeMissing { name });
    }
}

#[test]
fn sec_websocket_accept_must_be_exact_and_there_once() {
    const LINE: &str = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    const NAME: &str = "Sec-WebSocket-Accept";
    let missing = HandshakeError::MissingHeader { name: NAME };
    assert_eq!(client_fails(&answer_but(LINE, "")), missing);
    let twice = HandshakeError::DuplicateHeader { name: NAME };
    assert_eq!(client_fails(&answer_with(LINE)), twice);
    for wrong in [
        "S3PPLMBITXAQ9KYGZZHZRBK+XOO=",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo",
        "",
    ] {
        let error = client_fails(&answer_but("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", wrong));
        assert_eq!(error, HandshakeError::AcceptMismatch, "{wrong}");
    }
}

#[test]
fn a_101_of_another_http_version_is_refused() {
    let error = client_fails(&answer_but("HTTP/1.1", "HTTP/1.0"));
    assert_eq!(error, HandshakeError::BadHttpVersion);
    assert_eq!(client_fails("HTTP/2 101 \r\n\r\n"), HandshakeError::NotHttp);
}

#[test]
fn an_extension_that_was_not_offered_is_refused() {
    let answer = answer_with("Sec-WebSocket-Extensions: permessage-deflate\r\n");
    let name = "permessage-deflate".into();
    assert_eq!(
        client_fails(&answer),
        HandshakeError::ExtensionNotOffered { name }
    );
    let error = client_gets(
        &offering(&["x-a"]),
        answer_with("Sec-WebSocket-Extensions: X-A\r\n").as_bytes(),
    );
    let name = "X-A".into();
    assert_eq!(
        error.expect_err("other case"),
        HandshakeError::ExtensionNotOffered { name }
    );
}

#[test]
fn an_extension_twice_or_with_illegal_parameters_is_refused() {
    let fails = |value: &str| {
        let answer = answer_with(&format!("Sec-WebSocket-Extensions: {value}\r\n"));
        client_gets(&offering(&["x-a", "x-b"]), answer.as_bytes()).expect_err(value)
    };
    let repeated = HandshakeError::ExtensionRepeated { name: "x-a".into() };
    assert_eq!(fails("x-a, x-a"), repeated);
    assert_eq!(fails("x-a\r\nSec-WebSocket-Extensions: x-b, x-a"), repeated);
    assert_eq!(fails("x-a; p=1; p=2"), repeated);
    assert_eq!(
        fails("x-a; p=\"\""),
        HandshakeError::BadExtensions(ExtError::ValueNotToken)
    );
    assert_eq!(
        fails("x-a; p q"),
        HandshakeError::BadExtensions(ExtError::Separator)
    );
    assert_eq!(fails(""), HandshakeError::BadExtensions(ExtError::Empty));
}

#[test]
fn an_extension_that_was_offered_is_handed_on_with_its_parameters() {
    let answer = answer_with("Sec-WebSocket-Extensions: x-b;p=\"1\"\r\n");
    let opened = client_gets(&offering(&["x-a", "x-b"]), answer.as_bytes()).expect("offered");
    let [extension] = &opened.agreed().extensions[..] else {
        panic!("one of the two")
    };
    assert_eq!((extension.name(), extension.value("p")), ("x-b", Some("1")));
}

#[test]
fn a_subprotocol_that_was_not_offered_or_two_of_them_are_refused() {
    let request = plain_request()
        .subprotocol("a")
        .and_then(|request| request.subprotocol("b"));
    let request = request.expect("tokens");
    let gets = |lines: &str| client_gets(&request, answer_with(lines).as_bytes());
    let opened = gets("Sec-WebSocket-Protocol: b\r\n").expect("offered");
    assert_eq!(opened.agreed().subprotocol.as_deref(), Some("b"));
    let opened = gets("").expect("none is fine");
    assert_eq!(opened.agreed().subprotocol, None);
    for wrong in ["c", "B", "a, b", ""] {
        let error = gets(&format!("Sec-WebSocket-Protocol: {wrong}\r\n")).expect_err(wrong);
        assert_eq!(
            error,
            HandshakeError::SubprotocolNotOffered { name: wrong.into() }
        );
    }
    let error = gets("Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: a\r\n");
    let name = "Sec-WebSocket-Protocol";
    assert_eq!(
        error.expect_err("twice"),
        HandshakeError::DuplicateHeader { name }
    );
    let unasked = client_fails(&answer_with("Sec-WebSocket-Protocol: chat\r\n"));
    assert_eq!(
        unasked,
        HandshakeError::SubprotocolNotOffered {
            name: "chat".into()
        }
    );
}

#[test]
fn obs_fold_bare_lf_nul_and_space_before_colon_are_refused() {
    for (headers, fault) in [
        ("X: a\r\n b\r\n", HeadFault::ObsFold),
        ("X: a\n", HeadFault::BareLf),
        ("X: a\rb\r\n", HeadFault::BareCr),
        ("X: a\0b\r\n", HeadFault::Control),
        ("X : a\r\n", HeadFault::SpaceBeforeColon),
        ("X y: a\r\n", HeadFault::HeaderName),
        (": a\r\n", HeadFault::HeaderName),
    ] {
        assert_eq!(
            client_fails(&answer_with(headers)),
            bad_head(fault),
            "{headers:?}"
        );
    }
    for line in [
        "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 1 \r\n\r\n",
        "HTTP/1.1 101Switching\r\n\r\n",
    ] {
        assert_eq!(client_fails(line), bad_head(HeadFault::StartLine));
    }
}

#[test]
fn legitimate_large_answers_pass_64_headers_and_8_kib() {
    let headers: String = (0..64)
        .map(|i| format!("X-{i}: {}\r\n", "v".repeat(130)))
        .collect();
    assert!(headers.len() > 8 << 10);
    let answer = answer_with(&headers);
    let opened = client_gets(&plain_request(), answer.as_bytes()).expect("not too large");
    let kept = opened
        .agreed()
        .response_headers
        .as_ref()
        .expect("a client keeps them");
    assert_eq!(
        (kept.len(), kept.get("x-63").map(str::len)),
        (67, Some(130))
    );
}

#[test]
fn total_head_limit_and_header_count_hold_at_the_byte_that_passes_them() {
    let too_large = HandshakeError::HeadTooLarge { limit: 16 << 10 };
    let endless = answer_with(&format!("X: {}", "x".repeat(200 << 10)));
    assert_eq!(client_fails(&endless), too_large);
    let mut client = client();
    feed(&mut client, &endless.as_bytes()[..16 << 10], 1000);
    assert_eq!(
        client.poll(NOW).map(|_| ()),
        Err(too_large),
        "without waiting for more"
    );

    let lines = answer_with(&"X: y\r\n".repeat(98));
    assert_eq!(
        client_fails(&lines),
        HandshakeError::TooManyHeaders { limit: 100 }
    );
    assert!(
        client_gets(
            &plain_request(),
            answer_with(&"X: y\r\n".repeat(97)).as_bytes()
        )
        .is_ok()
    );

    let limits = Limits::default().max_head(ANSWER.len() + 2).max_headers(3);
    let mut exact = client_for(&plain_request(), limits);
    feed(&mut exact, answer_with("").as_bytes(), 7);
    assert!(exact.poll(NOW).is_ok_and(|response| response.is_some()));
}

#[test]
fn bytes_after_the_head_belong_to_the_frame_parser_in_one_segment_or_many() {
    let answer = answer_with("").into_bytes();
    let wire = [&answer[..], b"\x81\x05Hello"].concat();
    let opened = client_gets(&plain_request(), &wire).expect("valid");
    assert_eq!(opened.leftover(), b"\x81\x05Hello");

    // Frames that come after the head but before anyone looks.
    let mut client = client();
    client.io().0.extend_from_slice(&answer);
    assert!(client.ready(NOW));
    client.io().0.extend_from_slice(b"\x81\x05He");
    assert!(client.ready(NOW));
    client.io().0.extend_from_slice(b"llo");
    assert_eq!(
        client.finish().expect("accepted").leftover(),
        b"\x81\x05Hello"
    );
}

#[test]
fn interim_answers_are_passed_over_within_the_limits() {
    let early = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    let wire = format!("HTTP/1.1 100 Continue\r\n\r\n{early}{}", answer_with(""));
    let opened = client_gets(&plain_request(), wire.as_bytes()).expect("valid");
    assert_eq!(
        opened
            .agreed()
            .response_headers
            .as_ref()
            .map(|headers| headers.len()),
        Some(3)
    );
    let too_large = HandshakeError::HeadTooLarge { limit: 16 << 10 };
    assert_eq!(
        client_fails(&early.repeat(1000)),
        HandshakeError::TooManyHeaders { limit: 100 }
    );
    assert_eq!(
        client_fails(&"HTTP/1.1 100 \r\n\r\n".repeat(2000)),
        too_large
    );
}

#[test]
fn a_tls_server_is_recognised_and_explained() {
    // A fatal alert, "protocol version", and the beginning of a handshake record.
    for bytes in [&b"\x15\x03\x01\x00\x02\x02\x46"[..], b"\x16\x03"] {
        let error = client_gets(&plain_request(), bytes).expect_err("tls");
        assert_eq!(error, HandshakeError::TlsFromServer);
        let suggestion = error.explain().suggestion;
        assert!(suggestion.contains("stream that speaks it") && !suggestion.contains("wss"));
    }
}

#[test]
fn bytes_that_can_not_begin_http_fail_at_once() {
    for bytes in [
        &b"S"[..],
        b"HTTX",
        b"HTTP/1:",
        b"\x15\x04",
        b"\r",
        b"\x81\x05Hello",
    ] {
        let error = client_gets(&plain_request(), bytes).expect_err("garbage");
        assert_eq!(error, HandshakeError::NotHttp);
    }
}

#[test]
fn the_end_of_the_stream_before_the_answer_is_an_error_of_its_own() {
    for (bytes, message) in [
        (&b""[..], "The peer closed the connection without a word"),
        (
            b"HTTP/1.1 101 Sw",
            "The connection ended in the middle of the opening handshake",
        ),
    ] {
        let mut client = client();
        assert!(!feed(&mut client, bytes, 4));
        client.lost(TransportEnd::Eof);
        assert_eq!(
            (client.ready(NOW), client.transport()),
            (true, Transport::Close)
        );
        let error = client.poll(NOW).map(|_| ()).expect_err("ended");
        let received = bytes.len() as u64;
        assert_eq!(
            error,
            HandshakeError::Ended {
                end: TransportEnd::Eof,
                received
            }
        );
        assert_eq!(error.explain().message, message);
        assert_eq!(client.poll_timeout(), None);
        assert!(client.finish().is_err());
    }
}

#[test]
fn the_end_of_the_stream_behind_the_answer_changes_nothing() {
    let mut client = client();
    client.io().0.extend_from_slice(answer_with("").as_bytes());
    client.lost(TransportEnd::Eof);
    assert!(client.poll(NOW).is_ok_and(|response| response.is_some()));
    assert!(client.finish().is_ok());
}

#[test]
fn a_request_that_can_not_be_written_still_hears_why() {
    let request = plain_request();
    let start = || {
        let seed = ws_core::Seed::new([7; 32]);
        let limits = Limits::default();
        let mut client = ws_core::handshake::ClientHandshake::with_key(
            &request,
            limits,
            seed,
            crate::handshake_support::NONCE,
            NOW,
        );
        client.unwritable(NOW);
        assert_eq!(
            (client.transport(), sent(&mut client).len()),
            (Transport::Open, 0)
        );
        client
    };
    let mut client = start();
    feed(
        &mut client,
        b"HTTP/1.1 431 \r\nContent-Length: 0\r\n\r\n",
        3,
    );
    let error = client.poll(NOW).map(|_| ()).expect_err("refused");
    assert!(matches!(error, HandshakeError::Rejected(rejection) if rejection.status == 431));

    // An answer that opens the connection can't be meant for half a request.
    let mut client = start();
    feed(&mut client, answer_with("").as_bytes(), 3);
    let error = client.poll(NOW).map(|_| ()).expect_err("half a request");
    assert!(matches!(
        error,
        HandshakeError::Ended {
            end: TransportEnd::Other,
            ..
        }
    ));
}

#[test]
fn a_failed_client_stays_failed_and_holds_nothing() {
    let mut client = client();
    feed(&mut client, b"nonsense", 8);
    for _ in 0..2 {
        client.io().0.extend_from_slice(answer_with("").as_bytes());
        assert_eq!(client.poll(NOW).map(|_| ()), Err(HandshakeError::NotHttp));
        assert_eq!(client.io().0.filled(), b"");
        assert_eq!(client.transport(), Transport::Close);
        client.handle_timeout(NOW);
        client.unwritable(NOW);
        client.lost(TransportEnd::Reset);
    }
    assert!(format!("{client:?}").contains("Failed"));
}
