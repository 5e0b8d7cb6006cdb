//! A copy of what the queue has given away, for those who record what was sent. It costs nothing
//! unless somebody wants it.
//!
//! It never says a byte twice, nor one that came back: of a piece that was taken out nothing is said
//! before it is known how much of it was written.

use alloc::vec::Vec;

use super::SendBuf;

/// What was written and not asked for yet.
#[derive(Debug, Default)]
pub(super) struct Tee {
    bytes: Vec<u8>,
    /// How much of the end of it is in a piece that is out: the rest of it may come back.
    out: usize,
}

impl Tee {
    /// All that was known to be written.
    fn take(&mut self) -> Vec<u8> {
        let out = self.bytes.split_off(self.bytes.len() - self.out);
        core::mem::replace(&mut self.bytes, out)
    }
}

impl SendBuf {
    /// Keeps a copy of what is written from now on.
    pub(crate) fn tee(&mut self) {
        self.sealed_mut().tee = Some(Tee::default());
    }

    /// What was written since this was last asked, but for a piece that is still out.
    pub(crate) fn take_teed(&mut self) -> Vec<u8> {
        self.copy().map(Tee::take).unwrap_or_default()
    }

    /// Nothing comes back any more: what was taken out counts as written.
    pub(crate) fn settle_tee(&mut self) {
        if let Some(copy) = self.copy() {
            copy.out = 0;
        }
    }

    fn copy(&mut self) -> Option<&mut Tee> {
        self.sealed.as_mut()?.tee.as_mut()
    }

    pub(super) fn take_tee(&mut self) -> Option<Tee> {
        self.sealed.as_mut()?.tee.take()
    }

    pub(super) fn put_tee(&mut self, tee: Option<Tee>) {
        if tee.is_some() {
            self.sealed_mut().tee = tee;
        }
    }

    /// A piece was taken out. Only one is at a time.
    pub(super) fn tee_piece(&mut self, bytes: &[u8]) {
        if let Some(copy) = self.copy() {
            copy.bytes.extend_from_slice(bytes);
            copy.out = bytes.len();
        }
    }

    /// The end of it came back; none of it, if all was written.
    pub(super) fn untee(&mut self, len: usize) {
        if let Some(copy) = self.copy() {
            copy.bytes.truncate(copy.bytes.len().saturating_sub(len));
            copy.out = 0;
        }
    }

    /// So much is about to be dropped at the front.
    #[inline]
    pub(super) fn tee_front(&mut self, mut n: usize) {
        let Some(mut copy) = self.take_tee() else {
            return;
        };
        copy.out = 0;
        let sealed = self.sealed.iter().flat_map(|sealed| sealed.pieces());
        let mut head = self.head;
        for piece in sealed.chain([&self.open[..]]) {
            let piece = &piece[core::mem::take(&mut head)..];
            let taken = piece.len().min(n);
            copy.bytes.extend_from_slice(&piece[..taken]);
            n -= taken;
            if n == 0 {
                break;
            }
        }
        self.put_tee(Some(copy));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::{Buf, Bytes};
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Push(Vec<u8>),
        Shared(Vec<u8>),
        Cut,
        Control,
        /// Write so much of what can be seen.
        Advance(usize),
        Pop,
        /// Write so much of the piece that is out, and put the rest back.
        Unpop(usize),
        /// Write all of it, and say nothing.
        Forget,
        Log,
    }

    fn step() -> impl Strategy<Value = Step> {
        let data = || vec(any::<u8>(), 0..9);
        prop_oneof![
            1 => data().prop_map(Step::Push),
            1 => data().prop_map(Step::Shared),
            1 => Just(Step::Cut),
            1 => Just(Step::Control),
            1 => (0..9usize).prop_map(Step::Advance),
            3 => Just(Step::Pop),
            3 => (0..9usize).prop_map(Step::Unpop),
            1 => Just(Step::Forget),
            2 => Just(Step::Log),
        ]
    }

    proptest! {
        #[test]
        fn the_log_says_the_bytes_that_left_once(steps in vec(step(), 0..60)) {
            let mut buf = SendBuf::new(1000);
            buf.tee();
            let (mut left, mut log) = (Vec::new(), Vec::new());
            let mut out: Option<Bytes> = None;
            for step in steps {
                match step {
                    Step::Push(data) => buf.push(b"h", data.len(), |to| to.extend(&data)),
                    Step::Shared(data) => buf.push_shared(b"H", data.into()),
                    Step::Cut => buf.cut(),
                    Step::Control => buf.push_control(b"<c>"),
                    Step::Advance(n) if out.is_none() => {
                        let n = n.min(buf.chunk().len());
                        left.extend_from_slice(&buf.chunk()[..n]);
                        buf.advance(n);
                    }
                    Step::Pop if out.is_none() => out = buf.pop(),
                    Step::Unpop(n) => {
                        if let Some(mut piece) = out.take() {
                            left.extend(piece.split_to(n.min(piece.len())));
                            buf.unpop(piece);
                        }
                    }
                    Step::Forget => {
                        left.extend(out.take().unwrap_or_default());
                    }
                    Step::Log => {
                        log.extend(buf.take_teed());
                        prop_assert!(left.starts_with(&log), "{log:?} of {left:?}");
                        if out.is_none() && buf.is_empty() {
                            prop_assert_eq!(buf.pop(), None);
                            log.extend(buf.take_teed());
                            prop_assert_eq!(&log, &left);
                        }
                    }
                    Step::Advance(_) | Step::Pop => {}
                }
            }
            left.extend(out.unwrap_or_default());
            while let Some(piece) = buf.pop() {
                left.extend(piece);
            }
            log.extend(buf.take_teed());
            prop_assert_eq!(log, left);
        }
    }

    #[test]
    fn a_piece_is_said_when_it_is_known_how_much_of_it_was_written() {
        let mut buf = SendBuf::new(1000);
        buf.tee();
        buf.push(b"h", 3, |to| to.extend(b"abc"));
        let piece = buf.pop().unwrap();
        assert_eq!(buf.take_teed(), b"");
        buf.unpop(piece.slice(2..));
        assert_eq!(buf.take_teed(), b"ha");
        let piece = buf.pop().unwrap();
        assert_eq!(piece, &b"bc"[..]);
        buf.unpop(Bytes::new());
        assert_eq!(buf.take_teed(), b"bc");
        buf.push(b"h", 0, |_| {});
        buf.pop().unwrap();
        buf.settle_tee();
        assert_eq!(buf.take_teed(), b"h");
    }
}
