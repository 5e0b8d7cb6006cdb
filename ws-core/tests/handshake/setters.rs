//! Setters that take names, values, paths and subprotocols refuse CR, LF, NUL and all that is no
//! token; what they accept is written as it was given.

use crate::handshake_support::{NOW, plain_request, sent};
use ws_core::Seed;
use ws_core::ext::{ExtError, Offer};
use ws_core::handshake::{
    Accept, AnswerError, ClientHandshake, HeaderError, Limits, Request, RequestError,
};
use ws_core::url::{Url, UrlError};

/// The request as it goes out.
fn written(request: &Request) -> String {
    let seed = Seed::new([7; 32]);
    let mut client = ClientHandshake::new(request, Limits::default(), seed, NOW);
    String::from_utf8(sent(&mut client)).expect("text")
}

fn header(name: &str, value: &str) -> Result<Request, RequestError> {
    plain_request().header(name, value)
}

#[test]
fn names_and_values_with_cr_lf_nul_or_no_token_are_refused() {
    for name in ["", "a b", "a\r\nb", "a\0", "a:", "\u{e4}"] {
        assert_eq!(
            header(name, "v"),
            Err(RequestError::Header(HeaderError::BadName))
        );
        let accept = Accept::new().header(name, "v");
        assert_eq!(accept, Err(AnswerError::Header(HeaderError::BadName)));
    }
    for value in ["a\r\nHost: evil", "a\nb", "a\rb", "a\0b", "\x7f"] {
        let error = HeaderError::BadValue { name: "X".into() };
        assert_eq!(header("X", value), Err(RequestError::Header(error.clone())));
        assert_eq!(
            Accept::new().header("X", value),
            Err(AnswerError::Header(error))
        );
    }
    assert!(header("X", "\ttabs and \u{e4} are fine ").is_ok());
}

#[test]
fn headers_that_the_handshake_writes_itself_are_refused() {
    for name in [
        "Connection",
        "UPGRADE",
        "content-length",
        "Transfer-Encoding",
        "Expect",
        "TE",
        "Trailer",
        "Keep-Alive",
        "Proxy-Connection",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Accept",
        "sec-websocket-protocol",
        "Sec-WebSocket-Extensions",
        "Sec-WebSocket-Version",
    ] {
        let error = HeaderError::Reserved { name: name.into() };
        assert_eq!(header(name, "v"), Err(RequestError::Header(error.clone())));
        assert_eq!(
            Accept::new().header(name, "v"),
            Err(AnswerError::Header(error.clone()))
        );
        assert!(error.explain().suggestion.starts_with("Use the method"));
    }
}

#[test]
fn host_origin_user_agent_and_authorization_are_replaced_and_others_appended() {
    let request = Request::new("ws://ann:pw@h:81/").expect("a url");
    let plain = written(&request);
    assert!(plain.contains("\r\nHost: h:81\r\n"));
    assert!(plain.contains("\r\nAuthorization: Basic YW5uOnB3\r\n"));
    let request = [
        ("Host", "first"),
        ("host", "other.example:82"),
        ("Origin", "http://first"),
        ("User-Agent", "first"),
        ("user-agent", " second "),
        ("authorization", "Bearer t"),
        ("Cookie", "a=1"),
        ("Cookie", "b=2"),
    ];
    let request = request
        .iter()
        .try_fold(
            Request::new("ws://ann:pw@h:81/").expect("a url"),
            |request, (name, value)| request.header(name, value),
        )
        .and_then(|request| request.origin("http://second"))
        .expect("all of them may be given");
    let written = written(&request);
    assert!(
        !written.contains("first") && !written.contains("Basic"),
        "{written}"
    );
    for line in [
        "Host: other.example:82",
        "Origin: http://second",
        "user-agent: second",
        "Authorization: Bearer t",
        "Cookie: a=1\r\nCookie: b=2",
    ] {
        assert_eq!(
            written.matches(&format!("\r\n{line}\r\n")).count(),
            1,
            "{written}"
        );
    }
}

