//! UTF-8, whole and in pieces (RFC 6455 §5.6, §8.1).
//!
//! [`Utf8`] follows a text that arrives in arbitrary pieces and fails at the first byte that can't
//! be part of UTF-8, also when a character is cut in two. Whole texts are validated by SIMD
//! instructions where feature `simd` is on, and short ones are looked at for ASCII before. It has no
//! decoder of its own.

use core::str;

/// Bytes that are not UTF-8.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Invalid;

/// What `simdutf8` looks at in one step. It leaves what is shorter to the standard library.
const BLOCK: usize = 64;

/// From this length on a block with nothing behind the text is looked at in less time than the text's
/// bytes, one by one.
#[cfg(feature = "simd")]
const HALF: usize = BLOCK / 2;

/// Checks a whole text, and makes it a `&str`.
#[inline]
pub(crate) fn check(bytes: &[u8]) -> Result<&str, Invalid> {
    match check_short(bytes) {
        Some(text) => Ok(text),
        None => check_long(bytes),
    }
}

/// Checks texts of less than a block, if they are ASCII or fill half of it.
///
/// A payload begins 2 or 6 bytes behind the beginning of its frame: not where a word does, and there the
/// standard library goes byte by byte. Bench `codec`, "decode masked ASCII text", 16 B, lent: 22 to 16 ns.
/// With a column of 48 B added there, 26 to 17 ns, and multi-byte text 62 to 33. The safe twin is
/// [`check_long`], and a property test compares the two.
#[allow(unsafe_code, reason = "see above")]
#[inline(always)]
fn check_short(bytes: &[u8]) -> Option<&str> {
    let checked = bytes.len() < BLOCK && (bytes.is_ascii() || fills_half(bytes));
    // SAFETY: ASCII is UTF-8 (RFC 3629 §3), and the standard library says that it is all ASCII; or
    // `simdutf8` says that the same bytes, with at least one NUL behind them, as they are less than a
    // block, are UTF-8. What is before a NUL is whole then: it can't be part of a longer character.
    checked.then(|| unsafe { str::from_utf8_unchecked(bytes) })
}

/// Is it UTF-8, of at least half a block? One that is less is not looked at.
#[cfg(feature = "simd")]
#[inline(never)]
fn fills_half(bytes: &[u8]) -> bool {
    let (Some(first), Some(last)) = (bytes.first_chunk::<HALF>(), bytes.last_chunk::<HALF>())
    else {
        return false;
    };
    let mut block = [0; BLOCK];
    block[..HALF].copy_from_slice(first);
    let Some(end) = block.get_mut(bytes.len() - HALF..bytes.len()) else {
        return false;
    };
    end.copy_from_slice(last);
    simdutf8::basic::from_utf8(&block).is_ok()
}

#[cfg(not(feature = "simd"))]
#[inline(always)]
const fn fills_half(_bytes: &[u8]) -> bool {
    false
}

#[inline]
fn check_long(bytes: &[u8]) -> Result<&str, Invalid> {
    #[cfg(feature = "simd")]
    {
        simdutf8::basic::from_utf8(bytes).map_err(|_| Invalid)
    }
    #[cfg(not(feature = "simd"))]
    {
        str::from_utf8(bytes).map_err(|_| Invalid)
    }
}

/// The state between two pieces of a text: the bytes of a character that is not complete yet.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Utf8 {
    held: [u8; 4],
    len: u8,
}

impl Utf8 {
    /// Before the first piece.
    pub(crate) const fn new() -> Self {
        Self {
            held: [0; 4],
            len: 0,
        }
    }

    /// Takes the next piece.
    pub(crate) fn feed(&mut self, mut piece: &[u8]) -> Result<(), Invalid> {
        while self.len > 0 {
            let Some((&byte, rest)) = piece.split_first() else {
                return Ok(());
            };
            piece = rest;
            self.held[usize::from(self.len)] = byte;
            self.len += 1;
            if is_complete(&self.held[..usize::from(self.len)])? {
                self.len = 0;
            }
        }
        let (body, tail) = piece.split_at(piece.len() - incomplete_tail(piece));
        check(body)?;
        if !tail.is_empty() {
            // Complete is impossible here, but the tail may already be wrong.
            is_complete(tail)?;
            self.held[..tail.len()].copy_from_slice(tail);
            self.len = u8::try_from(tail.len()).expect("at most three bytes");
        }
        Ok(())
    }

    /// Bytes held of a character that is not complete.
    pub(crate) fn held(&self) -> usize {
        usize::from(self.len)
    }

    /// Is the text complete, or does it end inside a character?
    pub(crate) fn finish(&self) -> Result<(), Invalid> {
        if self.len == 0 { Ok(()) } else { Err(Invalid) }
    }
}

/// Is this one whole character, or the beginning of one? Anything else is not UTF-8.
fn is_complete(bytes: &[u8]) -> Result<bool, Invalid> {
    match str::from_utf8(bytes) {
        Ok(_) => Ok(true),
        Err(error) if error.error_len().is_none() => Ok(false),
        Err(_) => Err(Invalid),
    }
}

