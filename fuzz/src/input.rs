//! What a fuzzer gives, read as a row of small decisions.
//!
//! Our own reader instead of the `arbitrary` crate: an input is read from front to back, one byte
//! per decision, so that seeds can be written by hand, the mutation of one byte changes one thing,
//! and no upgrade of a dependency gives the files of a corpus another meaning. Behind the end of the
//! input every decision is zero, which is the plainest choice everywhere.

/// The part of the input that is not read yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        byte
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// One of these; the first is the plainest.
    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.byte()) % from.len()]
    }

    /// A number that is mostly small: below 240 in one byte, below 65 536 in three.
    pub(crate) fn number(&mut self) -> usize {
        match self.byte() {
            small @ 0..=239 => usize::from(small),
            _ => usize::from(u16::from_be_bytes([self.byte(), self.byte()])),
        }
    }

    /// The next `n` bytes, or as many as there are.
    pub(crate) fn bytes(&mut self, n: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(n.min(self.0.len()));
        self.0 = rest;
        bytes
    }

    /// A number of bytes, and as many bytes.
    pub(crate) fn chunk(&mut self) -> &'a [u8] {
        let n = self.number();
        self.bytes(n)
    }

    /// All that is left.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }

    /// How a stream of bytes is cut into reads.
    pub(crate) fn cuts(&mut self) -> Cuts {
        let mut cuts = Cuts {
            sizes: [usize::MAX; 4],
            used: usize::from(self.byte() % 5),
        };
        for size in &mut cuts.sizes[..cuts.used] {
            *size = self.number() + 1;
        }
        cuts
    }
}

/// A row of up to four sizes that repeats; without any, all bytes come at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cuts {
    sizes: [usize; 4],
    used: usize,
}

impl Cuts {
    /// All at once.
    pub(crate) const WHOLE: Self = Self {
        sizes: [usize::MAX; 4],
        used: 0,
    };

    pub(crate) fn parts<'a>(&self, mut bytes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let sizes = &self.sizes[..self.used.max(1)];
        sizes.iter().cycle().map_while(move |&size| {
            let (part, rest) = bytes.split_at(size.min(bytes.len()));
            bytes = rest;
            (!part.is_empty()).then_some(part)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_read_from_front_to_back_and_is_zero_behind_its_end() {
        let mut input = Input::new(&[7, 240, 1, 2, 3, b'a', b'b', b'c', 5, b'd']);
        assert_eq!((input.pick(&[1, 2, 3]), input.number()), (2, 258));
        assert_eq!((input.chunk(), input.chunk()), (&b"abc"[..], &b"d"[..]));
        assert!(input.is_empty());
        assert_eq!(
            (input.byte(), input.flag(), input.chunk()),
            (0, false, &b""[..])
        );
    }

    #[test]
    fn cuts_repeat_and_lose_nothing() {
        let parts =
            |cuts: &[u8]| -> Vec<&[u8]> { Input::new(cuts).cuts().parts(b"abcdefg").collect() };
        assert_eq!(parts(&[]), [b"abcdefg"]);
        assert_eq!(parts(&[2, 0, 2]), [&b"a"[..], b"bcd", b"e", b"fg"]);
        assert_eq!(Cuts::WHOLE.parts(b"").count(), 0);
    }
}
