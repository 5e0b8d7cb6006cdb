//! The server's side of the opening handshake in the types of the `http` crate: for HTTP servers and
//! frameworks that have read the request themselves and write the answer themselves.
//!
//! Judges a request by the same rules as [`ServerHandshake`](super::ServerHandshake) does, with the
//! same answers; refuses to know who reads, who writes, and how a connection is taken over.
//!
//! ```
//! use ws_core::handshake::http::Upgrade;
//! use ws_core::handshake::Accept;
//!
//! let (request, ()) = http::Request::get("/chat")
//!     .header("Host", "example.com")
//!     .header("Connection", "Upgrade")
//!     .header("Upgrade", "websocket")
//!     .header("Sec-WebSocket-Version", "13")
//!     .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
//!     .body(())?
//!     .into_parts();
//! let upgrade = Upgrade::new(&request).map_err(|refusal| refusal.error)?;
//! assert_eq!(upgrade.request().path(), "/chat");
//! let (agreed, response) = upgrade.accept(Accept::new())?;
//! assert_eq!(response.status(), 101);
//! assert_eq!(response.headers()["Sec-WebSocket-Accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
//! // Send it, take the connection over, and make a `WebSocket` of it with
//! // `Opened::accepted(agreed, leftover)`.
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use http::header::{CONNECTION, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version};

use crate::handshake::fields::Fields;
use crate::handshake::incoming::Incoming;
use crate::handshake::{
    Accept, Agreed, AnswerError, HandshakeError, Headers, Limits, RequestHead, admit, answer,
};

/// A request for a WebSocket that an HTTP server has read.
pub struct Upgrade(Incoming);

/// A request that is not one for a WebSocket, or not one that is welcome, and the answer to it.
///
/// The answer says nothing about the end of the connection, which is the HTTP server's own.
#[derive(Debug)]
pub struct Refusal {
    /// What is wrong with it.
    pub error: HandshakeError,
    /// A complete answer: status, headers, and a line of text. Boxed, for it is the rare case.
    pub response: Box<Response<Vec<u8>>>,
}

impl Refusal {
    /// A refusal with a status and a body of the caller's.
    #[must_use]
    pub fn new(status: StatusCode, body: impl Into<Vec<u8>>) -> Self {
        let status = status.as_u16();
        let error = HandshakeError::Refused { status };
        Self::with(error, status, &Fields::default(), body.into())
    }

    fn with(error: HandshakeError, status: u16, fields: &Fields, body: Vec<u8>) -> Self {
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        let required = answer::upgrade_required(status);
        if status == 426 {
            // "A sender of Upgrade MUST also send an 'Upgrade' connection option" (RFC 9110 §7.8).
            let option = HeaderValue::from_static("Upgrade");
            response.headers_mut().insert(CONNECTION, option);
        }
        add(response.headers_mut(), &required);
        add(response.headers_mut(), fields);
        Self {
            error,
            response: response.into(),
        }
    }
}

