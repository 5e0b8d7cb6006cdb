//! How the messages of one subscription follow one another, and whether any are missing.
//!
//! It asks for nothing that is missing.

use core::time::Duration;

/// How a server numbers the messages of a subscription.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Continuity {
    /// Each names itself and the one before it (Deribit's `change_id`).
    Chain,
    /// A number that grows by `step`.
    Counter {
        /// From one message to the next.
        step: u64,
    },
    /// Not at all: a reconnect leaves it unknown whether anything was missed.
    #[default]
    None,
    /// An offset within an epoch of the server's (Centrifugo).
    Position,
    /// Each covers a range of numbers (Binance's `U` to `u`).
    Range,
}

/// What a message says about its place.
///
/// Exhaustive on purpose: one for each way of numbering.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mark {
    /// See [`Continuity::Chain`].
    Chain {
        /// The message before; `None` for a snapshot, which begins a chain.
        previous: Option<u64>,
        /// This one.
        current: u64,
    },
    /// See [`Continuity::Counter`].
    Counter(u64),
    /// See [`Continuity::Position`].
    Position {
        /// The server's epoch, or a hash of its name.
        epoch: u64,
        /// The offset within it.
        offset: u64,
    },
    /// See [`Continuity::Range`].
    Range {
        /// The first number it covers.
        first: u64,
        /// The last.
        last: u64,
    },
}

/// The last place that was seen, to be sent when a subscription is resumed, or to be stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cursor {
    /// The server's epoch; 0 where there is none.
    pub epoch: u64,
    /// The last number.
    pub last: u64,
}

/// How a message follows the one before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// It was seen before, or is older than what was.
    Duplicate,
    /// Nothing was seen before it.
    First,
    /// Something is missing in between.
    Gap {
        /// The number that should have come.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// It is the next one.
    Next,
    /// It carries no mark, or not one of this subscription's kind.
    Unmarked,
}

/// What a subscription missed while its connection was down.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Continued {
    /// Whether anything is missing.
    pub verdict: Bridged,
    /// From the last byte of the old connection to its return.
    pub blind_for: Duration,
}

/// Whether anything is missing between two connections.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Bridged {
    /// Messages are missing.
    Gap,
    /// Nothing is.
    Recovered,
    /// The server gives no way to tell.
    Unknown,
}

impl Continuity {
    /// How `mark` follows `cursor`, and the cursor after it.
    #[must_use]
    pub fn follow(self, cursor: Option<Cursor>, mark: Option<Mark>) -> (Step, Option<Cursor>) {
        let (epoch, first, last) = match (self, mark) {
            (Self::Chain, Some(Mark::Chain { previous, current })) => {
                return chain(cursor, previous, current);
            }
            (Self::Counter { .. }, Some(Mark::Counter(number))) => (0, number, number),
            (Self::Position, Some(Mark::Position { epoch, offset })) => (epoch, offset, offset),
            (Self::Range, Some(Mark::Range { first, last })) => (0, first, last),
            _ => return (Step::Unmarked, cursor),
        };
        let after = Some(Cursor { epoch, last });
        let Some(before) = cursor else {
            return (Step::First, after);
        };
        let step = match self {
            Self::Counter { step } => step,
            _ => 1,
        };
        let expected = before.last.saturating_add(step);
        if before.epoch != epoch || first > expected {
            let found = first;
            (Step::Gap { expected, found }, after)
        } else if last < expected {
            (Step::Duplicate, cursor)
        } else {
            (Step::Next, after)
        }
    }

    /// The verdict on the first message after a reconnect, and the cursor after it.
    #[must_use]
    pub fn resume(self, cursor: Option<Cursor>, mark: Option<Mark>) -> (Bridged, Option<Cursor>) {
        let (step, after) = self.follow(cursor, mark);
        let verdict = match (step, self) {
            (Step::Gap { .. }, _) => Bridged::Gap,
            (Step::Next, _) => Bridged::Recovered,
            // Within one epoch, offsets are never given twice, and a chain knows its members: the
            // server repeats. A plain number that is lower may as well have started over.
            (Step::Duplicate, Self::Chain | Self::Position) => Bridged::Recovered,
            _ => Bridged::Unknown,
        };
        let restarted = step == Step::Duplicate && verdict == Bridged::Unknown;
        let fresh = restarted.then(|| self.follow(None, mark).1);
        (verdict, fresh.unwrap_or(after))
    }
}

