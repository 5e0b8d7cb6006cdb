//! Storage of the receive buffer that comes from elsewhere and goes elsewhere: to pools, from one long
//! message to the next, and away with messages.
//!
//! What is unread stays unread.

use core::ops::Range;

use bytes::{Buf, Bytes, BytesMut};

use super::super::Pool;
use super::{CHUNK, Given, LEN_MAX, MOVE_MAX, RecvBuf, Room};

/// Storage that is at most so much longer than a message leaves with it: as long as a header can be.
const HEADER: usize = 14;

/// Fresh storage that has the count of its owners from the beginning: it is not allocated and freed anew
/// with each message that leaves in it.
fn counted(len: usize) -> BytesMut {
    let mut storage = BytesMut::zeroed(len);
    drop(storage.split_off(len));
    storage
}

impl RecvBuf {
    /// Is there storage that a pool might take?
    #[cfg(feature = "pump")]
    pub(crate) fn has_storage(&self) -> bool {
        self.aside.is_some() || !self.bytes.is_empty()
    }

    /// Is there less storage to read into than a pool lends, or, where the next message is to leave with its
    /// storage, other storage than that takes?
    #[must_use]
    #[inline]
    pub fn wants_storage(&self) -> bool {
        let size = self.bytes.len();
        match self.stride.fitting() {
            None => size < Pool::chunk(),
            Some(fitting) => size < fitting || (size > fitting && self.held() == 0),
        }
    }

    /// Takes storage that the next message fits into exactly, if it is known that it leaves with that. What
    /// is not needed comes back.
    #[inline]
    pub(crate) fn fit(&mut self) -> Option<BytesMut> {
        let len = self.stride.fitting()?;
        let left = { self.aside.as_mut() }
            .map_or_else(Bytes::new, |aside| core::mem::take(&mut aside.left));
        if self.held() > 0 {
            // What is there would have to be moved, and is only if it is little.
            drop(left);
            let fits = 2 * self.held() <= len;
            return fits.then(|| self.put_storage(counted(len), 0)).flatten();
        }
        let old = core::mem::take(&mut self.bytes);
        self.bytes = if left.len() == len && left.is_unique() {
            left.into()
        } else {
            counted(len)
        };
        self.hold(0);
        (!old.is_empty()).then_some(old)
    }

    /// Is the next message most likely to leave with its storage?
    pub(crate) fn expects_leaving(&self) -> bool {
        self.stride.fitting().is_some()
    }

    /// Is the storage still there that the last message was to leave with?
    #[inline]
    pub(crate) fn was_lent(&self) -> bool {
        self.stride.fitting() == Some(self.bytes.len()) && self.held() == 0
    }

    /// Takes away the unread bytes `span` and the storage with them, if there is hardly more in that. What is
    /// unread before them is dropped.
    #[inline]
    pub(crate) fn leave(&mut self, span: Range<usize>) -> Option<Bytes> {
        if span.end != self.held() {
            return None;
        }
        if self.bytes.capacity() > span.len() + HEADER {
            if self.stride.fitting() == Some(self.bytes.len()) {
                self.stride.doubt();
            }
            return None;
        }
        let (from, end) = (self.start as usize + span.start, self.end());
        self.hold(0);
        let mut data = core::mem::take(&mut self.bytes).freeze();
        self.aside.get_or_insert_default().left = data.clone();
        data.truncate(end);
        data.advance(from);
        Some(data)
    }

    /// Takes the storage away while nothing needs it: for pools shared by many connections, and for
    /// completion-based I/O that wants to own what it reads into.
    ///
    /// A partial frame of up to 4 KiB moves to a buffer of its own size; with more than that under
    /// way, or without storage worth taking, the answer is `None`. What is there for
    /// [`take_long`](Self::take_long) is freed.
    pub fn take_storage(&mut self) -> Option<BytesMut> {
        drop(self.take_long());
        let held = self.held();
        if self.bytes.is_empty() || held > MOVE_MAX || 2 * held > self.bytes.len() {
            return None;
        }
        let mut own = BytesMut::zeroed(held);
        own.copy_from_slice(self.filled());
        self.hold(held);
        Some(core::mem::replace(&mut self.bytes, own))
    }

    /// Takes away what the last message was put together in, as large as that was: it is kept because
    /// where one follows the other, they need no fresh memory. For a pool, or to free it, when a
    /// connection becomes idle; [`take_storage`](Self::take_storage) frees it too.
    ///
    /// The bytes may be shared with the application, which has got them as a message.
    pub fn take_long(&mut self) -> Option<Bytes> {
        let aside = self.aside.as_mut()?;
        let kept = core::mem::take(&mut aside.kept);
        if aside.room.is_none() && aside.given.is_none() {
            self.aside = None;
        }
        Some(kept).filter(|kept| !kept.is_empty())
    }

