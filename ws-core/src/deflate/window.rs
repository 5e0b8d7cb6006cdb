//! The last bytes of what was compressed: all that the next message needs of the earlier ones.
//!
//! It compresses nothing itself.

use alloc::collections::VecDeque;

/// An LZ77 sliding window (RFC 7692 §7.2.1), kept apart from the machine that uses it, so that an
/// idle connection holds this and nothing else. Holds no more than it was given, and at most its
/// size.
#[derive(Debug, Default)]
pub(super) struct Window {
    bytes: VecDeque<u8>,
}

impl Window {
    /// Takes in the next bytes; what is farther back than `size` is forgotten.
    pub(super) fn push(&mut self, data: &[u8], size: usize) {
        let data = &data[data.len().saturating_sub(size)..];
        let surplus = (self.bytes.len() + data.len()).saturating_sub(size);
        self.bytes.drain(..surplus);
        let needed = self.bytes.len() + data.len();
        if self.bytes.capacity() < needed {
            let wanted = needed.max(2 * self.bytes.len()).min(size);
            self.bytes.reserve_exact(wanted - self.bytes.len());
        }
        self.bytes.extend(data);
    }

    /// Forgets everything and keeps the storage.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// The bytes, oldest first, in two parts of which either may be empty.
    pub(super) fn parts(&self) -> [&[u8]; 2] {
        let (first, second) = self.bytes.as_slices();
        [first, second]
    }

    /// Bytes of memory held.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_holds_the_last_bytes_and_little_more_memory_than_that(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..20),
            size in 1..50usize,
        ) {
            let mut window = Window::default();
            let mut all = Vec::new();
            for piece in pieces {
                window.push(&piece, size);
                all.extend_from_slice(&piece);
                let expected = &all[all.len().saturating_sub(size)..];
                prop_assert_eq!(window.parts().concat(), expected);
                prop_assert!(window.capacity() <= size);
            }
            window.clear();
            prop_assert_eq!(window.parts().concat(), b"");
        }
    }
}
