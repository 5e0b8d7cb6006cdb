//! Frames that are delivered from where the transport put them: short messages, those that are all
//! there, and control frames.

use bytes::Bytes;

use super::{Decoder, Frame, IN_PLACE_MAX, Place, Span, Stage, Step, WAIT_MAX, What};
use crate::error::ProtocolError;
use crate::frame::{MaskKey, MaskRule, OpCode, mask};
use crate::message::Delivery;

impl<T> Decoder<T> {
    /// How long a message may be to be delivered from the receive buffer, if it is to be taken away or
    /// if it is to be lent. It is taken away with the buffer's storage if that has the size for it.
    pub(super) fn prefer(&mut self, taken: bool) {
        self.buf.expect_taken(taken);
        let most = if taken && !self.buf.expects_leaving() {
            WAIT_MAX
        } else {
            IN_PLACE_MAX
        };
        let short = match self.delivery {
            Delivery::Chunks => 0,
            Delivery::Messages => self.rare.limits.max_short().min(most) + 1,
        };
        self.short = u32::try_from(short).unwrap_or(u32::MAX);
    }

    /// Takes away a long message that a step found. Its storage goes with it where that is just as long.
    #[inline(never)]
    pub(super) fn take_long(&mut self, span: Span) -> Bytes {
        if let Some(data) = self.buf.leave(span.range()) {
            // There is nothing to take back.
            self.lent = 0;
            return data;
        }
        self.prefer(true);
        Bytes::copy_from_slice(self.payload(span))
    }

    /// The common case of [`step`](Self::step), decided in a few comparisons: a message of less than
    /// 64 KiB, alone in its frame and all there. Everything else, faults included, is left to the
    /// slow path.
    #[inline(always)]
    pub(crate) fn step_whole(&mut self) -> Option<Step> {
        self.give_back();
        if self.stage != Stage::Idle {
            return None;
        }
        let masked = self.rules.mask == MaskRule::Required;
        let bytes = self.buf.filled_mut();
        // What `Header::short` does, written out: with a call, `read()` takes a sixth more instructions.
        let [first @ (0x81 | 0x82), second, ..] = *bytes else {
            return None;
        };
        let short = if masked { second ^ 0x80 } else { second };
        let (at, len) = match (short, bytes.get(2..4)) {
            (0..=125, _) => (2, usize::from(short)),
            (126, Some(&[a, b])) if a > 0 || b > 125 => {
                (4, usize::from(u16::from_be_bytes([a, b])))
            }
            _ => return None,
        };
        let at = if masked { at + 4 } else { at };
        if bytes.len() < at + len || len >= self.short as usize {
            return None;
        }
        if masked {
            let (head, payload) = bytes.split_at_mut(at);
            let key = *head.last_chunk()?;
            mask(&mut payload[..len], MaskKey::new(key), 0);
        }
        self.lend(at + len);
        let what = if first == 0x81 {
            What::Text
        } else {
            What::Binary
        };
        Some(Step {
            what,
            span: Span::new(at, len),
        })
    }

