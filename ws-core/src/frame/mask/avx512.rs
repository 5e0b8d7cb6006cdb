//! [`avx2`](super::avx2), once more for the widest instructions there are.

use super::avx2::Pass;

/// Runs a loop compiled for AVX-512, or gives it back if the processor can't, or does not do that as fast
/// as anything else: those before Ice Lake lower their clock for it.
#[cfg(ws_core_avx512)]
#[inline]
#[allow(
    unsafe_code,
    reason = "16 KiB are decoded in a sixth less time (benches, decode masked binary)"
)]
pub(super) fn with_avx512<P: Pass>(pass: P) -> Result<P::Out, P> {
    #[target_feature(enable = "avx512f")]
    unsafe fn able<P: Pass>(pass: P) -> P::Out {
        pass.run()
    }

    // VBMI2 came with Ice Lake and Zen 4.
    if !std::arch::is_x86_feature_detected!("avx512f")
        || !std::arch::is_x86_feature_detected!("avx512vbmi2")
    {
        return Err(pass);
    }
    // SAFETY: the processor has just said that it has AVX-512F, which no processor has without what that
    // implies, AVX2 among it, and that is all the function asks for.
    Ok(unsafe { able(pass) })
}

/// The compiler is too old.
#[cfg(not(ws_core_avx512))]
#[inline]
pub(super) fn with_avx512<P: Pass>(pass: P) -> Result<P::Out, P> {
    Err(pass)
}