#[test]
fn hosts_and_origins_that_are_none_are_refused() {
    for host in ["", "a b", "a/b", "a, b", "a@b", "a:x", "a\r\nb"] {
        let error = HeaderError::BadValue {
            name: "Host".into(),
        };
        assert_eq!(header("Host", host), Err(RequestError::Header(error)));
    }
    for origin in ["", "a b", "http://\u{e4}", "x\r\ny"] {
        let error = HeaderError::BadValue {
            name: "Origin".into(),
        };
        assert_eq!(
            plain_request().origin(origin),
            Err(RequestError::Header(error))
        );
    }
}

#[test]
fn subprotocols_are_tokens_and_offered_once() {
    for name in ["", "a b", "a,b", "a\r\n", "a\0", "a/b", "\u{e4}"] {
        assert_eq!(
            plain_request().subprotocol(name),
            Err(RequestError::SubprotocolNotToken)
        );
    }
    let again = plain_request()
        .subprotocol("a")
        .and_then(|request| request.subprotocol("a"));
    assert_eq!(
        again,
        Err(RequestError::SubprotocolRepeated { name: "a".into() })
    );
    let two = plain_request()
        .subprotocol("a")
        .and_then(|request| request.subprotocol("A"));
    assert!(written(&two.expect("case matters")).contains("\r\nSec-WebSocket-Protocol: a, A\r\n"));
}

#[test]
fn extensions_are_offered_but_not_compression_by_name() {
    let offer = Offer::new("x-a")
        .and_then(|offer| offer.param("p", "1"))
        .expect("tokens");
    let request = plain_request()
        .extension(offer)
        .and_then(|request| request.extension(Offer::new("x-b")?))
        .expect("not reserved");
    assert!(written(&request).contains("\r\nSec-WebSocket-Extensions: x-a; p=1, x-b\r\n"));
    for name in [
        "permessage-deflate",
        "Permessage-Deflate",
        "PERMESSAGE-DEFLATE",
    ] {
        let deflate = Offer::new(name).expect("a token");
        let refused = plain_request().extension(deflate.clone());
        assert_eq!(refused, Err(RequestError::ReservedExtension), "{name}");
        let refused = Accept::new().extension(deflate);
        assert_eq!(refused, Err(AnswerError::ReservedExtension), "{name}");
    }
    assert_eq!(Offer::new("a\r\nb"), Err(ExtError::NotToken));
}

#[test]
fn paths_and_urls_with_cr_lf_or_nul_are_refused() {
    for url in [
        "ws://h/\r\nX: y",
        "ws://h/\n",
        "ws://h/\0",
        "ws://h/a b",
        "ws://h\r\n/",
    ] {
        assert!(matches!(
            Request::new(url),
            Err(RequestError::Url(UrlError::MustEncode { .. }))
        ));
    }
    let url = Url::parse("ws://h/p?q").expect("a url");
    assert_eq!(Request::new(&url).expect("never refused").url(), &url);
    assert!(
        written(&Request::new(url).expect("never refused")).starts_with("GET /p?q HTTP/1.1\r\n")
    );
    assert!(Request::new(String::from("ws://h")).is_ok());
}

#[test]
fn debug_shows_neither_credentials_nor_values() {
    let request = Request::new("wss://ann:pw@h/p")
        .and_then(|request| request.header("Authorization", "Bearer s3cret"))
        .and_then(|request| request.header("Cookie", "s3cret"))
        .expect("valid");
    let shown = format!("{request:?}");
    assert!(shown.contains("Cookie") && shown.contains("h/p"), "{shown}");
    assert!(
        !shown.contains("s3cret") && !shown.contains("ann") && !shown.contains("pw"),
        "{shown}"
    );
    let accept = Accept::new().header("Set-Cookie", "s3cret").expect("valid");
    assert!(!format!("{accept:?}").contains("s3cret"));
}
