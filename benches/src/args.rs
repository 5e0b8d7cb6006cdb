//! The command line.

use std::path::PathBuf;
use std::time::Duration;

/// How to use it.
pub const USAGE: &str = "\
usage: ws-benches codec|echo|memory|growth|deflate|broadcast|session|all [options]

  --quick                  fewer rounds and shorter samples: minutes instead of tens
  --rounds N               rounds per table
  --only 'WORD|WORD'       only rows whose names contain one of these
  --tables 'TITLE|TITLE'   only these tables of the codec
  --columns 'NAME|NAME'    only these columns
  --connections N          connections of the memory table, default 10000
  --server 'NAME=COMMAND'  one more echo server; {port} in the command is its port
  --compressor 'NAME=COMMAND'
                           one more row of deflate (see benches/node/deflate.mjs)
  --out DIRECTORY          where CSV and charts go, default target/bench-results
";

/// Which tables to make.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Command {
    /// Every one.
    All,
    /// One message to many.
    Broadcast,
    /// Messages and frames in memory.
    Codec,
    /// Compression.
    Deflate,
    /// Over loopback TCP.
    Echo,
    /// How costs change with numbers and sizes.
    Growth,
    /// Bytes per idle connection.
    Memory,
    /// What a session adds to its connection.
    Session,
}

/// How much work to put in, and on whom.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Effort {
    /// Rounds per table.
    pub rounds: usize,
    /// CPU time of one sample of the codec.
    pub codec_sample: Duration,
    /// Time of one sample of an echo server.
    pub echo_sample: Duration,
    /// Connections of the memory table.
    pub connections: usize,
    /// Skip what takes longest.
    pub quick: bool,
    only: Vec<String>,
    tables: Vec<String>,
    columns: Vec<String>,
}

impl Effort {
    const FULL: Self = Self {
        rounds: 7,
        codec_sample: Duration::from_millis(20),
        echo_sample: Duration::from_millis(700),
        connections: 10_000,
        quick: false,
        only: Vec::new(),
        tables: Vec::new(),
        columns: Vec::new(),
    };

    const QUICK: Self = Self {
        rounds: 3,
        codec_sample: Duration::from_millis(4),
        echo_sample: Duration::from_millis(200),
        connections: 1000,
        quick: true,
        only: Vec::new(),
        tables: Vec::new(),
        columns: Vec::new(),
    };

    /// Is this row wanted?
    #[must_use]
    pub fn wants(&self, row: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|word| row.contains(word.as_str()))
    }

    /// Is this table wanted?
    #[must_use]
    pub fn wants_table(&self, title: &str) -> bool {
        is_one_of(&self.tables, title)
    }

    /// Is this column wanted?
    #[must_use]
    pub fn wants_column(&self, name: &str) -> bool {
        is_one_of(&self.columns, name)
    }
}

fn is_one_of(names: &[String], name: &str) -> bool {
    names.is_empty() || names.iter().any(|one| one == name)
}

/// A whole command line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Args {
    /// Which tables.
    pub command: Command,
    /// How much work.
    pub effort: Effort,
    /// Where files go.
    pub out: PathBuf,
    /// Servers that are not in this crate: their names and commands.
    pub servers: Vec<(String, String)>,
    /// Compressors that are not in this crate, likewise.
    pub compressors: Vec<(String, String)>,
}

impl Args {
    /// Reads the command line without the name of the program.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let command = match words.next().as_deref() {
            Some("all") => Command::All,
            Some("broadcast") => Command::Broadcast,
            Some("deflate") => Command::Deflate,
            Some("codec") => Command::Codec,
            Some("echo") => Command::Echo,
            Some("growth") => Command::Growth,
            Some("memory") => Command::Memory,
            Some("session") => Command::Session,
            Some(other) => return Err(format!("no such table: {other}")),
            None => return Err("which table?".into()),
        };
        let words: Vec<String> = words.collect();
        let quick = words.iter().any(|word| word == "--quick");
        let effort = if quick { Effort::QUICK } else { Effort::FULL };
        let out = PathBuf::from("target/bench-results");
        let mut args = Self {
            command,
            effort,
            out,
            servers: Vec::new(),
            compressors: Vec::new(),
        };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            if word == "--quick" {
                continue;
            }
            let value = words
                .next()
                .ok_or_else(|| format!("{word} needs a value"))?;
            args.option(&word, value)?;
        }
        Ok(args)
    }

    fn option(&mut self, word: &str, value: String) -> Result<(), String> {
        let number = || {
            value
                .parse()
                .map_err(|_| format!("{word} needs a number, not {value}"))
        };
        let list = || value.split('|').map(String::from).collect();
        match word {
            "--columns" => self.effort.columns = list(),
            "--compressor" => match value.split_once('=') {
                Some((name, command)) => self.compressors.push((name.into(), command.into())),
                None => return Err(format!("--compressor needs NAME=COMMAND: {value}")),
            },
            "--connections" => self.effort.connections = number()?,
            "--only" => self.effort.only = list(),
            "--out" => self.out = value.into(),
            "--rounds" => self.effort.rounds = number()?,
            "--server" => match value.split_once('=') {
                Some((name, command)) if command.contains("{port}") => {
                    self.servers.push((name.into(), command.into()));
                }
                _ => {
                    return Err(format!(
                        "--server needs NAME=COMMAND with {{port}}: {value}"
                    ));
                }
            },
            "--tables" => self.effort.tables = list(),
            _ => return Err(format!("no such option: {word}")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, String> {
        Args::parse(line.split(" ; ").map(String::from))
    }

    #[test]
    fn options_are_read_in_any_order() {
        let line =
            "echo ; --rounds ; 9 ; --quick ; --server ; uws=./uws {port} ; --only ; ours|uws";
        let args = parse(line).unwrap();
        assert_eq!(
            (args.command, args.effort.rounds, args.effort.quick),
            (Command::Echo, 9, true)
        );
        assert_eq!(args.servers, [("uws".into(), "./uws {port}".into())]);
        assert!(args.effort.wants("ours, lent") && !args.effort.wants("plain TCP"));
        assert!(args.effort.wants_table("anything") && args.effort.wants_column("64 B"));
        let args = parse("codec ; --columns ; 16 B|1 KiB").unwrap();
        assert!(args.effort.wants_column("16 B") && !args.effort.wants_column("116 B"));
    }

    #[test]
    fn mistakes_are_told() {
        for (line, error) in [
            ("", "no such table: "),
            ("everything", "no such table: everything"),
            ("all ; --rounds", "--rounds needs a value"),
            ("all ; --rounds ; many", "--rounds needs a number, not many"),
            ("all ; --speed ; 9", "no such option: --speed"),
            (
                "all ; --server ; x=y",
                "--server needs NAME=COMMAND with {port}: x=y",
            ),
            (
                "deflate ; --compressor ; x",
                "--compressor needs NAME=COMMAND: x",
            ),
        ] {
            assert_eq!(parse(line), Err(error.into()));
        }
    }
}
