//! Says whether the compiler knows the instructions of AVX-512 (Rust 1.89): with an older one the code is
//! compiled without.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(ws_core_avx512)");
    if minor().is_some_and(|minor| minor >= 89) {
        println!("cargo::rustc-cfg=ws_core_avx512");
    }
}

/// The number in the middle of the compiler's version. Nothing, if it is not to be made out: then it is
/// taken for an old one.
fn minor() -> Option<u32> {
    let rustc = env::var_os("RUSTC")?;
    let version = Command::new(rustc).arg("--version").output().ok()?.stdout;
    let version = String::from_utf8(version).ok()?;
    version.split('.').nth(1)?.parse().ok()
}
