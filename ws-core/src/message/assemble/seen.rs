//! What is known of a message's bytes while they arrive. It holds none of them.

use crate::error::ProtocolError;
use crate::message::{Kind, Utf8};

pub(super) const NOT_UTF8: ProtocolError = ProtocolError::InvalidUtf8;

/// What is known of the message's bytes.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) kind: Kind,
    pub(super) utf8: Utf8,
    /// Was it all ASCII so far? Then it is likely to go on like that, and cheap to look for.
    pub(super) ascii: bool,
}

impl Seen {
    pub(super) const fn nothing(kind: Kind) -> Self {
        Self {
            kind,
            utf8: Utf8::new(),
            ascii: true,
        }
    }

    /// Looks at the next bytes, if they are text. Was it said of them that they are `ascii`?
    #[inline]
    pub(super) fn look(&mut self, block: &[u8], ascii: bool) -> Result<(), ProtocolError> {
        if self.kind == Kind::Binary || ascii && self.utf8.held() == 0 {
            return Ok(());
        }
        self.ascii = false;
        self.utf8.feed(block).map_err(|_| {
            self.utf8 = Utf8::new();
            NOT_UTF8
        })
    }
}

impl Default for Seen {
    fn default() -> Self {
        Self::nothing(Kind::Binary)
    }
}
