//! Masking while copying: one pass from where bytes are to behind what is there already.

use alloc::vec::Vec;

use super::pass::LINE;
use super::{LONG, MaskKey, wide};

/// Shorter data is appended word by word, without a call.
const SHORT: usize = 64;

/// From this length on it pays to ask for wider instructions.
const WIDE_MIN: usize = 256;

/// Words, half a word, single bytes; small enough to be inlined.
#[inline(always)]
fn append_short(out: &mut Vec<u8>, data: &[u8], key: u32) {
    let mut words = data.chunks_exact(8);
    for word in &mut words {
        let x = u64::from_ne_bytes(word.try_into().expect("chunks of eight bytes")) ^ wide(key);
        out.extend_from_slice(&x.to_ne_bytes());
    }
    let mut halves = words.remainder().chunks_exact(4);
    for half in &mut halves {
        let x = u32::from_ne_bytes(half.try_into().expect("chunks of four bytes")) ^ key;
        out.extend_from_slice(&x.to_ne_bytes());
    }
    for (byte, key) in halves.remainder().iter().zip(key.to_ne_bytes()) {
        out.push(byte ^ key);
    }
}

/// How much of `len` bytes is appended before a line of the cache begins, where they are so many that it
/// matters.
#[inline(always)]
fn before_line(out: &mut Vec<u8>, len: usize) -> usize {
    match len {
        0..LONG => 0,
        LONG.. => out
            .spare_capacity_mut()
            .as_ptr()
            .align_offset(LINE)
            .min(len),
    }
}

/// Appends `data`, masked; `phase` is the position of its first byte in the payload.
pub(crate) fn append_any(out: &mut Vec<u8>, data: &[u8], key: MaskKey, phase: usize) {
    let key = u32::from_le_bytes(key.at(phase));
    if data.len() < SHORT {
        append_short(out, data, u32::from_le(key));
    } else {
        out.reserve(data.len());
        append_masked(out, data, key);
    }
}

/// Appends at least 64 bytes, masked, to where there is room for them.
#[inline(always)]
pub(crate) fn append_masked(out: &mut Vec<u8>, data: &[u8], key: u32) {
    match data.len() {
        0..WIDE_MIN => blocks_and_end::<64>(out, data, key),
        WIDE_MIN..LONG => append_masked_long(out, data, key),
        LONG.. => append_masked_lines(out, data, key),
    }
}

/// From the beginning of a line of the cache on; what is before that apart.
#[inline(never)]
fn append_masked_lines(out: &mut Vec<u8>, data: &[u8], key: u32) {
    let (first, rest) = data.split_at(before_line(out, data.len()));
    append_short(out, first, u32::from_le(key));
    append_masked_long(out, rest, turned(key, first.len()));
}

#[inline(never)]
fn append_masked_long(out: &mut Vec<u8>, data: &[u8], key: u32) {
    wide::blocks(out, data, key).unwrap_or_else(|| blocks_and_end::<64>(out, data, key));
}

/// The loops compiled for wider vectors, where that pays and the processor has them.
#[cfg(all(feature = "std", feature = "simd", target_arch = "x86_64"))]
mod wide {
    use alloc::vec::Vec;

    use super::super::avx2::{Pass, with_avx2};
    use super::super::avx512::with_avx512;
    use super::{LONG, blocks_and_end};

    pub(super) struct Blocks<'a, const N: usize>(
        pub(super) &'a mut Vec<u8>,
        pub(super) &'a [u8],
        pub(super) u32,
    );

    impl<const N: usize> Pass for Blocks<'_, N> {
        type Out = ();

        #[inline(always)]
        fn run(self) {
            blocks_and_end::<N>(self.0, self.1, self.2);
        }
    }

    /// A turn takes what eight registers hold, of short data what four hold: the length of `out` is noted
    /// once per turn, but up to a turn at the end is masked twice.
    #[inline(always)]
    pub(super) fn blocks(out: &mut Vec<u8>, data: &[u8], key: u32) -> Option<()> {
        if data.len() < LONG {
            return with_avx2(Blocks::<128>(out, data, key));
        }
        match with_avx512(Blocks::<512>(out, data, key)) {
            Ok(()) => Some(()),
            Err(Blocks(out, data, key)) => with_avx2(Blocks::<256>(out, data, key)),
        }
    }
}

