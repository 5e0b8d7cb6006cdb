//! URLs through the public API: what is accepted and how it is read, what is refused and why.

use core::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use ws_core::url::{Host, Url, UrlError};

fn url(text: &str) -> Url {
    text.parse().expect(text)
}

fn refused(text: &str) -> UrlError {
    Url::parse(text).expect_err(text)
}

#[test]
fn four_schemes_in_any_case_with_their_default_ports() {
    for (text, secure, port) in [
        ("ws://example.com", false, 80),
        ("wss://example.com", true, 443),
        ("http://example.com", false, 80),
        ("https://example.com", true, 443),
        ("WSS://example.com", true, 443),
        ("HtTp://example.com:", false, 80),
    ] {
        let url = url(text);
        assert_eq!((url.is_secure(), url.port()), (secure, port), "{text}");
        assert_eq!(url.scheme(), if secure { "wss" } else { "ws" });
        assert_eq!(url.authority(), "example.com");
    }
}

#[test]
fn the_host_header_names_the_port_only_if_it_is_not_the_default() {
    for (text, authority) in [
        ("ws://h:80", "h"),
        ("ws://h:443", "h:443"),
        ("wss://h:443", "h"),
        ("wss://h:80", "h:80"),
        ("wss://h:8443", "h:8443"),
        ("ws://[::1]:80", "[::1]"),
        ("ws://[::1]:81", "[::1]:81"),
        ("ws://h:0081", "h:81"),
    ] {
        assert_eq!(url(text).authority(), authority);
    }
}

#[test]
fn the_path_is_never_empty_and_the_query_never_lost() {
    for (text, target) in [
        ("ws://h", "/"),
        ("ws://h/", "/"),
        ("ws://h?q", "/?q"),
        ("ws://h?q=a/b?c", "/?q=a/b?c"),
        ("ws://h/?", "/?"),
        (
            "ws://h/a//b/../c;d?e=%20&f=[]{}|^@:",
            "/a//b/../c;d?e=%20&f=[]{}|^@:",
        ),
    ] {
        assert_eq!(url(text).target(), target);
    }
}

#[test]
fn literal_addresses_need_no_lookup() {
    assert_eq!(
        url("ws://127.0.0.1:1").host(),
        &Host::V4(Ipv4Addr::LOCALHOST)
    );
    assert_eq!(url("ws://[::1]:1").host(), &Host::V6(Ipv6Addr::LOCALHOST));
    assert_eq!(
        url("ws://LOCALHOST:1").host(),
        &Host::Domain("localhost".into())
    );
    assert_eq!(url("ws://[::1]/").host().to_string(), "[::1]");
}

#[test]
fn user_and_password_are_decoded() {
    for (text, user, password) in [
        ("ws://h", None, None),
        ("ws://@h", None, None),
        ("ws://ann@h", Some("ann"), None),
        ("ws://ann:@h", Some("ann"), Some("")),
        ("ws://:pw@h", Some(""), Some("pw")),
        ("ws://a%40b:c%3Ad:e@h", Some("a@b"), Some("c:d:e")),
        ("ws://%C3%BC:p%c3%a4ss@h", Some("ü"), Some("päss")),
    ] {
        let url = url(text);
        assert_eq!((url.user(), url.password()), (user, password), "{text}");
        assert_eq!(url.authority(), "h");
    }
}

#[test]
fn neither_display_nor_debug_shows_credentials() {
    let url = url("https://ann:s3cret@Example.com/x?y");
    assert_eq!(url.to_string(), "wss://example.com/x?y");
    assert_eq!(format!("{url:?}"), "Url(wss://[redacted]@example.com/x?y)");
    assert_eq!(format!("{:?}", Url::from(&url)), format!("{url:?}"));
}

