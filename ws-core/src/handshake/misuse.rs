//! What the caller of a handshake can do wrong. The call that does it returns the error, and nothing
//! else happens.

use alloc::boxed::Box;
use core::convert::Infallible;

use thiserror::Error;

use crate::error::Explanation;
use crate::ext::ExtError;
use crate::handshake::HeaderError;
use crate::url::UrlError;

/// A request that can't be made.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum RequestError {
    /// An extension that is not written as RFC 6455 §9.1 says.
    #[error(transparent)]
    Extension(#[from] ExtError),
    /// A header that can't be sent.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// `permessage-deflate` is not offered by name: it changes how messages are coded.
    #[error("permessage-deflate is not offered by name")]
    ReservedExtension,
    /// A subprotocol that is not a token (RFC 6455 §4.1).
    #[error("the name of a subprotocol is not a token")]
    SubprotocolNotToken,
    /// A subprotocol that was offered before (RFC 6455 §4.1).
    #[error("subprotocol {name} is offered twice")]
    SubprotocolRepeated {
        /// The subprotocol.
        name: Box<str>,
    },
    /// The URL is not one that a WebSocket can be opened with.
    #[error(transparent)]
    Url(#[from] UrlError),
}

impl RequestError {
    /// What happened and what to do about it.
    #[must_use]
    pub const fn explain(&self) -> Explanation {
        match self {
            Self::Extension(error) => error.explain(),
            Self::Header(error) => error.explain(),
            Self::ReservedExtension => EXPLAIN_RESERVED,
            Self::SubprotocolNotToken => Explanation::new(
                "The name of a subprotocol is not a token",
                "Offer one name per call, made of letters, digits, hyphens and dots",
            ),
            Self::SubprotocolRepeated { .. } => Explanation::new(
                "A subprotocol was offered twice",
                "Offer each subprotocol once, the preferred one first",
            ),
            Self::Url(error) => error.explain(),
        }
    }
}

impl From<Infallible> for RequestError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// An answer that can't be given. The request still waits for one, unless the error says otherwise.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum AnswerError {
    /// A status that is not from 300 to 599: it would not refuse anything.
    #[error("status {status} does not refuse a request")]
    BadStatus {
        /// The status that was given.
        status: u16,
    },
    /// A body longer than `Limits::max_body`.
    #[error("a body of {len} bytes is over the limit of {limit}")]
    BodyTooLarge {
        /// The length that was given, in bytes.
        len: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// An extension, or a parameter of one, that the client did not offer (RFC 6455 §9.1).
    #[error("extension {name} was not offered so")]
    ExtensionNotOffered {
        /// The extension.
        name: Box<str>,
    },
    /// A header that can't be sent.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// No request waits for an answer: none has come yet, it has been answered, or the handshake
    /// has failed.
    #[error("no request waits for an answer")]
    NoRequest,
    /// `permessage-deflate` is not accepted by name: it changes how messages are coded.
    #[error("permessage-deflate is not accepted by name")]
    ReservedExtension,
    /// A subprotocol that the client did not offer (RFC 6455 §4.2.2).
    #[error("the subprotocol was not offered")]
    SubprotocolNotOffered,
}

impl AnswerError {
    /// What happened and what to do about it.
    #[must_use]
    pub const fn explain(&self) -> Explanation {
        match self {
            Self::BadStatus { .. } => Explanation::new(
                "This status does not refuse a request",
                "Use one from 300 to 599, or accept the request",
            ),
            Self::BodyTooLarge { .. } => Explanation::new(
                "The body of a refusal is too long",
                "Shorten it, or raise Limits::max_body",
            ),
            Self::ExtensionNotOffered { .. } => Explanation::new(
                "The client did not offer this extension with these parameters",
                "Choose among RequestHead::extensions",
            ),
            Self::Header(error) => error.explain(),
            Self::NoRequest => Explanation::new(
                "There is no request to answer",
                "Answer once, after poll has returned a request; poll tells what became of it",
            ),
            Self::ReservedExtension => EXPLAIN_RESERVED,
            Self::SubprotocolNotOffered => Explanation::new(
                "The client did not offer this subprotocol",
                "Choose among RequestHead::subprotocols, or choose none",
            ),
        }
    }
}

const EXPLAIN_RESERVED: Explanation = Explanation::new(
    "Compression changes how messages are coded, so its name alone does not switch it on",
    "Leave permessage-deflate out of the extensions",
);

/// The name that has an owner of its own (RFC 7692 §7).
#[cfg(feature = "deflate")]
pub(crate) const DEFLATE: &str = RESERVED;

const RESERVED: &str = "permessage-deflate";

/// Is this the name that is not given by hand? However it is written: a peer may read
/// `Permessage-Deflate` as the extension that it is not meant to be.
pub(crate) fn is_reserved(name: &str) -> bool {
    name.eq_ignore_ascii_case(RESERVED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_small_and_explained() {
        assert!(size_of::<RequestError>() <= 32 && size_of::<AnswerError>() <= 32);
        let error = RequestError::from(UrlError::NoScheme);
        assert_eq!(error.explain(), UrlError::NoScheme.explain());
        assert_eq!(AnswerError::ReservedExtension.explain(), EXPLAIN_RESERVED);
    }
}
