//! Seeded randomness: masking keys and handshake keys come from one generator that the driver seeds.
//!
//! The core draws no randomness of its own. Equal seeds and equal inputs give equal bytes on the
//! wire, which is what makes simulation and replay exact; RFC 6455 §10.3 asks for unpredictable
//! masking keys, so outside of tests the seed must come from the operating system.

use alloc::boxed::Box;
use core::fmt;

use chacha20::rand_core::SeedableRng;
use chacha20::rand_core::block::Generator;
use chacha20::variants::Legacy;
use chacha20::{ChaChaCore, R12};

use crate::frame::MaskKey;

/// 32 bytes from which a client derives its handshake key and every masking key.
///
/// Bindings fill it from the operating system; tests use fixed bytes. The generator behind it is
/// pinned (ChaCha with 12 rounds), so a seed means the same bytes in every release.
#[derive(Clone)]
pub struct Seed([u8; 32]);

impl Seed {
    /// Wraps 32 bytes. They must be unpredictable to the peer outside of tests (RFC 6455 §10.3).
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes, for the generators of this crate.
    pub(crate) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed([redacted])")
    }
}

/// The running generator of one client connection. Boxed: its words are 256 bytes, and a server
/// connection has none.
pub(crate) struct Keys(Box<Stream>);

struct Stream {
    /// What the generator makes at once. The first word is handed out as soon as it is made; what is in
    /// its place is how many are spent.
    words: [u32; 64],
    core: ChaChaCore<R12, Legacy>,
}

impl Keys {
    pub(crate) fn new(seed: &Seed) -> Self {
        Self(Box::new(Stream {
            words: [u32::MAX; 64], // all are spent
            core: ChaChaCore::from_seed(seed.0),
        }))
    }

    /// A fresh masking key (RFC 6455 §5.3).
    #[inline]
    pub(crate) fn mask(&mut self) -> MaskKey {
        match self.ready() {
            Some(key) => key,
            None => self.made(),
        }
    }

    /// A fresh masking key, if one is ready. Most are, and whoever asks for no others makes no call.
    #[inline(always)]
    pub(crate) fn ready(&mut self) -> Option<MaskKey> {
        let words = &mut self.0.words;
        let word = *words.get(words[0] as usize)?;
        words[0] += 1;
        Some(MaskKey::new(word.to_le_bytes()))
    }

    #[cold]
    #[inline(never)]
    fn made(&mut self) -> MaskKey {
        let Stream { words, core } = &mut *self.0;
        core.generate(words);
        let first = core::mem::replace(&mut words[0], 1);
        MaskKey::new(first.to_le_bytes())
    }

    /// The 16 random bytes of a `Sec-WebSocket-Key` (RFC 6455 §4.1).
    pub(crate) fn nonce(&mut self) -> [u8; 16] {
        let mut nonce = [0; 16];
        for word in nonce.chunks_exact_mut(4) {
            word.copy_from_slice(&self.mask().to_bytes());
        }
        nonce
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use chacha20::ChaCha12Rng;
    use chacha20::rand_core::Rng;

    #[test]
    fn equal_seeds_give_equal_keys_and_other_seeds_do_not() {
        let keys = |byte| {
            let mut keys = Keys::new(&Seed::new([byte; 32]));
            (keys.nonce(), keys.mask(), keys.mask())
        };
        assert_eq!(keys(1), keys(1));
        assert_ne!(keys(1), keys(2));
        assert_ne!(keys(1).1, keys(1).2, "every frame has a key of its own");
    }

    #[test]
    fn the_generator_is_pinned() {
        // A change here breaks every recorded session: it needs a new major version.
        let first = Keys::new(&Seed::new([7; 32])).mask();
        assert_eq!(first, MaskKey::new([0xf6, 0x92, 0x89, 0x78]));
    }

    #[test]
    fn keys_are_the_words_of_the_generator_in_order() {
        let mut keys = Keys::new(&Seed::new([3; 32]));
        let mut rng = ChaCha12Rng::from_seed([3; 32]);
        let mut nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        assert_eq!(keys.nonce(), nonce);
        for _ in 0..300 {
            assert_eq!(keys.mask().to_bytes(), rng.next_u32().to_le_bytes());
        }
    }

    #[test]
    fn it_takes_no_more_than_the_generator_that_hands_out_words() {
        assert!(size_of::<Stream>() <= size_of::<ChaCha12Rng>());
    }

    #[test]
    fn debug_output_hides_the_secret() {
        let seed = Seed::new([0xab; 32]);
        assert_eq!(
            format!("{seed:?} {:?}", Keys::new(&seed)),
            "Seed([redacted]) Keys([redacted])"
        );
    }
}
