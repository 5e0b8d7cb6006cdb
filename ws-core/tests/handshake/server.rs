//! What a server takes for a request, what it refuses with which status, and how it accepts.

use crate::handshake_support::{
    NOW, REQUEST, feed, refused_by, request_but, request_with, sent, server, server_accepts,
    server_refuses,
};
use ws_core::ext::{ExtError, Offer};
use ws_core::handshake::{Accept, AnswerError, HandshakeError, HeadFault, Limits, ServerHandshake};
use ws_core::{Machine, Transport};

fn accepted(request: &str) {
    server_accepts(request, Accept::new());
}

/// The status of the refusal, and the error that is reported.
fn refused(request: &str) -> (u16, HandshakeError) {
    let (answer, error) = server_refuses(request.as_bytes());
    let status = answer
        .get(9..12)
        .and_then(|status| status.parse().ok())
        .expect(&answer);
    assert_eq!(error.status_hint(), Some(status), "{answer}");
    (status, error)
}

fn bad_header(name: &'static str) -> (u16, HandshakeError) {
    (400, HandshakeError::BadHeader { name })
}

fn missing(name: &'static str) -> (u16, HandshakeError) {
    (400, HandshakeError::MissingHeader { name })
}

fn twice(name: &'static str) -> (u16, HandshakeError) {
    (400, HandshakeError::DuplicateHeader { name })
}

#[test]
fn another_method_than_get_is_405_with_allow() {
    for method in ["POST", "HEAD", "OPTIONS", "get", "CONNECT"] {
        let request = request_but("GET", method);
        let (status, error) = refused(&request);
        assert_eq!(status, 405);
        assert_eq!(
            error,
            HandshakeError::MethodNotAllowed {
                method: method.into()
            }
        );
        let (answer, _) = server_refuses(request.as_bytes());
        assert!(answer.contains("\r\nAllow: GET\r\n"));
        assert_eq!(answer.ends_with("\r\n\r\n"), method == "HEAD", "{answer}");
    }
}

#[test]
fn an_http_version_below_1_1_or_unknown_is_505() {
    for version in ["HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/2.1"] {
        let expected = (505, HandshakeError::BadHttpVersion);
        assert_eq!(refused(&request_but("HTTP/1.1", version)), expected);
    }
    // The preface of HTTP/2 (RFC 9113 §3.4).
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    assert_eq!(refused(preface), (505, HandshakeError::BadHttpVersion));
}

#[test]
fn an_http_version_above_1_1_is_read_as_1_1() {
    for version in ["HTTP/1.2", "HTTP/1.9"] {
        accepted(&request_but("HTTP/1.1", version));
    }
}

#[test]
fn a_malformed_request_line_is_400() {
    let fault = HandshakeError::BadHead {
        fault: HeadFault::StartLine,
    };
    for line in [
        "GET /chat",
        "GET /chat HTTP/1.1 ",
        "GET  /chat HTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET /chat HTTP/11",
        "GET /chat http/1.1",
        "G(T /chat HTTP/1.1",
    ] {
        assert_eq!(
            refused(&request_but("GET /chat HTTP/1.1", line)),
            (400, fault.clone())
        );
    }
}

#[test]
fn exactly_one_host_that_is_one() {
    assert_eq!(
        refused(&request_but("Host: server.example.com\r\n", "")),
        missing("Host")
    );
    assert_eq!(
        refused(&request_with("host: server.example.com\r\n")),
        twice("Host")
    );
    for host in ["", "a, b", "a/b", "user@a", "a:b", "[::1", "a b"] {
        assert_eq!(
            refused(&request_but("server.example.com", host)),
            bad_header("Host")
        );
    }
    for host in ["a:8080", "[::1]:1", "1.2.3.4", "my_host"] {
        accepted(&request_but("server.example.com", host));
    }
}