    /// Waits in the receive buffer until the payload is complete.
    pub(super) fn wait(&mut self, mut frame: Frame) -> Result<Option<Step>, ProtocolError> {
        let len = frame.len;
        let filled = self.buf.filled_mut();
        let there = filled.len().min(len);
        // What was looked at is missing if the buffer was exchanged.
        let fresh = filled.get_mut(frame.done..there).unwrap_or_default();
        let opcode = frame.head.opcode;
        if let Some(key) = frame.head.key {
            mask(fresh, key, frame.done);
        }
        if there < len {
            if let (OpCode::Text, Place::Buffer(utf8)) = (opcode, &mut frame.place) {
                utf8.feed(fresh).map_err(|_| ProtocolError::InvalidUtf8)?;
            }
            frame.done = there;
            self.hold(frame);
            return Ok(None);
        }
        self.lend(len);
        let what = match opcode {
            OpCode::Text => What::Text,
            OpCode::Binary | OpCode::Continuation => What::Binary,
            OpCode::Close => What::Close,
            OpCode::Ping => What::Ping,
            OpCode::Pong => What::Pong,
        };
        self.rare.found = Some(frame.head);
        Ok(Some(Step {
            what,
            span: Span::new(0, len),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;
    use crate::buf::{Pool, RecvBuf};
    use crate::message::Limits;
    use alloc::vec::Vec;

    #[test]
    fn of_long_frames_that_follow_each_other_only_the_first_is_cut_off_by_a_read() {
        let limits = Limits::default();
        let (buf, whole) = (RecvBuf::new(), Delivery::Messages);
        let mut decoder = Decoder::new(Role::Client, buf, &limits, whole, None, ());
        let frame = [&[0x82, 126, 0x40, 0][..], &[7; 0x4000]].concat();
        let wire = frame.repeat(30);
        let (mut rest, mut pool) = (&wire[..], Pool::new());
        let mut found = Vec::new();
        loop {
            if let Some(step) = decoder.step() {
                found.push(step.what);
                continue;
            }
            if rest.is_empty() {
                break;
            }
            pool.supply(decoder.buf_mut());
            let room = decoder.buf_mut().spare();
            let (now, later) = rest.split_at(room.len().min(rest.len()));
            room[..now.len()].copy_from_slice(now);
            decoder.buf_mut().commit(now.len());
            rest = later;
        }
        let moved = |what: &&What| **what == What::Assembled;
        assert_eq!(found.len(), 30);
        assert_eq!(found.iter().filter(moved).count(), 1, "{found:?}");
    }

    const SIZE: usize = 16 * 1024;

    /// An unmasked frame.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let len = u16::try_from(payload.len()).unwrap().to_be_bytes();
        [&[first, 126], &len[..], payload].concat()
    }

    /// A client that knows of the messages that they are of one length and are taken away, and its pool.
    fn sure() -> (Decoder<()>, Pool) {
        let (buf, whole) = (RecvBuf::new(), Delivery::Messages);
        let limits = Limits::default();
        let mut decoder = Decoder::new(Role::Client, buf, &limits, whole, None, ());
        let mut pool = Pool::new();
        let wire = frame(0x82, &[7; SIZE]).repeat(10);
        let mut rest = &wire[..];
        while !rest.is_empty() {
            rest = &rest[read(&mut decoder, &mut pool, rest)..];
            while taken(&mut decoder).is_some() {}
        }
        assert!(decoder.buf().expects_leaving());
        (decoder, pool)
    }

    /// One read; says how much it took in.
    fn read(decoder: &mut Decoder<()>, pool: &mut Pool, wire: &[u8]) -> usize {
        pool.supply(decoder.buf_mut());
        let room = decoder.buf_mut().spare_hot();
        let n = room.len().min(wire.len());
        room[..n].copy_from_slice(&wire[..n]);
        decoder.buf_mut().commit(n);
        n
    }

    fn taken(decoder: &mut Decoder<()>) -> Option<Bytes> {
        let Step { what, span } = decoder.step()?;
        Some(match what {
            What::Assembled => match decoder.take_assembled()? {
                crate::message::Assembled::Binary(data) => data,
                crate::message::Assembled::Text(text) => text.into_bytes(),
            },
            _ => decoder.take(span),
        })
    }

    #[test]
    fn a_message_that_is_taken_leaves_with_its_storage_and_that_is_used_again() {
        let (mut decoder, mut pool) = sure();
        let wire = frame(0x82, &[1; SIZE]);
        let mut blocks = Vec::new();
        let mut last: Option<(*const u8, bool)> = None;
        for keeps in [false, false, false, true, false, false] {
            assert_eq!(read(&mut decoder, &mut pool, &wire), wire.len());
            let at = decoder.buf().filled().as_ptr();
            let data = taken(&mut decoder).unwrap();
            assert_eq!(
                (data.as_ptr(), decoder.buf().capacity()),
                (at.wrapping_add(4), 0)
            );
            if let Some((before, kept)) = last {
                assert_eq!(before == at, !kept, "used again if nobody keeps it");
            }
            last = Some((at, keeps));
            if keeps {
                core::mem::forget(data);
            } else {
                drop(data);
            }
            // Whatever is freed is allocated by somebody else.
            blocks.push(alloc::vec![0_u8; wire.len()]);
        }
    }

    #[test]
    fn what_a_pool_lent_is_its_own_again_where_messages_leave_with_their_storage() {
        let (mut decoder, mut pool) = sure();
        let at = decoder.buf_mut().spare().as_ptr();
        assert_eq!(decoder.buf().capacity(), Pool::chunk());
        read(&mut decoder, &mut pool, &frame(0x82, &[1; SIZE]));
        // Whatever is freed is allocated by somebody else.
        let block = alloc::vec![0_u8; Pool::chunk()];
        assert_eq!(pool.lend_receiving().as_ptr(), at);
        drop(block);
    }

    #[test]
    fn what_is_read_before_anyone_looks_again_is_not_lost() {
        let (mut decoder, mut pool) = sure();
        for i in 0..6_u8 {
            let wire = frame(0x82, &[i; SIZE]);
            read(&mut decoder, &mut pool, &wire);
            assert_eq!(
                taken(&mut decoder),
                Some(Bytes::copy_from_slice(&wire[4..]))
            );
        }
        read(&mut decoder, &mut pool, b"\x82\x01x");
        assert_eq!(decoder.into_leftover(None), &b"\x82\x01x"[..]);
    }

    #[test]
    fn a_shorter_message_does_not_hold_the_storage_of_a_longer_one() {
        let (mut decoder, mut pool) = sure();
        for len in [5000, 5000, SIZE - 20] {
            read(&mut decoder, &mut pool, &frame(0x82, &alloc::vec![9; len]));
            let data = taken(&mut decoder).unwrap();
            assert_eq!(data.len(), len);
            // What holds it is kept for the next one.
            drop(decoder.buf_mut().take_long());
            assert!(data.try_into_mut().unwrap().capacity() <= len + 14);
            assert!(!decoder.buf().expects_leaving(), "it is not sure any more");
        }
    }

    #[test]
    fn text_that_leaves_is_checked() {
        for (byte, valid) in [(b'x', true), (0xff, false)] {
            let (mut decoder, mut pool) = sure();
            read(&mut decoder, &mut pool, &frame(0x81, &[byte; SIZE]));
            let Step { what, span } = decoder.step().unwrap();
            assert_eq!(
                (what, decoder.take_text(span).is_some()),
                (What::Text, valid)
            );
        }
    }

    #[test]
    fn where_messages_are_lent_again_their_storage_is_a_pools_again() {
        let (mut decoder, mut pool) = sure();
        let wire = frame(0x82, &[1; SIZE]);
        for size in [wire.len(), Pool::chunk(), Pool::chunk()] {
            read(&mut decoder, &mut pool, &wire);
            assert_eq!(decoder.buf().capacity(), size);
            assert!(decoder.step().is_some() && decoder.step().is_none());
        }
    }
}
