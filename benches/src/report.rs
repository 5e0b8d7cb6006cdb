//! Where tables go: the terminal, a CSV file and a chart each.

use std::fs;
use std::io;
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
    /// If a file can't be written.
    pub fn publish(&self, table: &Table) -> io::Result<()> {
        println!("{}", table.text());
        let path = |extension| self.directory.join(format!("{}.{extension}", table.id));
        fs::write(path("csv"), csv(table))?;
        fs::write(path("svg"), svg(table))
    }

    /// Says where the files are.
    pub fn end(&self) {
        println!("CSV and charts: {}", self.directory.display());
    }
}
