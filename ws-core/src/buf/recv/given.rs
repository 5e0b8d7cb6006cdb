//! Storage that left the buffer with whole frames in it, to become messages that share it.
//!
//! It knows of frames only where they begin and end.

use bytes::{Bytes, BytesMut};

/// What was given away, as far as it is not all handed out.
#[derive(Debug)]
pub(crate) struct Given {
    storage: Bytes,
    /// Where the frame begins that was found last, and its payload.
    last: usize,
    payload: usize,
    /// Where the next frame begins, and where the last one ends.
    at: usize,
    end: usize,
}

impl Given {
    pub(super) fn new(storage: Bytes, at: usize, end: usize) -> Self {
        Self {
            storage,
            last: at,
            payload: at,
            at,
            end,
        }
    }

    /// The frames that are left.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.storage[self.at..self.end]
    }

    /// Finds the next frame, of which the last `len` bytes are the payload, behind a header of `at`.
    pub(crate) fn find(&mut self, at: usize, len: usize) {
        (self.last, self.payload) = (self.at, self.at + at);
        self.at = self.payload + len;
    }

    /// The payload that was found.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.storage[self.payload..self.at]
    }

    /// The same, to be kept.
    pub(crate) fn take(&self) -> Bytes {
        self.storage.slice(self.payload..self.at)
    }

    /// The frames that are left, and the last one that was found if that is `untaken`.
    pub(crate) fn wire(&self, untaken: bool) -> &[u8] {
        &self.storage[if untaken { self.last } else { self.at }..self.end]
    }

    /// The storage, if nobody else has any of it.
    pub(super) fn into_storage(self) -> Option<BytesMut> {
        self.storage.try_into_mut().ok()
    }
}
