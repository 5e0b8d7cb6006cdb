//! A table as comma-separated values, one line per cell.

use std::fmt::Write;

use crate::stats::Samples;
use crate::table::{Row, Table};

/// The heading of every file.
const HEADING: &str =
    "table,unit,row,class,column,median,min,quartile1,quartile3,max,rounds,to_best_full,to_limit\n";

/// One line per cell, the ratios as in the table; empty where there is nothing to compare with.
#[must_use]
pub fn csv(table: &Table) -> String {
    let mut out = String::from(HEADING);
    for row in &table.rows {
        for (column, cell) in row.cells.iter().enumerate() {
            let Some(samples) = cell else { continue };
            let to = |best: Option<(&Row, &Samples)>| match best.filter(|_| !table.more) {
                Some((_, best)) => format!("{:.4}", samples.ratio(best).median()),
                None => String::new(),
            };
            let fields = [&table.id, table.unit, &row.name, row.class.word()];
            for field in fields.into_iter().chain([table.columns[column].as_str()]) {
                let _ = write!(out, "{},", quoted(field));
            }
            let quantiles = [0.5, 0.0, 0.25, 0.75, 1.0].map(|q| samples.quantile(q));
            for number in quantiles {
                let _ = write!(out, "{number:.4},");
            }
            let full = to(table.best_peer(row.owns, column));
            let limit = to(table.limit(row.runtime, column));
            let _ = writeln!(out, "{},{full},{limit}", samples.values().len());
        }
    }
    out
}

/// A field, in quotes if it needs them.
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Samples;
    use crate::table::Class;
    use crate::table::{Row, Scale};

    #[test]
    fn one_line_per_cell_with_ratios_and_quotes() {
        let row = |name: &str, class, value| Row {
            name: name.into(),
            class,
            owns: false,
            runtime: None,
            cells: vec![Some(Samples::new(vec![value])), None],
        };
        let table = Table {
            id: "echo".into(),
            title: "echo".into(),
            unit: "ns",
            more: false,
            scale: Scale::PerColumn,
            columns: vec!["64 B".into(), "1 MiB".into()],
            rows: vec![
                row("ours, \"lent\"", Class::Ours, 1.0),
                row("peer", Class::Full, 4.0),
            ],
        };
        let text = csv(&table);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(
            lines[1],
            "echo,ns,\"ours, \"\"lent\"\"\",ours,64 B,1.0000,1.0000,1.0000,1.0000,1.0000,1,0.2500,"
        );
        assert!(lines[2].ends_with(",1,1.0000,"));
    }
}
