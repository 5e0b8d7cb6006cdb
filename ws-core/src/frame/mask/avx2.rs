//! Masking with the wider instructions of the processor it runs on, where it has them.
//!
//! The loop is that of the portable one, compiled once more; it holds no instruction by name.

use super::mask_blocks;

/// Masks as [`mask_blocks`] does, twice as many bytes at a time; `false` if the processor can't, and
/// nothing has happened then.
#[inline]
#[allow(
    unsafe_code,
    reason = "16 KiB are decoded in a fifth less time (benches, decode masked binary)"
)]
pub(super) fn mask_wide(data: &mut [u8], key: u32) -> bool {
    #[target_feature(enable = "avx2")]
    unsafe fn with_avx2(data: &mut [u8], key: u32) {
        mask_blocks::<128>(data, key);
    }

    let able = std::arch::is_x86_feature_detected!("avx2");
    if able {
        // SAFETY: the processor has just said that it has AVX2, and that is all the function asks for.
        unsafe { with_avx2(data, key) }
    }
    able
}
