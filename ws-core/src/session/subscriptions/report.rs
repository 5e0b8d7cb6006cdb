//! What a registry asks for and what it has to tell.
//!
//! Nothing is decided here.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::SubId;
use super::config::SubOptions;
use super::cursor::{Continued, Cursor, Step};
use crate::time::Instant;

/// What to send next. The owner sends it, or tells that the connection is lost.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Command<T> {
    /// Subscribe to these.
    Join(Vec<Item<T>>),
    /// Unsubscribe from these.
    Leave(Vec<Item<T>>),
}

/// One topic of a command.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Item<T> {
    /// What the answer has to name.
    pub ticket: Ticket,
    /// The topic.
    pub topic: T,
    /// Where it left off, for servers that can resume.
    pub cursor: Option<Cursor>,
}

/// Names one attempt to join or leave, so that an answer to another attempt, or on another
/// connection, is not taken for its own.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Ticket {
    /// The subscription.
    pub id: SubId,
    pub(super) attempt: u64,
}

/// What a server says about the messages since a cursor.
///
/// Exhaustive on purpose: yes, no, or nothing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Resume {
    /// Some are lost.
    Lost,
    /// It delivers them.
    Recovered,
    /// It does not say.
    #[default]
    Unsaid,
}

/// Something about a subscription has changed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Notice<T> {
    /// The subscription.
    pub id: SubId,
    /// Its topic.
    pub topic: T,
    /// What.
    pub change: Change,
    /// What was missed while the connection was down, where that is known by now. Once for each
    /// time of blindness, here or in a [`Seen`].
    pub continued: Option<Continued>,
}

/// What has changed about a subscription.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// It is confirmed, for the first time on this wish.
    Confirmed,
    /// No confirmation in time.
    Expired {
        /// When it is tried again.
        again: Option<Instant>,
    },
    /// The server refused it.
    Failed {
        /// When it is tried again.
        again: Option<Instant>,
        /// The server's words.
        reason: Box<str>,
    },
    /// It could not be made again. If it was ever confirmed, the next connection tries again.
    RestoreFailed {
        /// The server's words; `None` if it said nothing in time.
        reason: Option<Box<str>>,
    },
    /// It was made again on a new connection, or after a gap.
    Restored,
    /// It has been quiet for too long.
    Stale,
    /// Nobody wants it any more, or it did not outlive its connection.
    Unsubscribed,
}

/// What a message of a subscription meant.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Seen<T> {
    /// The subscription.
    pub id: SubId,
    /// How it follows the message before.
    pub step: Step,
    /// What was missed while the connection was down, if this message is the first to tell.
    pub continued: Option<Continued>,
    /// The confirmation, if the message was one.
    pub notice: Option<Notice<T>>,
}

/// A wanted subscription, to be stored and imported elsewhere.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Saved<T> {
    /// Its topic.
    pub topic: T,
    /// How it behaves.
    pub options: SubOptions,
    /// How many want it.
    pub wanted_by: u32,
    /// Was it ever confirmed?
    pub proven: bool,
    /// Where it left off.
    pub cursor: Option<Cursor>,
}

impl<T> Saved<T> {
    /// A subscription that one wants and that was never confirmed.
    #[must_use]
    pub const fn new(topic: T, options: SubOptions) -> Self {
        Self {
            topic,
            options,
            wanted_by: 1,
            proven: false,
            cursor: None,
        }
    }

    /// Sets [`wanted_by`](Self#structfield.wanted_by).
    #[must_use]
    pub fn wanted_by(mut self, wanted_by: u32) -> Self {
        self.wanted_by = wanted_by;
        self
    }

    /// Sets [`proven`](Self#structfield.proven) to true and the place where it left off.
    #[must_use]
    pub fn proven(mut self, cursor: Option<Cursor>) -> Self {
        self.proven = true;
        self.cursor = cursor;
        self
    }
}