#[test]
fn upgrade_and_connection_are_case_insensitive_token_lists_on_several_lines() {
    for (part, other) in [
        ("Upgrade: websocket", "uPgRaDe:\tWebSocket "),
        ("Upgrade: websocket", "Upgrade: h2c, WEBSOCKET"),
        ("Connection: Upgrade", "Connection: keep-alive, Upgrade"),
        (
            "Connection: Upgrade",
            "Connection: keep-alive\r\nConnection: x,,upgrade",
        ),
    ] {
        accepted(&request_but(part, other));
    }
    for (part, other, name) in [
        ("Upgrade: websocket\r\n", "", "Upgrade"),
        ("Upgrade: websocket", "Upgrade: websocket/13", "Upgrade"),
        ("Upgrade: websocket", "Upgrade: mywebsocket", "Upgrade"),
        ("Connection: Upgrade\r\n", "", "Connection"),
        (
            "Connection: Upgrade",
            "Connection: keep-alive",
            "Connection",
        ),
        (
            "Connection: Upgrade",
            "Connection: Upgrade-Insecure",
            "Connection",
        ),
    ] {
        let expected = (400, HandshakeError::UpgradeMissing { name });
        assert_eq!(refused(&request_but(part, other)), expected, "{other}");
    }
}

#[test]
fn a_plain_http_get_is_426_with_upgrade_websocket() {
    let request = "GET / HTTP/1.1\r\nHost: h\r\nAccept: text/html\r\n\r\n";
    assert_eq!(refused(request), (426, HandshakeError::NotAnUpgrade));
    let (answer, _) = server_refuses(request.as_bytes());
    assert!(answer.contains("\r\nUpgrade: websocket\r\n"), "{answer}");
    assert!(
        answer.contains("\r\nSec-WebSocket-Version: 13\r\n"),
        "{answer}"
    );
    assert!(
        answer.contains("\r\nConnection: close, Upgrade\r\n"),
        "{answer}"
    );
}

#[test]
fn sec_websocket_key_once_and_base64_of_16_bytes() {
    const LINE: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    const NAME: &str = "Sec-WebSocket-Key";
    assert_eq!(refused(&request_but(LINE, "")), missing(NAME));
    assert_eq!(refused(&request_with(LINE)), twice(NAME));
    for key in [
        "",
        "x",
        "SGVsbG8sIHdvcmxkIQ==",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZS4=",
    ] {
        let request = request_but("dGhlIHNhbXBsZSBub25jZQ==", key);
        assert_eq!(refused(&request), bad_header(NAME), "{key}");
    }
}

#[test]
fn another_sec_websocket_version_than_13_is_426_with_13() {
    const LINE: &str = "Sec-WebSocket-Version: 13";
    for other in [
        "X: y",
        "Sec-WebSocket-Version: 8",
        "Sec-WebSocket-Version: 13, 8",
        "Sec-WebSocket-Version:",
    ] {
        let request = request_but(LINE, other);
        assert_eq!(
            refused(&request),
            (426, HandshakeError::WrongVersion),
            "{other}"
        );
        let (answer, _) = server_refuses(request.as_bytes());
        assert!(
            answer.contains("\r\nSec-WebSocket-Version: 13\r\n"),
            "{answer}"
        );
        assert!(answer.contains("\r\nUpgrade: websocket\r\n"), "{answer}");
    }
    let again = format!("{LINE}\r\n");
    assert_eq!(
        refused(&request_with(&again)),
        twice("Sec-WebSocket-Version")
    );
}

#[test]
fn content_length_or_transfer_encoding_on_the_request_is_400() {
    for header in [
        "Content-Length: 5",
        "Content-Length: 0005",
        "Transfer-Encoding: chunked",
    ] {
        let request = request_with(&format!("{header}\r\n"));
        assert_eq!(
            refused(&request),
            (400, HandshakeError::BodyAnnounced),
            "{header}"
        );
    }
    let both = request_with("Content-Length: 0\r\nTransfer-Encoding: identity\r\n");
    assert_eq!(refused(&both), (400, HandshakeError::BodyAnnounced));
    for value in ["", "+0", "-1", "0, 0", "x"] {
        let request = request_with(&format!("Content-Length: {value}\r\n"));
        assert_eq!(refused(&request), bad_header("Content-Length"), "{value}");
    }
    let lengths = request_with("Content-Length: 0\r\nContent-Length: 0\r\n");
    assert_eq!(refused(&lengths), twice("Content-Length"));
    accepted(&request_with("Content-Length: 0\r\n"));
}

