//! Redirects: off by default; when followed, to ws and wss only, never from wss to ws, and without
//! taking credentials along to another origin.

use crate::handshake_support::{NOW, client_for, feed, sent};
use ws_core::Seed;
use ws_core::handshake::{
    ClientHandshake, HandshakeError, Limits, RedirectError, Rejection, Request,
};
use ws_core::url::UrlError;

fn refusal(status: u16, location: &str) -> Rejection {
    let request = Request::new("ws://h").expect("a url");
    let mut client = client_for(&request, Limits::default());
    let answer = format!("HTTP/1.1 {status} \r\n{location}Content-Length: 0\r\n\r\n");
    feed(&mut client, answer.as_bytes(), usize::MAX);
    match client.poll(NOW).map(|_| ()) {
        Err(HandshakeError::Rejected(rejection)) => *rejection,
        other => panic!("{other:?}"),
    }
}

fn redirect(location: &str) -> Rejection {
    refusal(307, &format!("Location: {location}\r\n"))
}

fn written(request: &Request) -> String {
    let seed = Seed::new([7; 32]);
    let mut client = ClientHandshake::new(request, Limits::default(), seed, NOW);
    String::from_utf8(sent(&mut client)).expect("text")
}

fn secret(url: &str) -> Request {
    [
        ("Authorization", "Bearer s3cret"),
        ("Cookie", "s3cret"),
        ("Proxy-Authorization", "s3cret"),
        ("Host", "s3cret.example"),
        ("X-App", "kept"),
    ]
    .iter()
    .try_fold(
        Request::new(url).expect("a url"),
        |request, (name, value)| request.header(name, value),
    )
    .and_then(|request| request.subprotocol("chat"))
    .expect("valid")
}

#[test]
fn redirects_are_off_by_default_and_end_as_a_refusal() {
    for status in [301, 302, 303, 307, 308] {
        let refusal = refusal(status, "Location: wss://other.example/x\r\n");
        assert_eq!(refusal.status, status);
        assert_eq!(refusal.location(), Some("wss://other.example/x"));
        assert!(refusal.explain().suggestion.contains("Location"));
    }
    for (status, location) in [
        (300, "Location: ws://h/\r\n"),
        (200, "Location: ws://h/\r\n"),
        (302, ""),
    ] {
        let refusal = refusal(status, location);
        let request = Request::new("ws://h").expect("a url");
        assert_eq!(refusal.location(), None);
        assert_eq!(request.redirected(&refusal), Err(RedirectError::NoLocation));
    }
}

#[test]
fn a_redirect_leads_to_ws_and_wss_only() {
    let request = Request::new("ws://h/a/b?c").expect("a url");
    for (location, url) in [
        ("/x?y", "ws://h/x?y"),
        ("../x", "ws://h/x"),
        ("x", "ws://h/a/x"),
        ("//other.example:81/x", "ws://other.example:81/x"),
        ("https://other.example", "wss://other.example/"),
        ("WS://h:80/a#fragment", "ws://h/a"),
    ] {
        let next = request.redirected(&redirect(location)).expect(location);
        assert_eq!(next.url().to_string(), url, "{location}");
    }
    for (location, error) in [
        ("ftp://h/", UrlError::UnknownScheme),
        ("javascript:alert(1)", UrlError::NoScheme),
        ("ws://", UrlError::EmptyHost),
        ("/a b", UrlError::MustEncode { found: ' ', at: 8 }),
    ] {
        let error = RedirectError::BadLocation(error);
        assert_eq!(
            request.redirected(&redirect(location)),
            Err(error),
            "{location}"
        );
    }
}

#[test]
fn a_redirect_never_leads_from_wss_to_ws() {
    let request = Request::new("wss://h/").expect("a url");
    for location in ["ws://h/", "http://h/", "http://h:443/"] {
        let error = request.redirected(&redirect(location)).expect_err(location);
        assert_eq!(error, RedirectError::Downgrade);
        assert!(error.explain().suggestion.contains("wss://"));
    }
    assert!(
        request
            .redirected(&redirect("https://other.example/"))
            .is_ok()
    );
}

#[test]
fn authorization_cookie_and_proxy_headers_are_dropped_across_origins() {
    for location in ["wss://other.example/", "wss://h:444/", "//other.example/"] {
        let next = secret("wss://ann:s3cret@h/")
            .redirected(&redirect(location))
            .expect(location);
        let written = written(&next);
        assert!(
            !written.contains("s3cret") && !written.contains("Basic"),
            "{written}"
        );
        assert!(written.contains("\r\nX-App: kept\r\n"), "{written}");
        assert!(
            written.contains("\r\nSec-WebSocket-Protocol: chat\r\n"),
            "{written}"
        );
        assert_eq!(next.url().user(), None);
    }
    let upgraded = secret("ws://h/")
        .redirected(&redirect("wss://h/"))
        .expect("to wss");
    assert!(
        !written(&upgraded).contains("s3cret"),
        "another scheme is another origin"
    );
}

#[test]
fn within_an_origin_everything_is_kept() {
    for location in ["/x", "wss://h:443/x", "https://H/x"] {
        let next = secret("wss://ann:pw@h/")
            .redirected(&redirect(location))
            .expect(location);
        let written = written(&next);
        assert!(
            written.starts_with("GET /x HTTP/1.1\r\nHost: s3cret.example\r\n"),
            "{written}"
        );
        assert_eq!(written.matches("s3cret").count(), 4, "{written}");
        assert_eq!(
            (next.url().user(), next.url().password()),
            (Some("ann"), Some("pw"))
        );
    }
    let own = Request::new("ws://ann:pw@h/").expect("a url");
    let next = own
        .redirected(&redirect("ws://bob@h/"))
        .expect("the same origin");
    assert_eq!(
        (next.url().user(), next.url().password()),
        (Some("bob"), None)
    );
}
