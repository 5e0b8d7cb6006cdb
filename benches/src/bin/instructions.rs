//! Runs one of the hottest paths a number of times, for somebody who counts its instructions:
//! `instructions NAME RUNS` prints how many messages that were, `instructions` alone the names.
//!
//! `.ci/instructions` compares two numbers of runs, so that what happens once does not count.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use ws_benches::paths::PATHS;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (name, runs) = match &words[..] {
        [] => {
            PATHS.iter().for_each(|path| println!("{}", path.name));
            return ExitCode::SUCCESS;
        }
        [name, runs] => (name, runs.parse::<usize>()),
        _ => {
            eprintln!("usage: instructions [NAME RUNS]");
            return ExitCode::from(2);
        }
    };
    let path = PATHS.iter().find(|path| path.name == name);
    let (Some(path), Ok(runs)) = (path, runs) else {
        eprintln!("error: no such path, or no such number of runs: {name}");
        return ExitCode::from(2);
    };
    let (mut job, messages) = path.job();
    for _ in 0..runs {
        let handled = job().messages();
        assert_eq!(handled, messages as u64, "every message is handled");
    }
    println!("{}", runs * messages);
    ExitCode::SUCCESS
}
