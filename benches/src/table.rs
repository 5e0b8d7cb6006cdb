//! A table: what was measured for whom, and how it compares.

use std::fmt::Write;

use crate::servers::Runtime;
use crate::stats::Samples;

/// What a row stands for, which decides what it is compared with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Class {
    /// A library that decodes frames and leaves the rest to its user.
    Frames,
    /// A library with the guarantees that ours gives: messages assembled, UTF-8 checked, limits on,
    /// control frames handled.
    Full,
    /// What the machine could do at best.
    Limit,
    /// This project.
    Ours,
}

impl Class {
    /// One word for tables and files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Frames => "frames",
            Self::Full => "full",
            Self::Limit => "limit",
            Self::Ours => "ours",
        }
    }
}

/// One line of a table.
#[derive(Clone, Debug)]
pub struct Row {
    /// Who.
    pub name: String,
    /// What it is compared with.
    pub class: Class,
    /// Is what it hands out the application's to keep? A row of ours that owns is compared only
    /// with peers that own, too.
    pub owns: bool,
    /// What it runs on, if that is known: a row of ours is compared with the limit there.
    pub runtime: Option<Runtime>,
    /// One cell per column; `None` where it can't take part.
    pub cells: Vec<Option<Samples>>,
}

/// How a chart scales its panels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scale {
    /// Every column by itself: their magnitudes differ.
    PerColumn,
    /// All columns alike: the question is how they differ.
    Shared,
}

/// The answer to one question.
#[derive(Clone, Debug)]
pub struct Table {
    /// Names its files, in lower case with dashes.
    pub id: String,
    /// What is measured.
    pub title: String,
    /// The unit of all cells; less is better, unless [`more`](Self::more).
    pub unit: &'static str,
    /// More is better: such a table shows no ratios.
    pub more: bool,
    /// How its chart is scaled.
    pub scale: Scale,
    /// The headings.
    pub columns: Vec<String>,
    /// The lines.
    pub rows: Vec<Row>,
}

impl Table {
    /// The best full peer in a column; among those that own what they hand out, if `owning`.
    #[must_use]
    pub fn best_peer(&self, owning: bool, column: usize) -> Option<(&Row, &Samples)> {
        self.best(column, |row| {
            row.class == Class::Full && (!owning || row.owns)
        })
    }

    /// The limit in a column: that of the same runtime, if there is one.
    #[must_use]
    pub fn limit(&self, runtime: Option<Runtime>, column: usize) -> Option<(&Row, &Samples)> {
        let limit = |row: &Row| row.class == Class::Limit;
        self.best(column, |row| limit(row) && row.runtime == runtime)
            .or_else(|| self.best(column, limit))
    }

    fn best(&self, column: usize, wanted: impl Fn(&Row) -> bool) -> Option<(&Row, &Samples)> {
        let rows = self.rows.iter().filter(|row| wanted(row));
        rows.filter_map(|row| Some((row, row.cells.get(column)?.as_ref()?)))
            .min_by(|a, b| a.1.median().total_cmp(&b.1.median()))
    }

    /// The lines of ratios under the table: each row of ours against the best full peer and
    /// against the limit.
    fn ratios(&self) -> Vec<(String, Vec<String>)> {
        let mut lines = Vec::new();
        for row in self
            .rows
            .iter()
            .filter(|row| row.class == Class::Ours && !self.more)
        {
            for (class, word) in [(Class::Full, "best full peer"), (Class::Limit, "limit")] {
                let cells: Vec<_> = (0..self.columns.len())
                    .map(|column| {
                        let ours = row.cells.get(column)?.as_ref()?;
                        let (peer, best) = match class {
                            Class::Full => self.best_peer(row.owns, column)?,
                            _ => self.limit(row.runtime, column)?,
                        };
                        let ratio = format!("{:.2}", ours.ratio(best).median());
                        Some(match class {
                            Class::Full => format!("{ratio} {}", abbreviated(&peer.name)),
                            _ => ratio,
                        })
                    })
                    .collect();
                if cells.iter().any(Option::is_some) {
                    let cells = cells.into_iter().map(Option::unwrap_or_default).collect();
                    lines.push((format!("{} / {word}", row.name), cells));
                }
            }
        }
        lines
    }

    /// The table as text, for a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines: Vec<(String, Vec<String>)> = vec![(String::new(), self.columns.clone())];
        for row in &self.rows {
            let name = match row.class {
                Class::Frames => format!("{} (frames only)", row.name),
                Class::Limit => format!("[{}]", row.name),
                Class::Full | Class::Ours => row.name.clone(),
            };
            let cell = |cell: &Option<Samples>| match cell {
                Some(samples) => value(samples.median()),
                None => String::from("-"),
            };
            lines.push((name, row.cells.iter().map(cell).collect()));
        }
        lines.push((String::new(), Vec::new()));
        lines.extend(self.ratios());
        let spread = |column: usize| {
            let cells = self
                .rows
                .iter()
                .filter_map(|row| row.cells.get(column)?.as_ref());
            let spreads = Samples::new(cells.map(Samples::spread).collect());
            format!("{:.0} %", 100.0 * spreads.median())
        };
        let spreads = (0..self.columns.len()).map(spread).collect();
        lines.push((String::from("spread (quartiles)"), spreads));

