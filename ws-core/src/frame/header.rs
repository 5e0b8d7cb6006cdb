//! The frame header (RFC 6455 §5.2): parse and encode.
//!
//! Everything a header can do wrong is refused here, as soon as the byte that does it is there and
//! before any payload is looked at. It never touches a payload.

use alloc::vec::Vec;

use crate::error::ProtocolError;
use crate::frame::control::MAX_CONTROL;
use crate::frame::{MaskKey, OpCode};

/// Which frames carry a mask (RFC 6455 §5.1).
///
/// Exhaustive on purpose: there is no fourth answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MaskRule {
    /// Either way is fine: for tools that look at both directions.
    Any,
    /// None does: what a client demands of its server.
    Forbidden,
    /// Every frame does: what a server demands of its clients.
    Required,
}

/// What a header must satisfy beyond being well formed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rules {
    /// Who masks.
    pub mask: MaskRule,
    /// Does an extension give RSV1 a meaning on the first frame of a message?
    pub rsv1: bool,
}

/// A frame header (RFC 6455 §5.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header {
    /// Is this the last frame of its message?
    pub fin: bool,
    /// The first reserved bit; permessage-deflate marks compressed messages with it.
    pub rsv1: bool,
    /// What the frame is.
    pub opcode: OpCode,
    /// The masking key, if the frame has one.
    pub key: Option<MaskKey>,
    /// Payload length in bytes.
    pub len: u64,
}

impl Header {
    /// The longest header on the wire: two bytes, a 64-bit length and a masking key.
    pub const MAX_LEN: usize = 14;

    /// How much room it takes to append a header: what is written at once may reach beyond it.
    pub(crate) const ROOM: usize = 16;

