//! What a message carries, lent or owned.

use bytes::Bytes;

use crate::message::{Message, Text};

/// A message of either kind.
///
/// Exhaustive on purpose: RFC 6455 knows two.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Payload<T = Text, B = Bytes> {
    /// Binary.
    Binary(B),
    /// Text.
    Text(T),
}

impl<T, B> Payload<T, B> {
    /// The text of a text message.
    pub fn into_text(self) -> Option<T> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    pub(super) fn map<U, C>(
        self,
        text: impl FnOnce(T) -> U,
        bytes: impl FnOnce(B) -> C,
    ) -> Payload<U, C> {
        match self {
            Self::Binary(data) => Payload::Binary(bytes(data)),
            Self::Text(data) => Payload::Text(text(data)),
        }
    }
}

impl From<Bytes> for Payload {
    fn from(data: Bytes) -> Self {
        Self::Binary(data)
    }
}

impl From<Text> for Payload {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

/// The message, ready to be sent on.
impl From<Payload> for Message<'_> {
    fn from(payload: Payload) -> Self {
        match payload {
            Payload::Binary(data) => Self::SharedBinary(data),
            Payload::Text(text) => Self::SharedText(text),
        }
    }
}
