//! The codec in memory: frames to messages and back, without any transport.

pub mod case;
mod limit;
mod ours;
#[cfg(feature = "peers")]
mod peers;

use std::time::Duration;

pub use case::{Case, Job, Tally};

use crate::args::Effort;
use crate::stats::{Samples, interleave, thread_time};
use crate::table::{Class, Row, Scale, Table};
use crate::wire::Kind;

/// Sizes of messages, in the order of the columns.
pub const SIZES: [usize; 5] = [16, 128, 1 << 10, 16 << 10, 1 << 20];

/// Frames per message in the tables of fragmented messages.
const FRAGMENTS: usize = 4;

/// One way to decode, or to encode.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// As tables name it.
    pub name: &'static str,
    /// What it is compared with.
    pub class: Class,
    /// Is what it hands out the application's to keep?
    pub owns: bool,
    /// Prepares a connection; `None` if it can't take part in this case.
    pub job: fn(&Case) -> Option<Job>,
}

/// What is asked of the codec: one table each.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// Decoding, or encoding.
    pub decode: bool,
    /// As the server (masked frames come in, unmasked ones go out), or as the client.
    pub server: bool,
    /// What messages hold.
    pub kind: Kind,
    /// Frames per message.
    pub fragments: usize,
}

impl Question {
    /// All questions, in the order of the tables.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let kinds = |decode, server, fragments| {
            Kind::ALL.map(|kind| Self {
                decode,
                server,
                kind,
                fragments,
            })
        };
        [
            kinds(true, true, 1),
            kinds(true, false, 1),
            kinds(true, true, FRAGMENTS),
            kinds(false, true, 1),
            kinds(false, false, 1),
        ]
        .concat()
    }

    /// In words.
    #[must_use]
    pub fn title(&self) -> String {
        let verb = if self.decode { "decode" } else { "encode" };
        let masked = if self.decode == self.server {
            "masked"
        } else {
            "unmasked"
        };
        let pieces = match self.fragments {
            1 => String::new(),
            n => format!(" in {n} fragments"),
        };
        format!("{verb} {masked} {}{pieces}", self.kind.word())
    }

    /// The case of one size.
    #[must_use]
    pub fn case(&self, size: usize) -> Case {
        if self.decode {
            Case::decode(self.kind, size, self.server, self.fragments)
        } else {
            Case::encode(self.kind, size, self.server)
        }
    }

    /// The job of one of ours in a case, by name.
    #[must_use]
    pub fn job(&self, name: &str, case: &Case) -> Option<Job> {
        let who = self.subjects().into_iter().find(|who| who.name == name)?;
        (who.job)(case)
    }

    /// Everybody who can answer.
    #[must_use]
    pub fn subjects(&self) -> Vec<Subject> {
        let mut subjects = Vec::new();
        if self.decode {
            subjects.extend(ours::DECODERS);
            #[cfg(feature = "peers")]
            subjects.extend(peers::decoders());
            subjects.extend(limit::DECODERS);
        } else {
            subjects.extend(ours::ENCODERS);
            #[cfg(feature = "peers")]
            subjects.extend(peers::encoders());
            subjects.extend(limit::ENCODERS);
        }
        subjects
    }
}

/// Runs a job until it has used `least` of CPU time: nanoseconds per message.
pub fn nanos_per_message(job: &mut Job, messages: usize, least: Duration) -> f64 {
    let start = thread_time();
    for runs in 1.. {
        job();
        let used = thread_time() - start;
        if used >= least {
            return used.as_nanos() as f64 / (f64::from(runs) * messages as f64);
        }
    }
    0.0
}

/// Prepares a job again, checks it, and lets it run once more: what it knows of the messages it has learnt
/// then. Which pages its buffers get decides up to a tenth of what a long message takes; so nobody keeps
/// his own, and what one leaves another may get.
fn renew(who: &Subject, job: &mut Option<Job>, case: &Case) {
    if let Some(mut fresh) = (who.job)(case) {
        case.check(who.name, who.class, &mut fresh);
        fresh();
        *job = Some(fresh);
    }
}

/// Answers a question at some sizes.
#[must_use]
pub fn measure(question: &Question, sizes: &[usize], effort: &Effort) -> Vec<Row> {
    let subjects = question.subjects();
    let mut subjects: Vec<_> = subjects
        .iter()
        .filter(|who| effort.wants(who.name))
        .collect();
    subjects.dedup_by_key(|who| who.name);
    let mut rows: Vec<Row> = subjects
        .iter()
        .map(|who| Row {
            name: who.name.into(),
            class: who.class,
            owns: who.owns,
            runtime: None,
            cells: Vec::new(),
        })
        .collect();
    for &size in sizes {
        let case = question.case(size);
        let mut jobs: Vec<_> = subjects.iter().map(|&who| (who, None)).collect();
        let least = effort.codec_sample;
        let samples = interleave(effort.rounds, &mut jobs, |(who, job)| {
            renew(who, job, &case);
            job.as_mut()
                .map_or(0.0, |job| nanos_per_message(job, case.messages, least))
        });
        for ((row, samples), (_, job)) in rows.iter_mut().zip(samples).zip(&jobs) {
            row.cells.push(job.as_ref().map(|_| samples));
        }
    }
    rows.retain(|row| row.cells.iter().any(Option::is_some));
    rows
}

/// The table that answers a question.
#[must_use]
pub fn table(question: &Question, effort: &Effort) -> Table {
    let title = question.title();
    let wanted = |&size: &usize| effort.wants_column(&size_name(size));
    let sizes: Vec<_> = SIZES.into_iter().filter(wanted).collect();
    Table {
        id: format!("codec-{}", title.replace(' ', "-").to_lowercase()),
        title,
        unit: "ns per message",
        more: false,
        scale: Scale::PerColumn,
        columns: sizes.iter().map(|&size| size_name(size)).collect(),
        rows: measure(question, &sizes, effort),
    }
}

/// A size as tables write it.
#[must_use]
pub fn size_name(bytes: usize) -> String {
    match bytes {
        n if n >= 1 << 20 => format!("{} MiB", n >> 20),
        n if n >= 1 << 10 => format!("{} KiB", n >> 10),
        n => format!("{n} B"),
    }
}

/// Time per message as samples of time per KiB.
#[must_use]
pub fn per_kib(samples: &Samples, size: usize) -> Samples {
    let scale = 1024.0 / size as f64;
    Samples::new(samples.values().iter().map(|value| value * scale).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_handles_every_message() {
        for question in Question::all() {
            for size in [16, 1 << 10, 100_000] {
                let case = question.case(size);
                for who in question.subjects() {
                    let job = (who.job)(&case);
                    job.into_iter()
                        .for_each(|mut job| case.check(who.name, who.class, &mut job));
                }
            }
        }
    }

    #[test]
    fn every_table_has_a_name_of_its_own() {
        let titles: std::collections::BTreeSet<_> =
            Question::all().iter().map(Question::title).collect();
        assert_eq!(titles.len(), Question::all().len());
        assert!(titles.contains("decode masked multi-byte text in 4 fragments"));
        assert!(titles.contains("encode unmasked binary"));
    }
}
