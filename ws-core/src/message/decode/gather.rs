//! Messages that do not stay in the receive buffer: what they may become, and how they are put
//! together from fragments, from a frame too long to wait for, or from compressed data.

use super::{ASIDE_MIN, Decoder, Frame, Place, Step, What};
use crate::deflate::Inflater;
use crate::error::ProtocolError;
use crate::frame::{Header, OpCode, mask};
use crate::message::assemble::Assembly;
use crate::message::{Delivery, Kind};

/// What is under way, of which `Decoder::message` alone says nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stage {
    /// Nothing: the next byte is a header's.
    Idle,
    /// A frame in the receive buffer, and no message besides.
    Frame,
    /// A message under way.
    Coming,
    /// One that is complete, and was lent out by the last step.
    Whole,
    /// Messages that were given away: the last step found one of them.
    Given,
    /// The same, and that one was taken.
    Rest,
}

impl<T> Decoder<T> {
    /// Checks a data frame of such a message.
    #[inline(never)]
    pub(super) fn admit_rest(&mut self, header: &Header) -> Result<(usize, Place), ProtocolError> {
        let under_way = self.message.as_ref().filter(|_| self.stage != Stage::Idle);
        let kind = match (header.opcode, under_way) {
            (OpCode::Text, None) => Kind::Text,
            (OpCode::Binary, None) => Kind::Binary,
            (OpCode::Continuation, Some(message)) => message.kind(),
            (OpCode::Continuation, None) => return Err(ProtocolError::ContinuationWithoutStart),
            _ => return Err(ProtocolError::DataInsideFragmented),
        };
        let (max_frame, max_message) = (self.rare.limits.max_frame, self.rare.limits.max_message);
        let len = usize::try_from(header.len)
            .ok()
            .filter(|&len| len <= max_frame);
        let Some(len) = len else {
            return Err(ProtocolError::FrameTooLarge {
                len: header.len,
                limit: max_frame as u64,
            });
        };
        let whole = header.fin && under_way.is_none();
        let compressed = header.rsv1 || under_way.is_some_and(|message| message.is_compressed());
        let before = under_way.map_or(0, |message| message.len());
        let after = before.checked_add(len);
        if after.is_none_or(|total| total > max_message) && !compressed {
            return Err(self.too_large());
        }
        if self.stage == Stage::Idle {
            // RSV1 is only let through on the first frame of a message.
            self.open(kind, header.rsv1, len);
        }
        let message = self.message.get_or_insert_default();
        if let Some(packed) = message.packed() {
            *packed = packed.saturating_add(len);
            if *packed > self.rare.limits.max_packed() {
                return Err(self.too_large());
            }
        }
        if !whole {
            message.admit(len, &self.rare.limits)?;
        }
        Ok((len, Place::Assembly))
    }

    /// Begins a message, of which `len` bytes are announced.
    pub(super) fn open(&mut self, kind: Kind, packed: bool, len: usize) {
        let streams = self.delivery == Delivery::Chunks;
        let (max, buf) = (self.rare.limits.max_message, &mut self.buf);
        let storage = (len, || buf.take_kept(len));
        let message = self.message.get_or_insert_default();
        message.start(kind, packed, max, streams, storage);
        self.stage = Stage::Coming;
    }

    fn too_large(&self) -> ProtocolError {
        ProtocolError::MessageTooLarge {
            limit: self.rare.limits.max_message as u64,
        }
    }

    /// Looks at what has arrived of a long frame, where that is read straight into its message and more
    /// of it is to come. `None` if there is no such frame.
    #[inline]
    pub(super) fn look_aside(&mut self) -> Option<Result<(), ProtocolError>> {
        let room = self.buf.room().filter(|room| !room.is_full());
        let (Some(frame), Some(message), Some(room)) = (&mut self.frame, &mut self.message, room)
        else {
            return None;
        };
        let left = frame.len - frame.done;
        let fresh = left.saturating_sub(room.due()).min(room.len());
        let key = frame.head.key.map(|key| (key, frame.done));
        let looked = message.look_into(room, fresh, key);
        if looked.is_ok() {
            frame.done += fresh;
        }
        Some(looked)
    }

