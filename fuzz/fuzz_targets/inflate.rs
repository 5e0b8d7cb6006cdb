//! See `ws_fuzz::inflate`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| ws_fuzz::inflate(data));

#[cfg(not(fuzzing))]
fn main() {
    ws_fuzz::replay(ws_fuzz::inflate);
}
