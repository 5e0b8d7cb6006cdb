//! Every table of the harness, run once on tiny inputs, as its user runs it.

#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Runs the harness in the least time, and gives the CSV files that it wrote, by name.
fn run(table: &str, more: &[&str]) -> Vec<(String, String)> {
    let out = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("smoke-{table}"));
    let _ = fs::remove_dir_all(&out);
    let mut command = Command::new(env!("CARGO_BIN_EXE_ws-benches"));
    command
        .arg(table)
        .args(["--quick", "--rounds", "1", "--out"]);
    let output = command.arg(&out).args(more).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{table}: {told}");
    let mut files = Vec::new();
    for entry in fs::read_dir(&out).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        match name.strip_suffix(".csv") {
            Some(name) => files.push((name.into(), text)),
            None => assert!(text.starts_with("<svg"), "{name}"),
        }
    }
    files.sort();
    files
}

/// The rows that have a value in a column.
fn rows<'a>(csv: &'a str, column: &str) -> Vec<&'a str> {
    let there = csv.lines().filter(|line| line.contains(column));
    there.collect()
}

#[test]
fn the_codec_answers_every_question() {
    let files = run("codec", &["--only", "ours|memcpy", "--columns", "16 B"]);
    assert_eq!(files.len(), 15);
    for (name, csv) in files {
        let ours = if name.contains("decode") { 4 } else { 2 };
        let found = rows(&csv, "16 B").len();
        assert!(found > ours, "{name}: {found} rows");
    }
}

#[test]
fn servers_run_as_processes_of_their_own() {
    let names = "ours, tokio, read()|ours, mio|plain TCP, tokio";
    let cell = "100 x 64 B, depth 32";
    let files = run("echo", &["--only", names, "--columns", cell]);
    assert_eq!(files.len(), 2);
    for (name, csv) in files {
        assert!(rows(&csv, cell).len() >= 3, "{name}: {csv}");
    }
}

#[test]
fn memory_is_measured_in_fresh_processes() {
    let files = run("memory", &["--connections", "20", "--only", "ours, mio"]);
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].1.lines().count(), 4, "{}", files[0].1);
}

#[test]
fn growth_has_a_table_each_for_bytes_and_connections() {
    let columns = "1 KiB|1|10";
    let files = run(
        "growth",
        &["--only", "ours, mio|ours, lent", "--columns", columns],
    );
    let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "growth-connections",
        "growth-connections-in-memory",
        "growth-size-binary",
        "growth-size-multi-byte-text",
    ];
    assert_eq!(names, expected);
}

#[test]
fn compression_costs_time_and_memory() {
    let files = run(
        "deflate",
        &["--only", "ours", "--columns", "1 KiB|1 KiB, takeover"],
    );
    let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
    let expected = ["deflate-compress", "deflate-decompress", "deflate-memory"];
    assert_eq!(names, expected);
    for ((name, csv), rows_there) in files.iter().zip([1, 2, 1]) {
        let column = if name == "deflate-memory" {
            "no takeover"
        } else {
            "1 KiB, takeover"
        };
        assert_eq!(rows(csv, column).len(), rows_there, "{name}: {csv}");
    }
}

#[test]
fn a_broadcast_is_measured_both_ways() {
    let files = run("broadcast", &["--columns", "1 000 x 1 KiB, deflate"]);
    assert_eq!(files.len(), 1);
    assert_eq!(
        rows(&files[0].1, "1 000 x 1 KiB").len(),
        2,
        "{}",
        files[0].1
    );
}

#[test]
fn a_session_is_measured_beside_its_connection() {
    let files = run("session", &["--columns", "received, 16 B"]);
    let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["session-idle", "session-overhead"]);
    assert_eq!(rows(&files[0].1, "per ping interval").len(), 2);
    assert_eq!(rows(&files[1].1, "received, 16 B").len(), 3);
}

#[test]
fn the_hottest_paths_run_by_name() {
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_instructions"));
        let output = command.args(args).output().unwrap();
        (
            output.status.success(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (told, names) = run(&[]);
    assert!(told && names.lines().count() >= 10, "{names}");
    let (ran, messages) = run(&[names.lines().next().unwrap(), "2"]);
    assert!(ran && messages.trim().parse::<u64>().unwrap() > 0);
    assert!(!run(&["no such path", "1"]).0);
}