/// How many bytes at the end begin a character that the piece does not complete.
fn incomplete_tail(piece: &[u8]) -> usize {
    for (back, &byte) in piece.iter().rev().take(3).enumerate() {
        let width = match byte {
            0x80..=0xbf => continue,
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xff => 4,
            0..=0x7f => 0,
        };
        return if back + 1 < width { back + 1 } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// Feeds `bytes` in pieces; if it fails, how many bytes were taken in before it did.
    fn feed(bytes: &[u8], cuts: &[usize]) -> Result<(), usize> {
        let mut utf8 = Utf8::default();
        let mut at = 0;
        for end in cuts
            .iter()
            .map(|cut| cut % (bytes.len() + 1))
            .chain([bytes.len()])
        {
            let end = end.max(at);
            utf8.feed(&bytes[at..end]).map_err(|Invalid| end)?;
            at = end;
        }
        utf8.finish().map_err(|Invalid| at)
    }

    /// The length of the shortest prefix that no continuation can save.
    fn first_bad(bytes: &[u8]) -> Option<usize> {
        let error = str::from_utf8(bytes).err()?;
        // The standard library names the length of the bad sequence, its last byte being the
        // offender only if the sequence is cut short: step through the prefixes instead.
        (error.valid_up_to()..=bytes.len()).find(|&end| {
            str::from_utf8(&bytes[..end]).is_err_and(|error| error.error_len().is_some())
        })
    }

    const SAMPLES: &[&[u8]] = &[
        b"plain",
        "κόσμε".as_bytes(),
        "a\u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}z".as_bytes(),
        b"\xed\xa0\x80",             // a surrogate
        b"\xf4\x90\x80\x80",         // above U+10FFFF
        b"\xc0\xaf",                 // overlong
        b"\xe0\x80\xaf",             // overlong
        b"\xf0\x80\x80\xaf",         // overlong
        b"\xce\xba\xe1\xbd\xb9\xf8", // no such lead byte
        b"ab\x80",
        b"\xff",
    ];

    #[test]
    fn fails_at_the_first_impossible_byte() {
        for bytes in SAMPLES {
            let one_by_one: Vec<usize> = (0..=bytes.len()).collect();
            match str::from_utf8(bytes) {
                Ok(_) => assert_eq!(feed(bytes, &one_by_one), Ok(())),
                Err(_) => assert_eq!(feed(bytes, &one_by_one), Err(first_bad(bytes).unwrap())),
            }
        }
    }

    #[test]
    fn a_text_may_not_end_inside_a_character() {
        for end in 1..4 {
            assert_eq!(feed(&"\u{10ffff}".as_bytes()[..end], &[]), Err(end));
        }
    }

    #[test]
    fn short_texts_are_what_the_standard_library_says_at_every_length() {
        for bad in [
            None,
            Some(0x80),
            Some(0xc3),
            Some(0xf0),
            Some(0xff),
            Some(0),
        ] {
            for (i, character) in ["a", "é", "€", "😀"].into_iter().enumerate() {
                let text = character.repeat(70);
                for len in 0..70 {
                    let mut bytes = text.as_bytes()[..len].to_vec();
                    if let (Some(bad), Some(last)) = (bad, bytes.last_mut()) {
                        *last = bad;
                    }
                    // As bytes: text that is none must not be shown.
                    let short = check_short(&bytes).map(str::as_bytes);
                    let valid = str::from_utf8(&bytes).is_ok().then_some(&bytes[..]);
                    assert_eq!(check(&bytes).ok().map(str::as_bytes), valid, "{i}, {len}");
                    if short.is_some() {
                        assert_eq!(short, valid, "{i}, {len}");
                    }
                    let takes = len < BLOCK
                        && (bytes.is_ascii() || cfg!(feature = "simd") && len >= BLOCK / 2);
                    assert_eq!(short.is_some(), takes && check_long(&bytes).is_ok());
                }
            }
        }
    }

    proptest! {
        #[test]
        fn short_texts_are_what_the_long_way_says(
            bytes in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..70),
                ".{0,40}".prop_map(|text| text.into_bytes()),
                "[ -~]{0,70}".prop_map(|text| text.into_bytes()),
                (".{0,30}", any::<u8>(), 0..70usize).prop_map(|(text, byte, at)| {
                    let mut bytes = text.into_bytes();
                    bytes.insert(at.min(bytes.len()), byte);
                    bytes
                }),
            ],
            from in 0..9usize,
        ) {
            let bytes = bytes.get(from..).unwrap_or_default();
            // As bytes: text that is none must not be shown.
            let long = check_long(bytes).map(str::as_bytes);
            if let Some(text) = check_short(bytes) {
                prop_assert_eq!(Ok(text.as_bytes()), long);
            }
            prop_assert_eq!(check(bytes).map(str::as_bytes), long);
            prop_assert_eq!(long.is_ok(), str::from_utf8(bytes).is_ok());
        }

        #[test]
        fn agrees_with_the_standard_library_for_any_bytes_and_cuts(
            bytes in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..12),
                ".{0,60}".prop_map(|text| text.into_bytes()),
                (".{0,40}", any::<u8>(), 0..40usize).prop_map(|(text, byte, at)| {
                    let mut bytes = text.into_bytes();
                    bytes.insert(at.min(bytes.len()), byte);
                    bytes
                }),
            ],
            mut cuts in proptest::collection::vec(0..200usize, 0..6),
        ) {
            cuts.iter_mut().for_each(|cut| *cut %= bytes.len() + 1);
            cuts.sort_unstable();
            let fed = feed(&bytes, &cuts);
            match str::from_utf8(&bytes) {
                Ok(_) => prop_assert_eq!(fed, Ok(())),
                Err(_) => {
                    // Refused by the very piece that holds the first impossible byte.
                    let bad = first_bad(&bytes).unwrap_or(bytes.len());
                    let piece = cuts.iter().copied().find(|&cut| cut >= bad);
                    prop_assert_eq!(fed, Err(piece.unwrap_or(bytes.len())));
                }
            }
            prop_assert_eq!(check(&bytes).is_ok(), str::from_utf8(&bytes).is_ok());
        }
    }
}
