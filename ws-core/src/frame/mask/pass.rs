//! The loops of masking: one pass over the bytes, where they are or on the way to where they go, which
//! also says whether it made ASCII of them.
//!
//! They are plain loops over words, which the compiler makes vectors of; longer ones are compiled a
//! second time for wider vectors, and begin at a boundary of the cache's lines, because an access
//! across two of those costs two.

use super::{MaskKey, wide};

/// Bit 7 of each byte: not set in ASCII.
const HIGH: u64 = 0x8080_8080_8080_8080;

/// From this length on it pays to begin at a boundary, and to go on in turns.
pub(super) const LONG: usize = 4096;

/// Bytes that one turn of the loop over long data takes. With fewer it depends on where the linker puts
/// the loop how fast it is, by up to a tenth.
const TURN: usize = 512;

/// Words that are looked at side by side.
const LANES: usize = 8;

/// Bytes in a line of the cache.
pub(super) const LINE: usize = 64;

/// Masks or unmasks `data` where it is; `phase` is the position of its first byte in the payload. Is
/// what it became ASCII?
#[inline]
pub(crate) fn unmask(data: &mut [u8], key: MaskKey, phase: usize) -> bool {
    in_place::<true>(data, u32::from_ne_bytes(key.at(phase))) & HIGH == 0
}

/// [`unmask`] where nobody asks what it became, which saves a fifth of the instructions.
#[inline]
pub(super) fn unmask_blindly(data: &mut [u8], key: MaskKey, phase: usize) {
    in_place::<false>(data, u32::from_ne_bytes(key.at(phase)));
}

/// All bits that are set in what `data` became, if somebody looks.
#[inline(always)]
fn in_place<const LOOK: bool>(data: &mut [u8], key: u32) -> u64 {
    match wide::in_place::<LOOK>(data, key) {
        Some(seen) => seen,
        None if data.len() < LONG => in_words(data, key),
        None => in_turns(data, key),
    }
}

/// The same while copying it to `out`, which is as long.
pub(crate) fn unmask_to(out: &mut [u8], data: &[u8], key: MaskKey, phase: usize) -> bool {
    debug_assert_eq!(out.len(), data.len(), "all of it goes there");
    let key = u32::from_ne_bytes(key.at(phase));
    wide::copy(out, data, key).unwrap_or_else(|| copy(out, data, key)) & HIGH == 0
}

/// The loops compiled for wider vectors, where that pays and the processor has them. Those for short
/// data and those for long are compiled apart: in one function both are slower.
#[cfg(all(feature = "std", feature = "simd", target_arch = "x86_64"))]
mod wide {
    use super::super::avx2::{Pass, with_avx2};
    use super::super::avx512::with_avx512;
    use super::{LONG, in_lines, in_turns, in_words};

    /// From this length on it pays.
    const MIN: usize = 256;

    struct InPlace<'a, const IS_LONG: bool, const LOOK: bool>(&'a mut [u8], u32);

    impl<const IS_LONG: bool, const LOOK: bool> Pass for InPlace<'_, IS_LONG, LOOK> {
        type Out = u64;

        #[inline(always)]
        fn run(self) -> u64 {
            let seen = if IS_LONG {
                in_turns(self.0, self.1)
            } else {
                in_words(self.0, self.1)
            };
            if LOOK { seen } else { 0 }
        }
    }

    struct InLines<'a, const LOOK: bool>(&'a mut [u8], u32);

    impl<const LOOK: bool> Pass for InLines<'_, LOOK> {
        type Out = u64;

        #[inline(always)]
        fn run(self) -> u64 {
            let seen = in_lines(self.0, self.1);
            if LOOK { seen } else { 0 }
        }
    }

    struct Copied<'a>(&'a mut [u8], &'a [u8], u32);

    impl Pass for Copied<'_> {
        type Out = u64;

        #[inline(always)]
        fn run(self) -> u64 {
            super::copy(self.0, self.1, self.2)
        }
    }

    #[inline(always)]
    pub(super) fn in_place<const LOOK: bool>(data: &mut [u8], key: u32) -> Option<u64> {
        match data.len() {
            0..MIN => None,
            MIN..LONG => with_avx2(InPlace::<false, LOOK>(data, key)),
            LONG.. => match with_avx512(InLines::<LOOK>(data, key)) {
                Ok(seen) => Some(seen),
                Err(InLines(data, key)) => with_avx2(InPlace::<true, LOOK>(data, key)),
            },
        }
    }

    #[inline(always)]
    pub(super) fn copy(out: &mut [u8], data: &[u8], key: u32) -> Option<u64> {
        match data.len() {
            0..MIN => None,
            MIN..LONG => with_avx2(Copied(out, data, key)),
            LONG.. => with_avx512(Copied(out, data, key)).map_or_else(with_avx2, Some),
        }
    }
}

