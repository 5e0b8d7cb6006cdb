//! Tokens: the alphabet of header names, extensions and subprotocols (RFC 9110 §5.6.2).
//!
//! It knows nothing of what they name.

/// May this byte be part of a token?
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    matches!(byte,
        b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`'
        | b'|' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z')
}

/// Is this a token? The empty string is none.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().copied().all(is_token_byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_what_is_left_without_controls_and_separators() {
        // RFC 2616 §2.2 defines it the other way round.
        for byte in 0..=u8::MAX {
            let separator = b"()<>@,;:\\\"/[]?={} \t".contains(&byte);
            let expected = byte.is_ascii() && !byte.is_ascii_control() && !separator;
            assert_eq!(is_token_byte(byte), expected, "{byte:#x}");
        }
        assert!(is_token(b"v2.chat+json") && !is_token(b"") && !is_token(b"a b"));
    }
}