    /// Of a whole frame of less than 64 KiB at the front of `bytes`: its first byte, where the payload
    /// begins, and how long it is. Nothing of any other, or if the length breaks a rule; the first byte
    /// is not looked at.
    #[inline(always)]
    pub(crate) fn short(bytes: &[u8], masked: bool) -> Option<(u8, usize, usize)> {
        let [first, second, ..] = *bytes else {
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
        (bytes.len() >= at + len).then_some((first, at, len))
    }

    /// Reads a header from the front of `bytes`: the header and its length, or `None` while bytes
    /// are missing.
    ///
    /// # Errors
    /// As soon as the bytes there are show it: a reserved bit or opcode, a fragmented or long
    /// control frame, a mask that `rules` forbid or miss, a length that is not minimal or has its
    /// top bit set.
    pub fn parse(bytes: &[u8], rules: Rules) -> Result<Option<(Self, usize)>, ProtocolError> {
        let Some(&first) = bytes.first() else {
            return Ok(None);
        };
        let opcode = OpCode::try_from(first & 0x0f)?;
        let fin = first & 0x80 != 0;
        let rsv1 = first & 0x40 != 0;
        let rsv1_allowed = rules.rsv1 && matches!(opcode, OpCode::Text | OpCode::Binary);
        if first & 0x30 != 0 || rsv1 && !rsv1_allowed {
            return Err(ProtocolError::ReservedBits);
        }
        if opcode.is_control() && !fin {
            return Err(ProtocolError::ControlFragmented);
        }

        let Some(&second) = bytes.get(1) else {
            return Ok(None);
        };
        let masked = second & 0x80 != 0;
        match rules.mask {
            MaskRule::Required if !masked => return Err(ProtocolError::MaskMissing),
            MaskRule::Forbidden if masked => return Err(ProtocolError::MaskUnexpected),
            MaskRule::Any | MaskRule::Forbidden | MaskRule::Required => {}
        }
        let short = second & 0x7f;
        if opcode.is_control() && usize::from(short) > MAX_CONTROL {
            return Err(ProtocolError::ControlTooLong);
        }
        let Some((len, at)) = parse_len(bytes, short)? else {
            return Ok(None);
        };

        let (key, at) = if masked {
            let Some(key) = bytes[at..].first_chunk::<4>() else {
                return Ok(None);
            };
            (Some(MaskKey::new(*key)), at + 4)
        } else {
            (None, at)
        };
        Ok(Some((
            Self {
                fin,
                rsv1,
                opcode,
                key,
                len,
            },
            at,
        )))
    }

    /// Writes the header to the front of `out` and returns its length: the shortest form there is.
    pub fn encode(&self, out: &mut [u8; Self::MAX_LEN]) -> usize {
        let mut rest = &mut out[..];
        self.parts(|part| {
            let (front, behind) = core::mem::take(&mut rest).split_at_mut(part.len());
            front.copy_from_slice(part);
            rest = behind;
        });
        Self::MAX_LEN - rest.len()
    }

    /// Appends the header to `out`.
    #[inline(always)]
    pub(crate) fn append(self, out: &mut Vec<u8>) {
        match u16::try_from(self.len) {
            Ok(len) => {
                let (word, n) = self.word(len);
                let end = out.len() + n;
                out.extend_from_slice(&word.to_le_bytes());
                out.truncate(end);
            }
            Err(_) => self.append_long(out),
        }
    }

    #[cold]
    #[inline(never)]
    fn append_long(self, out: &mut Vec<u8>) {
        self.parts(|part| out.extend_from_slice(part));
    }

    /// The header of a payload of this length, first byte lowest, and how long it is.
    ///
    /// Put together in memory, or appended in parts, and then copied as so many bytes as it happens to
    /// have, it costs more than a short payload.
    #[inline(always)]
    fn word(&self, len: u16) -> (u64, usize) {
        let [first, masked] = self.bits();
        let (rest, n) = match u8::try_from(len) {
            Ok(len @ 0..=125) => (u64::from(masked | len), 2),
            _ => (
                u64::from(masked | 126) | u64::from(len.swap_bytes()) << 8,
                4,
            ),
        };
        let word = u64::from(first) | rest << 8;
        match self.key {
            Some(key) => {
                let key = u32::from_le_bytes(key.to_bytes());
                (word | u64::from(key) << (8 * n), n + 4)
            }
            None => (word, n),
        }
    }

    /// The first byte, and of the second one the bit that says whether the payload is masked.
    #[inline(always)]
    fn bits(&self) -> [u8; 2] {
        let first = u8::from(self.fin) << 7 | u8::from(self.rsv1) << 6 | self.opcode as u8;
        [first, u8::from(self.key.is_some()) << 7]
    }

    /// Hands the header out in parts.
    fn parts(&self, mut put: impl FnMut(&[u8])) {
        let [first, masked] = self.bits();
        let len = self.len.to_be_bytes();
        match self.len {
            0..=125 => put(&[first, masked | len[7]]),
            126..=0xffff => put(&[first, masked | 126, len[6], len[7]]),
            _ => {
                put(&[first, masked | 127]);
                put(&len);
            }
        }
        if let Some(key) = self.key {
            put(&key.to_bytes());
        }
    }
}

/// The payload length and where the header goes on behind it.
fn parse_len(bytes: &[u8], short: u8) -> Result<Option<(u64, usize)>, ProtocolError> {
    let (len, at, least) = match short {
        126 => match bytes[2..].first_chunk() {
            Some(len) => (u64::from(u16::from_be_bytes(*len)), 4, 126),
            None => return Ok(None),
        },
        127 => match bytes[2..].first_chunk() {
            Some(len) => (u64::from_be_bytes(*len), 10, 0x1_0000),
            None => return Ok(None),
        },
        _ => (u64::from(short), 2, 0),
    };
    // "the minimal number of bytes MUST be used to encode the length" (§5.2)
    if len < least {
        return Err(ProtocolError::LengthNotMinimal);
    }
    // "the most significant bit MUST be 0" (§5.2)
    if len >> 63 != 0 {
        return Err(ProtocolError::LengthTopBit);
    }
    Ok(Some((len, at)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ANY: Rules = Rules {
        mask: MaskRule::Any,
        rsv1: true,
    };

    fn opcode() -> impl Strategy<Value = OpCode> {
        prop_oneof![
            Just(OpCode::Continuation),
            Just(OpCode::Text),
            Just(OpCode::Binary),
            Just(OpCode::Close),
            Just(OpCode::Ping),
            Just(OpCode::Pong),
        ]
    }

    proptest! {
        #[test]
        fn headers_survive_a_round_trip_and_every_prefix_asks_for_more(
            opcode in opcode(),
            fin: bool,
            rsv1: bool,
            key: Option<[u8; 4]>,
            len in prop_oneof![0..130u64, 65_500..65_600u64, 0..=u64::MAX >> 1],
            rest: [u8; 3],
        ) {
            let control = opcode.is_control();
            let header = Header {
                fin: fin || control,
                rsv1: rsv1 && matches!(opcode, OpCode::Text | OpCode::Binary),
                opcode,
                key: key.map(MaskKey::new),
                len: if control { len % 126 } else { len },
            };
            let mut wire = [0; Header::MAX_LEN];
            let n = header.encode(&mut wire);
            let mut bytes = b"x".to_vec();
            header.append(&mut bytes);
            prop_assert_eq!(bytes.split_off(1), &wire[..n]);
            let mut bytes = wire[..n].to_vec();
            for cut in 0..n {
                prop_assert_eq!(Header::parse(&bytes[..cut], ANY), Ok(None));
            }
            bytes.extend(rest);
            prop_assert_eq!(Header::parse(&bytes, ANY), Ok(Some((header, n))));
        }

        #[test]
        fn a_refused_header_is_refused_by_every_longer_prefix(bytes: [u8; 14], rsv1: bool) {
            for mask in [MaskRule::Any, MaskRule::Forbidden, MaskRule::Required] {
                let rules = Rules { mask, rsv1 };
                let whole = Header::parse(&bytes, rules);
                for cut in 0..bytes.len() {
                    let part = Header::parse(&bytes[..cut], rules);
                    prop_assert!(part == Ok(None) || part == whole, "{:?} {:?}", part, whole);
                }
            }
        }
    }

    #[test]
    fn faults_show_at_the_first_byte_that_carries_them() {
        let server = Rules {
            mask: MaskRule::Required,
            rsv1: false,
        };
        let client = Rules {
            mask: MaskRule::Forbidden,
            rsv1: false,
        };
        let refused = |bytes: &[u8], rules| {
            assert_eq!(Header::parse(&bytes[..bytes.len() - 1], rules), Ok(None));
            Header::parse(bytes, rules).unwrap_err()
        };
        use ProtocolError::*;
        assert_eq!(refused(&[0xc1], server), ReservedBits);
        assert_eq!(refused(&[0xa1], server), ReservedBits);
        assert_eq!(refused(&[0x91], server), ReservedBits);
        assert_eq!(refused(&[0x83], server), ReservedOpcode { opcode: 3 });
        assert_eq!(refused(&[0x09], server), ControlFragmented);
        assert_eq!(refused(&[0x81, 0x05], server), MaskMissing);
        assert_eq!(refused(&[0x81, 0x85], client), MaskUnexpected);
        assert_eq!(refused(&[0x89, 126], client), ControlTooLong);
        assert_eq!(refused(&[0x82, 126, 0, 125], client), LengthNotMinimal);
        assert_eq!(
            refused(&[0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff], client),
            LengthNotMinimal
        );
        assert_eq!(
            refused(&[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], client),
            LengthTopBit
        );
    }

    #[test]
    fn rsv1_is_for_first_frames_of_negotiated_messages_only() {
        let rules = Rules {
            mask: MaskRule::Any,
            rsv1: true,
        };
        assert!(Header::parse(&[0xc1, 0], rules).unwrap().unwrap().0.rsv1);
        for first in [0xc0, 0xc8, 0xc9, 0xca] {
            assert_eq!(
                Header::parse(&[first, 0], rules),
                Err(ProtocolError::ReservedBits)
            );
        }
    }
}
