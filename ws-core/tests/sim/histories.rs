//! Histories of random worlds, a seed for each: as many as `WS_CASES` says, or 10 000, or that of
//! `WS_SEED` alone.

use std::time::Duration;

/// Runs them; `history` says how much time has passed in one.
pub(crate) fn run(history: fn(u64) -> Duration) {
    if let Ok(seed) = std::env::var("WS_SEED") {
        history(seed.parse().unwrap());
        return;
    }
    let cases: u32 = std::env::var("WS_CASES").map_or(10_000, |cases| cases.parse().unwrap());
    #[allow(
        clippy::disallowed_methods,
        reason = "how fast it is, for whoever asks"
    )]
    let started = std::time::Instant::now();
    let mut simulated = Duration::ZERO;
    for seed in 0..u64::from(cases) {
        match std::panic::catch_unwind(|| history(seed)) {
            Ok(time) => simulated += time,
            Err(_) => panic!("seed {seed} failed: WS_SEED={seed} runs it alone"),
        }
    }
    let hours = simulated.as_secs_f64() / 3600.0;
    let minutes = started.elapsed().as_secs_f64() / 60.0;
    println!(
        "{cases} histories, {hours:.0} hours of sessions, {:.0} hours in a minute",
        hours / minutes
    );
}
