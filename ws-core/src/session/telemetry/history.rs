//! The last things that changed the state of a session, for whoever asks what went on. Bounded; each
//! message is not among them.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use core::fmt;

use super::super::event::Event;
use super::{Category, Level};
use crate::Instant;

/// The last entries of level [`Info`](Level::Info) and above, oldest first.
///
/// `Display` has one line for each: the time since the first event ever, in seconds, and the entry.
#[derive(Clone, Debug)]
pub struct History {
    capacity: usize,
    entries: VecDeque<Remembered>,
    first: Option<Instant>,
    forgotten: u64,
}

/// One of them.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Remembered {
    /// When.
    pub at: Instant,
    /// How much it mattered.
    pub level: Level,
    /// What it was about.
    pub category: Category,
    /// What it is called.
    pub name: &'static str,
    /// The whole line, without the time.
    pub line: String,
}

impl History {
    /// Remembers so many entries; at least one.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            entries: VecDeque::new(),
            first: None,
            forgotten: 0,
        }
    }

    /// Remembers an event, if it is one to be remembered.
    pub fn remember<T: AsRef<str>, B: AsRef<[u8]>>(&mut self, event: &Event<T, B>, at: Instant) {
        self.first.get_or_insert(at);
        let entry = event.entry();
        if entry.level < Level::Info {
            return;
        }
        if self.entries.len() == self.capacity {
            self.entries.pop_front();
            self.forgotten += 1;
        }
        self.entries.push_back(Remembered {
            at,
            level: entry.level,
            category: entry.category,
            name: entry.name,
            line: format!("{entry}"),
        });
    }

    /// The entries, oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Remembered> {
        self.entries.iter()
    }

    /// How many made room for others.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.first.unwrap_or(Instant::ORIGIN);
        for Remembered { at, line, .. } in &self.entries {
            writeln!(f, "+{:.3} {line}", (*at - first).as_secs_f64())?;
        }
        Ok(())
    }
}
