//! How much may wait for an application that is slower than its peer.
//!
//! It holds nothing itself: the handles of a session do.

/// What waits for the application, and what becomes of what finds no room.
///
/// One event may exceed the bytes: whatever finds the inbox below its limits is let in whole.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Inbox {
    /// Events that may wait. Default 16 384; 0 counts as 1.
    pub max_events: usize,
    /// Bytes of messages that may wait. Default 16 MiB.
    pub max_bytes: usize,
    /// What follows when there is no room. Default [`Overflow::Hold`].
    pub overflow: Overflow,
}

/// What becomes of a message for which there is no room.
///
/// Whatever it is, the end of the session is told, and so is that the connection of the moment has
/// opened and is ready.
///
/// Exhaustive on purpose: one of them must happen.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Overflow {
    /// It is dropped.
    DropNewest,
    /// The oldest event is dropped, whatever it is.
    DropOldest,
    /// It waits in the connection, and nothing behind it is read: a peer that sends faster than the
    /// application takes is slowed down. What comes before it is still dealt with, and all timers run
    /// on; but pings that are behind it in the stream are not answered until there is room.
    #[default]
    Hold,
}

impl Default for Inbox {
    fn default() -> Self {
        Self {
            max_events: 16_384,
            max_bytes: 16 << 20,
            overflow: Overflow::Hold,
        }
    }
}

impl Inbox {
    /// Sets [`max_events`](Self#structfield.max_events).
    #[must_use]
    pub const fn max_events(mut self, events: usize) -> Self {
        self.max_events = events;
        self
    }

    /// Sets [`max_bytes`](Self#structfield.max_bytes).
    #[must_use]
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets [`overflow`](Self#structfield.overflow).
    #[must_use]
    pub const fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// The same for whoever may not slow anything down.
    #[cfg(feature = "pump")]
    pub(crate) const fn lossy(self) -> Self {
        match self.overflow {
            Overflow::Hold => self.overflow(Overflow::DropOldest),
            Overflow::DropNewest | Overflow::DropOldest => self,
        }
    }
}
