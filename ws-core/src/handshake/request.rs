//! What a client asks for: the request of the opening handshake (RFC 6455 §4.1).
//!
//! Everything that goes into it is checked by the call that adds it; writing it can't fail. Knows no
//! key and no time: one request serves for every attempt to connect.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

#[cfg(feature = "deflate")]
use crate::deflate::Deflate;
use crate::ext::Offer;
use crate::ext::token::is_token;
use crate::handshake::auth;
use crate::handshake::error::excerpt;
use crate::handshake::fields::{Fields, write_field};
use crate::handshake::misuse::is_reserved;
use crate::handshake::target::is_authority;
use crate::handshake::token::is_visible;
use crate::handshake::{HeaderError, RequestError};
use crate::url::Url;

/// Headers that appear once: giving one again replaces it.
const SINGLE: &[&str] = &["Authorization", "Host", "Origin", "User-Agent"];

/// Headers with a place of their own in the request.
const PLACED: &[&str] = &["Authorization", "Host", "Origin"];

/// A request for a WebSocket.
///
/// `Debug` shows neither credentials nor the values of headers.
///
/// ```
/// use ws_core::handshake::Request;
///
/// let request = Request::new("wss://example.com/feed?v=2")?
///     .header("Authorization", "Bearer 8a7c")?
///     .origin("https://example.com")?
///     .subprotocol("feed.v2")?
///     .subprotocol("feed.v1")?;
/// assert_eq!(request.url().authority(), "example.com");
/// # Ok::<(), ws_core::handshake::RequestError>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Request {
    pub(crate) url: Url,
    pub(crate) fields: Fields,
    subprotocols: Vec<Box<str>>,
    extensions: Vec<Offer>,
    #[cfg(feature = "deflate")]
    deflate: Option<Deflate>,
}

impl Request {
    /// A request for the resource that the URL names. User and password of the URL become an
    /// `Authorization: Basic` header (RFC 7617).
    ///
    /// # Errors
    /// A text that is not a URL to open a WebSocket with; a [`Url`] is never refused.
    pub fn new<U>(url: U) -> Result<Self, RequestError>
    where
        U: TryInto<Url>,
        RequestError: From<U::Error>,
    {
        Ok(Self {
            url: url.try_into()?,
            fields: Fields::default(),
            subprotocols: Vec::new(),
            extensions: Vec::new(),
            #[cfg(feature = "deflate")]
            deflate: None,
        })
    }

    /// Where the request goes.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Adds a header. White space around the value is dropped.
    ///
    /// `Authorization`, `Host`, `Origin` and `User-Agent` replace the one that was there, the first
    /// two also what the URL says.
    ///
    /// # Errors
    /// A name that is not a token, a value with control characters, and the headers that the
    /// handshake writes itself: `Connection`, `Upgrade`, `Sec-WebSocket-*` and all that announce a
    /// body.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, RequestError> {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        let text = value.trim_matches([' ', '\t']).as_bytes();
        if is("Host") && !is_authority(text) || is("Origin") && !is_visible(text) {
            return Err(HeaderError::bad_value(name).into());
        }
        if SINGLE.iter().any(|single| is(single)) {
            self.fields.remove(name);
        }
        self.fields.add(name, value)?;
        Ok(self)
    }

    /// Sets the `Origin` header: where the code that asks was loaded from, as in
    /// `https://example.com` (RFC 6454 §7). Only browsers must send it.
    ///
    /// # Errors
    /// An origin that is empty, not ASCII or holds white space.
    pub fn origin(self, origin: &str) -> Result<Self, RequestError> {
        self.header("Origin", origin)
    }

    /// Offers a subprotocol. The server chooses at most one; the first is the preferred one.
    ///
    /// # Errors
    /// A name that is not a token, or that was offered before (RFC 6455 §4.1).
    pub fn subprotocol(mut self, name: &str) -> Result<Self, RequestError> {
        if !is_token(name.as_bytes()) {
            return Err(RequestError::SubprotocolNotToken);
        }
        if self.subprotocols.iter().any(|offered| &**offered == name) {
            return Err(RequestError::SubprotocolRepeated {
                name: excerpt(name.as_bytes()),
            });
        }
        self.subprotocols.push(name.into());
        Ok(self)
    }

    /// Offers an extension. What the server made of the offer is in
    /// [`Agreed::extensions`](crate::handshake::Agreed::extensions); applying it is up to the caller.
    ///
    /// # Errors
    /// `permessage-deflate`, which is not offered by name.
    pub fn extension(mut self, offer: Offer) -> Result<Self, RequestError> {
        if is_reserved(offer.name()) {
            return Err(RequestError::ReservedExtension);
        }
        self.extensions.push(offer);
        Ok(self)
    }

    /// Offers permessage-deflate (RFC 7692), in place of an earlier offer of it. What the server made
    /// of it is in [`Agreed::deflate`](crate::handshake::Agreed::deflate).
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, deflate: Deflate) -> Self {
        self.deflate = Some(deflate);
        self
    }

    #[cfg(feature = "deflate")]
    pub(crate) fn offered_deflate(&self) -> Option<&Deflate> {
        self.deflate.as_ref()
    }

    pub(crate) fn subprotocols(&self) -> &[Box<str>] {
        &self.subprotocols
    }

    pub(crate) fn extensions(&self) -> &[Offer] {
        &self.extensions
    }

    /// Writes the request, in the order of the example in RFC 6455 §1.3.
    pub(crate) fn encode(&self, key: &str) -> Vec<u8> {
        let mut head = Vec::with_capacity(512);
        for part in ["GET ", self.url.target(), " HTTP/1.1\r\n"] {
            head.extend_from_slice(part.as_bytes());
        }
        let mut line = |name, value: &str| write_field(&mut head, name, value);
        match self.fields.get("Host") {
            Some(host) => line("Host", host),
            None => line("Host", &self.url.authority()),
        }
        line("Upgrade", "websocket");
        line("Connection", "Upgrade");
        line("Sec-WebSocket-Key", key);
        if let Some(origin) = self.fields.get("Origin") {
            line("Origin", origin);
        }
        if !self.subprotocols.is_empty() {
            line("Sec-WebSocket-Protocol", &self.subprotocols.join(", "));
        }
        line("Sec-WebSocket-Version", "13");
        let offers = self.extensions.iter().cloned();
        #[cfg(feature = "deflate")]
        let offers = offers.chain(self.deflate.iter().flat_map(Deflate::offers));
        if let Some(extensions) = join(offers) {
            line("Sec-WebSocket-Extensions", &extensions);
        }
        match (self.fields.get("Authorization"), self.url.user()) {
            (Some(given), _) => line("Authorization", given),
            (None, Some(user)) => {
                line(
                    "Authorization",
                    &auth::basic(user, self.url.password().unwrap_or_default()),
                );
            }
            (None, None) => {}
        }
        self.fields.write(&mut head, PLACED);
        head.extend_from_slice(b"\r\n");
        head
    }
}

/// Extensions as one list; `None` if there are none.
pub(crate) fn join<O: fmt::Display>(extensions: impl Iterator<Item = O>) -> Option<String> {
    let written: Vec<String> = extensions.map(|offer| alloc::format!("{offer}")).collect();
    (!written.is_empty()).then(|| written.join(", "))
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut request = f.debug_struct("Request");
        request
            .field("url", &self.url)
            .field("headers", &self.fields)
            .field("subprotocols", &self.subprotocols)
            .field("extensions", &self.extensions);
        #[cfg(feature = "deflate")]
        request.field("deflate", &self.deflate);
        request.finish()
    }
}