/// There are none.
#[cfg(not(all(feature = "std", feature = "simd", target_arch = "x86_64")))]
mod wide {
    pub(super) const fn in_place<const LOOK: bool>(_: &mut [u8], _: u32) -> Option<u64> {
        None
    }

    pub(super) const fn copy(_: &mut [u8], _: &[u8], _: u32) -> Option<u64> {
        None
    }
}

/// All bits that are set in what `data` became.
#[inline(always)]
fn in_turns(data: &mut [u8], key: u32) -> u64 {
    let (first, rest) = data.split_at_mut(before_line(data));
    let mut turns = rest.chunks_exact_mut(TURN);
    let (mut seen, key) = (in_words(first, key), after(key, first.len()));
    let mut lanes = [0; LANES];
    for turn in &mut turns {
        for words in turn.chunks_exact_mut(8 * LANES) {
            side_by_side(words, key, &mut lanes);
        }
    }
    let mut rest = turns.into_remainder().chunks_exact_mut(8 * LANES);
    for words in &mut rest {
        side_by_side(words, key, &mut lanes);
    }
    seen |= lanes.into_iter().fold(0, |all, lane| all | lane);
    seen | in_words(rest.into_remainder(), key)
}

/// Some words, each of which notes its bits in a place of its own.
#[inline(always)]
fn side_by_side(words: &mut [u8], key: u32, lanes: &mut [u64; LANES]) {
    for (word, seen) in words.chunks_exact_mut(8).zip(lanes) {
        let x = u64::from_ne_bytes((&*word).try_into().expect("chunks of eight bytes")) ^ wide(key);
        word.copy_from_slice(&x.to_ne_bytes());
        *seen |= x;
    }
}

/// [`in_turns`] for vectors as long as a line of the cache, which need no turns.
#[cfg(any(test, all(feature = "std", feature = "simd", target_arch = "x86_64")))]
#[inline(always)]
fn in_lines(data: &mut [u8], key: u32) -> u64 {
    let (first, rest) = data.split_at_mut(before_line(data));
    let (seen, key) = (in_words(first, key), after(key, first.len()));
    seen | in_words(rest, key)
}

/// [`in_turns`] for short data: word by word.
#[inline(always)]
fn in_words(data: &mut [u8], key: u32) -> u64 {
    let mut seen = 0;
    let mut words = data.chunks_exact_mut(8);
    for word in &mut words {
        let x = u64::from_ne_bytes((&*word).try_into().expect("chunks of eight bytes")) ^ wide(key);
        word.copy_from_slice(&x.to_ne_bytes());
        seen |= x;
    }
    let rest = words.into_remainder().iter_mut();
    for (byte, key) in rest.zip(wide(key).to_ne_bytes()) {
        *byte ^= key;
        seen |= u64::from(*byte);
    }
    seen
}

/// All bits that are set in what was copied.
#[inline(always)]
fn copy(out: &mut [u8], data: &[u8], key: u32) -> u64 {
    let at = match data.len() {
        0..LONG => 0,
        LONG.. => before_line(out),
    };
    let ((to, out), (from, data)) = (out.split_at_mut(at), data.split_at(at));
    copy_words(to, from, key) | copy_words(out, data, after(key, at))
}

