//! The receive buffer against a plain queue of bytes: whatever is done to the storage, what comes
//! out is what went in.

use alloc::vec;
use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Pool, RecvBuf, Room};

#[derive(Clone, Debug)]
enum Op {
    /// So many bytes are copied in.
    Extend(usize),
    /// A read into the spare room takes in at most so many.
    Read(usize),
    /// As much is read as stays in the cache, after a pool was asked for storage.
    ReadHot,
    /// The front is consumed.
    Consume(usize),
    /// Long messages are taken away, or not.
    Taken(bool),
    /// All but so many bytes at the front are taken away, with their storage if it is theirs alone.
    Leave(usize),
    /// So many bytes from now on belong to a long frame.
    Aside(usize),
    /// What has arrived of it is looked at; if that is not all, the rest is still to come.
    TakeAside,
    /// A frame of such a length is cut off, and so many bytes of it are missing.
    CutOff(usize, usize),
    /// The front is given away, with what it is in; that comes back at once, or later.
    Give(usize, bool),
    TakeStorage,
    /// Storage of this size is lent, holding so many received bytes.
    PutStorage(usize, usize),
}

fn op() -> impl Strategy<Value = Op> {
    let size = || prop_oneof![0..100usize, 0..20_000usize];
    prop_oneof![
        2 => size().prop_map(Op::Extend),
        6 => size().prop_map(Op::Read),
        6 => Just(Op::ReadHot),
        4 => size().prop_map(Op::Consume),
        1 => any::<bool>().prop_map(Op::Taken),
        4 => (0..10_usize).prop_map(Op::Leave),
        3 => (1..200_000usize).prop_map(Op::Aside),
        2 => Just(Op::TakeAside),
        2 => (0..70_000usize, 0..100_000usize).prop_map(|(each, due)| Op::CutOff(each, due)),
        1 => (size(), any::<bool>()).prop_map(|(n, back)| Op::Give(n, back)),
        2 => Just(Op::TakeStorage),
        2 => (size(), size()).prop_map(|(size, filled)| Op::PutStorage(size, filled.min(size))),
    ]
}

/// The buffer, the bytes that must be in it, and those of a long frame.
#[derive(Default)]
struct Twin {
    buf: RecvBuf,
    pool: Pool,
    /// What was taken away, and must stay what it was.
    kept: Vec<(Bytes, Vec<u8>)>,
    bytes: Vec<u8>,
    received: u64,
    aside: Option<Aside>,
}

struct Aside {
    bytes: Vec<u8>,
    due: usize,
}

impl Twin {
    /// The next bytes of an endless, irregular stream.
    fn fresh(&mut self, n: usize) -> Vec<u8> {
        let from = self.received;
        self.received += n as u64;
        let data = (from..self.received).map(|i| (i * i / 7).to_le_bytes()[0]);
        let data: Vec<u8> = data.collect();
        let mut here = &data[..];
        if let Some(aside) = &mut self.aside {
            let (there, rest) = data.split_at(aside.due.min(n));
            aside.bytes.extend(there);
            aside.due -= there.len();
            here = rest;
        }
        self.bytes.extend(here);
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
            Op::ReadHot => {
                self.pool.supply(&mut self.buf);
                let n = self.buf.spare_hot().len();
                assert!(n > 0, "a read of nothing means the end");
                // What nobody consumes must not double with each read.
                let n = if self.bytes.len() < 70_000 { n } else { 1 };
                let data = self.fresh(n);
                self.buf.spare_hot()[..n].copy_from_slice(&data);
                self.buf.commit(n);
            }
            Op::Taken(taken) => self.buf.expect_taken(taken),
            Op::Leave(n) => {
                let n = n.min(self.bytes.len());
                if let Some(data) = self.buf.leave(n..self.bytes.len()) {
                    assert_eq!(data, self.bytes[n..]);
                    self.kept.push((data, self.bytes[n..].to_vec()));
                    // Every second one is dropped, and its storage used again.
                    if self.kept.len() % 2 == 0 {
                        self.kept.pop();
                    }
                    self.bytes.clear();
                }
            }
            Op::Consume(n) => {
                let n = n.min(self.bytes.len());
                self.buf.consume(n);
                self.bytes.drain(..n);
            }
            Op::Aside(due) => {
                if self.bytes.is_empty() && self.aside.is_none() {
                    let mut room = Room::default();
                    room.append(3, due, 1 << 20).copy_from_slice(b"abc");
                    room.expect(due);
                    self.buf.read_aside(room);
                    let bytes = b"abc".to_vec();
                    self.aside = Some(Aside { bytes, due });
                }
            }
            Op::TakeAside => {
                let room = self.buf.take_aside();
                assert_eq!(room.is_some(), self.aside.is_some());
                if let (Some(room), Some(aside)) = (room, self.aside.take()) {
                    assert_eq!((room.filled(), room.due()), (&aside.bytes[..], aside.due));
                    if room.due() > 0 {
                        self.buf.read_aside(room);
                        self.aside = Some(aside);
                    }
                }
            }
            Op::CutOff(each, due) => self.buf.cut_off(each, due),
            Op::Give(n, back) => {
                let n = n.min(self.bytes.len());
                self.buf.give(n);
                let given = self.buf.given().map(|given| given.rest().to_vec());
                assert_eq!(given, Some(self.bytes.drain(..n).collect()));
                if back {
                    self.buf.take_given();
                    assert!(self.buf.given().is_none());
                }
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
        }
        assert!(self.kept.iter().all(|(data, was)| data == was));
        assert_eq!(self.buf.filled(), self.bytes);
        assert_eq!(self.buf.received(), self.received);
        let aside = self.aside.as_ref().map_or(&[][..], |aside| &aside.bytes);
        for n in [1, 10, 1000] {
            let all = [aside, &self.bytes].concat();
            let latest = self.buf.latest(n).concat();
            assert_eq!(latest, all[all.len().saturating_sub(n)..]);
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

proptest! {
    // Each moves megabytes.
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 1 } else { 40 }))]

    #[test]
    fn what_leaves_with_its_storage_stays_what_it_was(
        each in 10_300..60_000_usize,
        ops in vec(prop_oneof![3 => Just(Op::ReadHot), 3 => (0..10_usize).prop_map(Op::Leave), 1 => op()], 0..40),
    ) {
        let mut twin = Twin::default();
        // It is sure of their length.
        twin.apply(&Op::CutOff(each, 0));
        for n in [0, 0, each] {
            twin.apply(&Op::ReadHot);
            twin.apply(&Op::Taken(true));
            twin.apply(&Op::Consume(usize::MAX));
            twin.apply(&Op::Leave(n));
        }
        for _ in 0..3 {
            twin.apply(&Op::ReadHot);
            twin.apply(&Op::Leave(4));
        }
        prop_assert!(!twin.kept.is_empty(), "some leave");
        ops.iter().for_each(|op| twin.apply(op));
    }
}
