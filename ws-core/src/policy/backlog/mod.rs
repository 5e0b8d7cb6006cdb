//! What waits for one receiver of many, and what happens when it is too slow.
//!
//! A bounded queue that never waits: who fills it goes on with the next receiver, whatever becomes
//! of this one, and every outcome is counted. It knows neither connections nor what a message is.

use alloc::collections::VecDeque;

use crate::close::CloseCode;

/// How much may wait for a receiver, and what to do beyond that. The setters chain.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct BacklogPolicy {
    /// How many messages may wait. Default 256; zero is taken as one.
    pub max_messages: usize,
    /// How many bytes they may be together; one message of any size may wait alone. Default 1 MiB.
    pub max_bytes: usize,
    /// What to do with a message that finds no room. Default [`SlowConsumer::Close`].
    pub overflow: SlowConsumer,
}

/// What to do with a message that finds no room.
///
/// Exhaustive on purpose: someone has to lose.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum SlowConsumer {
    /// Close the connection with 1013: a receiver that misses nothing, or is told that it did.
    #[default]
    Close,
    /// Drop the message: what waits is sent first, gaps come at the end.
    DropNewest,
    /// Drop what has waited longest until there is room: the receiver is as up to date as it can be.
    DropOldest,
    /// Give the message back to the sender, which decides.
    Reject,
}

/// What became of a message.
///
/// Exhaustive on purpose: every outcome means something to the sender.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Offered<T> {
    /// The receiver is being closed, or gone: the message will not be sent.
    Closed(T),
    /// It found no room and was dropped.
    Dropped(T),
    /// It waits, and so many older ones were dropped for it.
    MadeRoom(usize),
    /// It waits.
    Queued,
    /// It found no room and comes back.
    Rejected(T),
}

/// What to do next for a receiver.
///
/// Exhaustive on purpose: a close that is overlooked leaves a receiver with a gap it does not know
/// of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Taken<T> {
    /// Close the connection with this code, 1013. Once.
    Close(CloseCode),
    /// Send this.
    Message(T),
    /// Nothing waits.
    Nothing,
}

/// How many messages had which outcome.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct BacklogCounts {
    /// Offered after the receiver was given up.
    pub closed: u64,
    /// Found room, at first.
    pub queued: u64,
    /// Taken, to be sent.
    pub taken: u64,
    /// Dropped without having waited ([`SlowConsumer::DropNewest`]).
    pub dropped_newest: u64,
    /// Dropped after having waited ([`SlowConsumer::DropOldest`]).
    pub dropped_oldest: u64,
    /// Given back ([`SlowConsumer::Reject`]).
    pub rejected: u64,
    /// The one that was too much, and what waited with it ([`SlowConsumer::Close`]).
    pub discarded: u64,
}

/// A bounded queue of messages for one receiver.
///
/// ```
/// use ws_core::policy::{Offered, Backlog, BacklogPolicy, SlowConsumer, Taken};
///
/// let policy = BacklogPolicy::default().max_messages(2).overflow(SlowConsumer::DropOldest);
/// let mut backlog = Backlog::new(policy);
/// assert_eq!(backlog.offer("a", 1), Offered::Queued);
/// assert_eq!(backlog.offer("b", 1), Offered::Queued);
/// assert_eq!(backlog.offer("c", 1), Offered::MadeRoom(1));
/// assert_eq!(backlog.take(), Taken::Message("b"));
/// assert_eq!(backlog.counts().dropped_oldest, 1);
/// ```
#[derive(Clone, Debug)]
pub struct Backlog<T> {
    policy: BacklogPolicy,
    waiting: VecDeque<(T, usize)>,
    bytes: usize,
    state: State,
    counts: BacklogCounts,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Open,
    /// Too much came; whoever takes has to close.
    Overrun,
    Closed,
}

impl Default for BacklogPolicy {
    fn default() -> Self {
        Self {
            max_messages: 256,
            max_bytes: 1 << 20,
            overflow: SlowConsumer::default(),
        }
    }
}

impl BacklogPolicy {
    /// Sets [`max_messages`](Self#structfield.max_messages).
    #[must_use]
    pub const fn max_messages(mut self, count: usize) -> Self {
        self.max_messages = count;
        self
    }

    /// Sets [`max_bytes`](Self#structfield.max_bytes).
    #[must_use]
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets [`overflow`](Self#structfield.overflow).
    #[must_use]
    pub const fn overflow(mut self, overflow: SlowConsumer) -> Self {
        self.overflow = overflow;
        self
    }
}

impl<T> Backlog<T> {
    /// An empty one.
    #[must_use]
    pub const fn new(policy: BacklogPolicy) -> Self {
        Self {
            policy,
            waiting: VecDeque::new(),
            bytes: 0,
            state: State::Open,
            counts: BacklogCounts {
                closed: 0,
                queued: 0,
                taken: 0,
                dropped_newest: 0,
                dropped_oldest: 0,
                rejected: 0,
                discarded: 0,
            },
        }
    }

    /// A message of so many bytes for the receiver.
    pub fn offer(&mut self, message: T, bytes: usize) -> Offered<T> {
        if self.state != State::Open {
            self.counts.closed += 1;
            return Offered::Closed(message);
        }
        let mut dropped = 0;
        while !self.has_room(bytes) {
            match self.policy.overflow {
                SlowConsumer::Close => {
                    self.counts.discarded += 1;
                    self.discard(State::Overrun);
                    return Offered::Closed(message);
                }
                SlowConsumer::DropNewest => {
                    self.counts.dropped_newest += 1;
                    return Offered::Dropped(message);
                }
                SlowConsumer::DropOldest => {
                    self.pop();
                    self.counts.dropped_oldest += 1;
                    dropped += 1;
                }
                SlowConsumer::Reject => {
                    self.counts.rejected += 1;
                    return Offered::Rejected(message);
                }
            }
        }
        self.waiting.push_back((message, bytes));
        self.bytes += bytes;
        self.counts.queued += 1;
        match dropped {
            0 => Offered::Queued,
            _ => Offered::MadeRoom(dropped),
        }
    }

    /// What to do next.
    pub fn take(&mut self) -> Taken<T> {
        if self.state == State::Overrun {
            self.state = State::Closed;
            return Taken::Close(CloseCode::TRY_AGAIN_LATER);
        }
        match self.pop() {
            Some(message) => {
                self.counts.taken += 1;
                Taken::Message(message)
            }
            None => Taken::Nothing,
        }
    }

    /// The receiver is gone: what waits is dropped, and nothing is taken in any more.
    pub fn close(&mut self) {
        if self.state != State::Closed {
            self.discard(State::Closed);
        }
    }

    /// How many messages wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Does nothing wait?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many bytes wait.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// What became of the messages so far.
    #[must_use]
    pub const fn counts(&self) -> &BacklogCounts {
        &self.counts
    }

    fn has_room(&self, bytes: usize) -> bool {
        let together = self.bytes.saturating_add(bytes);
        self.waiting.is_empty()
            || self.waiting.len() < self.policy.max_messages && together <= self.policy.max_bytes
    }

    fn pop(&mut self) -> Option<T> {
        let (message, bytes) = self.waiting.pop_front()?;
        self.bytes -= bytes;
        Some(message)
    }

    fn discard(&mut self, state: State) {
        self.counts.discarded += self.waiting.len() as u64;
        self.waiting = VecDeque::new();
        self.bytes = 0;
        self.state = state;
    }
}

#[cfg(test)]
mod tests;