    /// Is there something for [`take_long`](Self::take_long)?
    #[must_use]
    #[inline]
    pub fn has_long(&self) -> bool {
        let aside = self.aside.as_ref();
        aside.is_some_and(|aside| !aside.kept.is_empty())
    }

    /// Does a long message under way need more storage? Then [`put_long`](Self::put_long) spares it an
    /// allocation.
    #[must_use]
    #[inline]
    pub fn wants_long(&self) -> bool {
        let room = self.aside.as_ref().and_then(|aside| aside.room.as_ref());
        room.is_some_and(Room::is_low)
    }

    /// Lends storage for a long message. What is not needed comes back.
    pub fn put_long(&mut self, storage: BytesMut) -> BytesMut {
        let trust = 1_usize.checked_shl(u32::from(self.trust)).unwrap_or(0);
        match self.room() {
            Some(room) => room.adopt(storage, trust),
            None => storage,
        }
    }

    /// Lends storage whose first `filled` bytes are received data, and the rest room.
    ///
    /// Bytes of a partial frame are moved to its front, or, if `filled` is not zero, the data is
    /// copied behind them. Storage that is not needed comes straight back.
    ///
    /// # Panics
    /// If `filled` is more than the length of `storage`, or that is more than 4 GiB.
    pub fn put_storage(&mut self, mut storage: BytesMut, filled: usize) -> Option<BytesMut> {
        assert!(filled <= storage.len(), "more data than storage");
        assert!(storage.len() <= LEN_MAX, "far too much");
        if filled > 0 && self.reads_aside() {
            self.extend_from_slice(&storage[..filled]);
            return Some(storage);
        }
        let held = self.held();
        if held == 0 {
            let old = core::mem::replace(&mut self.bytes, storage);
            self.hold(filled);
            self.note(filled);
            return (!old.is_empty()).then_some(old);
        }
        if filled > 0 {
            self.extend_from_slice(&storage[..filled]);
            return Some(storage);
        }
        if storage.len() < 2 * held || self.bytes.len() >= storage.len() {
            return Some(storage);
        }
        storage[..held].copy_from_slice(self.filled());
        self.bytes = storage;
        self.hold(held);
        None
    }

    /// Gives away the first `n` unread bytes and the storage with them. What is behind them moves.
    pub(crate) fn give(&mut self, n: usize) {
        let from = self.unread().start;
        self.consume(n);
        let own = BytesMut::from(self.filled());
        let held = own.len();
        let all = core::mem::replace(&mut self.bytes, own);
        self.hold(held);
        let aside = self.aside.get_or_insert_default();
        aside.given = Some(Given::new(all.freeze(), from, from + n));
    }

    /// What was given away, to look at.
    pub(crate) fn given_away(&self) -> Option<&Given> {
        self.aside.as_ref()?.given.as_ref()
    }

    /// What was given away.
    #[inline]
    pub(crate) fn given(&mut self) -> Option<&mut Given> {
        self.aside.as_mut()?.given.as_mut()
    }

    /// All of it was handed out: it is storage again, if nobody has kept any.
    pub(crate) fn take_given(&mut self) {
        let given = self.aside.as_mut().and_then(|aside| aside.given.take());
        if let Some(storage) = given.and_then(Given::into_storage) {
            drop(self.put_storage(storage, 0));
        }
    }

    /// Keeps what a message was in for the next one; the larger of two.
    pub(crate) fn keep(&mut self, storage: Bytes) {
        if !storage.is_empty() {
            let log = usize::BITS - (storage.len() - 1).leading_zeros() + 1;
            self.trust = self.trust.max(u8::try_from(log).unwrap_or(0));
            let aside = self.aside.get_or_insert_default();
            if storage.len() >= aside.kept.len() {
                aside.kept = storage;
            }
        }
    }

    /// What a message was in, for one of which `len` bytes are announced: if that is still there, not
    /// far too large, and nobody else has it any more.
    pub(crate) fn take_kept(&mut self, len: usize) -> BytesMut {
        let kept = self.aside.as_mut().map(|aside| &mut aside.kept);
        let kept = kept.filter(|kept| kept.len() <= CHUNK.max(4 * len));
        let kept = kept.map(core::mem::take).unwrap_or_default();
        kept.try_into_mut().unwrap_or_default()
    }
}
