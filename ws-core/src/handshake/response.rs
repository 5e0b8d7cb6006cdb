//! The answer that opens the connection, and whether it may (RFC 6455 §4.1).
//!
//! It reads nothing from a transport, and sends nothing.

use alloc::boxed::Box;
use alloc::string::String;

#[cfg(feature = "deflate")]
use crate::deflate::Deflate;
use crate::ext::{self, Offer};
use crate::handshake::error::excerpt;
#[cfg(feature = "deflate")]
use crate::handshake::misuse::DEFLATE;
use crate::handshake::token::lists;
use crate::handshake::{Agreed, HandshakeError, Headers, Request, key};

/// A server's answer that opened the connection.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    pub(crate) agreed: &'a Agreed,
    pub(crate) headers: &'a Headers,
}

impl<'a> Response<'a> {
    /// Always 101: every other status is a [`Rejection`](crate::handshake::Rejection).
    #[must_use]
    pub const fn status(&self) -> u16 {
        101
    }

    /// The first value of a header that is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name)
    }

    /// All headers of the answer.
    #[must_use]
    pub const fn headers(&self) -> &'a Headers {
        self.headers
    }

    /// The subprotocol that the server chose among those offered.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&'a str> {
        self.agreed.subprotocol.as_deref()
    }

    /// The extensions that the server accepted, with its parameters.
    #[must_use]
    pub fn extensions(&self) -> &'a [Offer] {
        &self.agreed.extensions
    }
}

/// What a request makes of its answer.
#[derive(Debug)]
pub(crate) struct Expected {
    accept: String,
    subprotocols: Box<[Box<str>]>,
    extensions: Box<[Offer]>,
    #[cfg(feature = "deflate")]
    deflate: Option<Deflate>,
}

impl Expected {
    pub(crate) fn new(request: &Request, key: &str) -> Self {
        Self {
            accept: key::accept(key.as_bytes()),
            subprotocols: request.subprotocols().into(),
            extensions: request.extensions().into(),
            #[cfg(feature = "deflate")]
            deflate: request.offered_deflate().cloned(),
        }
    }

    /// Checks an answer with status 101 (RFC 6455 §4.1, the numbered list at its end).
    pub(crate) fn check(&self, minor: u8, headers: &Headers) -> Result<Agreed, HandshakeError> {
        // A higher minor version is read as 1.1 (RFC 9110 §2.5).
        if minor == 0 {
            return Err(HandshakeError::BadHttpVersion);
        }
        if !lists(headers.get_all("Upgrade"), "websocket") {
            return Err(HandshakeError::UpgradeMissing { name: "Upgrade" });
        }
        if !lists(headers.get_all("Connection"), "upgrade") {
            return Err(HandshakeError::UpgradeMissing { name: "Connection" });
        }
        const ACCEPT: &str = "Sec-WebSocket-Accept";
        let missing = HandshakeError::MissingHeader { name: ACCEPT };
        if headers.only(ACCEPT)?.ok_or(missing)? != self.accept.as_bytes() {
            return Err(HandshakeError::AcceptMismatch);
        }
        // Nothing is read by it, and yet two of them are a server that can't be trusted.
        headers.only("Content-Length")?;
        let mut agreed = Agreed {
            subprotocol: self.subprotocol(headers)?,
            ..Agreed::default()
        };
        self.extensions(headers, &mut agreed)?;
        Ok(agreed)
    }

    fn subprotocol(&self, headers: &Headers) -> Result<Option<Box<str>>, HandshakeError> {
        let Some(chosen) = headers.only("Sec-WebSocket-Protocol")? else {
            return Ok(None);
        };
        let offered = self
            .subprotocols
            .iter()
            .find(|offered| offered.as_bytes() == chosen);
        match offered {
            Some(offered) => Ok(Some(offered.clone())),
            None => Err(HandshakeError::SubprotocolNotOffered {
                name: excerpt(chosen),
            }),
        }
    }

    fn extensions(&self, headers: &Headers, agreed: &mut Agreed) -> Result<(), HandshakeError> {
        const EXTENSIONS: &str = "Sec-WebSocket-Extensions";
        if headers.get_all(EXTENSIONS).next().is_none() {
            return Ok(());
        }
        let chosen =
            ext::parse(headers.get_all(EXTENSIONS)).map_err(HandshakeError::BadExtensions)?;
        for (i, extension) in chosen.iter().enumerate() {
            let name = || excerpt(extension.name().as_bytes());
            let is = |other: &Offer| other.name() == extension.name();
            if !self.extensions.iter().any(is) && !self.offers_deflate(extension) {
                return Err(HandshakeError::ExtensionNotOffered { name: name() });
            }
            if chosen[..i].iter().any(is) || extension.repeats_a_param() {
                return Err(HandshakeError::ExtensionRepeated { name: name() });
            }
        }
        agreed.extensions = chosen;
        #[cfg(feature = "deflate")]
        if let Some(deflate) = &self.deflate {
            let all = core::mem::take(&mut agreed.extensions).into_iter();
            let (mut mine, others) =
                all.partition::<alloc::vec::Vec<_>, _>(|offer| offer.name() == DEFLATE);
            agreed.extensions = others;
            let terms = mine.pop().map(|answer| deflate.confirm(&answer));
            agreed.deflate = terms.transpose().map_err(HandshakeError::BadDeflate)?;
        }
        Ok(())
    }

    #[cfg_attr(not(feature = "deflate"), allow(clippy::unused_self))]
    fn offers_deflate(&self, answer: &Offer) -> bool {
        #[cfg(feature = "deflate")]
        return self.deflate.is_some() && answer.name() == DEFLATE;
        #[cfg(not(feature = "deflate"))]
        {
            let _ = answer;
            false
        }
    }
}
