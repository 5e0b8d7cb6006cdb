//! `CONNECT` (RFC 9110 §9.3.6): the request, and the answer as far as it matters. Reads an answer
//! with the limits and the strictness of the opening handshake; never interprets what follows it.

use alloc::string::String;

use super::{Proxy, ProxyFault, authority};
use crate::buf::RecvBuf;
use crate::handshake::wire::{Body, Kind, Scanner, basic, parse, parse_status_line};
use crate::handshake::{HandshakeError, Limits};
use crate::url::Host;

/// The answer of a proxy, as far as it is there.
#[derive(Debug)]
pub(super) struct Answer {
    scanner: Scanner,
    body: Option<Body>,
    max_body: usize,
    /// Were credentials sent?
    known: bool,
}

/// What to send.
pub(super) fn request(proxy: &Proxy, host: &Host, port: u16) -> String {
    let to = authority(host, port);
    let mut head = alloc::format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n");
    if let Some((user, password)) = proxy.credentials() {
        head += "Proxy-Authorization: ";
        head += &basic(user, password);
        head += "\r\n";
    }
    head += "\r\n";
    head
}

impl Answer {
    pub(super) fn new(limits: &Limits, known: bool) -> Self {
        Self {
            scanner: Scanner::new(Kind::Response, limits),
            body: None,
            max_body: limits.max_body,
            known,
        }
    }

    /// Takes in what was received: `true` once the way is open.
    pub(super) fn advance(&mut self, recv: &mut RecvBuf) -> Result<bool, ProxyFault> {
        while self.body.is_none() {
            let Some(span) = self.scanner.scan(recv.filled())? else {
                return Ok(false);
            };
            let (line, headers) = parse(recv.filled(), span)?;
            let (_, status) = parse_status_line(line)?;
            recv.consume(span.end);
            match status {
                100..=199 => self.scanner.restart(),
                // Neither Content-Length nor Transfer-Encoding mean anything here (RFC 9110 §9.3.6).
                200..=299 => return Ok(true),
                _ => self.body = Some(Body::new(status, headers, self.max_body)),
            }
        }
        if let Some(body) = &mut self.body {
            body.feed(recv.filled());
            recv.clear();
            if body.is_done() {
                return Err(self.refusal(true));
            }
        }
        Ok(false)
    }

    /// The answer ends here; is it a refusal?
    pub(super) fn end(&mut self, orderly: bool) -> Option<ProxyFault> {
        self.body.is_some().then(|| self.refusal(orderly))
    }

    fn refusal(&mut self, orderly: bool) -> ProxyFault {
        let Some(body) = self.body.take() else {
            return ProxyFault::Handshake(HandshakeError::Timeout);
        };
        let rejection = body.finish(orderly);
        match (rejection.status, self.known) {
            (407, true) => ProxyFault::AuthRefused,
            (407, false) => ProxyFault::AuthRequired,
            _ => ProxyFault::Refused(rejection),
        }
    }
}

impl From<HandshakeError> for ProxyFault {
    fn from(error: HandshakeError) -> Self {
        Self::Handshake(error)
    }
}