impl From<HandshakeError> for Refusal {
    fn from(error: HandshakeError) -> Self {
        match answer::describe(&error) {
            Some((status, fields, body)) => Self::with(error, status, &fields, body),
            // What is not answered is a client's view of things, which no request leads to.
            None => Self::with(error, 400, &Fields::default(), Vec::new()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl core::error::Error for Refusal {}

impl Upgrade {
    /// Checks a request, within the default [`Limits`] on its head: what is not well formed, or not
    /// of RFC 6455, is refused as [`ServerHandshake`](super::ServerHandshake) says in its table.
    ///
    /// # Errors
    /// The request is not one for a WebSocket.
    pub fn new(request: &Parts) -> Result<Self, Refusal> {
        Self::within(request, &Limits::default())
    }

    /// [`new`](Self::new), with limits of the caller's. Their timeout is not looked at.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn within(request: &Parts, limits: &Limits) -> Result<Self, Refusal> {
        let Parts {
            method,
            uri,
            version,
            headers,
            ..
        } = request;
        Self::check(method, uri, *version, headers, limits)
    }

    /// [`within`](Self::within), for a request that is still in one piece.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of<B>(request: &Request<B>, limits: &Limits) -> Result<Self, Refusal> {
        let (method, uri) = (request.method(), request.uri());
        Self::check(method, uri, request.version(), request.headers(), limits)
    }

    fn check(
        method: &Method,
        uri: &Uri,
        version: Version,
        headers: &HeaderMap,
        limits: &Limits,
    ) -> Result<Self, Refusal> {
        // The version is written as it was in the request line.
        let line = alloc::format!("{method} {uri} {version:?}");
        check_size(&line, headers, limits)
            .and_then(|size| {
                let fields = headers.iter();
                let fields = fields.map(|(name, value)| (name.as_str(), value.as_bytes()));
                admit::admit(line.as_bytes(), Headers::collect(size, fields))
            })
            .map(Self)
            .map_err(Refusal::from)
    }

    /// What the client asks for.
    #[must_use]
    pub const fn request(&self) -> RequestHead<'_> {
        RequestHead(&self.0)
    }

    /// Accepts: what was agreed, and the answer to be sent, whose status is 101.
    ///
    /// # Errors
    /// A subprotocol, extension or parameter that the client did not offer.
    pub fn accept(self, answer: Accept) -> Result<(Agreed, Response<()>), AnswerError> {
        let (agreed, fields) = answer.settle_fields(&self.0)?;
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        add(response.headers_mut(), &fields);
        Ok((agreed, response))
    }
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Upgrade").field(&self.request()).finish()
    }
}

/// The head as it must have been, counted by the same limits as one that was read here.
fn check_size(line: &str, headers: &HeaderMap, limits: &Limits) -> Result<usize, HandshakeError> {
    if headers.len() > limits.max_headers {
        let limit = limits.max_headers;
        return Err(HandshakeError::TooManyHeaders { limit });
    }
    let fields = headers.iter();
    let fields = fields.map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    let size = fields.sum::<usize>();
    if line.len() + "\r\n\r\n".len() + size > limits.max_head {
        let limit = limits.max_head;
        return Err(HandshakeError::HeadTooLarge { limit });
    }
    Ok(size)
}

