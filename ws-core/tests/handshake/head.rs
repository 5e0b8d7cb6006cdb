//! How the head of a request is written, how large it may be, and what is none.

use super::server::{accepted, bad_header, refused, twice};
use crate::handshake_support::{
    NOW, feed, refused_by, request_but, request_with, server, server_refuses,
};
use ws_core::handshake::{HandshakeError, HeadFault, Limits, ServerHandshake};

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
fn limits_are_those_that_were_given() {
    let limits = Limits::default()
        .max_head(request_with("").len())
        .max_headers(5);
    let mut server = ServerHandshake::new(limits, NOW);
    feed(&mut server, request_with("").as_bytes(), 1);
    assert!(server.poll(NOW).is_ok_and(|request| request.is_some()));
    assert!(format!("{server:?}").contains("Request"));
}
