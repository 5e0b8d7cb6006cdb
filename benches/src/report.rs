//! Where tables go: the terminal, a CSV file and a chart each.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use crate::csv::csv;
use crate::svg::svg;
use crate::table::Table;

/// Publishes tables.
#[derive(Debug)]
pub struct Report {
    directory: PathBuf,
}

impl Report {
    /// Writes into `directory`, which is made if it does not exist.
    ///
    /// # Errors
    /// If it can't be made.
    pub fn new(directory: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        Ok(Self { directory })
    }

    /// Prints a table and writes it as CSV and as SVG.
    ///
    /// # Errors
    /// If a file can't be written, or nobody reads the output.
    pub fn publish(&self, table: &Table) -> io::Result<()> {
        writeln!(io::stdout(), "{}", table.text())?;
        let path = |extension| self.directory.join(format!("{}.{extension}", table.id));
        fs::write(path("csv"), csv(table))?;
        fs::write(path("svg"), svg(table))
    }

    /// Says where the files are.
    ///
    /// # Errors
    /// If nobody reads the output.
    pub fn end(&self) -> io::Result<()> {
        writeln!(io::stdout(), "CSV and charts: {}", self.directory.display())
    }
}
