//! Masking with the wider instructions of the processor it runs on, where it has them.
//!
//! The loops are those of the portable way, compiled once more; it holds no instruction by name.

/// A loop. Whoever writes one has it inlined always: what is only called is not compiled again.
pub(super) trait Pass {
    type Out;

    fn run(self) -> Self::Out;
}

/// Runs a loop compiled for AVX2; `None` if the processor can't, and nothing has happened then.
#[inline]
#[allow(
    unsafe_code,
    reason = "16 KiB are decoded in a fifth less time (benches, decode masked binary)"
)]
pub(super) fn with_avx2<P: Pass>(pass: P) -> Option<P::Out> {
    #[target_feature(enable = "avx2")]
    unsafe fn able<P: Pass>(pass: P) -> P::Out {
        pass.run()
    }

    // SAFETY: the processor has just said that it has AVX2, and that is all the function asks for.
    std::arch::is_x86_feature_detected!("avx2").then(|| unsafe { able(pass) })
}
