//! Long messages that are taken away and came several in one read: they leave in the storage that
//! they were read into, without a copy, and it comes back when they are gone.
//!
//! Nothing that is kept holds more than four times what it is long.

use alloc::vec::Vec;

use super::{Decoder, IN_PLACE_MAX, Stage, WAIT_MAX};
use crate::frame::{Header, MaskKey, MaskRule, mask};
use crate::message::assemble::Lent;
use crate::message::{Assembled, Text};

/// A message that is at least this part of the storage may hold it.
const PART: usize = 4;

/// With more than this behind the last whole frame nothing is given away: it would have to be moved.
const MOVE_MAX: usize = WAIT_MAX;

/// A frame with a message of its own, and nothing else, begins with one of these.
const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;

/// Unmasks all payloads of masked frames, or masks them again.
fn unmask_all(mut frames: &mut [u8]) {
    while let Some((_, at, len)) = Header::short(frames, true) {
        let (frame, rest) = frames.split_at_mut(at + len);
        let (head, payload) = frame.split_at_mut(at);
        if let Some(&key) = head.last_chunk() {
            mask(payload, MaskKey::new(key), 0);
        }
        frames = rest;
    }
}

impl<T> Decoder<T> {
    /// Goes on to the next message of a batch, if one is under way or worth to begin. If there is one:
    /// is it what it says? Behind the last one, what they were in is used again, if nobody has kept any.
    #[inline]
    pub(super) fn batch(&mut self) -> Option<bool> {
        match self.stage {
            // Where long messages come one by one this comparison is all that it costs.
            Stage::Idle
                if self.buf.expects_taken()
                    && self.buf.filled().len() >= self.buf.capacity() / 2 =>
            {
                self.begin_batch();
            }
            // It was lent only.
            Stage::Given => self.prefer(false),
            _ => {}
        }
        if !matches!(self.stage, Stage::Given | Stage::Rest) {
            return None;
        }
        self.stage = Stage::Idle;
        let found = self.next_of_batch();
        if found.is_none() {
            self.end_batch();
        }
        found
    }

    /// Makes a batch of the messages that are all there, if they are most of what their storage holds.
    fn begin_batch(&mut self) {
        let (size, there) = (self.buf.capacity(), self.buf.filled().len());
        let masked = self.rules.mask == MaskRule::Required;
        let len = self.whole(size, masked);
        if len == 0 || len < size / 2 || there - len > MOVE_MAX {
            return;
        }
        if masked {
            unmask_all(&mut self.buf.filled_mut()[..len]);
        }
        self.buf.give(len);
        self.stage = Stage::Rest;
    }

    /// How many bytes at the front are frames with messages that may hold storage of `size` bytes.
    fn whole(&self, size: usize, masked: bool) -> usize {
        let most = self.rare.limits.max_short().min(IN_PLACE_MAX);
        let lengths = (size / PART).max(WAIT_MAX + 1)..=most;
        let (bytes, mut end) = (self.buf.filled(), 0);
        while let Some((TEXT | BINARY, at, len)) = Header::short(&bytes[end..], masked) {
            if !lengths.contains(&len) {
                break;
            }
            end += at + len;
        }
        end
    }

    /// Goes on to the next frame that was given away. It was unmasked before.
    fn next_of_batch(&mut self) -> Option<bool> {
        let given = self.buf.given()?;
        let (first, at, len) = Header::short(given.rest(), self.rules.mask == MaskRule::Required)?;
        given.find(at, len);
        if let Some(never) = &mut self.rare.never {
            never.given = None;
        }
        if first == TEXT {
            let Ok(text) = Text::try_from(given.take()) else {
                return Some(false);
            };
            self.rare.never().given = Some(text);
        }
        self.stage = Stage::Given;
        Some(true)
    }

    /// All were found. The last one may only have been lent: if it is text it holds the storage too.
    fn end_batch(&mut self) {
        if let Some(never) = &mut self.rare.never {
            never.given = None;
            if never.is_unused() {
                self.rare.never = None;
            }
        }
        self.buf.take_given();
    }

