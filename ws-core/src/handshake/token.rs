//! Header values as bytes: what may stand in one, and lists of tokens (RFC 9110 §5.5, §5.6.1).
//!
//! It knows nothing of what they mean.

/// May this byte be part of a header value? Everything but control characters; bytes above ASCII
/// are allowed and mean nothing.
pub(crate) const fn is_value_byte(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

/// May these bytes be a header value?
pub(crate) fn is_value(bytes: &[u8]) -> bool {
    bytes.iter().copied().all(is_value_byte)
}

/// Is this visible ASCII, at least one character and no space?
pub(crate) fn is_visible(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic)
}

/// Removes optional white space at both ends (RFC 9110 §5.6.3).
pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// The elements of a comma-separated list in one header value; empty ones do not count.
pub(crate) fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|&byte| byte == b',')
        .map(trim)
        .filter(|element| !element.is_empty())
}

/// Do these header values, together one list, name `token`, in whatever case?
pub(crate) fn lists<'a>(mut values: impl Iterator<Item = &'a [u8]>, token: &str) -> bool {
    values.any(|value| list(value).any(|element| element.eq_ignore_ascii_case(token.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn values_hold_no_control_characters_but_tabs() {
        for byte in 0..=u8::MAX {
            assert_eq!(
                is_value(&[byte]),
                !byte.is_ascii_control() || byte == b'\t',
                "{byte:#x}"
            );
        }
        assert!(is_visible(b"a~!") && !is_visible(b"") && !is_visible(b"a b"));
    }

    #[test]
    fn lists_are_split_at_commas_and_trimmed() {
        let elements: Vec<&[u8]> = list(b" a ,\tb c,,\t, d").collect();
        assert_eq!(elements, [&b"a"[..], b"b c", b"d"]);
        assert_eq!(trim(b" \t "), b"");
        assert_eq!(list(b" , ").count(), 0);
    }

    #[test]
    fn tokens_are_found_in_any_case_on_any_line_and_only_whole() {
        let found = |lines: &[&'static str]| lists(lines.iter().map(|l| l.as_bytes()), "upgrade");
        assert!(found(&["Upgrade"]));
        assert!(found(&["keep-alive, UPGRADE"]));
        assert!(found(&["keep-alive", "x ,upgrade"]));
        assert!(!found(&[]));
        assert!(!found(&[
            "upgrades",
            "no-upgrade",
            "up grade",
            "upgrade;q=1"
        ]));
    }
}
