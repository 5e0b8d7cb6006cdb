//! Masking (RFC 6455 §5.3): XOR with a repeating four-byte key.
//!
//! One pass in place, or one pass while copying, into the send queue or to where a message is kept; both in blocks that the
//! compiler turns into vector instructions. It knows no frames, and draws no keys.

mod append;
#[cfg(all(feature = "std", feature = "simd", target_arch = "x86_64"))]
mod avx2;
#[cfg(all(feature = "std", feature = "simd", target_arch = "x86_64"))]
mod avx512;
mod pass;

use core::fmt;

pub(crate) use append::{append_any, append_masked, append_room, masked, turned};
use pass::LONG;
pub(crate) use pass::{unmask, unmask_to};

/// The four-byte masking key of a frame (RFC 6455 §5.3).
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct MaskKey([u8; 4]);

impl MaskKey {
    /// Wraps the four bytes as they are on the wire.
    #[must_use]
    pub const fn new(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// The four bytes as they are on the wire.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 4] {
        self.0
    }

    /// The key as seen by a payload byte at `phase`: rotated so that it begins there.
    const fn at(self, phase: usize) -> [u8; 4] {
        let [a, b, c, d] = self.0;
        match phase % 4 {
            0 => [a, b, c, d],
            1 => [b, c, d, a],
            2 => [c, d, a, b],
            _ => [d, a, b, c],
        }
    }
}

impl fmt::Debug for MaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MaskKey({:02x?})", self.0)
    }
}

/// Masks or unmasks `data` in place; `phase` is the position of its first byte in the payload.
///
/// ```
/// use ws_core::frame::{MaskKey, mask};
///
/// let key = MaskKey::new([1, 2, 3, 4]);
/// let mut data = *b"masked in two parts";
/// let (a, b) = data.split_at_mut(7);
/// mask(a, key, 0);
/// mask(b, key, 7);
/// mask(&mut data, key, 0); // twice is the identity
/// assert_eq!(&data, b"masked in two parts");
/// ```
#[inline]
pub fn mask(data: &mut [u8], key: MaskKey, phase: usize) {
    let word = u32::from_le_bytes(key.at(phase));
    match data.len() {
        0..=3 => bytes(data, word),
        4..=7 => ends::<4>(data, word),
        8..=15 => ends::<8>(data, word),
        16..=31 => ends::<16>(data, word),
        32..=64 => ends::<32>(data, word),
        65.. => mask_long(data, key, phase),
    }
}

/// Less than a word.
#[inline(always)]
fn bytes(data: &mut [u8], key: u32) {
    for (byte, key) in data.iter_mut().zip(key.to_le_bytes()) {
        *byte ^= key;
    }
}

/// The first `N` bytes, and the last `N`, of which some may be the same: no loop with an end that
/// depends on the length.
#[inline(always)]
fn ends<const N: usize>(data: &mut [u8], key: u32) {
    let (Some(first), Some(last)) = (data.first_chunk::<N>(), data.last_chunk::<N>()) else {
        return;
    };
    let (first, last) = (masked(*first, key), masked(*last, turned(key, data.len())));
    let end = data.len() - N;
    data[..N].copy_from_slice(&first);
    data[end..].copy_from_slice(&last);
}

/// From this length on it pays to ask for wider instructions.
#[cfg(all(feature = "std", feature = "simd", target_arch = "x86_64"))]
const WIDE_MIN: usize = 512;

#[inline(never)]
fn mask_long(data: &mut [u8], key: MaskKey, phase: usize) {
    if data.len() >= LONG {
        return pass::unmask_blindly(data, key, phase);
    }
    let key = u32::from_le_bytes(key.at(phase));
    #[cfg(all(feature = "std", feature = "simd", target_arch = "x86_64"))]
    if data.len() >= WIDE_MIN && avx2::with_avx2(Blocks(data, key)).is_some() {
        return;
    }
    mask_blocks::<32>(data, key);
}

#[cfg(all(feature = "std", feature = "simd", target_arch = "x86_64"))]
struct Blocks<'a>(&'a mut [u8], u32);

#[cfg(all(feature = "std", feature = "simd", target_arch = "x86_64"))]
impl avx2::Pass for Blocks<'_> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        mask_blocks::<128>(self.0, self.1);
    }
}

/// Whole blocks of `N` bytes, which become vector instructions, and the last `N`, of which some may be
/// the same.
#[inline(always)]
fn mask_blocks<const N: usize>(data: &mut [u8], key: u32) {
    let Some(last) = data.last_chunk::<N>() else {
        return;
    };
    let (end, last) = (data.len() - N, masked(*last, turned(key, data.len())));
    for block in data.chunks_exact_mut(N) {
        let whole: [u8; N] = (&*block).try_into().expect("chunks of this length");
        block.copy_from_slice(&masked(whole, key));
    }
    data[end..].copy_from_slice(&last);
}

/// The key, twice.
#[inline]
fn wide(key: u32) -> u64 {
    u64::from(key) << 32 | u64::from(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn naive(data: &[u8], key: MaskKey, phase: usize) -> Vec<u8> {
        let key = key.to_bytes();
        data.iter()
            .enumerate()
            .map(|(i, byte)| byte ^ key[(i + phase) % 4])
            .collect()
    }

    #[test]
    fn equals_the_naive_loop_at_every_alignment_and_length() {
        let key = MaskKey::new([0x12, 0x34, 0x56, 0x78]);
        let bytes: Vec<u8> = (0..300u32).map(|i| i.to_le_bytes()[0]).collect();
        let most = if cfg!(miri) { 70 } else { 260 };
        for from in 0..if cfg!(miri) { 3 } else { 33 } {
            for len in 0..most {
                let mut data = bytes[from..from + len].to_vec();
                let expected = naive(&data, key, from);
                mask(&mut data, key, from);
                assert_eq!(data, expected, "from {from}, {len} bytes");
            }
        }
    }

    proptest! {
        #[test]
        fn copying_and_in_place_agree_with_the_naive_loop(
            data in proptest::collection::vec(any::<u8>(), 0..9000),
            key: [u8; 4],
            cut in 0..9000usize,
        ) {
            let key = MaskKey::new(key);
            let expected = naive(&data, key, 0);
            let mut copied = Vec::new();
            append_any(&mut copied, &data, key, 0);
            prop_assert_eq!(&copied, &expected);

            let mut in_place = data;
            let cut = cut.min(in_place.len());
            mask(&mut in_place[..cut], key, 0);
            mask(&mut in_place[cut..], key, cut);
            prop_assert_eq!(in_place, expected);
        }
    }
}
