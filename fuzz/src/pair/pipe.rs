//! One direction of a transport.

use bytes::BytesMut;
use ws_core::TransportEnd;

#[derive(Debug)]
pub(super) struct Pipe {
    bytes: BytesMut,
    /// How many bytes it holds at most.
    pub(super) room: usize,
    /// The writer has finished.
    pub(super) fin: bool,
    /// Nothing can be written any more; what is in it can still be read.
    pub(super) broken: bool,
}

impl Pipe {
    pub(super) fn new(room: usize) -> Self {
        Self {
            bytes: BytesMut::new(),
            room,
            fin: false,
            broken: false,
        }
    }

    /// Takes what there is room for; `None` if it is broken.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Option<usize> {
        if self.broken {
            return None;
        }
        let n = bytes.len().min(self.room.saturating_sub(self.bytes.len()));
        self.bytes.extend_from_slice(&bytes[..n]);
        Some(n)
    }

    /// Gives what there is, which may be nothing yet.
    pub(super) fn read(&mut self, room: &mut [u8]) -> Result<usize, TransportEnd> {
        if self.bytes.is_empty() {
            return match (self.fin, self.broken) {
                (true, _) => Err(TransportEnd::Eof),
                (false, true) => Err(TransportEnd::Reset),
                (false, false) => Ok(0),
            };
        }
        let n = room.len().min(self.bytes.len());
        room[..n].copy_from_slice(&self.bytes.split_to(n));
        Ok(n)
    }
}
