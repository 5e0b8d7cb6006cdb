//! The key of the opening handshake and the answer that proves it was read (RFC 6455 §4.2.2).
//!
//! It draws no randomness: the nonce is handed in.

use alloc::string::String;

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, PAD, STANDARD};
use sha1::{Digest, Sha1};

/// Appended to the key before it is hashed (RFC 6455 §1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// "when decoded, is 16 bytes in length" (§4.2.1): two bits of the last digit decode to nothing, and
/// keys that were made up by hand often have them set.
const KEY: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    PAD.with_decode_allow_trailing_bits(true),
);

/// A `Sec-WebSocket-Key`: 16 bytes in base64.
pub(crate) fn encode(nonce: &[u8; 16]) -> String {
    STANDARD.encode(nonce)
}

/// Is this the base64 form of exactly 16 bytes?
pub(crate) fn is_key(key: &[u8]) -> bool {
    let mut nonce = [0; 18];
    key.len() == 24 && KEY.decode_slice(key, &mut nonce) == Ok(16)
}

/// The `Sec-WebSocket-Accept` that answers a key (RFC 6455 §4.2.2, step 5.4).
pub(crate) fn accept(key: &[u8]) -> String {
    STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_of_the_rfc() {
        // RFC 6455 §1.3
        assert_eq!(encode(b"the sample nonce"), "dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(
            accept(b"dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        // §4.1: the bytes 0x01 to 0x10
        let nonce = core::array::from_fn(|i| u8::try_from(i + 1).unwrap());
        assert_eq!(encode(&nonce), "AQIDBAUGBwgJCgsMDQ4PEA==");
    }

    #[test]
    fn a_key_is_base64_of_sixteen_bytes() {
        assert!(is_key(b"dGhlIHNhbXBsZSBub25jZQ=="));
        assert!(
            is_key(b"1234567890123456789012=="),
            "bits that decode to nothing are set"
        );
        for bad in [
            &b""[..],
            b"SGVsbG8sIHdvcmxkIQ==",         // 13 bytes
            b"dGhlIHNhbXBsZSBub25jZS4=",     // 17 bytes
            b"dGhlIHNhbXBsZSBub25jZS4u",     // 18 bytes
            b"dGhlIHNhbXBsZSBub25jZQ",       // no padding
            b"dGhlIHNhbXBsZSBub25jZ===",     // too much of it
            b"dGhlIHNhbXBsZSBub25j-_==",     // another alphabet
            b"dGhlIHNhbXBs ZSBub25jZQ=",     // a space
            b"dGhlIHNhbXBsZSBub25jZQ==AAAA", // more behind it
        ] {
            assert!(!is_key(bad), "{}", bad.escape_ascii());
        }
    }
}
