//! What a request asks for, and of whom: the request target and the `Host` (RFC 9112 §3.2).
//!
//! It looks no name up.

use alloc::boxed::Box;

use crate::handshake::HandshakeError;
use crate::handshake::token::is_visible;

/// The resource of a request, as a path with its query, and the host if the target names it.
pub(crate) fn parse_target(target: &[u8]) -> Result<(Box<str>, Option<&str>), HandshakeError> {
    let target = core::str::from_utf8(target).map_err(|_| HandshakeError::BadTarget)?;
    if !is_visible(target.as_bytes()) || target.contains('#') {
        return Err(HandshakeError::BadTarget);
    }
    if target.starts_with('/') {
        return Ok((target.into(), None));
    }
    // "a server MUST accept the absolute-form in requests" (RFC 9112 §3.2.2)
    let (scheme, rest) = target.split_once("://").ok_or(HandshakeError::BadTarget)?;
    let known = ["http", "https", "ws", "wss"]
        .iter()
        .any(|name| scheme.eq_ignore_ascii_case(name));
    let (host, resource) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if !known || !is_authority(host.as_bytes()) {
        return Err(HandshakeError::BadTarget);
    }
    let slash = if resource.starts_with('/') { "" } else { "/" };
    Ok(([slash, resource].concat().into(), Some(host)))
}

/// May this be the value of `Host`: a name or address, and perhaps a port?
///
/// More lenient than [`Url`](crate::url::Url), because a server does not connect to it. There is no
/// comma, which would make two hosts of one, and nothing that begins a path.
pub(crate) fn is_authority(value: &[u8]) -> bool {
    let name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=".contains(byte);
    let address = |byte: &u8| byte.is_ascii_hexdigit() || b":.".contains(byte);
    let (host, port) = match value {
        [b'[', rest @ ..] => {
            let end = rest.iter().position(|&byte| byte == b']').unwrap_or(0);
            let (host, rest) = rest.split_at(end);
            if !host.iter().all(address) {
                return false;
            }
            (host, rest.get(1..).unwrap_or_default())
        }
        _ => {
            let end = value
                .iter()
                .position(|&byte| byte == b':')
                .unwrap_or(value.len());
            let (host, port) = value.split_at(end);
            if !host.iter().all(name) {
                return false;
            }
            (host, port)
        }
    };
    let port = match port {
        [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        _ => port.is_empty(),
    };
    !host.is_empty() && port
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_path_or_an_absolute_url() {
        for (target, resource, host) in [
            ("/", "/", None),
            ("/a?b", "/a?b", None),
            ("//x/y", "//x/y", None),
            ("/<>\"{}|", "/<>\"{}|", None),
            ("http://h", "/", Some("h")),
            ("WS://h:1?q", "/?q", Some("h:1")),
            ("https://h/a?b://c", "/a?b://c", Some("h")),
        ] {
            assert_eq!(parse_target(target.as_bytes()), Ok((resource.into(), host)));
        }
        for bad in [
            "",
            "*",
            "h:443",
            "a/b",
            "?q",
            "/#",
            "/a\x7f",
            "/\u{e4}",
            "/ ",
            "ftp://h/",
            "http:///",
            "http://a@b/",
        ] {
            assert_eq!(
                parse_target(bad.as_bytes()),
                Err(HandshakeError::BadTarget),
                "{bad:?}"
            );
        }
        assert_eq!(parse_target(b"/\xff"), Err(HandshakeError::BadTarget));
    }

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_port() {
        for good in [
            "h",
            "h.example.",
            "my_host:80",
            "h:",
            "1.2.3.4:5",
            "[::1]",
            "[::1]:80",
        ] {
            assert!(is_authority(good.as_bytes()), "{good}");
        }
        for bad in [
            "", ":80", "a b", "a,b", "a/b", "a@b", "a:b", "a:1:2", "[]", "[::1", "[::1]x", "[g]",
            "\u{e4}",
        ] {
            assert!(!is_authority(bad.as_bytes()), "{bad}");
        }
    }
}
