//! A copy of what the queue has given away, for those who record what was sent. It costs nothing
//! unless somebody wants it.

use alloc::vec::Vec;

use super::SendBuf;

impl SendBuf {
    /// Keeps a copy of what is written from now on.
    pub(crate) fn tee(&mut self) {
        self.sealed_mut().tee = Some(Vec::new());
    }

    /// What was written since this was last asked.
    pub(crate) fn take_teed(&mut self) -> Vec<u8> {
        self.copy().map(core::mem::take).unwrap_or_default()
    }

    fn copy(&mut self) -> Option<&mut Vec<u8>> {
        self.sealed.as_mut()?.tee.as_mut()
    }

    pub(super) fn take_tee(&mut self) -> Option<Vec<u8>> {
        self.sealed.as_mut()?.tee.take()
    }

    pub(super) fn put_tee(&mut self, tee: Option<Vec<u8>>) {
        if tee.is_some() {
            self.sealed_mut().tee = tee;
        }
    }

    /// A piece was taken out.
    pub(super) fn tee_piece(&mut self, bytes: &[u8]) {
        if let Some(copy) = self.copy() {
            copy.extend_from_slice(bytes);
        }
    }

    /// The end of it came back.
    pub(super) fn untee(&mut self, len: usize) {
        if let Some(copy) = self.copy() {
            copy.truncate(copy.len().saturating_sub(len));
        }
    }

    /// So much is about to be dropped at the front.
    #[inline]
    pub(super) fn tee_front(&mut self, mut n: usize) {
        let Some(mut copy) = self.take_tee() else {
            return;
        };
        let sealed = self.sealed.iter().flat_map(|sealed| sealed.pieces());
        let mut head = self.head;
        for piece in sealed.chain([&self.open[..]]) {
            let piece = &piece[core::mem::take(&mut head)..];
            let taken = piece.len().min(n);
            copy.extend_from_slice(&piece[..taken]);
            n -= taken;
            if n == 0 {
                break;
            }
        }
        self.put_tee(Some(copy));
    }
}
