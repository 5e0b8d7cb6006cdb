//! The tables in `rfc6455.md` and `rfc7692.md` are true: every sentence of these RFCs that binds an
//! endpoint has a test that exists, or a reason.

mod support;

use std::collections::BTreeSet;

use support::sources::{Source, sources};

/// A table, and how many sentences of each section it has, so that a row that is lost is noticed.
struct Table {
    text: &'static str,
    sentences: &'static [(&'static str, usize)],
}

const TABLES: [Table; 2] = [
    Table {
        text: include_str!("rfc6455.md"),
        sentences: RFC_6455,
    },
    Table {
        text: include_str!("rfc7692.md"),
        sentences: RFC_7692,
    },
];

/// Sentences that say MUST or MUST NOT.
const RFC_6455: &[(&str, usize)] = &[
    ("4.1", 35),
    ("4.2.1", 1),
    ("4.2.2", 10),
    ("4.3", 1),
    ("4.4", 1),
    ("5.1", 4),
    ("5.2", 10),
    ("5.3", 4),
    ("5.4", 10),
    ("5.5", 2),
    ("5.5.1", 7),
    ("5.5.2", 1),
    ("5.5.3", 1),
    ("5.6", 1),
    ("5.8", 1),
    ("6.1", 8),
    ("6.2", 5),
    ("7.1.2", 1),
    ("7.1.7", 3),
    ("7.2.1", 2),
    ("7.2.2", 1),
    ("7.4.1", 3),
    ("8.1", 1),
    ("10.3", 2),
    ("10.4", 1),
    ("10.6", 1),
    ("10.7", 1),
];

/// Rules, as the head of the table counts them.
const RFC_7692: &[(&str, usize)] = &[
    ("5", 6),
    ("5.1", 2),
    ("6", 3),
    ("6.1", 3),
    ("6.2", 2),
    ("7", 9),
    ("7.1.1.1", 3),
    ("7.1.1.2", 3),
    ("7.1.2.1", 5),
    ("7.1.2.2", 5),
    ("7.2.1", 8),
    ("7.2.2", 4),
    ("7.2.3", 6),
    ("8", 2),
];

struct Row<'a> {
    id: &'a str,
    section: &'a str,
    tests: &'a str,
}

fn rows(table: &str) -> Vec<Row<'_>> {
    let lines = table
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| id "));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [id, section, _, tests] = cells[..] else {
                panic!("four cells: {line}");
            };
            Row { id, section, tests }
        })
        .collect()
}

/// Does this test exist? `room::file::test` in `tests`, or `module::tests::test` in `src`.
fn exists(test: &str, sources: &[Source]) -> bool {
    let Some((module, name)) = test.rsplit_once("::") else {
        return false;
    };
    let paths = match module.strip_suffix("::tests") {
        Some(module) => {
            let module = module.replace("::", "/");
            let rooms = ["", "/mod", "/tests"];
            rooms.map(|room| format!("src/{module}{room}.rs"))
        }
        None => {
            let module = module.replace("::", "/");
            ["", "/mod", "/main"].map(|room| format!("tests/{module}{room}.rs"))
        }
    };
    let function = format!("fn {name}(");
    let in_file = |source: &&Source| paths.contains(&source.path);
    sources
        .iter()
        .filter(in_file)
        .any(|source| source.text.contains(&function))
}

/// What is wrong with a row, if anything is.
fn fault(row: &Row<'_>, sources: &[Source]) -> Option<String> {
    if let Some(reason) = row.tests.strip_prefix("not applicable:") {
        return reason
            .trim()
            .is_empty()
            .then(|| format!("{}: no reason", row.id));
    }
    let tests: Vec<&str> = row.tests.split(',').map(str::trim).collect();
    let missing = tests.iter().find(|test| {
        let name = test
            .strip_prefix('`')
            .and_then(|test| test.strip_suffix('`'));
        !name.is_some_and(|name| exists(name, sources))
    });
    missing.map(|test| format!("{}: no test {test}", row.id))
}

#[test]
fn every_sentence_has_a_test_that_exists_or_a_reason() {
    let sources = [sources("src"), sources("tests")]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>();
    for table in &TABLES {
        let rows = rows(table.text);
        let faults: Vec<String> = rows.iter().filter_map(|row| fault(row, &sources)).collect();
        assert_eq!(faults, [""; 0]);
    }
}

#[test]
fn no_sentence_is_missing_or_there_twice() {
    for Table { text, sentences } in &TABLES {
        let rows = rows(text);
        let ids: BTreeSet<&str> = rows.iter().map(|row| row.id).collect();
        assert_eq!(ids.len(), rows.len(), "an id is there twice");
        for (section, sentences) in *sentences {
            for n in 1..=*sentences {
                let id = format!("{section}-{n}");
                assert!(ids.contains(&*id), "{id} is missing");
            }
        }
        assert_eq!(rows.len(), sentences.iter().map(|(_, n)| n).sum::<usize>());
        for Row { id, section, .. } in &rows {
            assert!(id.starts_with(&format!("{section}-")), "{id}");
        }
    }
}

#[test]
fn a_row_that_is_not_true_is_noticed() {
    let sources = sources("tests");
    for (tests, right) in [
        ("`trace::a_row_that_is_not_true_is_noticed`", true),
        ("`trace::there_is_no_such_test`", false),
        ("trace::a_row_that_is_not_true_is_noticed", false),
        (
            "`trace::a_row_that_is_not_true_is_noticed`, `nowhere::at_all`",
            false,
        ),
        ("not applicable: because", true),
        ("not applicable:", false),
        ("", false),
    ] {
        let row = Row {
            id: "1-1",
            section: "1",
            tests,
        };
        assert_eq!(fault(&row, &sources).is_none(), right, "{tests:?}");
    }
}
