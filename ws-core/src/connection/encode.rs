//! Payloads to frames in the send queue: headers, masks and cuts.
//!
//! Knows which end masks and where long messages are cut; not what may be sent, nor when.

use bytes::Bytes;

use super::config::Config;
use crate::buf::SendBuf;
use crate::deflate::Packed;
use crate::frame::{
    Header, MAX_CONTROL, MaskKey, OpCode, append_any, frame_long, frame_long_masked, frame_short,
};
use crate::message::{Encoded, Kind};
use crate::seed::Keys;

#[derive(Debug)]
pub(super) struct Encoder {
    pub(super) buf: SendBuf,
    keys: Option<Keys>,
    /// The longest payload that goes out in one frame; the largest number is no limit.
    longest: u32,
    share_min: u32,
}

impl Encoder {
    pub(super) fn new(keys: Option<Keys>, config: &Config) -> Self {
        Self {
            buf: SendBuf::new(config.send_limit),
            keys,
            // Beyond 4 GiB, a little less is as good.
            longest: config.fragment_size.map_or(u32::MAX, |size| {
                u32::try_from(size.get()).map_or(u32::MAX - 1, |size| size.min(u32::MAX - 1))
            }),
            share_min: config.share_min.try_into().unwrap_or(u32::MAX),
        }
    }

    /// Queues a message: copied, and masked by a client, in as many frames as it takes.
    pub(super) fn data(&mut self, kind: Kind, payload: &[u8]) {
        self.message(kind.opcode(), payload);
    }

    /// Is a message of this length one more frame behind others that are copied, and no more than
    /// that? Then [`short`](Self::short), [`long`](Self::long) and [`masked`](Self::masked) are for it.
    #[inline(always)]
    pub(super) fn is_plain(&self, len: usize) -> bool {
        (len <= self.longest as usize) & self.buf.is_plain()
    }

    /// Queues a message, unmasked, if it is short and there is room: no call, and no loop. Says whether
    /// it has.
    #[inline(always)]
    pub(super) fn short(&mut self, opcode: OpCode, payload: &[u8]) -> bool {
        frame_short(self.buf.arena(), opcode, None, payload)
    }

    /// Queues a message, unmasked, if there is room. Says whether it has.
    #[inline(always)]
    pub(super) fn long(&mut self, opcode: OpCode, payload: &[u8]) -> bool {
        frame_long(self.buf.arena(), opcode, payload)
    }

    /// Queues a message, masked, if a key is ready. Says whether it has.
    #[inline(always)]
    pub(super) fn masked(&mut self, opcode: OpCode, payload: &[u8]) -> bool {
        let Some(key) = self.keys.as_mut().and_then(Keys::ready) else {
            return false;
        };
        if !frame_short(self.buf.arena(), opcode, Some(key), payload) {
            self.long_masked(opcode, key, payload);
        }
        true
    }

    /// [`masked`](Self::masked) for what is not short.
    #[inline(never)]
    fn long_masked(&mut self, opcode: OpCode, key: MaskKey, payload: &[u8]) {
        if !frame_long_masked(self.buf.arena(), opcode, key, payload) {
            self.whole(opcode, payload, Some(key));
        }
    }

    /// Queues a message as one frame, whatever it takes.
    #[cold]
    #[inline(never)]
    fn whole(&mut self, opcode: OpCode, payload: &[u8], key: Option<MaskKey>) {
        self.put(opcode, true, false, payload, key);
    }

    /// Queues a message of which this is the opcode, whatever it takes.
    #[inline]
    pub(super) fn message(&mut self, opcode: OpCode, payload: &[u8]) {
        if payload.len() > self.longest() {
            return self.cut(opcode, false, payload);
        }
        if let Some(payload) = self.lent(payload) {
            return self.share(opcode, false, payload);
        }
        let key = self.key();
        self.whole(opcode, payload, key);
    }

    /// The payload without a copy, if it is part of the message that is lent to the application.
    fn lent(&self, payload: &[u8]) -> Option<Bytes> {
        if self.shares(payload.len()) {
            self.buf.share_lent(payload)
        } else {
            None
        }
    }

    /// Queues a message without copying it, if it is worth that.
    pub(super) fn shared(&mut self, kind: Kind, payload: Bytes) {
        if self.shares(payload.len()) {
            self.share(kind.opcode(), false, payload);
        } else {
            self.data(kind, &payload);
        }
    }

