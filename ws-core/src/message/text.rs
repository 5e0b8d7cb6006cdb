//! Owned text that shares its storage.
//!
//! A [`Text`] never holds what is not UTF-8.

use alloc::string::String;
use core::borrow::Borrow;
use core::hash::{Hash, Hasher};
use core::{fmt, ops, str};

use bytes::Bytes;

use super::utf8;

/// Text in a [`Bytes`]: cheap to clone, cheap to send to many, and always UTF-8.
///
/// ```
/// use ws_core::message::Text;
///
/// let text = Text::from("naïve");
/// assert_eq!(&*text, "naïve");
/// assert_eq!(text.into_bytes().len(), 6);
/// ```
#[derive(Clone, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Text(Bytes);

/// Bytes that were to be a [`Text`] and are not UTF-8.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the bytes are not valid utf-8")]
pub struct NotUtf8(Bytes);

impl NotUtf8 {
    /// The bytes, back again.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl Text {
    /// Text that lives as long as the program.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// Text that shares `bytes`, of which `text` is all there is. If it is something else it is copied.
    pub(super) fn sharing(bytes: &Bytes, text: &str) -> Self {
        if core::ptr::eq(&raw const **bytes, text.as_bytes()) {
            return Self(bytes.clone());
        }
        Self::from(text)
    }

    /// A copy of these bytes, if they are UTF-8.
    #[inline(always)]
    pub(super) fn copy_from_slice(bytes: &[u8]) -> Option<Self> {
        utf8::check(bytes).ok().map(Self::from)
    }

    /// The text.
    #[must_use]
    #[inline]
    pub fn as_str(&self) -> &str {
        trusted(&self.0)
    }

    /// The bytes of the text, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

/// Reads checked bytes as text. Only for the bytes inside a [`Text`].
///
/// Checking again on every access would make `as_str` linear in the length of the text: at 1 KiB,
/// bench `text/as_str` shows 22 ns for ASCII and 376 ns for multi-byte text (7-10 and 47 ns with
/// SIMD) against less than 1 ns. The safe twin is `str::from_utf8(bytes)`, and a property test
/// compares the two.
#[allow(unsafe_code, reason = "see above")]
#[inline]
fn trusted(bytes: &Bytes) -> &str {
    // SAFETY: the field of `Text` is private to this file, is never changed after construction, and
    // every constructor here takes it from a `str`, sees that it is where a `str` is, or checks it first;
    // `Bytes` is immutable.
    unsafe { str::from_utf8_unchecked(bytes) }
}

impl TryFrom<Bytes> for Text {
    type Error = NotUtf8;

    fn try_from(bytes: Bytes) -> Result<Self, NotUtf8> {
        match utf8::check(&bytes) {
            Ok(_) => Ok(Self(bytes)),
            Err(utf8::Invalid) => Err(NotUtf8(bytes)),
        }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Bytes::from(text))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<Text> for Bytes {
    fn from(text: Text) -> Self {
        text.0
    }
}

impl ops::Deref for Text {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self
    }
}

/// As a `str`: a map with `Text` keys is asked with a `&str`.
impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_fast_view_equals_the_checked_one(
            bytes in prop_oneof![
                ".{0,50}".prop_map(String::into_bytes),
                proptest::collection::vec(any::<u8>(), 0..20),
            ],
        ) {
            match Text::try_from(Bytes::from(bytes.clone())) {
                Ok(text) => {
                    prop_assert_eq!(text.as_str(), str::from_utf8(&bytes).unwrap());
                    prop_assert_eq!(&Text::from(text.as_str()), &text);
                    prop_assert_eq!(&Text::from(String::from(text.as_str())), &text);
                    prop_assert_eq!(text.into_bytes(), bytes);
                }
                Err(error) => {
                    prop_assert!(str::from_utf8(&bytes).is_err());
                    prop_assert_eq!(error.into_bytes(), bytes);
                }
            }
        }
    }

    #[test]
    fn bytes_are_shared_as_the_text_that_they_are_and_copied_if_they_are_not() {
        let bytes = Bytes::from(alloc::vec![b'a'; 9]);
        let all = str::from_utf8(&bytes).unwrap();
        let shared = Text::sharing(&bytes, all);
        assert_eq!((&*shared, shared.as_ptr()), (all, all.as_ptr()));
        for other in [&all[1..], &all[..8], "", "naïve"] {
            let copied = Text::sharing(&bytes, other);
            assert_eq!(copied, *other);
            assert!(!bytes.as_ptr_range().contains(&copied.as_ptr()));
        }
    }

    #[test]
    fn text_reads_like_a_str() {
        let text = Text::from_static("ab");
        assert_eq!((text.len(), &text == "ab", text == "ab"), (2, true, true));
        assert_eq!(alloc::format!("{text} {text:?}"), "ab \"ab\"");
        assert_eq!(Vec::from(Bytes::from(text)), b"ab");
    }
}
