//! What the core never does: it reads no clock, draws no randomness of its own, starts nothing,
//! waits for nothing and prints nothing. The lints of `clippy.toml` say so too; this holds without
//! clippy and whatever features a user's build adds to our dependencies.

mod support;

use support::sources::sources;

/// What no source may contain, and what to do instead.
const FORBIDDEN: &[(&str, &str)] = &[
    ("Instant::now", "time is an input: take `now: Instant`"),
    ("SystemTime", "time is an input"),
    ("rand::rng(", "randomness comes from the seed"),
    ("rand::random", "randomness comes from the seed"),
    ("thread_rng", "randomness comes from the seed"),
    ("getrandom", "randomness comes from the seed"),
    ("thread::spawn", "the core spawns nothing"),
    ("thread::sleep", "the core never waits"),
    ("println!", "the core prints nothing"),
    ("print!", "the core prints nothing"),
    ("dbg!", "the core prints nothing"),
    ("std::net", "the core does no I/O"),
    ("std::fs", "the core does no I/O"),
    ("HashMap", "its order is random: use BTreeMap"),
    ("HashSet", "its order is random: use BTreeSet"),
    ("todo!", "finish it"),
    ("unimplemented!", "finish it"),
];

fn broken(text: &str) -> Vec<String> {
    let lines = text.lines().enumerate();
    let broken = lines.flat_map(|(i, line)| {
        let found = FORBIDDEN
            .iter()
            .filter(move |(what, _)| line.contains(what));
        found.map(move |(what, instead)| format!("line {}: {what}: {instead}", i + 1))
    });
    broken.collect()
}

#[test]
fn the_core_reads_no_clock_draws_no_randomness_and_prints_nothing() {
    for source in sources("src") {
        assert_eq!(broken(&source.text), [""; 0], "{}", source.path);
    }
}

#[test]
fn a_broken_rule_is_noticed() {
    assert_eq!(broken("let now = std::time::Instant::now();").len(), 1);
    assert_eq!(broken("fn f() {\n    eprintln!(\"x\")\n}").len(), 1);
    assert_eq!(broken("let now = Instant::ORIGIN;"), [""; 0]);
}

#[test]
fn no_test_of_the_core_waits_for_real_time() {
    for source in sources("tests") {
        // Faults on real sockets go on for as long as their command says, and random worlds say how
        // fast they were.
        let real = ["bindings/faults/", "sim/histories.rs"];
        let path = source.path.trim_start_matches("tests/");
        let real = real.iter().any(|known| path.starts_with(known));
        if source.path != "tests/rules.rs" && !real {
            let waits = ["thread::sleep", "Instant::now", "SystemTime"];
            let waits = waits.iter().find(|what| source.text.contains(*what));
            assert_eq!(waits, None, "{}", source.path);
        }
    }
}
