//! Random delays: the generator behind jitter and the seeds of connections to come.
//!
//! It is the pinned generator of [`Seed`] on a stream of its own, so that what a policy draws never
//! moves the masking keys of a connection. It draws no randomness from anywhere but its seed: equal
//! seeds and equal questions give equal answers, in every release.

use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;

use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng as _, SeedableRng};

use crate::seed::Seed;

/// A seeded generator for jitter; the `&mut Rng` that policies ask for.
///
/// ```
/// use core::time::Duration;
/// use ws_core::{Rng, Seed};
///
/// let mut rng = Rng::new(&Seed::new([7; 32]));
/// let delay = rng.between(Duration::ZERO, Duration::from_millis(500));
/// assert!(delay <= Duration::from_millis(500));
/// ```
pub struct Rng(Box<ChaCha12Rng>);

impl Rng {
    /// The generator that `seed` stands for.
    #[must_use]
    pub fn new(seed: &Seed) -> Self {
        let mut rng = ChaCha12Rng::from_seed(*seed.bytes());
        // Stream 0 makes the masking keys of a connection that has the same seed.
        rng.set_stream(1);
        Self(Box::new(rng))
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number from 0 to `max`, both included. The bias is below `max` in 2^64.
    pub fn up_to(&mut self, max: u64) -> u64 {
        let scaled = (u128::from(self.next_u64()) * (u128::from(max) + 1)) >> 64;
        u64::try_from(scaled).unwrap_or(max)
    }

    /// A duration from `low` to `high`, both included, in nanoseconds; `low` if `high` is not above.
    pub fn between(&mut self, low: Duration, high: Duration) -> Duration {
        let span = high.saturating_sub(low).as_nanos();
        let drawn = self.up_to(u64::try_from(span).unwrap_or(u64::MAX));
        low.saturating_add(Duration::from_nanos(drawn))
    }

    /// A seed for another machine, such as the next connection of a session.
    pub fn seed(&mut self) -> Seed {
        let mut bytes = [0; 32];
        self.0.fill_bytes(&mut bytes);
        Seed::new(bytes)
    }
}

impl fmt::Debug for Rng {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rng([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::{Rng, *};
    use alloc::format;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn rng(byte: u8) -> Rng {
        Rng::new(&Seed::new([byte; 32]))
    }

    #[test]
    fn equal_seeds_draw_equally_and_other_seeds_do_not() {
        let draw = |byte| {
            let mut rng = rng(byte);
            let seed = rng.seed();
            (*seed.bytes(), rng.next_u64())
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn the_stream_is_pinned_and_not_that_of_the_masking_keys() {
        let mut keys = ChaCha12Rng::from_seed([7; 32]);
        let first = rng(7).next_u64();
        assert_ne!(first, keys.next_u64());
        assert_eq!(
            first, 6_306_438_559_307_962_806,
            "a change breaks every journal"
        );
    }

    #[test]
    fn every_number_of_a_small_range_is_drawn() {
        let mut rng = rng(3);
        let mut seen: Vec<u64> = (0..100).map(|_| rng.up_to(3)).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, [0, 1, 2, 3]);
        assert_eq!(rng.up_to(0), 0);
        assert_eq!(format!("{rng:?}"), "Rng([redacted])");
    }

    proptest! {
        #[test]
        fn what_is_drawn_lies_between_the_bounds(low: Duration, high: Duration, byte: u8) {
            let drawn = rng(byte).between(low, high);
            prop_assert!(drawn >= low && (drawn <= high || drawn == low));
        }
    }
}
