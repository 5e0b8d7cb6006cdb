//! What can be wrong with an extension header.
//!
//! It knows nothing of what an extension means.

use thiserror::Error;

use crate::error::Explanation;

/// A `Sec-WebSocket-Extensions` header, or a part of one, that RFC 6455 §9.1 does not allow.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ExtError {
    /// The header names no extension at all.
    #[error("the list of extensions is empty")]
    Empty,
    /// The name of an extension or parameter is not a token.
    #[error("the name of an extension or parameter is not a token")]
    NotToken,
    /// Something other than a comma or semicolon follows an extension or parameter.
    #[error("an extension or parameter is followed by something else than a separator")]
    Separator,
    /// More than 32 extensions in a header, or 16 parameters of an extension.
    #[error("more than {limit} extensions or parameters")]
    TooMany {
        /// The limit that was passed.
        limit: usize,
    },
    /// A quoted string without its closing quote.
    #[error("a quoted string does not end")]
    Unterminated,
    /// A value that is neither a token nor a quoted string that holds one.
    #[error("the value of a parameter is not a token")]
    ValueNotToken,
}

impl ExtError {
    /// What happened and what to do about it.
    #[must_use]
    pub const fn explain(&self) -> Explanation {
        match self {
            Self::TooMany { .. } => Explanation::new(
                "More extensions were named than anyone uses",
                "Name fewer of them; no client in use offers more than a handful",
            ),
            Self::Empty
            | Self::NotToken
            | Self::Separator
            | Self::Unterminated
            | Self::ValueNotToken => Explanation::new(
                "The list of extensions does not follow RFC 6455, section 9.1",
                "Write it as `name; parameter=value, name; ...` where all three are tokens",
            ),
        }
    }
}
