//! Whose turn it is among the lanes that share: deficit round robin.
//!
//! Each round a lane earns a number of bytes by its weight and spends them on its items; what is left
//! is kept while it has more to send. So lanes share by bytes, whatever the size of their items, and
//! none is shut out. Where a limiter is the bottleneck, a unit of it counts as some bytes.

use crate::policy::{BucketId, Cost};

/// The lanes that share, from [`Lane::Cancel`](crate::policy::Lane::Cancel) to the last.
pub(super) const SHARING: usize = 4;

/// Bytes that a lane earns in a round.
const QUANTUM: [u64; SHARING] = [8192, 4096, 2048, 1024];

/// A unit of the limiter counts as this many bytes, and so does an item that costs nothing.
const UNIT: u64 = 64;

/// What an item counts in a turn.
pub(super) fn size(bytes: usize, cost: &Cost) -> u64 {
    let units = BucketId::ALL.map(|bucket| u64::from(cost.units(bucket)));
    let units = units.into_iter().max().unwrap_or_default().max(1);
    u64::try_from(bytes).unwrap_or(u64::MAX).max(units * UNIT)
}

#[derive(Clone, Debug)]
pub(super) struct Turns {
    /// The lane that is being served.
    cursor: usize,
    earned: [u64; SHARING],
}

impl Turns {
    pub(super) const fn new() -> Self {
        Self {
            cursor: 0,
            earned: [0; SHARING],
        }
    }

    /// Which lane sends next, of those whose next item has a size here.
    pub(super) fn next(&self, sizes: [Option<u64>; SHARING]) -> Option<usize> {
        self.choose(sizes).map(|choice| choice.lane)
    }

    /// That lane has sent its item.
    pub(super) fn spend(&mut self, sizes: [Option<u64>; SHARING]) {
        let Some(choice) = self.choose(sizes) else {
            return;
        };
        let mut visits = choice.rounds;
        for lane in self.order() {
            if sizes[lane].is_some() {
                let earned = QUANTUM[lane].saturating_mul(visits);
                self.earned[lane] = self.earned[lane].saturating_add(earned);
            }
            if lane == choice.lane {
                // The lanes after the chosen one were visited once less.
                visits = visits.saturating_sub(1);
            }
        }
        let size = sizes[choice.lane].unwrap_or_default();
        self.earned[choice.lane] = self.earned[choice.lane].saturating_sub(size);
        self.cursor = choice.lane;
    }

    /// A lane has nothing more to send: it earns nothing for later.
    pub(super) fn emptied(&mut self, lane: usize) {
        self.earned[lane] = 0;
    }

    /// The lanes in the order of visits: the one being served comes last.
    fn order(&self) -> impl Iterator<Item = usize> + use<> {
        let cursor = self.cursor;
        (1..=SHARING).map(move |step| (cursor + step) % SHARING)
    }

    fn choose(&self, sizes: [Option<u64>; SHARING]) -> Option<Choice> {
        let missing = |lane: usize| Some(sizes[lane]?.saturating_sub(self.earned[lane]));
        if missing(self.cursor) == Some(0) {
            let lane = self.cursor;
            return Some(Choice { lane, rounds: 0 });
        }
        // The lane that needs the fewest rounds, and of several the first to be visited.
        let rounds = |lane| Some((missing(lane)?.div_ceil(QUANTUM[lane]).max(1), lane));
        let lanes = self.order().filter_map(rounds);
        let (rounds, lane) = lanes.min_by_key(|(rounds, _)| *rounds)?;
        Some(Choice { lane, rounds })
    }
}

struct Choice {
    lane: usize,
    /// Visits that it takes until the lane can pay.
    rounds: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What each lane sends of so many items, if all always have one of their size.
    fn share(sizes: [Option<u64>; SHARING], items: usize) -> [usize; SHARING] {
        let (mut turns, mut sent) = (Turns::new(), [0; SHARING]);
        for _ in 0..items {
            let lane = turns.next(sizes).unwrap();
            turns.spend(sizes);
            sent[lane] += 1;
        }
        sent
    }

    #[test]
    fn lanes_share_by_bytes_and_weight() {
        let equal = share([Some(1024); SHARING], 1500);
        assert_eq!(equal, [800, 400, 200, 100]);
        let [_, small, large, _] = share([None, Some(128), Some(64 << 10), None], 3300);
        let (small, large) = (small * 128, large * (64 << 10));
        assert!(small >= large * 2 - (128 << 10) && small <= large * 2 + (128 << 10));
    }

    #[test]
    fn an_empty_lane_saves_nothing_and_a_lone_one_has_all() {
        let mut turns = Turns::new();
        assert_eq!(turns.next([None; SHARING]), None);
        turns.spend([None; SHARING]);
        let lone = [None, None, None, Some(1 << 30)];
        assert_eq!(turns.next(lone), Some(3));
        turns.spend(lone);
        turns.earned[3] = 9;
        turns.emptied(3);
        assert_eq!(turns.earned, [0; SHARING]);
    }

    #[test]
    fn an_item_counts_by_its_bytes_or_its_cost() {
        assert_eq!(size(0, &Cost::FREE), 64);
        assert_eq!(size(100, &Cost::new(1)), 100);
        assert_eq!(size(100, &Cost::new(3).and(BucketId::B, 10)), 640);
    }

    proptest! {
        #[test]
        fn every_lane_that_can_send_gets_its_turn(
            sizes in prop::array::uniform4(prop::option::of(64..5000u64)),
        ) {
            let can_send = sizes.iter().filter(|size| size.is_some()).count();
            if can_send > 0 {
                let sent = share(sizes, 2000);
                let served = sent.iter().filter(|items| **items > 0).count();
                prop_assert_eq!(served, can_send);
            }
        }
    }
}
