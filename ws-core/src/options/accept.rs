//! How a server accepts.
//!
//! It reads and writes nothing: the handshake does.

use alloc::string::String;
use alloc::vec::Vec;

use crate::Instant;
use crate::connection::Config;
#[cfg(feature = "deflate")]
use crate::deflate::Deflate;
use crate::handshake::{Accept, AnswerError, Limits, OriginPolicy, RequestHead, ServerHandshake};

/// How a server accepts connections.
///
/// ```
/// use ws_core::handshake::OriginPolicy;
/// use ws_core::options::AcceptOptions;
///
/// let options = AcceptOptions::default()
///     .origins(OriginPolicy::SameOrigin)
///     .subprotocols(["chat.v2", "chat.v1"]);
/// assert_eq!(options.subprotocols.len(), 2);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AcceptOptions {
    /// How the connection behaves.
    pub config: Config,
    /// Limits of the opening handshake, its deadline among them (10 s by default).
    pub handshake: Limits,
    /// Which pages may connect; others get 403. Default: any.
    pub origins: OriginPolicy,
    /// Subprotocols that the server speaks, the preferred one first. The first that the client
    /// offers too is chosen; if there is none, the connection has none. Default: none.
    pub subprotocols: Vec<String>,
    /// Compression, if the client offers it. Default `None`: messages are not compressed.
    #[cfg(feature = "deflate")]
    pub deflate: Option<Deflate>,
    /// Send segments at once instead of waiting to fill them (`TCP_NODELAY`), on streams that are
    /// TCP sockets. Default `true`.
    pub nodelay: bool,
}

impl Default for AcceptOptions {
    fn default() -> Self {
        Self {
            config: Config::default(),
            handshake: Limits::default(),
            origins: OriginPolicy::Any,
            subprotocols: Vec::new(),
            #[cfg(feature = "deflate")]
            deflate: None,
            nodelay: true,
        }
    }
}

impl AcceptOptions {
    /// Sets [`config`](Self#structfield.config).
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets [`handshake`](Self#structfield.handshake).
    #[must_use]
    pub fn handshake(mut self, limits: Limits) -> Self {
        self.handshake = limits;
        self
    }

    /// Sets [`origins`](Self#structfield.origins).
    #[must_use]
    pub fn origins(mut self, origins: OriginPolicy) -> Self {
        self.origins = origins;
        self
    }

    /// Sets [`subprotocols`](Self#structfield.subprotocols).
    #[must_use]
    pub fn subprotocols<I>(mut self, subprotocols: I) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
    {
        self.subprotocols = subprotocols.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`deflate`](Self#structfield.deflate).
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, deflate: Option<Deflate>) -> Self {
        self.deflate = deflate;
        self
    }

    /// Sets [`nodelay`](Self#structfield.nodelay).
    #[must_use]
    pub fn nodelay(mut self, nodelay: bool) -> Self {
        self.nodelay = nodelay;
        self
    }

    /// Gives a request that waits for it the answer that these options stand for: an acceptance, or
    /// a refusal as [`judge`](Self::judge) says. What came of it the handshake tells.
    ///
    /// # Errors
    /// No request waits for an answer.
    pub fn answer(&self, handshake: &mut ServerHandshake, now: Instant) -> Result<(), AnswerError> {
        let request = handshake.request().ok_or(AnswerError::NoRequest)?;
        match self.judge(&request) {
            Ok(accept) => handshake.accept(accept),
            Err(status) => handshake.reject(status, &[], b"", now),
        }
    }

    /// What these options make of a request.
    ///
    /// # Errors
    /// The status to refuse it with: 403 for an origin that is not allowed.
    pub fn judge(&self, request: &RequestHead<'_>) -> Result<Accept, u16> {
        if !self.origins.check(request) {
            return Err(403);
        }
        let offered = |name: &&String| request.subprotocols().any(|offer| offer == name.as_str());
        let chosen = self.subprotocols.iter().find(offered);
        let accept = chosen.map_or_else(Accept::new, |name| Accept::new().subprotocol(name));
        #[cfg(feature = "deflate")]
        let accept = match &self.deflate {
            Some(deflate) => accept.deflate(deflate.clone()),
            None => accept,
        };
        Ok(accept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Machine;
    use crate::handshake::HandshakeError;
    use alloc::format;
    use bytes::Buf;

    const NOW: Instant = Instant::ORIGIN;

    #[test]
    fn an_answer_is_an_acceptance_or_403_and_needs_a_request() {
        let options = AcceptOptions::default()
            .origins(OriginPolicy::SameOrigin)
            .subprotocols(["v2"]);
        for (origin, status) in [("http://h", "101"), ("http://elsewhere", "403")] {
            let mut server = ServerHandshake::new(Limits::default(), NOW);
            let none = options.answer(&mut server, NOW);
            assert_eq!(none, Err(AnswerError::NoRequest));
            let request = format!(
                "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Protocol: v1, v2\r\nOrigin: {origin}\r\n\r\n"
            );
            server.io().0.extend_from_slice(request.as_bytes());
            assert!(server.poll(NOW).unwrap().is_some());
            assert_eq!(options.answer(&mut server, NOW), Ok(()));
            let send = server.io().1;
            let head = send.copy_to_bytes(send.remaining());
            let head = core::str::from_utf8(&head).unwrap();
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
            assert_eq!(head.contains("Sec-WebSocket-Protocol: v2"), status == "101");
            if status == "403" {
                server.lost(crate::TransportEnd::Eof);
                let refused = HandshakeError::Refused { status: 403 };
                assert_eq!(server.poll(NOW).unwrap_err(), refused);
            }
        }
    }
}