#[test]
fn every_cause_has_its_error() {
    let must_encode = |found, at| UrlError::MustEncode { found, at };
    for (text, error) in [
        ("", UrlError::NoScheme),
        ("example.com", UrlError::NoScheme),
        ("localhost:80", UrlError::NoScheme),
        ("ws:example.com", UrlError::NoScheme),
        ("://example.com", UrlError::NoScheme),
        ("ftp://example.com", UrlError::UnknownScheme),
        ("wsx://example.com", UrlError::UnknownScheme),
        ("ws://", UrlError::EmptyHost),
        ("ws:///path", UrlError::EmptyHost),
        ("ws://:80", UrlError::EmptyHost),
        ("ws://ann@", UrlError::EmptyHost),
        ("ws://a..b", UrlError::BadHost),
        ("ws://good.example\\@evil.example", must_encode('\\', 17)),
        ("ws://1.2.3", UrlError::BadIpv4),
        ("ws://1.2.3.4.5", UrlError::BadIpv4),
        ("ws://[::1", UrlError::BadIpv6),
        ("ws://[::1]80", UrlError::BadIpv6),
        ("ws://::1", UrlError::BadIpv6),
        ("ws://h:0", UrlError::BadPort),
        ("ws://h:65536", UrlError::BadPort),
        ("ws://h:+80", UrlError::BadPort),
        ("ws://h:8x", UrlError::BadPort),
        ("ws://h#", UrlError::Fragment),
        ("ws://h/p?q#f", UrlError::Fragment),
        (" ws://h", must_encode(' ', 0)),
        ("ws://h/a b", must_encode(' ', 8)),
        ("ws://h/\r\nX: y", must_encode('\r', 7)),
        ("ws://h/\0", must_encode('\0', 7)),
        ("ws://h/ä", must_encode('ä', 7)),
        ("ws://bücher.example", must_encode('ü', 6)),
        ("ws://h/<", must_encode('<', 7)),
        ("ws://h/?100%", must_encode('%', 11)),
        ("ws://h/%4", must_encode('%', 7)),
        ("ws://a@b@h", must_encode('@', 6)),
        ("ws://a%3Ab@h", UrlError::BadUserInfo),
        ("ws://a%00@h", UrlError::BadUserInfo),
        ("ws://a:%0d@h", UrlError::BadUserInfo),
        ("ws://%ff@h", UrlError::BadUserInfo),
    ] {
        assert_eq!(refused(text), error, "{text:?}");
        assert!(!error.explain().suggestion.is_empty());
        assert!(!error.to_string().ends_with('.'));
    }
}

#[test]
fn long_urls_are_refused_before_they_are_read() {
    let longest = format!("ws://h/{}", "x".repeat(8192 - 7));
    assert_eq!(url(&longest).target().len(), 8192 - 6);
    assert_eq!(
        refused(&format!("{longest}#")),
        UrlError::TooLong { len: 8193 }
    );
}

#[test]
fn every_conversion_reads_the_same() {
    let text = String::from("ws://h/p");
    let expected = url(&text);
    assert_eq!(Url::try_from(&text), Ok(expected.clone()));
    assert_eq!(Url::try_from(text.as_str()), Ok(expected.clone()));
    assert_eq!(Url::try_from(text), Ok(expected));
    assert!(size_of::<UrlError>() <= 32);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in prop_oneof![
        ".{0,60}",
        "(ws|wss)://[a-c0-9.:@\\[\\]%/?#]{0,30}",
        "wss?://\\PC{0,40}",
    ]) {
        if let Ok(url) = Url::parse(&text) {
            // What is accepted is shown as a URL that means the same, save for the user.
            let shown = url.to_string();
            let again: Url = shown.parse().expect("shown");
            prop_assert_eq!(again.to_string(), shown);
            prop_assert_eq!((again.host(), again.port()), (url.host(), url.port()));
            prop_assert!(url.target().starts_with('/'));
            prop_assert!(url.target().bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'));
            prop_assert!(url.user().is_none_or(|user| !user.contains([':', '\r', '\n', '\0'])));
        }
    }
}