    /// Queues a message that was compressed: its first frame says so (RFC 7692 §6). A way of its
    /// own, so that what is not compressed need not ask.
    #[cold]
    pub(super) fn packed(&mut self, kind: Kind, packed: Packed) {
        let payload = packed.bytes();
        if self.shares(payload.len()) {
            return self.share(kind.opcode(), true, packed.into_vec().into());
        }
        if payload.len() > self.longest() {
            self.cut(kind.opcode(), true, payload);
        } else {
            let key = self.key();
            self.put(kind.opcode(), true, true, payload, key);
        }
        packed.give_back();
    }

    /// Queues a frame that was encoded before, for any number of connections; one that is longer than
    /// a fragment may be is cut, and its payload shared all the same.
    pub(super) fn prepared(&mut self, kind: Kind, frame: &Encoded) {
        if frame.payload().len() > self.longest() {
            self.share(kind.opcode(), frame.is_packed(), frame.payload());
        } else {
            self.buf.push_encoded(frame.bytes());
        }
    }

    /// The longest payload that goes out in one frame.
    #[inline]
    const fn longest(&self) -> usize {
        match self.longest {
            u32::MAX => usize::MAX,
            longest => longest as usize,
        }
    }

    /// Does this end mask what it sends? Then every frame is its own.
    pub(super) fn masks(&self) -> bool {
        self.keys.is_some()
    }

    /// Is a payload of this length worth being queued without a copy? Not if it must be masked.
    pub(super) fn shares(&self, len: usize) -> bool {
        self.keys.is_none() && len >= self.share_min as usize && len > 0
    }

    /// Queues a message without a copy, in as many frames as it takes.
    fn share(&mut self, mut opcode: OpCode, rsv1: bool, mut payload: Bytes) {
        let size = self.longest();
        loop {
            let piece = payload.split_to(payload.len().min(size));
            let mut head = [0; Header::MAX_LEN];
            let n = Header {
                fin: payload.is_empty(),
                rsv1: rsv1 && opcode != OpCode::Continuation,
                opcode,
                key: None,
                len: piece.len() as u64,
            }
            .encode(&mut head);
            self.buf.push_shared(&head[..n], piece);
            if payload.is_empty() {
                return;
            }
            self.buf.cut();
            opcode = OpCode::Continuation;
        }
    }

    /// Queues a message as fragments.
    #[cold]
    fn cut(&mut self, opcode: OpCode, rsv1: bool, payload: &[u8]) {
        if let Some(payload) = self.lent(payload) {
            return self.share(opcode, rsv1, payload);
        }
        let size = self.longest();
        let last = (payload.len() - 1) / size;
        for (i, piece) in payload.chunks(size).enumerate() {
            if i == 0 {
                let key = self.key();
                self.put(opcode, i == last, rsv1, piece, key);
            } else {
                self.buf.cut();
                self.frame(OpCode::Continuation, i == last, piece);
            }
        }
    }

    /// Appends a frame to the queue: copied, and masked by a client.
    #[inline]
    pub(super) fn frame(&mut self, opcode: OpCode, fin: bool, payload: &[u8]) {
        let key = self.key();
        self.put(opcode, fin, false, payload, key);
    }

    /// Appends the frame with which a compressed message begins that is sent piece by piece.
    pub(super) fn first_packed(&mut self, kind: Kind, payload: &[u8]) {
        let key = self.key();
        self.put(kind.opcode(), false, true, payload, key);
    }

    /// The key of the next frame, if this end masks.
    #[inline]
    fn key(&mut self) -> Option<MaskKey> {
        self.keys.as_mut().map(Keys::mask)
    }

    #[inline(always)]
    fn put(&mut self, opcode: OpCode, fin: bool, rsv1: bool, payload: &[u8], key: Option<MaskKey>) {
        let len = payload.len();
        let header = Header {
            fin,
            rsv1,
            opcode,
            key,
            len: len as u64,
        };
        let out = self.buf.room(Header::ROOM + len);
        header.append(out);
        match key {
            Some(key) => append_any(out, payload, key, 0),
            None => out.extend_from_slice(payload),
        }
    }

    /// Encodes a control frame on its own.
    pub(super) fn control<'a>(
        &mut self,
        opcode: OpCode,
        payload: &[u8],
        out: &'a mut [u8; Header::MAX_LEN + MAX_CONTROL],
    ) -> &'a [u8] {
        let key = self.key();
        let mut head = [0; Header::MAX_LEN];
        let len = payload.len();
        let n = Header {
            fin: true,
            rsv1: false,
            opcode,
            key,
            len: len as u64,
        }
        .encode(&mut head);
        out[..n].copy_from_slice(&head[..n]);
        out[n..n + len].copy_from_slice(payload);
        if let Some(key) = key {
            crate::frame::mask(&mut out[n..n + len], key, 0);
        }
        &out[..n + len]
    }
}
