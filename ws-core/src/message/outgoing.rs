//! What an application sends.
//!
//! Nothing is checked or copied here: that is for who sends it.

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use super::{Kind, PreparedMessage, Text};

/// A message, or a ping or pong, on its way out; borrowed, or shared.
///
/// Everything that sends takes `impl Into<Message>`, so that a `&str`, a `String`, a `&[u8]`, a
/// `Vec<u8>`, a [`Bytes`], a [`Text`] or a [`PreparedMessage`] can be sent as it is. Borrowed payloads are copied into the
/// send queue; a server queues large shared ones as they are.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Message<'a> {
    /// A binary message.
    Binary(&'a [u8]),
    /// A ping, at most 125 bytes (RFC 6455 §5.5.2).
    Ping(&'a [u8]),
    /// A pong, at most 125 bytes; unasked for, it is a one-way heartbeat (§5.5.3).
    Pong(&'a [u8]),
    /// A message that is encoded once for any number of connections.
    Prepared(PreparedMessage),
    /// A binary message whose payload is shared.
    SharedBinary(Bytes),
    /// A text message whose payload is shared.
    SharedText(Text),
    /// A text message.
    Text(&'a str),
}

impl Message<'_> {
    /// The payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        match self {
            Self::Binary(data) | Self::Ping(data) | Self::Pong(data) => data,
            Self::Prepared(message) => message.payload(),
            Self::SharedBinary(data) => data,
            Self::SharedText(text) => text.as_bytes(),
            Self::Text(text) => text.as_bytes(),
        }
    }

    /// Text or binary; `None` for a ping or a pong.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Prepared(message) => Some(message.kind()),
            Self::Binary(_) | Self::SharedBinary(_) => Some(Kind::Binary),
            Self::SharedText(_) | Self::Text(_) => Some(Kind::Text),
            Self::Ping(_) | Self::Pong(_) => None,
        }
    }
}

impl<'a> From<&'a str> for Message<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Message<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a [u8]> for Message<'a> {
    fn from(data: &'a [u8]) -> Self {
        Self::Binary(data)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Message<'a> {
    fn from(data: &'a [u8; N]) -> Self {
        Self::Binary(data)
    }
}

impl<'a> From<&'a Vec<u8>> for Message<'a> {
    fn from(data: &'a Vec<u8>) -> Self {
        Self::Binary(data)
    }
}

impl From<String> for Message<'_> {
    fn from(text: String) -> Self {
        Self::SharedText(text.into())
    }
}

impl From<Text> for Message<'_> {
    fn from(text: Text) -> Self {
        Self::SharedText(text)
    }
}

impl From<Vec<u8>> for Message<'_> {
    fn from(data: Vec<u8>) -> Self {
        Self::SharedBinary(data.into())
    }
}

impl From<Bytes> for Message<'_> {
    fn from(data: Bytes) -> Self {
        Self::SharedBinary(data)
    }
}

impl From<&PreparedMessage> for Message<'_> {
    fn from(message: &PreparedMessage) -> Self {
        Self::Prepared(message.clone())
    }
}

impl From<PreparedMessage> for Message<'_> {
    fn from(message: PreparedMessage) -> Self {
        Self::Prepared(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_holds_text_or_bytes_is_a_message() {
        let owned = String::from("a");
        let text: [Message<'_>; 4] = [
            "a".into(),
            (&owned).into(),
            owned.clone().into(),
            Text::from("a").into(),
        ];
        for message in text {
            assert_eq!(
                (message.kind(), message.payload()),
                (Some(Kind::Text), &b"a"[..])
            );
        }
        let owned = Vec::from(*b"a");
        let data: [Message<'_>; 5] = [
            (&b"a"[..]).into(),
            b"a".into(),
            (&owned).into(),
            owned.clone().into(),
            Bytes::from_static(b"a").into(),
        ];
        for message in data {
            assert_eq!(
                (message.kind(), message.payload()),
                (Some(Kind::Binary), &b"a"[..])
            );
        }
        assert_eq!(Message::Ping(b"a").kind(), None);
    }
}
