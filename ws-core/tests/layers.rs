//! The floors of the crate and the arrows between them: a module names only those below it, in code
//! and in documentation. A new module, or a new arrow, needs its line in the table.

mod support;

use std::collections::BTreeSet;

use support::sources::sources;

/// Each module and what it may name, besides itself; from the ground up, so that no arrow points
/// upward. `close` and `error` alone name each other: a fault knows its close code, and reading a
/// Close frame finds faults.
const FLOORS: &[(&str, &[&str])] = &[
    ("role", &[]),
    ("time", &[]),
    ("wall", &[]),
    ("error", &["close"]),
    ("close", &["error"]),
    ("buf", &[]),
    ("machine", &["buf", "time"]),
    ("linger", &["buf", "machine", "time"]),
    ("url", &["error"]),
    ("ext", &["error"]),
    ("deflate", &["error", "ext"]),
    ("frame", &["close", "error"]),
    ("seed", &["frame"]),
    ("rng", &["seed"]),
    ("policy", &["close", "rng", "seed", "time"]),
    ("message", &["buf", "deflate", "error", "frame", "role"]),
    (
        "handshake",
        &[
            "buf", "deflate", "error", "ext", "linger", "machine", "role", "seed", "time", "url",
        ],
    ),
    ("dial", &["policy", "rng", "seed", "time", "url"]),
    (
        "proxy",
        &[
            "buf",
            "error",
            "handshake",
            "machine",
            "policy",
            "time",
            "url",
        ],
    ),
    (
        "connection",
        &[
            "buf",
            "close",
            "deflate",
            "error",
            "frame",
            "handshake",
            "linger",
            "machine",
            "message",
            "role",
            "seed",
            "time",
        ],
    ),
    (
        "stream",
        &["close", "connection", "deflate", "error", "message", "time"],
    ),
    ("testing", &["time", "wall"]),
    (
        "session",
        &[
            "buf",
            "close",
            "connection",
            "error",
            "handshake",
            "machine",
            "message",
            "policy",
            "rng",
            "role",
            "seed",
            "testing",
            "time",
            "url",
            "wall",
        ],
    ),
    ("tls", &["error", "policy", "url"]),
    ("server", &["close", "time"]),
    (
        "options",
        &[
            "connection",
            "deflate",
            "dial",
            "error",
            "handshake",
            "machine",
            "policy",
            "proxy",
            "rng",
            "seed",
            "server",
            "session",
            "testing",
            "time",
            "tls",
            "url",
        ],
    ),
    (
        "pump",
        &[
            "buf",
            "close",
            "connection",
            "deflate",
            "dial",
            "error",
            "frame",
            "handshake",
            "machine",
            "message",
            "options",
            "policy",
            "proxy",
            "role",
            "seed",
            "server",
            "session",
            "stream",
            "testing",
            "time",
            "tls",
            "url",
            "wall",
        ],
    ),
];

/// What the root exports, and whose it is.
const EXPORTS: &[(&str, &str)] = &[
    ("Deadline", "machine"),
    ("emit", "session"),
    ("Instant", "time"),
    ("Machine", "machine"),
    ("Rng", "rng"),
    ("Role", "role"),
    ("Seed", "seed"),
    ("Transport", "machine"),
    ("TransportEnd", "machine"),
    ("UnixTime", "wall"),
];

/// The modules of this crate that a source names, by whatever path.
fn named(text: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for root in ["crate::", "ws_core::"] {
        for (at, _) in text.match_indices(root) {
            let rest = &text[at + root.len()..];
            match rest.strip_prefix('{') {
                Some(group) => names.extend(heads(group)),
                None => drop(names.insert(ident(rest))),
            }
        }
    }
    names.remove("");
    names
}

/// The identifier that the text begins with.
fn ident(text: &str) -> &str {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

/// The first identifiers of the paths in a group, up to its closing brace.
fn heads(group: &str) -> Vec<&str> {
    let (mut depth, mut heads) = (0, vec![ident(group)]);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(ident(&group[at + 1..])),
            _ => {}
        }
    }
    heads
}

/// The arrows of a source that the table does not allow.
fn forbidden(path: &str, text: &str) -> Vec<String> {
    let file = path.trim_start_matches("src/");
    let module = file.split(['/', '.']).next().unwrap_or(file);
    if module == "lib" {
        return vec![];
    }
    let Some((_, allowed)) = FLOORS.iter().find(|(name, _)| *name == module) else {
        return vec![format!("{path}: {module} is not in the table")];
    };
    let whose = |name| {
        EXPORTS
            .iter()
            .find(|(export, _)| *export == name)
            .map_or(name, |e| e.1)
    };
    let others = named(text)
        .into_iter()
        .map(whose)
        .filter(|name| *name != module);
    others
        .filter(|name| !allowed.contains(name))
        .map(|to| format!("{path} -> {to}"))
        .collect()
}

#[test]
fn every_arrow_between_the_floors_is_in_the_table() {
    let found: Vec<String> = sources("src")
        .iter()
        .flat_map(|source| forbidden(&source.path, &source.text))
        .collect();
    assert_eq!(found, [""; 0], "see the table in tests/layers.rs");
}

#[test]
fn the_table_has_no_arrow_that_points_upward() {
    for (i, (from, allowed)) in FLOORS.iter().enumerate() {
        for to in *allowed {
            let below = FLOORS[..i].iter().any(|(name, _)| name == to);
            assert!(
                below || (*from, *to) == ("error", "close"),
                "{from} -> {to}"
            );
        }
    }
}

#[test]
fn an_upward_arrow_is_noticed_however_it_is_written() {
    for line in [
        "use crate::connection::Connection;",
        "use crate::{Instant, connection};",
        "    crate::connection::By::Local",
        "//! See [`ws_core::connection`].",
        "use crate::{\n    buf::RecvBuf,\n    connection::{By, Cause},\n};",
    ] {
        let found = forbidden("src/message/made_up.rs", line);
        assert!(
            found.contains(&"src/message/made_up.rs -> connection".into()),
            "{line}: {found:?}"
        );
        assert_eq!(forbidden("src/pump/made_up.rs", line), [""; 0]);
    }
    assert_eq!(forbidden("src/made_up.rs", "").len(), 1);
    assert_eq!(
        forbidden("src/message/mod.rs", "use crate::frame::OpCode;"),
        [""; 0]
    );
    assert_eq!(
        forbidden("src/role.rs", "use crate::Seed;"),
        ["src/role.rs -> seed"]
    );
}