/// The same, word by word.
#[inline(always)]
fn copy_words(out: &mut [u8], data: &[u8], key: u32) -> u64 {
    let mut seen = 0;
    let mut to = out.chunks_exact_mut(8);
    let mut from = data.chunks_exact(8);
    for (to, from) in (&mut to).zip(&mut from) {
        let x = u64::from_ne_bytes(from.try_into().expect("chunks of eight bytes")) ^ wide(key);
        to.copy_from_slice(&x.to_ne_bytes());
        seen |= x;
    }
    let rest = to.into_remainder().iter_mut().zip(from.remainder());
    for ((to, from), key) in rest.zip(wide(key).to_ne_bytes()) {
        *to = from ^ key;
        seen |= u64::from(*to);
    }
    seen
}

/// How many bytes of data lie before a line of the cache begins.
#[inline(always)]
fn before_line(data: &[u8]) -> usize {
    data.as_ptr().align_offset(LINE).min(data.len())
}

/// The key as it goes on after `n` bytes.
#[inline(always)]
fn after(key: u32, n: usize) -> u32 {
    u32::from_ne_bytes(MaskKey::new(key.to_ne_bytes()).at(n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// One byte at a time.
    fn naive(data: &[u8], key: MaskKey, phase: usize) -> Vec<u8> {
        let key = key.to_bytes();
        let bytes = data.iter().enumerate();
        bytes.map(|(i, byte)| byte ^ key[(i + phase) % 4]).collect()
    }

    /// Every way to go over `data`, portable and wide.
    fn check(data: &[u8], key: MaskKey, phase: usize) {
        let plain = naive(data, key, phase);
        let word = u32::from_ne_bytes(key.at(phase));
        for in_place in [in_turns, in_lines, in_words] {
            let mut there = data.to_vec();
            let seen = in_place(&mut there, word);
            assert_eq!((&there, seen & HIGH == 0), (&plain, plain.is_ascii()));
        }
        let mut copied = vec![0xee; data.len()];
        let seen = copy(&mut copied, data, word);
        assert_eq!((&copied, seen & HIGH == 0), (&plain, plain.is_ascii()));
        let (mut copied, mut there) = (vec![0xee; data.len()], data.to_vec());
        let ascii = unmask_to(&mut copied, data, key, phase);
        assert_eq!((&copied, ascii), (&plain, plain.is_ascii()));
        let ascii = unmask(&mut there, key, phase);
        assert_eq!((&there, ascii), (&plain, plain.is_ascii()));
    }

    #[test]
    fn all_ways_equal_the_naive_one_at_every_alignment_and_length() {
        let key = MaskKey::new([0x12, 0x34, 0x56, 0x78]);
        let bytes: Vec<u8> = (0..5000u32).map(|i| i.to_le_bytes()[0]).collect();
        let miri = cfg!(miri);
        for from in 0..if miri { 2 } else { 65 } {
            for len in (0..300).step_by(if miri { 97 } else { 1 }) {
                check(&bytes[from..from + len], key, from);
            }
            for len in [511, 512, 4095, 4096, 4097, 4900] {
                check(&bytes[from..from + len], key, from);
            }
        }
    }

    proptest! {
        #[test]
        fn one_byte_that_is_not_ascii_is_seen_wherever_it_is(
            mut data in proptest::collection::vec(0..0x80u8, 0..6000),
            other in proptest::option::of((any::<usize>(), 0x80..=0xffu8)),
            key: [u8; 4],
            phase in 0..4usize,
        ) {
            if let (Some((at, byte)), false) = (other, data.is_empty()) {
                let at = at % data.len();
                data[at] = byte;
            }
            check(&data, MaskKey::new(key), phase);
            // Unmasked it is what it was.
            let key = MaskKey::new(key);
            let masked = naive(&data, key, phase);
            let mut out = vec![0; data.len()];
            prop_assert_eq!(unmask_to(&mut out, &masked, key, phase), data.is_ascii());
            prop_assert_eq!(out, data);
        }
    }
}
