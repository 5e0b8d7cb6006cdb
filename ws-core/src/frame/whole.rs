//! Whole messages as one frame, header and payload at once: what most frames are.
//!
//! How long a payload is shows at run time only. To copy so many bytes is a call, or a loop with a
//! tail, and costs more than a short payload itself: so that goes out as two words of one size, which
//! overlap as much as they must. Nothing here makes room, so that the way of most messages holds no
//! call at all; it knows no queue.

use alloc::vec::Vec;

use super::mask::{append_masked, append_room, masked, turned};
use super::{MaskKey, OpCode};

/// The longest payload that goes out in two words.
const SHORT: usize = 64;

/// The longest header but for those of frames beyond 64 KiB.
const HEAD: usize = 8;

/// Appends a message of 4 to 64 bytes as one frame, if there is room for any of these. Says whether
/// it has.
#[inline(always)]
pub(crate) fn frame_short(
    out: &mut Vec<u8>,
    opcode: OpCode,
    key: Option<MaskKey>,
    payload: &[u8],
) -> bool {
    if !(4..=SHORT).contains(&payload.len()) || out.capacity() - out.len() < HEAD + SHORT {
        seldom();
        return false;
    }
    let head = u64::from(0x80 | opcode as u8) | (payload.len() as u64) << 8;
    match key {
        None => by_length::<2, 10, 18, 34, 66>(out, head, payload, 0),
        Some(key) => {
            let key = u32::from_le_bytes(key.to_bytes());
            let head = head | 0x8000 | u64::from(key) << 16;
            by_length::<6, 14, 22, 38, 70>(out, head, payload, key);
        }
    }
    true
}

/// Appends a message of up to 64 KiB as one frame, unmasked, if there is room for it. Says whether it
/// has.
#[inline(always)]
pub(crate) fn frame_long(out: &mut Vec<u8>, opcode: OpCode, payload: &[u8]) -> bool {
    let Ok(len) = u16::try_from(payload.len()) else {
        return false;
    };
    if out.capacity() - out.len() < HEAD + payload.len() {
        return false;
    }
    let first = 0x80 | opcode as u8;
    if len <= 125 {
        append_room(out, &(u16::from(first) | len << 8).to_le_bytes());
    } else {
        let head = u32::from(first) | 126 << 8 | u32::from(len.swap_bytes()) << 16;
        append_room(out, &head.to_le_bytes());
    }
    assert!(out.capacity() - out.len() >= payload.len(), "there is room");
    out.extend_from_slice(payload);
    true
}

/// Appends a message of 64 bytes to 64 KiB as one frame, masked, if there is room for it. Says
/// whether it has.
#[inline(always)]
pub(crate) fn frame_long_masked(
    out: &mut Vec<u8>,
    opcode: OpCode,
    key: MaskKey,
    payload: &[u8],
) -> bool {
    let Ok(len) = u16::try_from(payload.len()) else {
        return false;
    };
    if payload.len() < SHORT || out.capacity() - out.len() < HEAD + payload.len() {
        return false;
    }
    let first = u64::from(0x80 | opcode as u8);
    let key = u32::from_le_bytes(key.to_bytes());
    if len <= 125 {
        let head = first | u64::from(0x80 | len) << 8 | u64::from(key) << 16;
        append_room(out, &head.to_le_bytes());
        out.truncate(out.len() - 2);
    } else {
        let head = first | 0xfe << 8 | u64::from(len.swap_bytes()) << 16 | u64::from(key) << 32;
        append_room(out, &head.to_le_bytes());
    }
    append_masked(out, payload, key);
    true
}

/// What calls this happens seldom, as far as the compiler knows.
#[cold]
#[inline(always)]
const fn seldom() {}

/// Appends a header of `HEAD` bytes and a payload; the other numbers are how many bytes it takes for
/// the header and two words of 4, 8, 16 or 32 bytes.
#[inline(always)]
fn by_length<const HEAD: usize, const A: usize, const B: usize, const C: usize, const D: usize>(
    out: &mut Vec<u8>,
    head: u64,
    payload: &[u8],
    key: u32,
) {
    match payload.len() {
        9..=16 => {
            if let (Some(first), Some(last)) = (payload.first_chunk(), payload.last_chunk()) {
                let last = u64::from_le_bytes(*last) >> (8 * (16 - payload.len()));
                let words = [u64::from_le_bytes(*first), last];
                in_words::<HEAD, B>(out, head, &words, payload.len(), key);
            }
        }
        17..=32 => ends::<HEAD, C, 16>(out, head, payload, key),
        33.. => ends::<HEAD, D, 32>(out, head, payload, key),
        0..=8 => {
            if let (Some(first), Some(last)) = (payload.first_chunk(), payload.last_chunk()) {
                let [first, last] = [first, last].map(|it| u64::from(u32::from_le_bytes(*it)));
                let word = first | last << (8 * (payload.len() - 4));
                in_words::<HEAD, A>(out, head, &[word], payload.len(), key);
            }
        }
    }
}

