//! Compression: what a message costs, and what an idle connection holds.
//!
//! Everybody compresses at level 6 with windows of 32 KiB, messages of JSON that are alike and never
//! the same. *takeover*: each message builds on those before it; otherwise it stands alone.

mod foreign;
mod idle;
mod ours;
#[cfg(feature = "peers")]
mod peers;

use std::io;
use std::rc::Rc;

use bytes::Bytes;
use ws_core::Role;

use foreign::{Foreign, Running};
pub use idle::{hold, memory};

use crate::args::Effort;
use crate::codec::{Job, Tally, nanos_per_message};
use crate::stats::interleave;
use crate::table::{Class, Row, Scale, Table};
use crate::tape::{Spy, Tape};
use crate::wire::Numbers;

/// How hard everybody tries.
const LEVEL: u8 = 6;

/// Different messages in one run.
const MESSAGES: usize = 64;

/// Sizes of messages, in the order of the columns.
const SIZES: [(usize, &str); 2] = [(1 << 10, "1 KiB"), (16 << 10, "16 KiB")];

/// Messages, and whether they build on each other.
#[derive(Clone, Debug)]
pub struct Case {
    messages: Vec<Bytes>,
    takeover: bool,
    /// All of them as a client sends them.
    wire: Rc<[u8]>,
}

impl Case {
    fn new(size: usize, takeover: bool, count: usize) -> Self {
        let mut numbers = Numbers::new(size as u64);
        let messages: Vec<Bytes> = (0..count).map(|_| json(size, &mut numbers)).collect();
        let mut client = ours::connection(Role::Client, takeover);
        let mut wire = Vec::new();
        for message in &messages {
            ours::send(&mut client, message, |bytes| wire.extend_from_slice(bytes));
        }
        Self {
            messages,
            takeover,
            wire: wire.into(),
        }
    }

    fn tape(&self) -> Tape {
        Tape::new(Rc::clone(&self.wire), Spy::default())
    }

    /// Runs a job once and checks that it handled every message.
    fn check(&self, who: &str, job: &mut Job) {
        let bytes = self.messages.iter().map(Bytes::len).sum();
        let mut expected = Tally::default();
        expected.count_all(1, bytes);
        expected.count_all(MESSAGES - 1, 0);
        assert_eq!(job(), expected, "{who}");
    }
}

/// An update of an order book, of exactly `size` bytes.
fn json(size: usize, numbers: &mut Numbers) -> Bytes {
    let mut text = String::from("{\"channel\":\"book.BTC-PERPETUAL\",\"data\":[");
    while text.len() < size {
        let n = numbers.draw();
        let (price, amount) = (60_000 + n % 5_000, n / 7 % 100_000);
        text += &format!("[\"change\",{price}.5,{amount}],");
    }
    text.truncate(size);
    text.into()
}

/// One way to compress, or to decompress.
#[derive(Clone, Copy, Debug)]
struct Subject {
    name: &'static str,
    class: Class,
    owns: bool,
    job: fn(&Case) -> Job,
}

fn subjects(decompress: bool) -> Vec<Subject> {
    let mut subjects = Vec::new();
    match decompress {
        true => subjects.extend(ours::DECODERS),
        false => subjects.extend(ours::ENCODERS),
    }
    #[cfg(feature = "peers")]
    subjects.extend(match decompress {
        true => peers::DECODERS,
        false => peers::ENCODERS,
    });
    subjects
}

/// Whoever takes part in a round.
enum Player {
    Job(Job),
    Program(Running),
}

/// What it costs to compress or decompress messages; `programs` take part too.
///
/// # Errors
/// One of the programs does not say.
pub fn table(decompress: bool, effort: &Effort, programs: &[Foreign]) -> io::Result<Table> {
    let verb = if decompress { "decompress" } else { "compress" };
    let file = foreign::file();
    let programs: Vec<_> = { programs.iter() }
        .filter(|(name, _)| effort.wants(name))
        .collect();
    let subjects = subjects(decompress);
    let subjects: Vec<_> = { subjects.iter() }
        .filter(|who| effort.wants(who.name))
        .collect();
    let (mut columns, mut cells) = (
        Vec::new(),
        vec![Vec::new(); subjects.len() + programs.len()],
    );
    for (size, name) in SIZES {
        for (takeover, word) in [(false, ""), (true, ", takeover")] {
            let column = format!("{name}{word}");
            if !effort.wants_column(&column) {
                continue;
            }
            let case = Case::new(size, takeover, MESSAGES);
            let mut jobs: Vec<Job> = subjects.iter().map(|who| (who.job)(&case)).collect();
            for (job, who) in jobs.iter_mut().zip(&subjects) {
                case.check(who.name, job);
            }
            let mut players: Vec<Player> = jobs.into_iter().map(Player::Job).collect();
            for who in &programs {
                let program = Running::start(who, verb, &case, &file)?;
                players.push(Player::Program(program));
            }
            let mut failed = None;
            let samples = interleave(effort.rounds, &mut players, |player| match player {
                Player::Job(job) => nanos_per_message(job, MESSAGES, effort.codec_sample),
                Player::Program(program) => program.sample().unwrap_or_else(|error| {
                    failed = Some(error);
                    0.0
                }),
            });
            if let Some(error) = failed {
                return Err(error);
            }
            for (row, samples) in cells.iter_mut().zip(samples) {
                row.push(Some(samples));
            }
            columns.push(column);
        }
    }
    let _ = std::fs::remove_file(file);
    let ours = { subjects.iter() }.map(|who| (who.name.into(), who.class, who.owns));
    let theirs = { programs.iter() }.map(|(name, _)| (name.clone(), Class::Full, true));
    let rows = { ours.chain(theirs) }
        .zip(cells)
        .map(|((name, class, owns), cells)| Row {
            name,
            class,
            owns,
            runtime: None,
            cells,
        });
    Ok(Table {
        id: format!("deflate-{verb}"),
        title: format!("{verb} JSON as a server, level {LEVEL}"),
        unit: "ns per message",
        more: false,
        scale: Scale::PerColumn,
        columns,
        rows: rows.collect(),
    })
}
