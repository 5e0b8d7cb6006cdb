//! What a peer may make this end hold and do.
//!
//! Nothing is enforced here.

/// Limits on what is received. Passing one ends the connection with the close code in brackets.
///
/// ```
/// use ws_core::message::Limits;
///
/// let limits = Limits::default().max_message(1 << 20).max_frame(1 << 20);
/// assert_eq!(limits.max_fragments, 131_072);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes in a message, counted over its fragments as they are announced. Default 64 MiB (1009).
    /// A compressed message is counted as it is decompressed, and may itself be at most twice as
    /// long and 1 KiB. It also holds for messages that are handed out in pieces: to receive one that
    /// is larger than memory, lift it, and the limits on frames and fragments as far as the peer
    /// needs.
    pub max_message: usize,
    /// Bytes in a frame. Default 16 MiB (1009).
    pub max_frame: usize,
    /// Fragments in a message. Default 131 072 (1008).
    pub max_fragments: u32,
    /// Empty fragments in a row. Default 32 (1008).
    pub max_empty_fragments: u32,
    /// Pings and pongs per second. Default `None`: no limit, because a flood of them costs no
    /// memory (only the latest pong waits when the peer does not read) and no more time per byte
    /// than data does (1008).
    pub max_control_rate: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message: 64 << 20,
            max_frame: 16 << 20,
            max_fragments: 131_072,
            max_empty_fragments: 32,
            max_control_rate: None,
        }
    }
}

impl Limits {
    /// Sets [`max_message`](Self#structfield.max_message), in bytes.
    #[must_use]
    pub const fn max_message(mut self, bytes: usize) -> Self {
        self.max_message = bytes;
        self
    }

    /// Sets [`max_frame`](Self#structfield.max_frame), in bytes.
    #[must_use]
    pub const fn max_frame(mut self, bytes: usize) -> Self {
        self.max_frame = bytes;
        self
    }

    /// Sets [`max_fragments`](Self#structfield.max_fragments).
    #[must_use]
    pub const fn max_fragments(mut self, count: u32) -> Self {
        self.max_fragments = count;
        self
    }

    /// Sets [`max_empty_fragments`](Self#structfield.max_empty_fragments).
    #[must_use]
    pub const fn max_empty_fragments(mut self, count: u32) -> Self {
        self.max_empty_fragments = count;
        self
    }

    /// Sets [`max_control_rate`](Self#structfield.max_control_rate), in frames per second.
    #[must_use]
    pub const fn max_control_rate(mut self, rate: Option<u32>) -> Self {
        self.max_control_rate = rate;
        self
    }
}

/// What a decoder needs of the limits, and no more: every connection holds it.
#[derive(Debug)]
pub(crate) struct Bounds {
    pub(crate) max_message: usize,
    pub(crate) max_frame: usize,
    pub(crate) max_fragments: u32,
    pub(crate) max_empty_fragments: u32,
}

impl From<&Limits> for Bounds {
    fn from(limits: &Limits) -> Self {
        Self {
            max_message: limits.max_message,
            max_frame: limits.max_frame,
            max_fragments: limits.max_fragments,
            max_empty_fragments: limits.max_empty_fragments,
        }
    }
}

impl Bounds {
    /// What a compressed message may take up on the wire. Stored blocks make it longer than the
    /// message, empty ones have no end.
    pub(crate) fn max_packed(&self) -> usize {
        self.max_message.saturating_mul(2).saturating_add(1024)
    }

    /// The longest message that may come in one frame.
    #[inline]
    pub(crate) fn max_short(&self) -> usize {
        self.max_message.min(self.max_frame)
    }
}