    /// Moves what there is of the payload to the assembly.
    #[inline(never)]
    pub(super) fn collect(&mut self, mut frame: Frame) -> Result<Option<Step>, ProtocolError> {
        let Some(message) = &mut self.message else {
            return Ok(None);
        };
        let key = frame.head.key;
        if let Some(room) = self.buf.take_aside() {
            let left = frame.len - frame.done;
            let fresh = left.saturating_sub(room.due()).min(room.len());
            message.take_room(room, fresh, key.map(|key| (key, frame.done)))?;
            frame.done += fresh;
        }
        let limit = self.rare.limits.max_message;
        let left = frame.len - frame.done;
        let filled = self.buf.filled_mut();
        let there = filled.len().min(left);
        let block = &mut filled[..there];
        let packed = message.is_compressed();
        match self.rare.inflater() {
            Some(inflater) if packed => {
                if let Some(key) = key {
                    mask(block, key, frame.done);
                }
                unpack(inflater, message, block, limit)?;
            }
            _ => message.push(block, key.map(|key| (key, frame.done)), left)?,
        }
        frame.done += there;
        self.buf.consume(there);
        if frame.done < frame.len {
            let due = frame.len - frame.done;
            if due >= ASIDE_MIN && !packed {
                if let Some(room) = message.lend_room(due) {
                    self.buf.read_aside(room);
                }
            }
            self.hold(frame);
            return Ok(None);
        }
        if !frame.head.fin {
            return Ok(None);
        }
        match self.rare.inflater() {
            Some(inflater) if packed => inflater.finish()?,
            _ => {}
        }
        message.finish()?;
        self.stage = Stage::Whole;
        let alone = frame.head.opcode != OpCode::Continuation && !packed;
        self.rare.found = alone.then_some(frame.head);
        Ok(Some(What::Assembled.elsewhere()))
    }
}

