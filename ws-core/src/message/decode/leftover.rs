//! Giving back what was received and not handed out, to whoever reads the transport next.
//!
//! Frames that were opened are put together again; nothing is decoded.

use alloc::vec::Vec;

use bytes::Bytes;

use super::{Decoder, Frame, Head, Place, Span, Stage};
use crate::frame::{Header, MaskKey, MaskRule, OpCode, mask};
use crate::message::Delivery;

impl<T> Decoder<T> {
    /// What was received and not handed out, as it was on the wire; `untaken` was found and not handed
    /// out. Nothing if its beginning is gone, with frames of a message that were put together.
    pub(crate) fn into_leftover(mut self, untaken: Option<Span>) -> Bytes {
        let assembled = match self.stage {
            Stage::Idle | Stage::Frame => false,
            Stage::Coming => true,
            Stage::Whole => untaken.is_some(),
            Stage::Given | Stage::Rest => return self.rest_of_batch(untaken.is_some()).into(),
        };
        if assembled {
            return self.unassembled().unwrap_or_default().into();
        }
        let frame = match untaken {
            Some(Span { at: 0, len }) => self.rare.found.map(|head| Frame {
                head,
                len: len as usize,
                done: len as usize,
                place: Place::Assembly,
            }),
            // The header is still there.
            Some(span) => {
                // There is less if the buffer was exchanged.
                let filled = self.buf.filled_mut();
                let at = usize::from(span.at).min(filled.len());
                let (head, payload) = filled.split_at_mut(at);
                let len = payload.len().min(span.len as usize);
                if let (MaskRule::Required, Some(&key)) = (self.rules.mask, head.last_chunk()) {
                    mask(&mut payload[..len], MaskKey::new(key), 0);
                }
                None
            }
            None => {
                self.give_back();
                self.frame.map(|frame| *frame)
            }
        };
        let Some(frame) = frame else {
            return Bytes::copy_from_slice(self.buf.filled());
        };
        again(&frame, self.buf.filled(), &[]).into()
    }

    /// The frame that was assembled, or is under way to that, if it is its message's first.
    fn unassembled(&mut self) -> Option<Vec<u8>> {
        if self.delivery == Delivery::Chunks {
            return None;
        }
        let lent = self.buf.take_aside();
        let message = self.message.as_mut()?;
        if let Some(data) = message.data() {
            let payload = data.as_bytes();
            let (len, done) = (payload.len(), payload.len());
            let head = self.rare.found.filter(|_| self.stage == Stage::Whole)?;
            let place = Place::Assembly;
            let frame = Frame {
                head,
                len,
                done,
                place,
            };
            return Some(again(&frame, payload, self.buf.filled()));
        }
        let frame = *self.frame.take()?;
        let room = lent.or_else(|| message.lend_room(0))?;
        let first = matches!(frame.head.opcode, OpCode::Text | OpCode::Binary);
        let first = first && !message.is_compressed();
        (first && room.len() >= frame.done).then(|| again(&frame, room.filled(), self.buf.filled()))
    }
}

/// A frame as it was received, of whose payload `done` bytes were unmasked, and what came behind it.
fn again(frame: &Frame, payload: &[u8], behind: &[u8]) -> Vec<u8> {
    let Head { opcode, fin, key } = frame.head;
    // There is one encoding of each length only, so this is the header that was received.
    let mut head = [0; Header::MAX_LEN];
    let n = Header {
        fin,
        rsv1: false,
        opcode,
        key,
        len: frame.len as u64,
    }
    .encode(&mut head);
    let mut wire = [&head[..n], payload, behind].concat();
    if let Some(key) = key {
        let end = wire.len().min(n + frame.done);
        mask(&mut wire[n..end], key, 0);
    }
    wire
}