/// There are none.
#[cfg(not(all(feature = "std", feature = "simd", target_arch = "x86_64")))]
mod wide {
    use alloc::vec::Vec;

    pub(super) const fn blocks(_: &mut Vec<u8>, _: &[u8], _: u32) -> Option<()> {
        None
    }
}

/// Whole blocks of `N` bytes, and the last `N`, of which some may be the same.
#[inline(always)]
fn blocks_and_end<const N: usize>(out: &mut Vec<u8>, data: &[u8], key: u32) {
    let mut blocks = data.chunks_exact(N);
    for block in &mut blocks {
        let mut words = [0; N];
        for (word, to) in block.chunks_exact(8).zip(words.chunks_exact_mut(8)) {
            let x = u64::from_le_bytes(word.try_into().expect("chunks of eight bytes"));
            to.copy_from_slice(&(x ^ wide(key)).to_le_bytes());
        }
        append_room(out, &words);
    }
    let rest = blocks.remainder().len();
    if let (Some(last), 1..) = (data.last_chunk::<N>(), rest) {
        out.truncate(out.len() + rest - N);
        append_room(out, &masked(*last, turned(key, rest)));
    }
}

/// Appends so many bytes where there is room for them: said like this, it holds no way to grow.
#[inline(always)]
pub(crate) fn append_room<const N: usize>(out: &mut Vec<u8>, bytes: &[u8; N]) {
    assert!(out.capacity() - out.len() >= N, "there is room");
    out.extend_from_slice(bytes);
}

/// A word of any length; the key is that of its first byte, first byte lowest.
#[inline(always)]
pub(crate) fn masked<const N: usize>(mut bytes: [u8; N], key: u32) -> [u8; N] {
    for word in bytes.chunks_exact_mut(4) {
        let x = u32::from_le_bytes(word.try_into().expect("chunks of four bytes")) ^ key;
        word.copy_from_slice(&x.to_le_bytes());
    }
    bytes
}

/// The key as it is so many bytes further on.
#[inline(always)]
pub(crate) fn turned(key: u32, by: usize) -> u32 {
    key.rotate_right(8 * u32::try_from(by % 4).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::mask;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn blocks_and_an_end_of_any_size_are_what_one_pass_in_place_makes_of_them() {
        let key = MaskKey::new([0x12, 0x34, 0x56, 0x78]);
        let bytes: Vec<u8> = (0..5000u32).map(|i| i.to_le_bytes()[0]).collect();
        let long = [4095, 4096, 4097, 4224, 4900];
        for len in (64..700)
            .step_by(if cfg!(miri) { 37 } else { 1 })
            .chain(long)
        {
            let mut expected = bytes[..len].to_vec();
            mask(&mut expected, key, 0);
            let key = u32::from_le_bytes(key.to_bytes());
            let mut ways = [(); 3].map(|()| Vec::with_capacity(len));
            append_masked(&mut ways[0], &bytes[..len], key);
            blocks_and_end::<64>(&mut ways[1], &bytes[..len], key);
            append_any(
                &mut ways[2],
                &bytes[..len],
                MaskKey::new(key.to_le_bytes()),
                0,
            );
            assert_eq!(ways, [(); 3].map(|()| expected.clone()), "{len} bytes");
            #[cfg(all(feature = "std", feature = "simd", target_arch = "x86_64"))]
            if len >= LONG {
                let mut out = Vec::with_capacity(len);
                let run = wide::Blocks::<256>(&mut out, &bytes[..len], key);
                if super::super::avx2::with_avx2(run).is_some() {
                    assert_eq!(out, expected, "{len} bytes without AVX-512");
                }
            }
        }
        for len in 0..SHORT {
            let (mut expected, mut out) = (bytes[..len].to_vec(), Vec::new());
            mask(&mut expected, key, 0);
            append_any(&mut out, &bytes[..len], key, 0);
            assert_eq!(out, expected, "{len} bytes");
        }
    }

    proptest! {
        #[test]
        fn copying_and_in_place_agree(
            data in proptest::collection::vec(any::<u8>(), 0..9000),
            before in 0..70usize,
            key: [u8; 4],
            phase in 0..9usize,
        ) {
            let key = MaskKey::new(key);
            let mut masked = data.clone();
            mask(&mut masked, key, phase);
            let mut out = alloc::vec![b'x'; before];
            append_any(&mut out, &masked, key, phase);
            prop_assert_eq!(&out[before..], &data[..]);
        }
    }
}
