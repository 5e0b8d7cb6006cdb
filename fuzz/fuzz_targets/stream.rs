//! See `ws_fuzz::stream`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| ws_fuzz::stream(data));

#[cfg(not(fuzzing))]
fn main() {
    ws_fuzz::replay(ws_fuzz::stream);
}
