//! A message that is encoded once and sent to many.
//!
//! A frame of a server's is not masked, so that one encoding serves any number of connections; they
//! queue it by reference. A compressed form is made once for each window size that is asked for, and
//! refers to nothing that was sent before it: every connection that agreed on that window can send
//! it, whatever its history, as long as the history is forgotten afterwards.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
#[cfg(feature = "deflate")]
use std::sync::OnceLock;

use bytes::Bytes;

use super::{Kind, Message};
use crate::frame::Header;

/// A message to be sent to any number of server connections: encoded once, compressed at most once
/// for each window size that peers have agreed to, and queued by reference. Clones are the same
/// message.
///
/// It is sent like any other message, with `send` and the rest, and by clients too, but those must
/// mask every frame and so encode it each for itself.
///
/// A connection that compresses with context takeover starts its context afresh after it: the next
/// message of its own can't build on those before. That is what makes one compressed form fit all of
/// them, without a copy for each.
///
/// ```
/// use ws_core::message::PreparedMessage;
///
/// let quote = PreparedMessage::new("{\"bid\":1,\"ask\":2}");
/// assert_eq!(quote.payload().len(), 17);
/// ```
#[derive(Clone)]
pub struct PreparedMessage(Arc<Prepared>);

struct Prepared {
    kind: Kind,
    plain: Encoded,
    #[cfg(feature = "deflate")]
    level: u8,
    /// For windows from 9 bits to 15: the compressed form, unless it is no shorter.
    #[cfg(feature = "deflate")]
    packed: [OnceLock<Option<Encoded>>; 7],
}

/// A frame with its header.
pub(crate) struct Encoded {
    bytes: Bytes,
    header: usize,
    packed: bool,
}

impl Encoded {
    /// A frame whose payload is appended by `payload`, which says how long it is.
    fn new(kind: Kind, packed: bool, payload: &[u8]) -> Self {
        let mut head = [0; Header::MAX_LEN];
        let header = Header {
            fin: true,
            rsv1: packed,
            opcode: kind.opcode(),
            key: None,
            len: payload.len() as u64,
        }
        .encode(&mut head);
        let mut bytes = Vec::with_capacity(header + payload.len());
        bytes.extend_from_slice(&head[..header]);
        bytes.extend_from_slice(payload);
        Self {
            bytes: bytes.into(),
            header,
            packed,
        }
    }

    /// All of the frame.
    pub(crate) fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    /// What is behind the header.
    pub(crate) fn payload(&self) -> Bytes {
        self.bytes.slice(self.header..)
    }

    /// Is it compressed?
    pub(crate) const fn is_packed(&self) -> bool {
        self.packed
    }
}

impl PreparedMessage {
    /// How hard to try unless asked otherwise: it is done once.
    #[cfg(feature = "deflate")]
    const LEVEL: u8 = 6;

    /// Encodes a text or binary message; the payload is copied once, here.
    ///
    /// # Panics
    /// With [`Message::Ping`] or [`Message::Pong`].
    #[must_use]
    pub fn new<'a>(message: impl Into<Message<'a>>) -> Self {
        match message.into() {
            Message::Prepared(message) => message,
            message => Self::encode(
                &message,
                #[cfg(feature = "deflate")]
                Self::LEVEL,
            ),
        }
    }

    /// [`new`](Self::new), to be compressed as hard as `level` says, from 1 (fast) to 9 (small); what
    /// lies outside is taken as the nearest. Default 6.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn with_level<'a>(message: impl Into<Message<'a>>, level: u8) -> Self {
        Self::encode(&message.into(), level.clamp(1, 9))
    }

    fn encode(message: &Message<'_>, #[cfg(feature = "deflate")] level: u8) -> Self {
        let kind = message.kind().expect("text or binary, as documented");
        Self(Arc::new(Prepared {
            kind,
            plain: Encoded::new(kind, false, message.payload()),
            #[cfg(feature = "deflate")]
            level,
            #[cfg(feature = "deflate")]
            packed: Default::default(),
        }))
    }

    /// The payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        let plain = &self.0.plain;
        &plain.bytes[plain.header..]
    }

    /// Text or binary.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The frame as it is.
    pub(crate) fn plain(&self) -> &Encoded {
        &self.0.plain
    }

    /// The frame compressed for windows of this size, if that is shorter.
    #[cfg(feature = "deflate")]
    pub(crate) fn packed(&self, bits: u8) -> Option<&Encoded> {
        let form = self.0.packed.get(usize::from(bits.checked_sub(9)?))?;
        form.get_or_init(|| {
            let packed = crate::deflate::pack_alone(self.payload(), self.0.level, bits)?;
            let frame = Encoded::new(self.0.kind, true, packed.bytes());
            packed.give_back();
            Some(frame)
        })
        .as_ref()
    }

    /// No build without compression asks.
    #[cfg(not(feature = "deflate"))]
    pub(crate) fn packed(&self, _bits: u8) -> Option<&Encoded> {
        None
    }
}

impl PartialEq for PreparedMessage {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.plain.bytes == other.0.plain.bytes
    }
}

impl Eq for PreparedMessage {}

impl fmt::Debug for PreparedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedMessage")
            .field("kind", &self.0.kind)
            .field("len", &self.payload().len())
            .finish_non_exhaustive()
    }
}
