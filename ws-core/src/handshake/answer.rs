//! What a server answers: the acceptance that an application makes, and answers as bytes.
//!
//! It sends nothing, and accepts nothing that the client did not offer.

use alloc::boxed::Box;
use alloc::vec::Vec;

#[cfg(feature = "deflate")]
use crate::deflate::Deflate;
use crate::ext::Offer;
use crate::handshake::error::excerpt;
use crate::handshake::fields::{Fields, write_field};
use crate::handshake::incoming::{Incoming, PROTOCOL};
use crate::handshake::misuse::is_reserved;
use crate::handshake::request::join;
use crate::handshake::{Agreed, AnswerError, HandshakeError};

/// How a server accepts a request. The default chooses no subprotocol and no extension.
///
/// ```
/// use ws_core::handshake::Accept;
///
/// let accept = Accept::new().subprotocol("chat").header("Set-Cookie", "seen=1")?;
/// # Ok::<(), ws_core::handshake::AnswerError>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Accept {
    subprotocol: Option<Box<str>>,
    extensions: Vec<Offer>,
    #[cfg(feature = "deflate")]
    deflate: Option<Deflate>,
    fields: Fields,
}

impl Accept {
    /// Accepts, and no more.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses a subprotocol. The client must have offered it.
    #[must_use]
    pub fn subprotocol(mut self, name: &str) -> Self {
        self.subprotocol = Some(name.into());
        self
    }

    /// Accepts an extension. The client must have offered it with all of these parameters, with
    /// whatever values. Applying it is up to the caller.
    ///
    /// # Errors
    /// `permessage-deflate`, which is not accepted by name.
    pub fn extension(mut self, extension: Offer) -> Result<Self, AnswerError> {
        if is_reserved(extension.name()) {
            return Err(AnswerError::ReservedExtension);
        }
        self.extensions.push(extension);
        Ok(self)
    }

    /// Accepts permessage-deflate (RFC 7692), if the client offers it in a way that can be accepted;
    /// otherwise the connection goes without. See [`Agreed::deflate`] for what came of it.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(mut self, deflate: Deflate) -> Self {
        self.deflate = Some(deflate);
        self
    }

    /// Adds a header to the answer. White space around the value is dropped.
    ///
    /// # Errors
    /// A name that is not a token, a value with control characters, and the headers that the
    /// handshake writes itself: `Connection`, `Upgrade`, `Sec-WebSocket-*` and all that announce a
    /// body.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, AnswerError> {
        self.fields.add(name, value)?;
        Ok(self)
    }

    /// Checks the answer against the request: what was agreed, and the answer as bytes.
    pub(crate) fn settle(self, request: &Incoming) -> Result<(Agreed, Vec<u8>), AnswerError> {
        let (agreed, fields) = self.settle_fields(request)?;
        let mut head = b"HTTP/1.1 101 Switching Protocols\r\n".to_vec();
        fields.write(&mut head, &[]);
        head.extend_from_slice(b"\r\n");
        Ok((agreed, head))
    }

    /// Checks the answer against the request: what was agreed, and the headers of the answer.
    pub(crate) fn settle_fields(self, request: &Incoming) -> Result<(Agreed, Fields), AnswerError> {
        #[cfg(feature = "deflate")]
        let deflate = self
            .deflate
            .as_ref()
            .and_then(|deflate| deflate.accept(&request.extensions));
        let Self {
            subprotocol,
            extensions,
            fields,
            ..
        } = self;
        if let Some(chosen) = &subprotocol {
            if !request.subprotocols().any(|offered| offered == &**chosen) {
                return Err(AnswerError::SubprotocolNotOffered);
            }
        }
        for (i, extension) in extensions.iter().enumerate() {
            let again = extensions[..i]
                .iter()
                .any(|other| other.name() == extension.name());
            let offered = request
                .extensions
                .iter()
                .any(|offer| covers(offer, extension));
            if again || !offered || extension.repeats_a_param() {
                let name = excerpt(extension.name().as_bytes());
                return Err(AnswerError::ExtensionNotOffered { name });
            }
        }
        let mut head = Fields::default();
        head.add_own("Upgrade", "websocket");
        head.add_own("Connection", "Upgrade");
        head.add_own("Sec-WebSocket-Accept", &request.accept);
        if let Some(chosen) = &subprotocol {
            head.add_own(PROTOCOL, chosen);
        }
        let offers = extensions.iter();
        #[cfg(feature = "deflate")]
        let offers = deflate.iter().map(|(answer, _)| answer).chain(offers);
        if let Some(extensions) = join(offers) {
            head.add_own("Sec-WebSocket-Extensions", &extensions);
        }
        head.append(fields);
        Ok((
            Agreed {
                subprotocol,
                extensions,
                #[cfg(feature = "deflate")]
                deflate: deflate.map(|(_, terms)| terms),
                response_headers: None,
            },
            head,
        ))
    }
}