fn chain(cursor: Option<Cursor>, previous: Option<u64>, last: u64) -> (Step, Option<Cursor>) {
    let after = Some(Cursor { epoch: 0, last });
    let step = match (cursor.map(|cursor| cursor.last), previous) {
        (Some(seen), _) if seen == last => Step::Duplicate,
        (None, _) | (_, None) => Step::First,
        (Some(seen), Some(previous)) if seen == previous => Step::Next,
        (Some(expected), Some(found)) => Step::Gap { expected, found },
    };
    (step, after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// The steps of a series of marks.
    fn steps(continuity: Continuity, marks: &[Mark]) -> Vec<Step> {
        let mut cursor = None;
        let step = |mark: &Mark| {
            let (step, after) = continuity.follow(cursor, Some(*mark));
            cursor = after;
            step
        };
        marks.iter().map(step).collect()
    }

    const fn gap(expected: u64, found: u64) -> Step {
        Step::Gap { expected, found }
    }

    #[test]
    fn each_way_of_numbering_knows_its_gaps() {
        use Step::{Duplicate, First, Next};
        let by_ten = Continuity::Counter { step: 10 };
        let marks = [10, 20, 20, 40, 30, 50].map(Mark::Counter);
        let expected = [First, Next, Duplicate, gap(30, 40), Duplicate, Next];
        assert_eq!(steps(by_ten, &marks), expected);

        let range = |first, last| Mark::Range { first, last };
        let marks = [
            range(1, 5),
            range(6, 9),
            range(8, 11),
            range(2, 9),
            range(13, 14),
        ];
        let expected = [First, Next, Next, Duplicate, gap(12, 13)];
        assert_eq!(steps(Continuity::Range, &marks), expected);

        let chain = |previous, current| Mark::Chain { previous, current };
        let marks = [
            chain(None, 7),
            chain(Some(7), 12),
            chain(Some(7), 12),
            chain(Some(13), 15),
            chain(None, 3),
        ];
        let expected = [First, Next, Duplicate, gap(12, 13), First];
        assert_eq!(steps(Continuity::Chain, &marks), expected);

        let position = |epoch, offset| Mark::Position { epoch, offset };
        let marks = [
            position(1, 1),
            position(1, 2),
            position(2, 3),
            position(2, 3),
        ];
        let expected = [First, Next, gap(3, 3), Duplicate];
        assert_eq!(steps(Continuity::Position, &marks), expected);
    }

    #[test]
    fn other_marks_say_nothing() {
        let cursor = Some(Cursor { epoch: 0, last: 1 });
        for continuity in [Continuity::None, Continuity::Chain] {
            let followed = continuity.follow(cursor, Some(Mark::Counter(2)));
            assert_eq!(followed, (Step::Unmarked, cursor));
            assert_eq!(continuity.resume(cursor, None).0, Bridged::Unknown);
        }
    }

    #[test]
    fn a_reconnect_is_bridged_or_not() {
        let one = Continuity::Counter { step: 1 };
        let cursor = Some(Cursor { epoch: 0, last: 9 });
        let resume = |number| one.resume(cursor, Some(Mark::Counter(number)));
        assert_eq!(resume(10).0, Bridged::Recovered);
        assert_eq!(resume(12).0, Bridged::Gap);
        let (verdict, after) = resume(1);
        assert_eq!(verdict, Bridged::Unknown, "repeated, or started over");
        assert_eq!(after, Some(Cursor { epoch: 0, last: 1 }));
        assert_eq!(one.resume(None, Some(Mark::Counter(5))).0, Bridged::Unknown);

        let position = |epoch, offset| Some(Mark::Position { epoch, offset });
        let resume = |mark| Continuity::Position.resume(cursor, mark).0;
        assert_eq!(resume(position(0, 8)), Bridged::Recovered, "repeated");
        assert_eq!(resume(position(1, 10)), Bridged::Gap, "another epoch");
        let snapshot = Mark::Chain {
            previous: None,
            current: 77,
        };
        assert_eq!(
            Continuity::Chain.resume(cursor, Some(snapshot)).0,
            Bridged::Unknown
        );
    }

    proptest! {
        #[test]
        fn a_series_with_a_hole_has_a_gap_and_one_without_has_none(
            start in 0..1000u64,
            len in 2..40u64,
            hole in prop::option::of(1..38u64),
        ) {
            let hole = hole.filter(|at| *at < len - 1);
            let numbers = (0..len).filter(|i| Some(*i) != hole);
            let marks: Vec<Mark> = numbers.map(|i| Mark::Counter(start + i)).collect();
            let steps = steps(Continuity::Counter { step: 1 }, &marks);
            let gaps = steps.iter().filter(|step| matches!(step, Step::Gap { .. })).count();
            prop_assert_eq!(gaps, usize::from(hole.is_some()));
        }

        #[test]
        fn no_mark_overflows(last: u64, epoch: u64, first: u64, step: u64) {
            let cursor = Some(Cursor { epoch, last });
            for (continuity, mark) in [
                (Continuity::Counter { step }, Mark::Counter(first)),
                (Continuity::Range, Mark::Range { first, last: step }),
                (Continuity::Position, Mark::Position { epoch, offset: first }),
                (Continuity::Chain, Mark::Chain { previous: Some(first), current: step }),
            ] {
                let (found, _) = continuity.follow(cursor, Some(mark));
                prop_assert_ne!(found, Step::Unmarked);
                let _ = continuity.resume(cursor, Some(mark));
            }
        }
    }
}
