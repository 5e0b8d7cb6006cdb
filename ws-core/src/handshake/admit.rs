//! Is this a request for a WebSocket? (RFC 6455 §4.2.1, RFC 9112 §3)
//!
//! The checks are made in the order in which [`admit`] lists them, and the first that fails is the
//! one that is answered: the request line, then what HTTP asks, then what RFC 6455 asks. It answers
//! nothing itself.

use alloc::vec::Vec;

use crate::ext::token::is_token;
use crate::ext::{self, Offer};
use crate::handshake::error::excerpt;
use crate::handshake::incoming::{Incoming, PROTOCOL};
use crate::handshake::target::{is_authority, parse_target};
use crate::handshake::token::{is_visible, list, lists};
use crate::handshake::{HandshakeError, HeadFault, Headers, head, key};

/// Subprotocols in one request. They are compared with each other, in time that grows with their
/// square.
const MAX_SUBPROTOCOLS: usize = 64;

/// Checks the first line of a request and its headers.
pub(crate) fn admit(line: &[u8], headers: Headers) -> Result<Incoming, HandshakeError> {
    let [method, target, version] = head::parse_request_line(line)?;
    check_version(version)?;
    check_method(method)?;
    let host = check_host(&headers)?;
    let (resource, named) = parse_target(target)?;
    let host = named.unwrap_or(host).into();
    check_no_body(&headers)?;
    check_upgrade(&headers)?;
    let accept = key::accept(check_key(&headers)?);
    check_origin(&headers)?;
    headers.only("Authorization")?;
    check_subprotocols(&headers)?;
    let extensions = extensions(&headers)?;
    Ok(Incoming {
        resource,
        host,
        headers,
        extensions,
        accept,
    })
}

fn check_version(version: &[u8]) -> Result<(), HandshakeError> {
    match version.strip_prefix(b"HTTP/") {
        // A higher minor version is read as 1.1 (RFC 9110 §2.5).
        Some([b'1', b'.', b'1'..=b'9']) => Ok(()),
        Some([b'0'..=b'9', b'.', b'0'..=b'9']) => Err(HandshakeError::BadHttpVersion),
        _ => Err(HandshakeError::BadHead {
            fault: HeadFault::StartLine,
        }),
    }
}

fn check_method(method: &[u8]) -> Result<(), HandshakeError> {
    if method == b"GET" {
        Ok(())
    } else if is_token(method) {
        Err(HandshakeError::MethodNotAllowed {
            method: excerpt(method),
        })
    } else {
        Err(HandshakeError::BadHead {
            fault: HeadFault::StartLine,
        })
    }
}

fn check_host(headers: &Headers) -> Result<&str, HandshakeError> {
    let host = required(headers, "Host")?;
    let text = core::str::from_utf8(host)
        .ok()
        .filter(|_| is_authority(host));
    text.ok_or(HandshakeError::BadHeader { name: "Host" })
}

/// What follows the request are frames. If a proxy took them for a body, or the other way round, one
/// of the two would read what was meant for the other.
fn check_no_body(headers: &Headers) -> Result<(), HandshakeError> {
    let coded = headers.get_all("Transfer-Encoding").next().is_some();
    let length = headers.only("Content-Length")?.unwrap_or(b"0");
    if length.is_empty() || !length.iter().all(u8::is_ascii_digit) {
        return Err(HandshakeError::BadHeader {
            name: "Content-Length",
        });
    }
    if coded || length.iter().any(|&digit| digit != b'0') {
        return Err(HandshakeError::BodyAnnounced);
    }
    Ok(())
}

/// Upgrade, Connection and version, in this order: a request that names none of what RFC 6455 adds
/// to HTTP was not meant as one.
fn check_upgrade(headers: &Headers) -> Result<(), HandshakeError> {
    const VERSION: &str = "Sec-WebSocket-Version";
    let has = |name| headers.get_all(name).next().is_some();
    if !lists(headers.get_all("Upgrade"), "websocket") {
        return Err(if has("Sec-WebSocket-Key") || has(VERSION) {
            HandshakeError::UpgradeMissing { name: "Upgrade" }
        } else {
            HandshakeError::NotAnUpgrade
        });
    }
    if !lists(headers.get_all("Connection"), "upgrade") {
        return Err(HandshakeError::UpgradeMissing { name: "Connection" });
    }
    match headers.only(VERSION)? {
        Some(b"13") => Ok(()),
        _ => Err(HandshakeError::WrongVersion),
    }
}

fn check_key(headers: &Headers) -> Result<&[u8], HandshakeError> {
    const KEY: &str = "Sec-WebSocket-Key";
    let key = required(headers, KEY)?;
    if key::is_key(key) {
        Ok(key)
    } else {
        Err(HandshakeError::BadHeader { name: KEY })
    }
}

/// An origin that is not text would look like none at all, and none is welcome where a foreign one
/// is not.
fn check_origin(headers: &Headers) -> Result<(), HandshakeError> {
    match headers.only("Origin")? {
        Some(origin) if !is_visible(origin) => Err(HandshakeError::BadHeader { name: "Origin" }),
        _ => Ok(()),
    }
}

/// "The elements that comprise this value MUST be non-empty strings [...] and MUST all be unique
/// strings" (RFC 6455 §4.1).
fn check_subprotocols(headers: &Headers) -> Result<(), HandshakeError> {
    let mut names: Vec<&[u8]> = Vec::new();
    for name in headers.get_all(PROTOCOL).flat_map(list) {
        if !is_token(name) || names.contains(&name) || names.len() == MAX_SUBPROTOCOLS {
            return Err(HandshakeError::BadHeader { name: PROTOCOL });
        }
        names.push(name);
    }
    if names.is_empty() && headers.get_all(PROTOCOL).next().is_some() {
        return Err(HandshakeError::BadHeader { name: PROTOCOL });
    }
    Ok(())
}

fn extensions(headers: &Headers) -> Result<Vec<Offer>, HandshakeError> {
    let lines = || headers.get_all("Sec-WebSocket-Extensions");
    if lines().next().is_none() {
        return Ok(Vec::new());
    }
    ext::parse(lines()).map_err(HandshakeError::BadExtensions)
}

fn required<'a>(headers: &'a Headers, name: &'static str) -> Result<&'a [u8], HandshakeError> {
    headers
        .only(name)?
        .ok_or(HandshakeError::MissingHeader { name })
}
