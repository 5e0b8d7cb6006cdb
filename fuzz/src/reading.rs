//! The ways in which a transport hands over what it received.

use bytes::BytesMut;
use ws_core::buf::{Pool, RecvBuf};

use crate::input::Input;

/// How bytes get into a receive buffer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Way {
    /// Into storage of the transport's own, as io_uring does.
    Completion,
    /// By a copy.
    Extend,
    /// Into as much of storage that a pool lends as stays in the cache, as the drivers do.
    Hot,
    /// Into the spare room of storage that is lent for one burst.
    Lent,
    /// Into the spare room, as a readiness loop does.
    Spare,
}

/// A way, and how large the storage is that it brings along.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reads {
    pub(crate) way: Way,
    storage: usize,
}

impl Reads {
    pub(crate) const PLAIN: Self = Self {
        way: Way::Spare,
        storage: 0,
    };

    pub(crate) fn choose(input: &mut Input<'_>) -> Self {
        Self {
            way: input.pick(&[
                Way::Spare,
                Way::Extend,
                Way::Completion,
                Way::Lent,
                Way::Hot,
            ]),
            storage: input.pick(&[4096, 1, 20, 300, 65_536]),
        }
    }

    /// Hands `data` over.
    pub(crate) fn receive(self, buf: &mut RecvBuf, mut data: &[u8]) {
        match self.way {
            Way::Completion => {
                let storage = buf.take_storage().filter(|own| own.len() >= data.len());
                let mut storage = storage.unwrap_or_else(|| self.storage(data.len()));
                storage[..data.len()].copy_from_slice(data);
                drop(buf.put_storage(storage, data.len()));
            }
            Way::Extend => buf.extend_from_slice(data),
            Way::Hot | Way::Lent | Way::Spare => {
                if self.way == Way::Lent {
                    drop(buf.put_storage(self.storage(0), 0));
                }
                while !data.is_empty() {
                    let room = if self.way == Way::Hot {
                        Pool::new().supply(buf);
                        buf.spare_hot()
                    } else {
                        buf.spare()
                    };
                    assert!(!room.is_empty());
                    let n = room.len().min(data.len());
                    room[..n].copy_from_slice(&data[..n]);
                    buf.commit(n);
                    data = &data[n..];
                }
            }
        }
    }

    /// After a burst, lent storage goes back.
    pub(crate) fn settle(self, buf: &mut RecvBuf) {
        if self.way == Way::Lent {
            let held = buf.filled().len();
            if buf.take_storage().is_some() {
                assert_eq!((buf.filled().len(), buf.capacity()), (held, held));
            }
        }
    }

    fn storage(self, least: usize) -> BytesMut {
        BytesMut::zeroed(self.storage.max(least))
    }
}
