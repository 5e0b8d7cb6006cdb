//! What a server takes for a request, and what it refuses with which status.

use crate::handshake_support::{
    NOW, feed, request_but, request_with, server, server_accepts, server_refuses,
};
use ws_core::ext::ExtError;
use ws_core::handshake::{Accept, HandshakeError, HeadFault};

pub(crate) fn accepted(request: &str) {
    server_accepts(request, Accept::new());
}

/// The status of the refusal, and the error that is reported.
pub(crate) fn refused(request: &str) -> (u16, HandshakeError) {
    let (answer, error) = server_refuses(request.as_bytes());
    let status = answer
        .get(9..12)
        .and_then(|status| status.parse().ok())
        .expect(&answer);
    assert_eq!(error.status_hint(), Some(status), "{answer}");
    (status, error)
}

pub(crate) fn bad_header(name: &'static str) -> (u16, HandshakeError) {
    (400, HandshakeError::BadHeader { name })
}

pub(crate) fn missing(name: &'static str) -> (u16, HandshakeError) {
    (400, HandshakeError::MissingHeader { name })
}

pub(crate) fn twice(name: &'static str) -> (u16, HandshakeError) {
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