/// Decompresses a block into the message, which stops one byte beyond the limit.
fn unpack(
    inflater: &mut Inflater,
    message: &mut Assembly,
    mut block: &[u8],
    limit: usize,
) -> Result<(), ProtocolError> {
    loop {
        let room = (limit - message.len()).saturating_add(1);
        let (used, made) = inflater.inflate(block, room)?;
        if used == 0 && made.is_empty() {
            return Ok(());
        }
        if made.len() == room {
            let limit = limit as u64;
            return Err(ProtocolError::MessageTooLarge { limit });
        }
        message.push(made, None, made.len())?;
        block = &block[used..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    use crate::Role;
    use crate::buf::RecvBuf;
    use crate::message::assemble::Lent;
    use crate::message::{Assembled, Limits};

    #[test]
    fn a_long_frame_is_read_into_the_storage_of_the_one_before_until_that_is_released() {
        let limits = Limits::default();
        let (buf, whole) = (RecvBuf::new(), Delivery::Messages);
        let mut decoder = Decoder::new(Role::Client, buf, &limits, whole, None, ());
        let head = [0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70];
        let message = [&head[..], &[7; 70_000]].concat();
        let mut seen = None;
        for _ in 0..3 {
            let mut rest = &message[..];
            while !rest.is_empty() {
                let room = decoder.buf_mut().spare();
                let n = rest.len().min(room.len()).min(1000);
                room[..n].copy_from_slice(&rest[..n]);
                decoder.buf_mut().commit(n);
                rest = &rest[n..];
                let found = decoder.step();
                let whole = Some(What::Assembled.elsewhere());
                assert_eq!(found, whole.filter(|_| rest.is_empty()));
                // Behind the first read nothing of a long frame passes through the buffer.
                let aside = decoder.buf_mut().spare().len() > 16 * 1024 || rest.len() < ASIDE_MIN;
                assert!(aside || rest.is_empty(), "{}", rest.len());
            }
            let Some(Lent::Binary(data)) = decoder.assembled() else {
                panic!("a whole message");
            };
            assert_eq!(data, [7; 70_000]);
            let at = data.as_ptr();
            assert_eq!(*seen.get_or_insert(at), at, "the same storage");
        }
        assert_eq!(decoder.step(), None);
        assert_eq!(decoder.buf_mut().take_kept(70_000).len(), 70_000);
    }

    #[test]
    fn what_is_looked_at_while_it_arrives_is_given_back_masked() {
        let (limits, key) = (Limits::default(), crate::frame::MaskKey::new([1, 2, 3, 4]));
        let data: Vec<u8> = (0_u32..3 << 19).map(|i| i.to_le_bytes()[1]).collect();
        let mut wire = vec![0x82, 0xff, 0, 0, 0, 0, 0, 0x18, 0, 0, 1, 2, 3, 4];
        let head = wire.len();
        wire.extend_from_slice(&data);
        mask(&mut wire[head..], key, 0);
        for (read, stop) in [
            (50_000, wire.len()),
            (7777, wire.len()),
            (50_000, 1_200_000),
        ] {
            let (buf, whole) = (RecvBuf::new(), Delivery::Messages);
            let mut decoder = Decoder::new(Role::Server, buf, &limits, whole, None, ());
            for piece in wire[..stop].chunks(read) {
                assert_eq!(decoder.step(), None);
                decoder.buf_mut().extend_from_slice(piece);
            }
            if stop < wire.len() {
                assert_eq!(decoder.step(), None);
                let done = decoder.frame.as_ref().map(|frame| frame.done);
                assert_eq!(done, Some(stop - head));
                assert_eq!(decoder.into_leftover(None), wire[..stop]);
                continue;
            }
            assert_eq!(decoder.step(), Some(What::Assembled.elsewhere()));
            assert!(matches!(decoder.assembled(), Some(Lent::Binary(found)) if found == data));
        }
    }

    #[test]
    fn long_text_is_looked_at_as_it_arrives() {
        let limits = Limits::default();
        let (buf, whole) = (RecvBuf::new(), Delivery::Messages);
        let mut decoder = Decoder::new(Role::Server, buf, &limits, whole, None, ());
        let mut wire = vec![0x81, 0xff, 0, 0, 0, 0, 0, 0x18, 0, 0, 0, 0, 0, 0];
        wire.resize(400_000, b'a');
        wire[120_000] = 0xff;
        let refused = wire.chunks(50_000).position(|piece| {
            decoder.buf_mut().extend_from_slice(piece);
            decoder.step().is_some_and(|step| step.what == What::Fault)
        });
        assert_eq!(refused, Some(2), "the third piece is not UTF-8");
    }

    #[test]
    fn who_waits_behind_a_message_that_was_taken_holds_nothing_of_it() {
        let limits = Limits::default();
        let (buf, whole) = (RecvBuf::new(), Delivery::Messages);
        let mut decoder = Decoder::new(Role::Client, buf, &limits, whole, None, ());
        let fragments = b"\x02\x01a\x80\x01b";
        decoder.buf_mut().extend_from_slice(fragments);
        assert_eq!(decoder.step(), Some(What::Assembled.elsewhere()));
        assert_eq!(decoder.take_assembled().map(|taken| taken.len()), Some(2));
        assert_eq!(decoder.step(), None);
        assert!(decoder.message.is_none());
    }

    #[test]
    fn what_the_application_still_has_is_not_used_again() {
        let limits = Limits::default();
        let (buf, whole) = (RecvBuf::new(), Delivery::Messages);
        let mut decoder = Decoder::new(Role::Client, buf, &limits, whole, None, ());
        let mut owned = |byte, last: Option<*const u8>| {
            let head = [0x02, 126, 0x20, 0, 0x80, 0];
            let frames = [&head[..4], &[byte; 0x2000], &head[4..]].concat();
            decoder.buf_mut().extend_from_slice(&frames);
            assert_eq!(decoder.step(), Some(What::Assembled.elsewhere()));
            let Some(Assembled::Binary(data)) = decoder.take_assembled() else {
                panic!("a whole message");
            };
            assert_eq!(data, &[byte; 0x2000][..]);
            (data.clone(), last.is_some_and(|last| last == data.as_ptr()))
        };
        let (first, _) = owned(1, None);
        let at = first.as_ptr();
        let (second, same) = owned(2, Some(at));
        assert!(!same && first == [1; 0x2000][..]);
        let at = second.as_ptr();
        drop(second);
        assert!(owned(3, Some(at)).1, "it was given up");
    }
}
