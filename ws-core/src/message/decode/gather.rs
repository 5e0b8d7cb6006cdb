//! Messages that do not stay in the receive buffer: what they may become, and how they are put
//! together from fragments, from a frame too long to wait for, or from compressed data.

use alloc::boxed::Box;

use super::{BLOCK, Decoder, Frame, Place, Step, What};
use crate::deflate::Inflater;
use crate::error::ProtocolError;
use crate::frame::{Header, OpCode, mask};
use crate::message::assemble::Assembly;
use crate::message::{Delivery, Kind};

impl<T> Decoder<T> {
    /// Checks a data frame of such a message.
    #[inline(never)]
    pub(super) fn admit_rest(&mut self, header: &Header) -> Result<(usize, Place), ProtocolError> {
        let kind = match (header.opcode, &self.message) {
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
        let whole = header.fin && self.message.is_none();
        let streams = self.delivery == Delivery::Chunks;
        let before = self.message.as_ref().map_or(0, |message| message.len());
        let after = before.checked_add(len);
        if after.is_none_or(|total| total > max_message) && !self.is_compressed(header) {
            return Err(self.too_large());
        }
        // RSV1 is only let through on the first frame of a message.
        let rare = &mut self.rare;
        let message = self.message.get_or_insert_with(|| {
            let spare = rare.take_spare();
            Box::new(Assembly::new(
                kind,
                header.rsv1,
                max_message,
                streams,
                spare,
            ))
        });
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

    /// Does the frame belong to a compressed message?
    fn is_compressed(&self, header: &Header) -> bool {
        let message = self.message.as_ref();
        header.rsv1 || message.is_some_and(|message| message.is_compressed())
    }

    fn too_large(&self) -> ProtocolError {
        ProtocolError::MessageTooLarge {
            limit: self.rare.limits.max_message as u64,
        }
    }

    /// Moves what there is of the payload to the assembly.
    #[inline(never)]
    pub(super) fn collect(&mut self, mut frame: Frame) -> Result<Option<Step>, ProtocolError> {
        let Some(message) = &mut self.message else {
            return Ok(None);
        };
        let filled = self.buf.filled_mut();
        let there = filled.len().min(frame.len - frame.done);
        for block in filled[..there].chunks_mut(BLOCK) {
            let limit = self.rare.limits.max_message;
            let masked = frame.head.key.map(|key| (key, frame.done));
            match self.rare.inflater() {
                Some(inflater) if message.is_compressed() => {
                    if let Some((key, phase)) = masked {
                        mask(block, key, phase);
                    }
                    unpack(inflater, message, block, limit)?;
                }
                _ => message.push(block, masked, frame.len - frame.done)?,
            }
            frame.done += block.len();
        }
        self.buf.consume(there);
        self.buf.want(0);
        if frame.done < frame.len {
            self.hold(frame);
            return Ok(None);
        }
        if !frame.head.fin {
            return Ok(None);
        }
        match self.rare.inflater() {
            Some(inflater) if message.is_compressed() => inflater.finish()?,
            _ => {}
        }
        message.finish()?;
        self.complete = true;
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
    use crate::Role;
    use crate::buf::RecvBuf;
    use crate::message::{Assembled, Limits};

    #[test]
    fn storage_is_kept_for_the_next_message_only_while_there_is_more_to_decode() {
        let limits = Limits::default();
        let (buf, whole) = (RecvBuf::new(), Delivery::Messages);
        let mut decoder = Decoder::new(Role::Client, buf, &limits, whole, None, ());
        let head = [0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70];
        let message = [&head[..], &[7; 70_000]].concat();
        let received = [&message[..], &message[..]].concat();
        for _ in 0..2 {
            decoder.buf_mut().extend_from_slice(&received);
            let mut seen = None;
            for _ in 0..2 {
                assert_eq!(decoder.step(), Some(What::Assembled.elsewhere()));
                let Some(Assembled::Binary(data)) = decoder.assembled() else {
                    panic!("a whole message");
                };
                assert_eq!(data, &[7; 70_000][..]);
                let at = data.as_ptr();
                assert_eq!(*seen.get_or_insert(at), at, "the same storage");
            }
            assert_eq!(decoder.step(), None);
            let spare = decoder.rare.never.as_ref().map(|it| it.spare.capacity());
            assert_eq!(spare.unwrap_or(0), 0, "nothing more to decode");
        }
    }
}
