//! The common case of a message in fragments: each is all there when it is looked at, and the message
//! is neither compressed nor handed out in pieces.

use super::{Decoder, Stage, Step, What};
use crate::error::ProtocolError;
use crate::frame::{Header, MaskKey, MaskRule};
use crate::message::{Delivery, Kind};

impl<T> Decoder<T> {
    /// Takes such fragments until their message is complete. Everything else, and what breaks a rule of
    /// frames or is too long, is left where it is.
    #[inline(never)]
    pub(super) fn fragments(&mut self) -> Result<Option<Step>, ProtocolError> {
        let masked = self.rules.mask == MaskRule::Required;
        if self.delivery == Delivery::Chunks {
            return Ok(None);
        }
        loop {
            let bytes = self.buf.filled();
            let Some((first, at, len)) = Header::short(bytes, masked) else {
                return Ok(None);
            };
            let begun = match (first, self.stage) {
                (0x00 | 0x80, Stage::Coming) => None,
                (0x01, Stage::Idle) => Some(Kind::Text),
                (0x02, Stage::Idle) => Some(Kind::Binary),
                _ => return Ok(None),
            };
            if len > self.rare.limits.max_short() {
                return Ok(None);
            }
            if let Some(kind) = begun {
                self.open(kind, false, len);
            }
            let limits = &self.rare.limits;
            let message = self.message.as_deref_mut();
            let Some(message) = message.filter(|message| {
                !message.is_compressed() && message.len() <= limits.max_message - len
            }) else {
                return Ok(None);
            };
            message.admit(len, limits)?;
            let (head, payload) = self.buf.filled()[..at + len].split_at(at);
            let key = head.last_chunk().filter(|_| masked);
            message.push(payload, key.map(|&key| (MaskKey::new(key), 0)), len)?;
            self.buf.consume(at + len);
            if first == 0x80 {
                message.finish()?;
                self.stage = Stage::Whole;
                self.rare.found = None;
                return Ok(Some(What::Assembled.elsewhere()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::Role;
    use crate::buf::RecvBuf;
    use crate::message::assemble::Lent;
    use crate::message::{Assembled, Limits};

    fn decoder(role: Role, limits: &Limits) -> Decoder<()> {
        Decoder::new(role, RecvBuf::new(), limits, Delivery::Messages, None, ())
    }

    /// A masked frame.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let len = u8::try_from(payload.len()).unwrap();
        let mut wire = [&[first, len | 0x80, 1, 2, 3, 4], payload].concat();
        crate::frame::mask(&mut wire[6..], MaskKey::new([1, 2, 3, 4]), 0);
        wire
    }

    /// What is found now, up to a fault; of whole messages every second one is taken away.
    fn found(decoder: &mut Decoder<()>, seen: &mut Vec<(What, Vec<u8>)>) -> bool {
        while let Some(Step { what, span }) = decoder.step() {
            let payload = match what {
                What::Assembled if seen.len() % 2 == 0 => match decoder.take_assembled() {
                    Some(Assembled::Binary(data)) => data.to_vec(),
                    Some(Assembled::Text(text)) => text.as_bytes().to_vec(),
                    None => panic!("a whole message"),
                },
                What::Assembled => decoder.assembled().unwrap().as_bytes().to_vec(),
                What::Fault => {
                    let fault = alloc::format!("{:?}", decoder.fault().unwrap());
                    seen.push((what, fault.into_bytes()));
                    return false;
                }
                _ => decoder.payload(span).to_vec(),
            };
            seen.push((what, payload));
        }
        true
    }

    proptest! {
        #[test]
        fn fragments_that_are_all_there_are_found_as_those_that_come_byte_by_byte(
            frames in proptest::collection::vec(
                (
                    prop_oneof![
                        8 => prop::sample::select(&[0x00_u8, 0x01, 0x02, 0x80][..]),
                        1 => prop::sample::select(&[0x81_u8, 0x82, 0x89, 0x40, 0x83][..]),
                    ],
                    prop_oneof![
                        4 => "[a-zé€😀]{0,4}".prop_map(String::into_bytes),
                        1 => proptest::collection::vec(any::<u8>(), 0..6),
                    ],
                ),
                1..30,
            ),
            cut in any::<bool>(),
        ) {
            // Characters are cut in two by giving the last byte of a piece to the next one.
            let mut frames = frames;
            for i in 1..frames.len() {
                if let (true, Some(byte)) = (cut, frames[i - 1].1.pop()) {
                    frames[i].1.insert(0, byte);
                }
            }
            let limits = Limits::default();
            let limits = limits.max_message(40).max_frame(12).max_fragments(9);
            let limits = limits.max_empty_fragments(2);
            let wire: Vec<u8> = frames.iter().flat_map(|(first, data)| frame(*first, data)).collect();
            let (mut at_once, mut in_bytes) = (Vec::new(), Vec::new());
            let mut decoder_at_once = decoder(Role::Server, &limits);
            decoder_at_once.buf_mut().extend_from_slice(&wire);
            found(&mut decoder_at_once, &mut at_once);
            let mut decoder = decoder(Role::Server, &limits);
            for byte in &wire {
                decoder.buf_mut().extend_from_slice(&[*byte]);
                if !found(&mut decoder, &mut in_bytes) {
                    break;
                }
            }
            // Bad text in one frame is found where it is handed out, unless it came in pieces.
            let (mut at_once, mut in_bytes) = (&at_once[..], &in_bytes[..]);
            let bad = at_once.iter().position(|(what, data)| {
                *what == What::Text && core::str::from_utf8(data).is_err()
            });
            if let Some(bad) = bad {
                (at_once, in_bytes) = (&at_once[..bad], &in_bytes[..bad]);
            } else {
                prop_assert_eq!(decoder_at_once.stage, decoder.stage);
            }
            prop_assert_eq!(at_once, in_bytes);
        }
    }

    #[test]
    fn the_next_message_is_put_together_where_the_last_one_was() {
        let mut decoder = decoder(Role::Server, &Limits::default());
        let mut wire = Vec::new();
        for _ in 0..3 {
            wire.extend(frame(0x01, b"Hello, "));
            wire.extend(frame(0x00, b"wo"));
            wire.extend(frame(0x80, b"rld"));
        }
        decoder.buf_mut().extend_from_slice(&wire);
        let mut seen = None;
        for _ in 0..3 {
            assert_eq!(decoder.step(), Some(What::Assembled.elsewhere()));
            let Some(Lent::Text(text)) = decoder.assembled() else {
                panic!("a whole text");
            };
            assert_eq!(text, "Hello, world");
            assert_eq!(*seen.get_or_insert(text.as_ptr()), text.as_ptr());
        }
        assert_eq!(decoder.step(), None);
        assert!(decoder.message.is_none(), "who waits holds nothing");
        assert!(!decoder.buf().has_long());
    }

    #[test]
    fn nothing_is_held_behind_a_message_by_a_frame_that_is_not_all_there() {
        let mut decoder = decoder(Role::Server, &Limits::default());
        let wire = [frame(0x02, b"a"), frame(0x80, b"b"), frame(0x82, b"later")].concat();
        decoder.buf_mut().extend_from_slice(&wire[..wire.len() - 1]);
        assert_eq!(decoder.step(), Some(What::Assembled.elsewhere()));
        assert_eq!(decoder.assembled(), Some(Lent::Binary(b"ab")));
        assert_eq!(decoder.step(), None);
        assert!(decoder.message.is_none());
        decoder.buf_mut().extend_from_slice(&wire[wire.len() - 1..]);
        let found = decoder.step().map(|step| decoder.payload(step.span));
        assert_eq!(found, Some(&b"later"[..]));
    }
}