        let first = lines
            .iter()
            .map(|line| line.0.chars().count())
            .max()
            .unwrap_or(0);
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|i| {
                lines
                    .iter()
                    .filter_map(|line| line.1.get(i))
                    .map(|cell| cell.len())
                    .max()
            })
            .map(|width| width.unwrap_or(0))
            .collect();
        let rounds = self.rows.iter().flat_map(|row| row.cells.iter().flatten());
        let rounds = rounds
            .map(|samples| samples.values().len())
            .max()
            .unwrap_or(0);
        let mut out = format!(
            "{} ({}, median of {rounds} rounds)\n",
            self.title, self.unit
        );
        for (name, cells) in &lines {
            let mut line = format!("  {name:<first$}");
            for (cell, width) in cells.iter().zip(&widths) {
                let _ = write!(line, "  {cell:>width$}");
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

/// A number with as many digits as it deserves.
#[must_use]
pub fn value(number: f64) -> String {
    let digits = match number {
        n if n >= 100.0 => 0,
        n if n >= 10.0 => 1,
        _ => 2,
    };
    let plain = format!("{number:.digits$}");
    let Some(cut) = plain
        .len()
        .checked_sub(3)
        .filter(|&cut| cut > 1 && digits == 0)
    else {
        return plain;
    };
    format!("{} {}", &plain[..cut], &plain[cut..])
}

/// The first letters of a peer, to stand beside a ratio.
fn abbreviated(name: &str) -> String {
    name.chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn row(name: &str, class: Class, owns: bool, values: &[f64]) -> Row {
        let cell = |&v: &f64| (v > 0.0).then(|| Samples::new(vec![v, v, v]));
        let cells = values.iter().map(cell).collect();
        Row {
            name: name.into(),
            class,
            owns,
            runtime: None,
            cells,
        }
    }

    fn table() -> Table {
        Table {
            id: "decode".into(),
            title: "decode".into(),
            unit: "ns per message",
            more: false,
            scale: Scale::PerColumn,
            columns: vec!["16 B".into(), "1 MiB".into()],
            rows: vec![
                row("ours, lent", Class::Ours, false, &[5.0, 60_000.0]),
                row("ours, owned", Class::Ours, true, &[20.0, 70_000.0]),
                row("alpha", Class::Full, true, &[50.0, 100_000.0]),
                row("beta", Class::Full, false, &[40.0, 0.0]),
                row("gamma", Class::Frames, false, &[1.0, 1.0]),
                row("memcpy", Class::Limit, false, &[0.5, 30_000.0]),
            ],
        }
    }

    #[test]
    fn the_best_peer_is_a_full_one_that_owns_as_much() {
        let table = table();
        let best = |owning, column| table.best_peer(owning, column).unwrap().0.name.as_str();
        assert_eq!(
            (best(false, 0), best(true, 0), best(false, 1)),
            ("beta", "alpha", "alpha")
        );
    }

    #[test]
    fn the_limit_is_that_of_the_same_runtime() {
        let mut table = table();
        let mut on_smol = row("on smol", Class::Limit, false, &[0.7, 40_000.0]);
        on_smol.runtime = Some(Runtime::Smol);
        table.rows.push(on_smol);
        let limit = |runtime| table.limit(runtime, 0).unwrap().0.name.as_str();
        assert_eq!(limit(None), "memcpy");
        assert_eq!(limit(Some(Runtime::Smol)), "on smol");
        assert_eq!(limit(Some(Runtime::Mio)), "memcpy");
    }

    #[test]
    fn a_table_shows_values_ratios_and_spread() {
        let text = table().text();
        let line = |start: &str| {
            let line = text
                .lines()
                .find(|line| line.trim_start().starts_with(start));
            line.unwrap_or_default()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            line("ours, lent /"),
            "ours, lent / best full peer 0.12 beta 0.60 alpha"
        );
        assert_eq!(
            line("ours, owned / limit"),
            "ours, owned / limit 40.00 2.33"
        );
        assert_eq!(line("beta"), "beta 40.0 -");
        assert_eq!(line("gamma"), "gamma (frames only) 1.00 1.00");
        assert_eq!(line("spread"), "spread (quartiles) 0 % 0 %");
        assert!(text.starts_with("decode (ns per message, median of 3 rounds)\n"));
    }

    #[test]
    fn numbers_are_short_and_grouped() {
        let all = [0.456, 12.34, 567.8, 12_345.6, 1_234_567.0].map(value);
        assert_eq!(all, ["0.46", "12.3", "568", "12 346", "1234 567"]);
    }
}
