//! What waits for one receiver of many, and what happens when it is too slow.
//!
//! A bounded queue that never waits: who fills it goes on with the next receiver, whatever becomes
//! of this one, and every outcome is counted. It knows neither connections nor what a message is.

use alloc::collections::VecDeque;

use crate::close::CloseCode;

/// How much may wait for a receiver, and what to do beyond that. The setters chain.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct OutboxPolicy {
    /// How many messages may wait. Default 256; zero is taken as one.
    pub max_messages: usize,
    /// How many bytes they may be together; one message of any size may wait alone. Default 1 MiB.
    pub max_bytes: usize,
    /// What to do with a message that finds no room. Default [`Overflow::Close`].
    pub overflow: Overflow,
}

/// What to do with a message that finds no room.
///
/// Exhaustive on purpose: someone has to lose.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Overflow {
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
pub struct OutboxCounts {
    /// Offered after the receiver was given up.
    pub closed: u64,
    /// Found room, at first.
    pub queued: u64,
    /// Taken, to be sent.
    pub taken: u64,
    /// Dropped without having waited ([`Overflow::DropNewest`]).
    pub dropped_newest: u64,
    /// Dropped after having waited ([`Overflow::DropOldest`]).
    pub dropped_oldest: u64,
    /// Given back ([`Overflow::Reject`]).
    pub rejected: u64,
    /// The one that was too much, and what waited with it ([`Overflow::Close`]).
    pub discarded: u64,
}

/// A bounded queue of messages for one receiver.
///
/// ```
/// use ws_core::policy::{Offered, Outbox, OutboxPolicy, Overflow, Taken};
///
/// let policy = OutboxPolicy::default().max_messages(2).overflow(Overflow::DropOldest);
/// let mut outbox = Outbox::new(policy);
/// assert_eq!(outbox.offer("a", 1), Offered::Queued);
/// assert_eq!(outbox.offer("b", 1), Offered::Queued);
/// assert_eq!(outbox.offer("c", 1), Offered::MadeRoom(1));
/// assert_eq!(outbox.take(), Taken::Message("b"));
/// assert_eq!(outbox.counts().dropped_oldest, 1);
/// ```
#[derive(Clone, Debug)]
pub struct Outbox<T> {
    policy: OutboxPolicy,
    waiting: VecDeque<(T, usize)>,
    bytes: usize,
    state: State,
    counts: OutboxCounts,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Open,
    /// Too much came; whoever takes has to close.
    Overrun,
    Closed,
}

impl Default for OutboxPolicy {
    fn default() -> Self {
        Self {
            max_messages: 256,
            max_bytes: 1 << 20,
            overflow: Overflow::default(),
        }
    }
}

impl OutboxPolicy {
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
    pub const fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }
}

