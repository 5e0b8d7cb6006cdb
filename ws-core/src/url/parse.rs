//! From text to [`Url`]: one pass over its parts, left to right (RFC 3986 §3, RFC 6455 §3).
//!
//! It corrects nothing.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use crate::url::{Host, MAX_LEN, Url, UrlError, UserInfo};

pub(super) fn parse(text: &str) -> Result<Url, UrlError> {
    if text.len() > MAX_LEN {
        return Err(UrlError::TooLong { len: text.len() });
    }
    if let Some((at, found)) = text.char_indices().find(|(_, c)| !c.is_ascii_graphic()) {
        return Err(UrlError::MustEncode { found, at });
    }
    let (scheme, rest) = text.split_once("://").ok_or(UrlError::NoScheme)?;
    let secure = is_secure(scheme)?;
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    // "Fragment identifiers are meaningless in the context of WebSocket URIs and MUST NOT be used"
    // (RFC 6455 §3)
    if tail.contains('#') {
        return Err(UrlError::Fragment);
    }
    let at = scheme.len() + "://".len();
    let (userinfo, host, port) = parse_authority(authority, at, Url::default_port(secure))?;
    check(tail, at + authority.len(), is_target_byte)?;
    let slash = if tail.starts_with('/') { "" } else { "/" };
    let target = [slash, tail].concat().into();
    Ok(Url {
        secure,
        userinfo,
        host,
        port,
        target,
    })
}

fn is_secure(scheme: &str) -> Result<bool, UrlError> {
    let is = |name| scheme.eq_ignore_ascii_case(name);
    if is("wss") || is("https") {
        Ok(true)
    } else if is("ws") || is("http") {
        Ok(false)
    } else if scheme.is_empty() {
        Err(UrlError::NoScheme)
    } else {
        Err(UrlError::UnknownScheme)
    }
}

/// Reads user, host and port; `at` is where `authority` begins.
pub(crate) fn parse_authority(
    authority: &str,
    at: usize,
    default_port: u16,
) -> Result<(Option<UserInfo>, Host, u16), UrlError> {
    let (userinfo, host) = match authority.rsplit_once('@') {
        Some(("", host)) => (None, host),
        Some((userinfo, host)) => (Some(parse_userinfo(userinfo, at)?), host),
        None => (None, authority),
    };
    let (host, port) = parse_host_and_port(host, default_port)?;
    Ok((userinfo, host, port))
}

fn parse_host_and_port(text: &str, default_port: u16) -> Result<(Host, u16), UrlError> {
    let (host, port) = match text.rfind(']') {
        Some(end) => {
            let (host, rest) = text.split_at(end + 1);
            let port = if rest.is_empty() {
                Some("")
            } else {
                rest.strip_prefix(':')
            };
            (host, port.ok_or(UrlError::BadIpv6)?)
        }
        None => text.split_once(':').unwrap_or((text, "")),
    };
    if port.contains(':') {
        return Err(UrlError::BadIpv6);
    }
    Ok((Host::parse(host)?, parse_port(port, default_port)?))
}

/// An empty port is the default one (RFC 3986 §3.2.3).
fn parse_port(port: &str, default_port: u16) -> Result<u16, UrlError> {
    if port.is_empty() {
        return Ok(default_port);
    }
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|&port| digits && port > 0);
    port.ok_or(UrlError::BadPort)
}

fn parse_userinfo(text: &str, at: usize) -> Result<UserInfo, UrlError> {
    check(text, at, |byte| {
        is_unreserved_or_sub_delim(byte) || byte == b':'
    })?;
    let (user, password) = match text.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (text, None),
    };
    let user = decode(user)?;
    // "a user-id containing a colon character is invalid" (RFC 7617 §2)
    if user.contains(':') {
        return Err(UrlError::BadUserInfo);
    }
    Ok(UserInfo {
        user,
        password: password.map(decode).transpose()?,
    })
}

/// Undoes the percent-encoding of text that [`check`] has passed.
fn decode(text: &str) -> Result<Box<str>, UrlError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex(rest.next()) << 4 | hex(rest.next()),
            _ => byte,
        });
    }
    let text = String::from_utf8(bytes).map_err(|_| UrlError::BadUserInfo)?;
    // "The user-id and password MUST NOT contain any control characters" (RFC 7617 §2)
    if text.chars().any(char::is_control) {
        return Err(UrlError::BadUserInfo);
    }
    Ok(text.into())
}

fn hex(digit: Option<u8>) -> u8 {
    match digit {
        Some(digit @ b'0'..=b'9') => digit - b'0',
        Some(digit @ b'a'..=b'f') => digit - b'a' + 10,
        Some(digit @ b'A'..=b'F') => digit - b'A' + 10,
        _ => 0,
    }
}

/// Are all bytes allowed, and do all percent signs encode something? `at` is where `text` begins.
fn check(text: &str, at: usize, allowed: impl Fn(u8) -> bool) -> Result<(), UrlError> {
    let bytes = text.as_bytes();
    for (i, &byte) in bytes.iter().enumerate() {
        let fine = match byte {
            b'%' => bytes
                .get(i + 1..i + 3)
                .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)),
            _ => allowed(byte),
        };
        if !fine {
            return Err(UrlError::MustEncode {
                found: char::from(byte),
                at: at + i,
            });
        }
    }
    Ok(())
}

fn is_unreserved_or_sub_delim(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte)
}

/// What may stand in a path or query as it is: what RFC 3986 allows there, and the brackets,
/// braces, bars and circumflexes that browsers leave alone in a query.
fn is_target_byte(byte: u8) -> bool {
    is_unreserved_or_sub_delim(byte) || b":@/?[]{}|^".contains(&byte)
}
