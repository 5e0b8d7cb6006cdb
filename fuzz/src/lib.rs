//! What the fuzzers run: functions of any bytes that assert what must hold for all of them.
//!
//! Each target is a function here, eight lines in `fuzz_targets` for libFuzzer, and a directory of
//! seeds in `corpus`. Nothing but `cargo fuzz` itself needs libFuzzer or a nightly compiler: the
//! functions are plain Rust, `cargo test -p ws-fuzz` replays the corpus, and the binary of a target
//! replays the files it is given.

#![forbid(unsafe_code)]
#![allow(
    clippy::missing_panics_doc,
    reason = "a panic is what a target has to say"
)]

mod close;
mod compressed;
mod config;
mod connection;
mod extensions;
mod frame;
mod frames;
mod handshake;
mod header;
mod inflate;
mod input;
pub mod op;
mod pair;
mod plain;
mod proxy;
mod reading;
mod sending;
mod stream;
mod time;
mod url;

pub use close::close;
pub use connection::connection;
pub use extensions::extensions;
pub use frames::frames;
pub use handshake::{client_handshake, server_handshake};
pub use header::header;
pub use inflate::inflate;
pub use pair::pair;
pub use proxy::proxy;
pub use stream::stream;
pub use url::url;

/// A target: takes any bytes, and panics if something does not hold.
pub type Target = fn(&[u8]);

/// All targets by name, which is also the name of the binary and of the directory of seeds.
pub const TARGETS: &[(&str, Target)] = &[
    ("client_handshake", client_handshake),
    ("close", close),
    ("connection", connection),
    ("extensions", extensions),
    ("frames", frames),
    ("header", header),
    ("inflate", inflate),
    ("pair", pair),
    ("proxy", proxy),
    ("server_handshake", server_handshake),
    ("stream", stream),
    ("url", url),
];

/// Runs a target over the files that the command line names: how a crash is looked at.
pub fn replay(target: Target) {
    for path in std::env::args_os().skip(1) {
        let data = std::fs::read(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        println!("{} bytes of {path:?}", data.len());
        target(&data);
    }
}
