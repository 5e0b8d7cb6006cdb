//! Storage that left the buffer with whole frames in it, to become messages that share it.
//!
//! It knows of frames only where they begin and end.

use bytes::{Bytes, BytesMut};

/// What was given away, as far as it is not all handed out.
#[derive(Debug)]
pub(crate) struct Given {
    storage: Bytes,
    /// Where the next frame begins, and where the last one ends.
    at: usize,
    end: usize,
    /// Where the one begins whose message was taken last.
    last: usize,
}

impl Given {
    pub(super) fn new(storage: Bytes, at: usize, end: usize) -> Self {
        Self {
            storage,
            at,
            end,
            last: at,
        }
    }

    /// The frames that are left.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.storage[self.at..self.end]
    }

    /// Takes `len` bytes of the next frame, which begin at `at` and are the last of it.
    pub(crate) fn take(&mut self, at: usize, len: usize) -> Bytes {
        (self.last, self.at) = (self.at, self.at + at + len);
        self.storage.slice(self.at - len..self.at)
    }

    /// The frames that are left, and the last one that was taken if that is `untaken`.
    pub(crate) fn wire(&self, untaken: bool) -> &[u8] {
        &self.storage[if untaken { self.last } else { self.at }..self.end]
    }

    /// The storage, if nobody else has any of it.
    pub(super) fn into_storage(self) -> Option<BytesMut> {
        self.storage.try_into_mut().ok()
    }
}
