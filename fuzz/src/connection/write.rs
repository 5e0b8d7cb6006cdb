//! What the transport writes, in every way in which a transport can.

use std::io::IoSlice;

use bytes::Buf;

use super::Run;

impl Run {
    /// At most `n` bytes of the next chunk are written.
    pub(super) fn write(&mut self, n: usize) {
        if self.popped.is_some() {
            return;
        }
        let out = self.end.io().1;
        assert_eq!(out.chunk().is_empty(), out.is_empty());
        let n = n.min(out.chunk().len());
        self.written.extend_from_slice(&out.chunk()[..n]);
        out.advance(n);
        self.check_count();
    }

    /// At most `n` bytes of the next chunks are written.
    pub(super) fn write_vectored(&mut self, chunks: u8, mut n: usize) {
        if self.popped.is_some() {
            return;
        }
        let out = self.end.io().1;
        let mut slices = [IoSlice::new(&[]); 8];
        let filled = out.chunks_vectored(&mut slices[..usize::from(chunks % 9)]);
        let before = self.written.len();
        for slice in &slices[..filled] {
            assert!(!slice.is_empty());
            let part = &slice[..n.min(slice.len())];
            self.written.extend_from_slice(part);
            n -= part.len();
        }
        out.advance(self.written.len() - before);
        self.check_count();
    }

    pub(super) fn write_all(&mut self) {
        self.unpop(0);
        // A pong that was held back comes when there is room for it.
        while self.end.io().1.has_remaining() {
            self.write(usize::MAX);
        }
    }

    /// A piece is taken out of the queue: a completion-based transport owns what it writes.
    pub(super) fn pop(&mut self) {
        if self.popped.is_none() {
            self.popped = self.end.io().1.pop();
            if let Some(piece) = &self.popped {
                assert!(!piece.is_empty());
                self.most_popped = self.most_popped.max(piece.len());
            }
            self.check_count();
        }
    }

    /// `n` bytes of the piece were written, and the rest was not.
    pub(super) fn unpop(&mut self, n: usize) {
        if let Some(mut rest) = self.popped.take() {
            self.written
                .extend_from_slice(&rest.split_to(n.min(rest.len())));
            self.end.io().1.unpop(rest);
            self.check_count();
        }
    }

    /// The storage of an empty queue is taken away, and perhaps given back.
    pub(super) fn swap_sending(&mut self, back: bool) {
        let out = self.end.io().1;
        let Some(storage) = out.take_storage() else {
            return;
        };
        assert!(out.is_empty() && !out.has_storage() && out.capacity() == 0);
        if back {
            assert_eq!(out.put_storage(storage), None);
        }
    }

    /// The queue counts what leaves it.
    fn check_count(&mut self) {
        let out = self.popped.as_ref().map_or(0, |piece| piece.len());
        if !self.unwritable {
            let counted = self.end.io().1.written();
            assert_eq!(counted, (self.written.len() + out) as u64);
        }
    }
}