impl<T> Outbox<T> {
    /// An empty one.
    #[must_use]
    pub const fn new(policy: OutboxPolicy) -> Self {
        Self {
            policy,
            waiting: VecDeque::new(),
            bytes: 0,
            state: State::Open,
            counts: OutboxCounts {
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
                Overflow::Close => {
                    self.counts.discarded += 1;
                    self.discard(State::Overrun);
                    return Offered::Closed(message);
                }
                Overflow::DropNewest => {
                    self.counts.dropped_newest += 1;
                    return Offered::Dropped(message);
                }
                Overflow::DropOldest => {
                    self.pop();
                    self.counts.dropped_oldest += 1;
                    dropped += 1;
                }
                Overflow::Reject => {
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
    pub const fn counts(&self) -> &OutboxCounts {
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
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn full(overflow: Overflow) -> Outbox<u32> {
        let policy = OutboxPolicy::default().max_messages(3).max_bytes(30);
        let mut outbox = Outbox::new(policy.overflow(overflow));
        for i in 0..3 {
            assert_eq!(outbox.offer(i, 10), Offered::Queued);
        }
        outbox
    }

    fn rest(outbox: &mut Outbox<u32>) -> Vec<u32> {
        core::iter::from_fn(|| match outbox.take() {
            Taken::Message(message) => Some(message),
            Taken::Close(_) | Taken::Nothing => None,
        })
        .collect()
    }

    #[test]
    fn each_policy_does_what_it_says() {
        let mut outbox = full(Overflow::DropNewest);
        assert_eq!(outbox.offer(3, 10), Offered::Dropped(3));
        assert_eq!(outbox.counts().dropped_newest, 1);
        assert_eq!(rest(&mut outbox), [0, 1, 2]);
        assert_eq!(outbox.offer(4, 10), Offered::Queued);

        let mut outbox = full(Overflow::DropOldest);
        assert_eq!(outbox.offer(3, 20), Offered::MadeRoom(2));
        assert_eq!(outbox.counts().dropped_oldest, 2);
        assert_eq!(rest(&mut outbox), [2, 3]);

        let mut outbox = full(Overflow::Reject);
        assert_eq!(outbox.offer(3, 10), Offered::Rejected(3));
        assert_eq!(outbox.counts().rejected, 1);
        assert_eq!(rest(&mut outbox), [0, 1, 2]);

        let mut outbox = full(Overflow::Close);
        assert_eq!(outbox.offer(3, 10), Offered::Closed(3));
        assert_eq!(outbox.offer(4, 10), Offered::Closed(4));
        assert_eq!((outbox.counts().discarded, outbox.counts().closed), (4, 1));
        assert_eq!(outbox.take(), Taken::Close(CloseCode::TRY_AGAIN_LATER));
        assert_eq!(outbox.take(), Taken::Nothing);
        assert_eq!(outbox.offer(5, 0), Offered::Closed(5));
    }

    #[test]
    fn one_message_of_any_size_may_wait_alone() {
        for overflow in [Overflow::Close, Overflow::DropNewest, Overflow::Reject] {
            let policy = OutboxPolicy::default().max_messages(0).max_bytes(0);
            let mut outbox = Outbox::new(policy.overflow(overflow));
            assert_eq!(outbox.offer(1, usize::MAX), Offered::Queued);
            assert_ne!(outbox.offer(2, 1), Offered::Queued);
        }
        let policy = OutboxPolicy::default().overflow(Overflow::DropOldest);
        let mut outbox = Outbox::new(policy);
        assert_eq!(outbox.offer(1, 1), Offered::Queued);
        assert_eq!(outbox.offer(2, usize::MAX), Offered::MadeRoom(1));
        assert_eq!(outbox.bytes(), usize::MAX);
    }

    #[test]
    fn a_receiver_that_is_gone_holds_nothing() {
        let mut outbox = full(Overflow::Reject);
        outbox.close();
        outbox.close();
        assert!(outbox.is_empty() && outbox.bytes() == 0);
        assert_eq!(
            (outbox.take(), outbox.counts().discarded),
            (Taken::Nothing, 3)
        );
        assert_eq!(outbox.offer(9, 1), Offered::Closed(9));
    }

    proptest! {
        #[test]
        fn what_waits_is_bounded_and_nothing_is_lost_uncounted(
            overflow in prop_oneof![
                Just(Overflow::Close),
                Just(Overflow::DropNewest),
                Just(Overflow::DropOldest),
                Just(Overflow::Reject),
            ],
            max_messages in 0..5usize,
            max_bytes in 0..50usize,
            ops in proptest::collection::vec(prop_oneof![
                3 => (0..30usize).prop_map(Some),
                2 => Just(None),
            ], 0..60),
        ) {
            let policy = OutboxPolicy::default()
                .max_messages(max_messages)
                .max_bytes(max_bytes)
                .overflow(overflow);
            let mut outbox = Outbox::new(policy);
            let (mut offered, mut last, mut closes) = (0u64, None, 0);
            for (i, op) in ops.into_iter().enumerate() {
                match op {
                    Some(bytes) => {
                        offered += 1;
                        outbox.offer(i, bytes);
                    }
                    None => match outbox.take() {
                        Taken::Message(message) => {
                            prop_assert!(last.is_none_or(|last| last < message), "in order");
                            last = Some(message);
                        }
                        Taken::Close(_) => closes += 1,
                        Taken::Nothing => {}
                    },
                }
                prop_assert!(outbox.len() <= max_messages.max(1));
                prop_assert!(outbox.len() <= 1 || outbox.bytes() <= max_bytes);
                let OutboxCounts {
                    closed, queued, taken, dropped_newest, dropped_oldest, rejected, discarded,
                } = *outbox.counts();
                // The one that was too much was discarded without having waited.
                let too_much = u64::from(overflow == Overflow::Close && discarded > 0);
                prop_assert_eq!(queued + closed + dropped_newest + rejected + too_much, offered);
                let waiting = outbox.len() as u64;
                prop_assert_eq!(taken + dropped_oldest + discarded - too_much + waiting, queued);
                prop_assert!(closes <= 1);
            }
        }
    }
}