#[test]
fn obs_fold_bare_lf_bare_cr_nul_and_space_before_colon_are_400() {
    for (headers, fault) in [
        ("X: a\r\n b\r\n", HeadFault::ObsFold),
        ("X: a\r\n\tb\r\n", HeadFault::ObsFold),
        ("X: a\n", HeadFault::BareLf),
        ("X: a\rb\r\n", HeadFault::BareCr),
        ("X: a\0b\r\n", HeadFault::Control),
        ("X: a\x08\r\n", HeadFault::Control),
        ("X : a\r\n", HeadFault::SpaceBeforeColon),
        ("X\t: a\r\n", HeadFault::SpaceBeforeColon),
        ("X\r\n", HeadFault::HeaderName),
        ("X\u{e4}: a\r\n", HeadFault::HeaderName),
        (": a\r\n", HeadFault::HeaderName),
    ] {
        let expected = (400, HandshakeError::BadHead { fault });
        assert_eq!(refused(&request_with(headers)), expected, "{headers:?}");
    }
    let lf_only = request_with("").replace("\r\n", "\n");
    let fault = HeadFault::BareLf;
    assert_eq!(refused(&lf_only), (400, HandshakeError::BadHead { fault }));
}

#[test]
fn control_characters_in_the_target_are_400_and_strange_targets_never_panic() {
    let control = (
        400,
        HandshakeError::BadHead {
            fault: HeadFault::Control,
        },
    );
    for target in ["/\0", "/\x01", "/a\tb", "/\x7f", "/\u{e4}", "/\x1b[2J"] {
        assert_eq!(
            refused(&request_but("/chat", target)),
            control,
            "{target:?}"
        );
    }
    for target in [
        "<",
        "*",
        "chat",
        "/#",
        "server.example.com:80",
        "ftp://h/",
        "http://",
    ] {
        let expected = (400, HandshakeError::BadTarget);
        assert_eq!(
            refused(&request_but("/chat", target)),
            expected,
            "{target:?}"
        );
    }
    // Browsers do not encode all of these.
    for target in ["/<", "/?[]{}|\\^`\"<>", "//", "/?", "/%", "/%zz"] {
        accepted(&request_but("/chat", target));
    }
}

#[test]
fn an_absolute_target_names_host_and_resource() {
    for (target, path, query, host) in [
        ("http://h:81/p?q", "/p", Some("q"), "h:81"),
        ("wss://h?q?r", "/", Some("q?r"), "h"),
        ("/p?", "/p", Some(""), "server.example.com"),
    ] {
        let mut server = server();
        feed(&mut server, request_but("/chat", target).as_bytes(), 1);
        let request = server.poll(NOW).expect("valid").expect("complete");
        assert_eq!(
            (request.path(), request.query(), request.host()),
            (path, query, host)
        );
    }
}

#[test]
fn one_empty_line_before_the_request_is_passed_over() {
    accepted(&format!("\r\n{}", request_with("")));
    assert_eq!(
        refused(&format!("\r\n\r\n{}", request_with(""))),
        (400, HandshakeError::NotHttp)
    );
    let expected = (
        400,
        HandshakeError::BadHead {
            fault: HeadFault::BareLf,
        },
    );
    assert_eq!(refused(&format!("\n{}", request_with(""))), expected);
}

