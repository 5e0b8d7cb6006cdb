//! See `ws_fuzz::proxy`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| ws_fuzz::proxy(data));

#[cfg(not(fuzzing))]
fn main() {
    ws_fuzz::replay(ws_fuzz::proxy);
}
