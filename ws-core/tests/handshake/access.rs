//! Who is let in: the origin policy and credentials (RFC 6455 §10.2, RFC 7617).

use crate::handshake_support::{NOW, feed, refused_by, request_but, request_with, server};
use ws_core::handshake::{BasicAuth, OriginPolicy};

/// Does this policy let in a request with these headers?
fn passes(policy: &OriginPolicy, request: &str) -> bool {
    let mut server = server();
    feed(&mut server, request.as_bytes(), usize::MAX);
    let request = server.poll(NOW).expect("valid").expect("complete");
    policy.check(&request)
}

fn from(origin: &str) -> String {
    request_with(&format!("Origin: {origin}\r\n"))
}

#[test]
fn any_origin_passes_by_default() {
    let policy = OriginPolicy::default();
    assert_eq!(policy, OriginPolicy::Any);
    assert!(passes(&policy, &request_with("")) && passes(&policy, &from("null")));
}

#[test]
fn same_origin_compares_host_and_port_with_the_defaults_of_the_scheme() {
    let policy = OriginPolicy::SameOrigin;
    assert!(passes(&policy, &request_with("")), "not a browser");
    for origin in [
        "http://server.example.com",
        "https://server.example.com",
        "https://SERVER.example.com:443",
        "http://server.example.com:80",
    ] {
        assert!(passes(&policy, &from(origin)), "{origin}");
    }
    for origin in [
        "http://server.example.com:443",
        "http://server.example.com.evil.example",
        "http://evil.example/server.example.com",
        "http://server.example.com@evil.example",
        "http://evil.example?server.example.com",
        "chrome-extension://server.example.com",
        "server.example.com",
        "null",
    ] {
        assert!(!passes(&policy, &from(origin)), "{origin}");
    }
    let ported =
        |origin: &str| request_but("server.example.com", &format!("h:8443\r\nOrigin: {origin}"));
    assert!(passes(&policy, &ported("https://h:8443")));
    assert!(!passes(&policy, &ported("https://h")));
    let v6 = request_but("server.example.com", "[::1]:80\r\nOrigin: http://[::1]");
    assert!(passes(&policy, &v6));
}

#[test]
fn a_list_of_origins_lets_in_what_it_lists() {
    let policy = OriginPolicy::allow(["https://example.com", "app://local", "null"]);
    for (origin, expected) in [
        ("https://example.com", true),
        ("https://EXAMPLE.com:443", true),
        ("app://local", true),
        ("null", true),
        ("http://example.com", false),
        ("https://example.com:444", false),
        ("https://sub.example.com", false),
        ("https://example.com.evil.example", false),
        ("https://example.com/", false),
        ("app://LOCAL", false),
    ] {
        assert_eq!(passes(&policy, &from(origin)), expected, "{origin}");
    }
    assert!(
        !passes(&policy, &request_with("")),
        "no origin is not on the list"
    );
}

#[test]
fn basic_credentials_are_read_and_compared() {
    let credentials = |headers: &str| -> Option<BasicAuth> {
        let mut server = server();
        feed(&mut server, request_with(headers).as_bytes(), usize::MAX);
        server
            .poll(NOW)
            .expect("valid")
            .expect("complete")
            .basic_auth()
    };
    let auth = credentials("Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n");
    let auth = auth.expect("well formed");
    assert_eq!(auth.user(), "Aladdin");
    assert!(auth.matches("Aladdin", "open sesame"));
    for (user, password) in [
        ("Aladdin", "open sesam"),
        ("Aladdin", ""),
        ("aladdin", "open sesame"),
    ] {
        assert!(!auth.matches(user, password));
    }
    assert!(credentials("Authorization: Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n").is_none());
    assert!(credentials("Authorization: Basic =\r\n").is_none());
    assert!(credentials("").is_none());
    assert_eq!(format!("{auth:?}"), "BasicAuth([redacted])");
}

#[test]
fn a_request_shown_for_debugging_shows_no_secrets() {
    let mut server = server();
    let request = request_but("/chat", "/chat?token=s3cret");
    let request = request.replace("\r\n\r\n", "\r\nCookie: s3cret\r\n\r\n");
    feed(&mut server, request.as_bytes(), usize::MAX);
    let shown = format!("{:?}", server.poll(NOW).expect("valid").expect("complete"));
    assert!(
        shown.contains("/chat") && shown.contains("Cookie"),
        "{shown}"
    );
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn a_foreign_origin_or_wrong_credentials_are_refused_with_403() {
    let mut server = server();
    let request = from("https://evil.example").replace(
        "\r\n\r\n",
        "\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n",
    );
    feed(&mut server, request.as_bytes(), usize::MAX);
    let request = server.poll(NOW).expect("valid").expect("complete");
    let known = request
        .basic_auth()
        .is_some_and(|auth| auth.matches("Aladdin", "sesame"));
    assert!(!known && !OriginPolicy::SameOrigin.check(&request));
    server.reject(403, &[], b"", NOW).expect("a valid refusal");
    assert!(
        refused_by(&mut server)
            .0
            .starts_with("HTTP/1.1 403 Forbidden\r\n")
    );
}
