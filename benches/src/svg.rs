//! A table as a chart: one panel of bars per column, drawn by hand.

use std::fmt::Write;

use crate::stats::Samples;
use crate::table::{Class, Scale, Table, value};

const LINE: usize = 18;
const LABELS: usize = 230;
const PANEL: usize = 210;
const BAR: f64 = 140.0;
const TOP: usize = 64;

const fn colour(class: Class) -> &'static str {
    match class {
        Class::Frames => "#c9ced6",
        Class::Full => "#7f8ea3",
        Class::Limit => "#b08d57",
        Class::Ours => "#c8372d",
    }
}

/// The chart as a stand-alone SVG file. Whiskers span the quartiles.
#[must_use]
pub fn svg(table: &Table) -> String {
    let width = LABELS + PANEL * table.columns.len() + 10;
    let height = TOP + LINE * table.rows.len() + 34;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let better = if table.more {
        "more is better"
    } else {
        "less is better"
    };
    text(
        &mut out,
        10,
        20,
        "font-size=\"14\" font-weight=\"bold\"",
        &table.title,
    );
    text(
        &mut out,
        10,
        36,
        "fill=\"#555\"",
        &format!("{}, {better}", table.unit),
    );
    for (i, row) in table.rows.iter().enumerate() {
        let style = match row.class {
            Class::Ours => "text-anchor=\"end\" font-weight=\"bold\"",
            _ => "text-anchor=\"end\"",
        };
        text(&mut out, LABELS - 8, TOP + LINE * i + 12, style, &row.name);
    }
    let cells = |column: usize| {
        table
            .rows
            .iter()
            .map(move |row| row.cells.get(column)?.as_ref())
    };
    let most = |column| {
        cells(column)
            .flatten()
            .map(Samples::median)
            .fold(0.0, f64::max)
    };
    let overall = (0..table.columns.len()).map(most).fold(0.0, f64::max);
    for (column, heading) in table.columns.iter().enumerate() {
        let left = LABELS + PANEL * column;
        let full = match table.scale {
            Scale::PerColumn => most(column),
            Scale::Shared => overall,
        };
        text(&mut out, left, TOP - 8, "font-weight=\"bold\"", heading);
        for (i, (cell, row)) in cells(column).zip(&table.rows).enumerate() {
            if let Some(samples) = cell.filter(|_| full > 0.0) {
                let place = |v: f64| (BAR * v / full).min(BAR);
                bar(&mut out, left, TOP + LINE * i, samples, row.class, place);
            }
        }
    }
    let mut left = 10;
    for class in [Class::Ours, Class::Full, Class::Frames, Class::Limit] {
        let y = height - 20;
        let fill = colour(class);
        let _ = writeln!(
            out,
            "<rect x=\"{left}\" y=\"{y}\" width=\"10\" height=\"10\" fill=\"{fill}\"/>"
        );
        let word = match class {
            Class::Frames => "frames only",
            Class::Full => "full peer",
            Class::Limit | Class::Ours => class.word(),
        };
        text(&mut out, left + 14, y + 9, "fill=\"#555\"", word);
        left += 100;
    }
    out.push_str("</svg>\n");
    out
}

fn bar(
    out: &mut String,
    x: usize,
    y: usize,
    samples: &Samples,
    class: Class,
    place: impl Fn(f64) -> f64,
) {
    let median = samples.median();
    let (width, fill) = (place(median), colour(class));
    let _ = writeln!(
        out,
        "<rect x=\"{x}\" y=\"{}\" width=\"{width:.1}\" height=\"{}\" fill=\"{fill}\"/>",
        y + 2,
        LINE - 6
    );
    let ends = [0.25, 0.75].map(|q| x as f64 + place(samples.quantile(q)));
    let _ = writeln!(
        out,
        "<path d=\"M{:.1} {y}H{:.1}\" transform=\"translate(0 8)\" stroke=\"#222\"/>",
        ends[0], ends[1]
    );
    let label = ends[1].max(x as f64 + width) + 4.0;
    let _ = writeln!(
        out,
        "<text x=\"{label:.1}\" y=\"{}\">{}</text>",
        y + 12,
        value(median)
    );
}

fn text(out: &mut String, x: usize, y: usize, style: &str, words: &str) {
    let words = words
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let _ = writeln!(out, "<text x=\"{x}\" y=\"{y}\" {style}>{words}</text>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Row;

    fn table(scale: Scale) -> Table {
        let row = |name: &str, class, values: [f64; 2]| Row {
            name: name.into(),
            class,
            owns: false,
            runtime: None,
            cells: values
                .map(|v| (v > 0.0).then(|| Samples::new(vec![v])))
                .into(),
        };
        Table {
            id: "t".into(),
            title: "a < b & c".into(),
            unit: "ns",
            more: false,
            scale,
            columns: vec!["one".into(), "two".into()],
            rows: vec![
                row("ours", Class::Ours, [1.0, 20.0]),
                row("peer", Class::Full, [2.0, 40.0]),
                row("absent", Class::Full, [0.0, 0.0]),
            ],
        }
    }

    fn widths(chart: &str) -> Vec<&str> {
        let bars = chart.lines().filter(|line| line.contains("height=\"12\""));
        bars.filter_map(|bar| bar.split("width=\"").nth(1)?.split('"').next())
            .collect()
    }

    #[test]
    fn bars_are_scaled_by_column_or_together() {
        assert_eq!(
            widths(&svg(&table(Scale::PerColumn))),
            ["70.0", "140.0", "70.0", "140.0"]
        );
        assert_eq!(
            widths(&svg(&table(Scale::Shared))),
            ["3.5", "7.0", "70.0", "140.0"]
        );
    }

    #[test]
    fn the_file_is_well_formed() {
        let chart = svg(&table(Scale::PerColumn));
        assert!(chart.starts_with("<svg xmlns=") && chart.ends_with("</svg>\n"));
        assert!(chart.contains(">a &lt; b &amp; c</text>"));
        assert_eq!(
            chart.matches("<text").count(),
            chart.matches("</text>").count()
        );
    }
}