/// Appends a header and a payload of `len` bytes that is in these words, first byte lowest.
#[inline(always)]
fn in_words<const HEAD: usize, const BOTH: usize>(
    out: &mut Vec<u8>,
    head: u64,
    words: &[u64],
    len: usize,
    key: u32,
) {
    let key = u64::from(key) << 32 | u64::from(key);
    let mut both = [0; BOTH];
    both[..HEAD].copy_from_slice(&head.to_le_bytes()[..HEAD]);
    for (to, word) in both[HEAD..].chunks_exact_mut(8).zip(words) {
        to.copy_from_slice(&(word ^ key).to_le_bytes());
    }
    let end = out.len() + HEAD + len;
    append_room(out, &both);
    out.truncate(end);
}

/// Appends a header, the first `N` bytes, and the last `N`, of which some may be the same.
#[inline(always)]
fn ends<const HEAD: usize, const BOTH: usize, const N: usize>(
    out: &mut Vec<u8>,
    head: u64,
    payload: &[u8],
    key: u32,
) {
    let (Some(first), Some(last)) = (payload.first_chunk::<N>(), payload.last_chunk::<N>()) else {
        return;
    };
    let mut both = [0; BOTH];
    both[..HEAD].copy_from_slice(&head.to_le_bytes()[..HEAD]);
    both[HEAD..HEAD + N].copy_from_slice(&masked(*first, key));
    let (at, end) = (out.len(), HEAD + payload.len());
    append_room(out, &both);
    let last = masked(*last, turned(key, payload.len()));
    out[at..at + BOTH][end - N..end].copy_from_slice(&last);
    out.truncate(at + end);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Header;
    use alloc::vec;
    use proptest::prelude::*;

    /// The same, slowly.
    fn slowly(opcode: OpCode, key: Option<MaskKey>, payload: &[u8]) -> Vec<u8> {
        let header = Header {
            fin: true,
            rsv1: false,
            opcode,
            key,
            len: payload.len() as u64,
        };
        let mut head = [0; Header::MAX_LEN];
        let n = header.encode(&mut head);
        let key = key.map_or([0; 4], MaskKey::to_bytes);
        let payload = payload.iter().zip(key.iter().cycle());
        let mut frame = head[..n].to_vec();
        frame.extend(payload.map(|(byte, key)| byte ^ key));
        frame
    }

    fn check(before: usize, room: usize, key: Option<MaskKey>, payload: &[u8]) {
        let frame = slowly(OpCode::Binary, key, payload);
        let long = |out: &mut Vec<u8>| match key {
            None => frame_long(out, OpCode::Binary, payload),
            Some(key) => frame_long_masked(out, OpCode::Binary, key, payload),
        };
        let short = |out: &mut Vec<u8>| frame_short(out, OpCode::Binary, key, payload);
        let least = if key.is_some() { SHORT } else { 0 };
        type Append<'a> = &'a dyn Fn(&mut Vec<u8>) -> bool;
        for (append, lens, needs) in [
            (&short as Append<'_>, 4..=SHORT, HEAD + SHORT),
            (&long, least..=0xffff, HEAD + payload.len()),
        ] {
            let mut out = Vec::with_capacity(before + room);
            out.resize(before, 7);
            let (storage, free) = (out.as_ptr(), out.capacity() - before);
            let does = lens.contains(&payload.len()) && free >= needs;
            assert_eq!(append(&mut out), does, "{free} free");
            assert_eq!(out.as_ptr(), storage, "it makes no room");
            assert_eq!(out[..before], vec![7; before]);
            assert_eq!(out[before..], frame[..if does { frame.len() } else { 0 }]);
        }
    }

    #[test]
    fn a_frame_of_every_length_is_what_the_slow_way_makes_of_it() {
        let payload: Vec<u8> = (0..700u32).map(|i| i.to_le_bytes()[0]).collect();
        for len in (0..payload.len()).step_by(if cfg!(miri) { 13 } else { 1 }) {
            for key in [None, Some(MaskKey::new([0x12, 0x34, 0x56, 0x78]))] {
                check(5, 1000, key, &payload[..len]);
            }
        }
    }

    proptest! {
        #[test]
        fn any_frame_is_what_the_slow_way_makes_of_it_or_nothing_is_touched(
            len in prop_oneof![0..140usize, 65_500..65_600usize],
            step: u8,
            key: Option<[u8; 4]>,
            before in 0..100usize,
            spare in 0..12usize,
        ) {
            let key = key.map(MaskKey::new);
            let payload = (0..len).scan(step, |byte, _| {
                *byte = byte.wrapping_mul(5).wrapping_add(step | 1);
                Some(*byte)
            });
            let payload: Vec<u8> = payload.collect();
            check(before, payload.len() + spare, key, &payload);
            check(before, HEAD + SHORT - 6 + spare, key, &payload);
        }
    }
}