/// Does the offer name the extension and every parameter that the answer has?
fn covers(offer: &Offer, answer: &Offer) -> bool {
    let offered = |name| offer.params().any(|(other, _)| other == name);
    offer.name() == answer.name() && answer.params().all(|(name, _)| offered(name))
}

/// An answer that ends the connection, as bytes.
pub(crate) fn refusal(status: u16, fields: &Fields, body: &[u8]) -> Vec<u8> {
    let mut head = Vec::with_capacity(256 + body.len());
    let text = alloc::format!("HTTP/1.1 {status} {}\r\n", reason(status));
    head.extend_from_slice(text.as_bytes());
    // "A sender of Upgrade MUST also send an 'Upgrade' connection option" (RFC 9110 §7.8).
    let connection = if status == 426 {
        "close, Upgrade"
    } else {
        "close"
    };
    write_field(&mut head, "Connection", connection);
    upgrade_required(status).write(&mut head, &[]);
    write_field(
        &mut head,
        "Content-Length",
        &alloc::format!("{}", body.len()),
    );
    fields.write(&mut head, &[]);
    head.extend_from_slice(b"\r\n");
    head.extend_from_slice(body);
    head
}

/// A server "MUST send an Upgrade header field in a 426" (RFC 9110 §15.5.22), and says which version
/// it speaks (RFC 6455 §4.4).
pub(crate) fn upgrade_required(status: u16) -> Fields {
    let mut fields = Fields::default();
    if status == 426 {
        fields.add_own("Upgrade", "websocket");
        fields.add_own("Sec-WebSocket-Version", "13");
    }
    fields
}

/// The answer to a fault of the client, as bytes. `None` if the fault is not answered.
pub(crate) fn for_fault(error: &HandshakeError) -> Option<Vec<u8>> {
    let (status, fields, body) = describe(error)?;
    Some(refusal(status, &fields, &body))
}

/// The answer to a fault of the client: status, headers, and one line that says what it is.
pub(crate) fn describe(error: &HandshakeError) -> Option<(u16, Fields, Vec<u8>)> {
    let status = error.status_hint()?;
    let mut fields = Fields::default();
    fields.add_own("Content-Type", "text/plain; charset=utf-8");
    let mut body = alloc::format!("{error}\n").into_bytes();
    if let HandshakeError::MethodNotAllowed { method } = error {
        fields.add_own("Allow", "GET");
        // "The HEAD method is identical to GET except that the server MUST NOT send content in the
        // response" (RFC 9110 §9.3.2)
        if &**method == "HEAD" {
            body.clear();
        }
    }
    Some((status, fields, body))
}

/// What a status is called (RFC 9110 §15, RFC 6585); the phrase may be empty (RFC 9112 §4).
const fn reason(status: u16) -> &'static str {
    match status {
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        413 => "Content Too Large",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}