fn add(to: &mut HeaderMap, fields: &Fields) {
    for (name, value) in fields.iter() {
        // They were checked when they were given.
        let name = HeaderName::try_from(name);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            to.append(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext::Offer;
    use crate::handshake::OriginPolicy;

    fn parts(change: impl FnOnce(&mut Parts)) -> Parts {
        let request = Request::get("/a?b")
            .header("Host", "h")
            .header("Connection", "keep-alive, Upgrade")
            .header("Upgrade", "WebSocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("Sec-WebSocket-Protocol", "v1, v2")
            .header("Origin", "http://h")
            .body(());
        let mut parts = request.unwrap().into_parts().0;
        change(&mut parts);
        parts
    }

    fn set(name: &'static str, value: &'static str) -> impl FnOnce(&mut Parts) {
        move |parts| drop(parts.headers.insert(name, HeaderValue::from_static(value)))
    }

    #[track_caller]
    fn refused(change: impl FnOnce(&mut Parts), status: u16) -> Response<Vec<u8>> {
        let refusal = Upgrade::new(&parts(change)).unwrap_err();
        assert_eq!(refusal.response.status(), status, "{refusal}");
        assert_eq!(refusal.error.status_hint(), Some(status));
        *refusal.response
    }

    #[test]
    fn a_request_is_accepted_with_the_headers_that_the_raw_handshake_writes() {
        let upgrade = Upgrade::new(&parts(|_| {})).unwrap();
        let request = upgrade.request();
        assert_eq!((request.target(), request.host()), ("/a?b", "h"));
        assert!(OriginPolicy::SameOrigin.check(&request));
        let answer = Accept::new().subprotocol("v2").header("X-A", "1").unwrap();
        let (agreed, response) = upgrade.accept(answer).unwrap();
        assert_eq!(agreed.subprotocol.as_deref(), Some("v2"));
        assert_eq!(response.status(), 101);
        let expected = [
            ("upgrade", "websocket"),
            ("connection", "Upgrade"),
            ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ("sec-websocket-protocol", "v2"),
            ("x-a", "1"),
        ];
        let headers = response.headers();
        assert_eq!(headers.len(), expected.len());
        for (name, value) in expected {
            assert_eq!(headers[name], value);
        }
    }

    #[test]
    fn only_what_was_offered_can_be_accepted() {
        let upgrade = Upgrade::new(&parts(|_| {})).unwrap();
        let answer = Accept::new().subprotocol("v3");
        assert_eq!(
            upgrade.accept(answer).unwrap_err(),
            AnswerError::SubprotocolNotOffered
        );
        let upgrade = Upgrade::new(&parts(|_| {})).unwrap();
        let answer = Accept::new().extension(Offer::new("x").unwrap()).unwrap();
        assert!(upgrade.accept(answer).is_err());
    }

    #[test]
    fn what_the_raw_handshake_refuses_is_refused_with_the_same_status() {
        let post = |parts: &mut Parts| parts.method = Method::POST;
        assert_eq!(refused(post, 405).headers()["Allow"], "GET");
        let head = |parts: &mut Parts| parts.method = Method::HEAD;
        assert_eq!(refused(head, 405).body(), b"");
        refused(|parts| parts.version = Version::HTTP_10, 505);
        refused(|parts| parts.version = Version::HTTP_2, 505);
        refused(|parts| parts.uri = "*".parse().unwrap(), 400);
        refused(|parts| drop(parts.headers.remove("Host")), 400);
        refused(set("Upgrade", "h2c"), 400);
        refused(set("Connection", "close"), 400);
        refused(set("Sec-WebSocket-Key", "short"), 400);
        refused(set("Sec-WebSocket-Protocol", "a b"), 400);
        refused(set("Sec-WebSocket-Extensions", ";"), 400);
        refused(set("Content-Length", "1"), 400);
        refused(set("Transfer-Encoding", "chunked"), 400);
        let version = refused(set("Sec-WebSocket-Version", "8"), 426);
        let plain = |parts: &mut Parts| {
            for name in ["upgrade", "sec-websocket-key", "sec-websocket-version"] {
                parts.headers.remove(name);
            }
        };
        for response in [version, refused(plain, 426)] {
            assert_eq!(response.headers()["Sec-WebSocket-Version"], "13");
            assert_eq!(response.headers()["Upgrade"], "websocket");
            assert_eq!(response.headers()["Connection"], "Upgrade");
            assert!(response.body().ends_with(b"\n"));
        }
        let twice = HeaderValue::from_static("other");
        let again = |parts: &mut Parts| {
            parts.headers.append("Host", twice);
        };
        refused(again, 400);
    }

    #[test]
    fn the_head_has_the_same_limits() {
        let limits = Limits::default().max_headers(7);
        assert!(Upgrade::within(&parts(|_| {}), &limits).is_ok());
        let limits = Limits::default().max_headers(6);
        let refusal = Upgrade::within(&parts(|_| {}), &limits).unwrap_err();
        assert_eq!(refusal.response.status(), 431);
        let long = |parts: &mut Parts| {
            let value = HeaderValue::try_from("x".repeat(17 << 10)).unwrap();
            parts.headers.insert("x", value);
        };
        refused(long, 431);
        let refusal = Refusal::new(StatusCode::UNAUTHORIZED, "who is it?");
        assert_eq!(refusal.error, HandshakeError::Refused { status: 401 });
        assert_eq!(refusal.response.body(), b"who is it?");
    }
}
