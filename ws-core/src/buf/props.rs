//! The receive buffer against a plain queue of bytes: whatever is done to the storage, what comes
//! out is what went in.

use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;

use super::RecvBuf;

#[derive(Clone, Debug)]
enum Op {
    /// So many bytes are copied in.
    Extend(usize),
    /// A read into the spare room takes in at most so many.
    Read(usize),
    /// The front is consumed.
    Consume(usize),
    /// A part of the front is taken out, and all in front of it with it.
    Take(usize, usize),
    TakeStorage,
    /// Storage of this size is lent, holding so many received bytes.
    PutStorage(usize, usize),
    Want(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let size = || prop_oneof![0..100usize, 0..20_000usize];
    prop_oneof![
        2 => size().prop_map(Op::Extend),
        6 => size().prop_map(Op::Read),
        4 => size().prop_map(Op::Consume),
        3 => (0..20usize, size()).prop_map(|(at, len)| Op::Take(at, len)),
        2 => Just(Op::TakeStorage),
        2 => (size(), size()).prop_map(|(size, filled)| Op::PutStorage(size, filled.min(size))),
        2 => size().prop_map(Op::Want),
    ]
}

/// The buffer, the bytes that must be in it, and those that were lent from it.
#[derive(Default)]
struct Twin {
    buf: RecvBuf,
    bytes: Vec<u8>,
    received: u64,
    lent: Vec<(Bytes, Vec<u8>)>,
}

impl Twin {
    /// The next bytes of an endless, irregular stream.
    fn fresh(&mut self, n: usize) -> Vec<u8> {
        let from = self.received;
        self.received += n as u64;
        let data = (from..self.received).map(|i| (i * i / 7).to_le_bytes()[0]);
        let data: Vec<u8> = data.collect();
        self.bytes.extend(&data);
        data
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Extend(n) => {
                let data = self.fresh(n);
                self.buf.extend_from_slice(&data);
            }
            Op::Read(most) => {
                let n = self.buf.spare().len().min(most);
                assert!(
                    !self.buf.spare().is_empty(),
                    "a read of nothing means the end"
                );
                let data = self.fresh(n);
                self.buf.spare()[..n].copy_from_slice(&data);
                self.buf.commit(n);
            }
            Op::Consume(n) => {
                let n = n.min(self.bytes.len());
                self.buf.consume(n);
                self.bytes.drain(..n);
            }
            Op::Take(at, len) => {
                let at = at.min(self.bytes.len());
                let len = len.min(self.bytes.len() - at);
                let before = self.buf.filled().len();
                let taken = self.buf.take(at, len);
                // Either a copy, or split off with all in front of it.
                if self.buf.filled().len() == before {
                    self.buf.consume(at + len);
                }
                let expected = self.bytes.drain(..at + len).skip(at).collect();
                self.lent.push((taken, expected));
            }
            Op::TakeStorage => {
                if let Some(storage) = self.buf.take_storage() {
                    assert!(storage.len() >= self.buf.capacity());
                }
            }
            Op::PutStorage(size, filled) => {
                let mut storage = BytesMut::zeroed(size);
                let data = self.fresh(filled);
                storage[..filled].copy_from_slice(&data);
                drop(self.buf.put_storage(storage, filled));
            }
            Op::Want(n) => self.buf.want(n),
        }
        assert_eq!(self.buf.filled(), self.bytes);
        assert_eq!(self.buf.received(), self.received);
        for (lent, expected) in &self.lent {
            assert_eq!(lent, expected, "what was handed out never changes");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 400 }))]

    #[test]
    fn what_comes_out_is_what_went_in_whatever_is_done_to_the_storage(ops in vec(op(), 0..40)) {
        let mut twin = Twin::default();
        ops.iter().for_each(|op| twin.apply(op));
    }
}
