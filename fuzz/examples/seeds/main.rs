//! Writes the seeds that were made by hand into the corpus:
//!
//! ```sh
//! cargo run -p ws-fuzz --example seeds
//! ```
//!
//! Each begins with the choices of its target (see there), which are mostly zero: the plainest.

mod compressed;
mod frames;
mod handshakes;
mod operations;
mod small;

use std::fs;
use std::path::Path;

/// A target, a name, and the bytes.
type Seed = (&'static str, String, Vec<u8>);

fn main() -> std::io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let seeds: Vec<Seed> = [
        small::seeds(),
        compressed::seeds(),
        frames::seeds(),
        handshakes::seeds(),
        operations::seeds(),
    ]
    .concat();
    for (target, name, bytes) in &seeds {
        fs::create_dir_all(corpus.join(target))?;
        fs::write(corpus.join(target).join(name), bytes)?;
    }
    let size: usize = seeds.iter().map(|seed| seed.2.len()).sum();
    println!(
        "{} seeds, {size} bytes in {}",
        seeds.len(),
        corpus.display()
    );
    Ok(())
}

fn seed(target: &'static str, name: &str, bytes: impl AsRef<[u8]>) -> Seed {
    (target, name.into(), bytes.as_ref().to_vec())
}

/// A chunk of an input: its length, then its bytes.
fn chunk(bytes: &[u8]) -> Vec<u8> {
    let len = u8::try_from(bytes.len()).ok().filter(|len| *len < 240);
    [&[len.expect("a short chunk")], bytes].concat()
}
