//! See `ws_fuzz::server_handshake`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| ws_fuzz::server_handshake(data));

#[cfg(not(fuzzing))]
fn main() {
    ws_fuzz::replay(ws_fuzz::server_handshake);
}
