//! Every seed of the corpus, as it is and with simple changes, without libFuzzer: each target holds
//! what it asserts for all of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use ws_fuzz::{TARGETS, Target};

/// So many places of a seed are changed, in each of the ways.
const PLACES: usize = 200;

/// One test for each target, and their names.
macro_rules! targets {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                replay(stringify!($name));
                replay_as_documented(
                    env!(concat!("CARGO_BIN_EXE_", stringify!($name))),
                    stringify!($name),
                );
            }
        )*

        const REPLAYED: &[&str] = &[$(stringify!($name)),*];
    };
}

targets! {
    client_handshake
    close
    connection
    extensions
    frames
    header
    inflate
    pair
    proxy
    server_handshake
    stream
    url
}

#[test]
fn each_target_has_a_test_a_binary_and_a_directory_of_seeds() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|target| target.0.into()).collect();
    let replayed: BTreeSet<String> = REPLAYED.iter().copied().map(Into::into).collect();
    assert_eq!(replayed, targets);
    assert_eq!(names(&here("corpus")), targets);
    let sources: BTreeSet<String> = targets.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names(&here("fuzz_targets")), sources);
}

#[test]
fn the_readme_says_how_to_run_each_target_and_what_it_asserts() {
    let readme = fs::read_to_string(here("README.md")).expect("text");
    for (name, _) in TARGETS {
        let command = format!("\nfuzz/run 600 {name}\n");
        assert!(readme.contains(&command), "{name}");
        assert!(readme.contains(&format!("\n| `{name}` |")), "{name}");
    }
}

#[test]
fn seeds_are_few_and_small() {
    for (name, _) in TARGETS {
        let seeds = seeds(name);
        assert!(seeds.len() <= 60, "{name}: {} seeds", seeds.len());
        for (path, seed) in seeds {
            assert!(seed.len() <= 4096, "{path:?}: {} bytes", seed.len());
        }
    }
}

#[test]
fn changes_are_many_and_of_every_kind() {
    let changed: Vec<Vec<u8>> = changes(b"abc").collect();
    for expected in [
        &b""[..],
        b"ab",
        b"abcabc",
        b"`bc",
        b"a`c",
        b"\xffbc",
        b"ab\0",
        b"bc",
        b"aabc",
    ] {
        assert!(changed.iter().any(|seed| seed == expected), "{expected:?}");
    }
    let changed = changes(&[7; 4096]).count();
    assert!(
        (7 * PLACES / 2..=7 * PLACES + 1).contains(&changed),
        "{changed}"
    );
    assert_eq!(changes(b"").count(), 0);
}

/// Runs a target over its seeds and over what comes of changing them.
fn replay(name: &str) {
    let target = TARGETS.iter().find(|target| target.0 == name);
    let (_, target) = target.expect("a target");
    for (path, seed) in seeds(name) {
        run(name, *target, &path, &seed);
        for changed in changes(&seed) {
            run(name, *target, &path, &changed);
        }
    }
}

/// The way in which the README says to look at a crash.
fn replay_as_documented(binary: &str, name: &str) {
    let paths = seeds(name).into_iter().map(|seed| seed.0);
    let output = Command::new(binary).args(paths).output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
}

fn run(name: &str, target: Target, from: &Path, data: &[u8]) {
    let _finding = Finding { name, from, data };
    target(data);
}

/// An input while it is run. If that panics, the input is kept and the way to run it again shown.
struct Finding<'a> {
    name: &'a str,
    from: &'a Path,
    data: &'a [u8],
}

impl Drop for Finding<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let Self { name, from, data } = *self;
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("finding-{name}"));
            let kept = fs::write(&path, data);
            println!("{} bytes, made from {from:?}; kept: {kept:?}", data.len());
            println!("cargo run -p ws-fuzz --bin {name} {}", path.display());
        }
    }
}

/// The seeds of a target; it must have some.
fn seeds(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = here("corpus").join(name);
    let seeds = names(&directory).into_iter().map(|seed| {
        let path = directory.join(seed);
        let bytes = fs::read(&path).expect("a file");
        (path, bytes)
    });
    let seeds: Vec<_> = seeds.collect();
    assert!(!seeds.is_empty(), "{name} has no seeds");
    seeds
}

/// Simple changes of a seed: it is cut off, or is there twice; one byte differs in a bit, is the
/// least or the greatest, is gone, or is there twice; two bytes change places.
fn changes(seed: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let step = seed.len().div_ceil(PLACES).max(1);
    let places = (0..seed.len()).step_by(step);
    let twice = (!seed.is_empty()).then(|| seed.repeat(2));
    let changed = places.flat_map(move |at| {
        let with = |byte: u8| {
            let mut changed = seed.to_vec();
            changed[at] = byte;
            changed
        };
        let bit = 1 << (at / step % 8);
        let mut swapped = seed.to_vec();
        swapped.swap(at, (at + 1) % seed.len());
        [
            seed[..at].to_vec(),
            with(seed[at] ^ bit),
            with(0),
            with(0xff),
            [&seed[..at], &seed[at + 1..]].concat(),
            [&seed[..=at], &seed[at..]].concat(),
            swapped,
        ]
    });
    changed.chain(twice)
}

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// What is in a directory.
fn names(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{directory:?}: {error}"));
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    names
        .map(|name| name.into_string().expect("a plain name"))
        .collect()
}