#[test]
fn total_head_limit_and_header_count_are_431_at_the_byte_that_passes_them() {
    let too_large = HandshakeError::HeadTooLarge { limit: 16 << 10 };
    let endless = request_with(&format!("Cookie: {}", "x".repeat(1 << 20)));
    let mut server = server();
    feed(&mut server, &endless.as_bytes()[..16 << 10], 999);
    let (answer, error) = refused_by(&mut server);
    assert!(
        answer.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"),
        "{answer}"
    );
    assert_eq!(error, too_large);
    let long_line = format!("GET /{} HTTP/1.1\r\n", "x".repeat(16 << 10));
    assert_eq!(refused(&long_line), (431, too_large));

    let many = HandshakeError::TooManyHeaders { limit: 100 };
    assert_eq!(refused(&request_with(&"X: y\r\n".repeat(96))), (431, many));
    accepted(&request_with(&"X: y\r\n".repeat(95)));
}

#[test]
fn legitimate_large_requests_pass_64_headers_and_8_kib() {
    let headers: String = (0..64)
        .map(|i| format!("X-{i}: {}\r\n", "v".repeat(130)))
        .collect();
    assert!(headers.len() > 8 << 10);
    accepted(&request_with(&headers));
}

#[test]
fn a_tls_client_on_a_plain_port_fails_at_once() {
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"\x15\x03",
    ] {
        let (answer, error) = server_refuses(bytes);
        assert_eq!(error, HandshakeError::TlsFromClient);
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"));
        assert!(error.explain().suggestion.contains("ws://"));
    }
    for bytes in [&b"\x80"[..], b"\0", b"\xff\xff", b"\x16\x02", b" GET"] {
        assert_eq!(server_refuses(bytes).1, HandshakeError::NotHttp);
    }
}

#[test]
fn subprotocols_are_unique_tokens() {
    const NAME: &str = "Sec-WebSocket-Protocol";
    for value in ["", ",", "a b", "a, a", "a\"", "a/b", "\u{e4}"] {
        let request = request_with(&format!("{NAME}: {value}\r\n"));
        assert_eq!(refused(&request), bad_header(NAME), "{value:?}");
    }
    let lines = request_with(&format!("{NAME}: a\r\n{NAME}: a\r\n"));
    assert_eq!(refused(&lines), bad_header(NAME));
    let many: Vec<String> = (0..65).map(|i| i.to_string()).collect();
    assert_eq!(
        refused(&request_with(&format!("{NAME}: {}\r\n", many.join(",")))),
        bad_header(NAME)
    );

    let mut server = server();
    feed(
        &mut server,
        request_with(&format!("{NAME}: a,,b\r\n{NAME}: c\r\n")).as_bytes(),
        1,
    );
    let request = server.poll(NOW).expect("valid").expect("complete");
    assert_eq!(request.subprotocols().collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[test]
fn extensions_follow_the_grammar_and_are_not_answered_unless_chosen() {
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
    let (answer, opened) = server_accepts(&request_with(offer), Accept::new());
    assert!(!answer.contains("Extensions") && opened.agreed().extensions.is_empty());
    let broken = request_with("Sec-WebSocket-Extensions: a;;b\r\n");
    assert_eq!(
        refused(&broken),
        (400, HandshakeError::BadExtensions(ExtError::NotToken))
    );
}

#[test]
fn singletons_that_decide_about_access_may_not_be_ambiguous() {
    assert_eq!(
        refused(&request_with("Origin: a\r\nOrigin: b\r\n")),
        twice("Origin")
    );
    assert_eq!(
        refused(&request_with("Origin: \u{e4}\r\n")),
        bad_header("Origin")
    );
    assert_eq!(refused(&request_with("Origin:\r\n")), bad_header("Origin"));
    let twice_over = request_with("Authorization: a\r\nAuthorization: b\r\n");
    assert_eq!(refused(&twice_over), twice("Authorization"));
}

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

#[test]
fn limits_are_those_that_were_given() {
    let limits = Limits::default()
        .max_head(request_with("").len())
        .max_headers(5);
    let mut server = ServerHandshake::new(limits, NOW);
    feed(&mut server, request_with("").as_bytes(), 1);
    assert!(server.poll(NOW).is_ok_and(|request| request.is_some()));
    assert!(format!("{server:?}").contains("Request"));
}