    /// The message that was found. If the buffer was exchanged since, whatever that has found, or nothing.
    pub(super) fn of_batch(&self) -> Option<Lent<'_>> {
        let never = self.rare.never.as_ref();
        Some(match never.and_then(|never| never.given.as_ref()) {
            Some(text) => Lent::Text(text),
            None => Lent::Binary(self.buf.given_away()?.payload()),
        })
    }

    /// Takes the message that was found.
    pub(super) fn take_of_batch(&mut self) -> Option<Assembled> {
        self.stage = Stage::Rest;
        self.prefer(true);
        let never = self.rare.never.as_mut();
        Some(match never.and_then(|never| never.given.take()) {
            Some(text) => Assembled::Text(text),
            None => Assembled::Binary(self.buf.given_away()?.take()),
        })
    }

    /// What was not handed out of the batch, as it was on the wire, with the last one found or without.
    pub(super) fn rest_of_batch(&mut self, untaken: bool) -> Vec<u8> {
        let given = self.buf.given();
        let mut wire = given.map_or_else(Vec::new, |given| given.wire(untaken).to_vec());
        if self.rules.mask == MaskRule::Required {
            unmask_all(&mut wire);
        }
        wire.extend_from_slice(self.buf.filled());
        wire
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Step, What};
    use alloc::string::String;
    use proptest::prelude::*;

    use super::*;
    use crate::Role;
    use crate::buf::{Pool, RecvBuf};
    use crate::message::{Delivery, Limits};

    fn decoder(role: Role) -> Decoder<()> {
        let (limits, whole) = (Limits::default(), Delivery::Messages);
        Decoder::new(role, RecvBuf::new(), &limits, whole, None, ())
    }

    /// A masked frame.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let len = u16::try_from(payload.len()).unwrap().to_be_bytes();
        let key = [payload.len().to_le_bytes()[0], 2, 3, 4];
        let mut wire = [&[first, 0xfe], &len[..], &key, payload].concat();
        mask(&mut wire[8..], MaskKey::new(key), 0);
        wire
    }

    /// Reads into storage of a pool's; `most` at once.
    fn read(decoder: &mut Decoder<()>, pool: &mut Pool, wire: &mut &[u8], most: usize) -> bool {
        pool.supply(decoder.buf_mut());
        let room = decoder.buf_mut().spare();
        let (now, rest) = wire.split_at(room.len().min(wire.len()).min(most));
        room[..now.len()].copy_from_slice(now);
        decoder.buf_mut().commit(now.len());
        *wire = rest;
        !now.is_empty()
    }

    fn bytes(message: &Assembled) -> &[u8] {
        match message {
            Assembled::Binary(data) => data,
            Assembled::Text(text) => text.as_bytes(),
        }
    }

    /// All that can be taken now.
    fn taken(decoder: &mut Decoder<()>) -> Vec<Assembled> {
        let mut messages = Vec::new();
        while let Some(step) = decoder.step() {
            messages.push(match step.what {
                What::Assembled => decoder.take_assembled().unwrap(),
                _ => Assembled::Binary(decoder.take(step.span)),
            });
        }
        messages
    }

    #[test]
    fn messages_share_what_they_were_read_into_and_it_comes_back() {
        let (mut decoder, mut pool) = (decoder(Role::Server), Pool::new());
        let wire = [frame(0x81, &[b'a'; 16_384]), frame(0x82, &[7; 20_000])].concat();
        let mut at = Vec::new();
        for round in 0..5 {
            read(&mut decoder, &mut pool, &mut &wire[..], usize::MAX);
            let messages = taken(&mut decoder);
            let [text, data] = &messages[..] else {
                panic!("two messages")
            };
            assert!(bytes(text) == [b'a'; 16_384] && bytes(data) == [7; 20_000]);
            let behind = bytes(text).as_ptr().wrapping_add(16_384 + 8);
            // Of the first it was not known that they are taken.
            assert_eq!(matches!(text, Assembled::Text(_)), round > 0);
            assert_eq!(bytes(data).as_ptr() == behind, round > 0, "in one piece");
            at.push(bytes(text).as_ptr());
        }
        assert!(at[1..].iter().all(|&one| one == at[1]), "the same storage");
    }

    #[test]
    fn behind_a_batch_nothing_is_held() {
        for lent in [false, true] {
            let (mut decoder, mut pool) = (decoder(Role::Client), Pool::new());
            decoder.prefer(true);
            let wire = [&[0x82, 126, 0x60, 0][..], &[7; 0x6000]].concat().repeat(2);
            read(&mut decoder, &mut pool, &mut &wire[..], usize::MAX);
            for last in [false, true] {
                assert_eq!(decoder.step().map(|step| step.what), Some(What::Assembled));
                assert_eq!(decoder.assembled(), Some(Lent::Binary(&[7; 0x6000])));
                if !(lent && last) {
                    drop(decoder.take_assembled());
                }
            }
            assert_eq!(decoder.step(), None);
            assert!(decoder.rare.never.is_none());
            assert_eq!(decoder.buf().capacity(), Pool::chunk(), "it came back");
        }
    }

    #[test]
    fn what_is_kept_stays_as_it_is() {
        let (mut decoder, mut pool) = (decoder(Role::Server), Pool::new());
        let mut kept = Vec::new();
        for i in 0..20_u8 {
            let wire = [frame(0x82, &[i; 17_000]), frame(0x82, &[i; 17_000])].concat();
            read(&mut decoder, &mut pool, &mut &wire[..], usize::MAX);
            kept.extend(taken(&mut decoder).into_iter().skip(usize::from(i % 3)));
            for (i, message) in kept.iter().enumerate() {
                assert_eq!(bytes(message)[0], bytes(message)[16_999], "{i}");
            }
        }
    }

    #[test]
    fn short_messages_and_single_ones_hold_nothing_but_themselves() {
        let (mut decoder, mut pool) = (decoder(Role::Server), Pool::new());
        for wire in [frame(0x82, &[7; 8000]).repeat(6), frame(0x82, &[7; 17_000])] {
            for _ in 0..2 {
                read(&mut decoder, &mut pool, &mut &wire[..], usize::MAX);
                let from = decoder.buf().filled().as_ptr() as usize;
                for message in taken(&mut decoder) {
                    let at = bytes(&message).as_ptr() as usize;
                    assert!(!(from..from + wire.len()).contains(&at));
                }
            }
        }
    }

    #[test]
    fn what_was_not_handed_out_is_left_over() {
        let wire = [
            frame(0x82, &[1; 17_000]),
            frame(0x81, &[b'x'; 17_000]),
            frame(0x82, &[3; 17_000]),
            frame(0x89, b"partial")[..9].to_vec(),
        ]
        .concat();
        for found in 0..=3 {
            for untaken in [false, true] {
                let (mut decoder, mut pool) = (decoder(Role::Server), Pool::new());
                decoder.prefer(true);
                read(&mut decoder, &mut pool, &mut &wire[..], usize::MAX);
                let mut last = None;
                for _ in 0..found {
                    last = decoder.step().map(|step| step.span);
                }
                assert_eq!(last.is_some(), found > 0);
                let untaken = last.filter(|_| untaken);
                let from = 17_008 * (found - usize::from(untaken.is_some()));
                assert_eq!(decoder.into_leftover(untaken), &wire[from..]);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 200 }))]

        #[test]
        fn lent_or_taken_kept_or_not_all_messages_are_found(
            lengths in prop::collection::vec(
                prop_oneof![3 => 15_000..25_000_usize, 1 => 200..8000_usize],
                1..20,
            ),
            texts in prop::collection::vec(prop_oneof!["[a-z]", "é", "😀"], 20),
            bad in prop::option::of(0..40_usize),
            reads in prop::collection::vec(prop_oneof![Just(usize::MAX), 1..70_000_usize], 1..10),
            takes in prop::collection::vec(prop::bool::weighted(0.9), 20),
            keeps in prop::collection::vec(any::<bool>(), 20),
        ) {
            let mut expected: Vec<(u8, Vec<u8>)> = Vec::new();
            for (i, len) in lengths.into_iter().enumerate() {
                let text = texts[i].repeat(len / texts[i].len());
                expected.push((0x81 + (i % 3 == 0) as u8, String::into_bytes(text)));
            }
            let bad = bad.filter(|&bad| bad < expected.len() && expected[bad].0 == 0x81);
            if let Some(bad) = bad {
                *expected[bad].1.last_mut().unwrap() = 0xff;
            }
            let wire: Vec<u8> = expected.iter().flat_map(|(first, data)| frame(*first, data)).collect();
            let (mut decoder, mut pool) = (decoder(Role::Server), Pool::new());
            let (mut rest, mut reads) = (&wire[..], reads.into_iter().cycle());
            let (mut found, mut kept) = (0, Vec::new());
            while read(&mut decoder, &mut pool, &mut rest, reads.next().unwrap()) {
                while let Some(Step { what, span }) = decoder.step() {
                    let (first, data) = &expected[found];
                    if Some(found) == bad && matches!(what, What::Fault | What::Text) {
                        // A text that lies in the buffer is checked by who hands it out.
                        prop_assert!(what == What::Fault || decoder.payload(span) == &data[..]);
                        return Ok(());
                    }
                    let message = match what {
                        What::Assembled if takes[found] => decoder.take_assembled().unwrap(),
                        What::Assembled => {
                            let lent = decoder.assembled().unwrap();
                            prop_assert_eq!(matches!(lent, Lent::Text(_)), *first == 0x81);
                            Assembled::Binary(bytes::Bytes::copy_from_slice(lent.as_bytes()))
                        }
                        _ => Assembled::Binary(decoder.take(span)),
                    };
                    prop_assert!(bytes(&message) == &data[..], "message {found}");
                    if keeps[found] {
                        kept.push((found, message));
                    }
                    found += 1;
                }
            }
            prop_assert_eq!((found, bad), (expected.len(), None));
            for (i, message) in &kept {
                prop_assert!(bytes(message) == &expected[*i].1[..], "kept {i}");
            }
        }
    }
}
