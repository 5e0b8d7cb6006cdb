//! Close codes and the payload of a Close frame (RFC 6455 §5.5.1, §7.4).
//!
//! Knows which codes exist, what they are called and which may travel; decides nothing about when a
//! connection closes.

use core::fmt;

use crate::error::ProtocolError;

/// Why a connection closed: the 16-bit status code of a Close frame (RFC 6455 §7.4).
///
/// Any number can be held, so that what the peer sent can be shown; [`is_sendable`] tells which may
/// be on the wire.
///
/// [`is_sendable`]: Self::is_sendable
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CloseCode(u16);

macro_rules! codes {
    ($($(#[$doc:meta])* $constant:ident = $code:literal, $name:literal;)*) => {
        impl CloseCode {
            $($(#[$doc])* pub const $constant: Self = Self($code);)*

            /// The registered name of the code, if it has one (IANA registry of close codes).
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some($name),)*
                    _ => None,
                }
            }
        }
    };
}

codes! {
    /// 1000: the purpose of the connection is fulfilled.
    NORMAL = 1000, "normal closure";
    /// 1001: the server goes down or the browser leaves the page.
    GOING_AWAY = 1001, "going away";
    /// 1002: the peer broke the protocol.
    PROTOCOL_ERROR = 1002, "protocol error";
    /// 1003: a type of data that this end can't accept.
    UNSUPPORTED_DATA = 1003, "unsupported data";
    /// 1005: never on the wire; the peer's Close frame had no code.
    NO_STATUS = 1005, "no status received";
    /// 1006: never on the wire; the transport ended without a Close frame.
    ABNORMAL = 1006, "abnormal closure";
    /// 1007: data that does not fit its type, such as text that is not UTF-8.
    INVALID_PAYLOAD = 1007, "invalid payload data";
    /// 1008: a message that violates this end's policy.
    POLICY_VIOLATION = 1008, "policy violation";
    /// 1009: a message that is too big to process.
    MESSAGE_TOO_BIG = 1009, "message too big";
    /// 1010: the server did not negotiate an extension that the client needs.
    MANDATORY_EXTENSION = 1010, "mandatory extension";
    /// 1011: the server met a condition that kept it from fulfilling the request.
    INTERNAL_ERROR = 1011, "internal error";
    /// 1012: the server restarts; reconnect after a randomised delay.
    SERVICE_RESTART = 1012, "service restart";
    /// 1013: the server is overloaded; try again later.
    TRY_AGAIN_LATER = 1013, "try again later";
    /// 1014: a gateway got an invalid response from upstream.
    BAD_GATEWAY = 1014, "bad gateway";
    /// 1015: never on the wire; the TLS handshake failed.
    TLS_HANDSHAKE = 1015, "TLS handshake failed";
    /// 3000: the peer must authenticate.
    UNAUTHORIZED = 3000, "unauthorized";
    /// 3003: the peer is authenticated and not allowed.
    FORBIDDEN = 3003, "forbidden";
    /// 3008: the peer took too long.
    TIMEOUT = 3008, "timeout";
}

impl CloseCode {
    /// Wraps any number; see [`is_sendable`](Self::is_sendable).
    #[must_use]
    pub const fn new(code: u16) -> Self {
        Self(code)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// May this code be put in a Close frame? 1000-1003, 1007-1014 and 3000-4999 (RFC 6455 §7.4).
    #[must_use]
    pub const fn is_sendable(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }

    /// Is a peer allowed to send this code? The same set as [`is_sendable`](Self::is_sendable):
    /// what no one may send, no one accepts.
    #[must_use]
    pub const fn is_receivable(self) -> bool {
        self.is_sendable()
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        Self(code)
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloseCode({})", self.0)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} {name}", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

/// Reads the payload of a Close frame: its code ([`CloseCode::NO_STATUS`] if empty) and reason.
///
/// # Errors
/// A payload of one byte, a code that may not travel, a reason that is not UTF-8 (§5.5.1, §7.4).
pub fn parse_close(payload: &[u8]) -> Result<(CloseCode, &str), ProtocolError> {
    match payload {
        [] => Ok((CloseCode::NO_STATUS, "")),
        [_] => Err(ProtocolError::ClosePayloadTooShort),
        [high, low, reason @ ..] => {
            let code = CloseCode(u16::from_be_bytes([*high, *low]));
            if !code.is_receivable() {
                return Err(ProtocolError::BadCloseCode { code: code.0 });
            }
            let reason =
                core::str::from_utf8(reason).map_err(|_| ProtocolError::CloseReasonNotUtf8)?;
            Ok((code, reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn every_code_is_sendable_or_not_as_the_rfc_says() {
        for code in 0..=u16::MAX {
            let expected = match code {
                0..=999 => false,
                1004..=1006 | 1015 => false,
                1000..=1014 => true,
                1016..=2999 => false,
                3000..=4999 => true,
                _ => false,
            };
            assert_eq!(CloseCode::new(code).is_sendable(), expected, "{code}");
            assert_eq!(CloseCode::new(code).is_receivable(), expected, "{code}");
        }
    }

    #[test]
    fn codes_are_shown_with_their_name() {
        assert_eq!(format!("{}", CloseCode::GOING_AWAY), "1001 going away");
        assert_eq!(format!("{}", CloseCode::new(4321)), "4321");
        assert_eq!(CloseCode::new(1004).name(), None);
    }

    #[test]
    fn close_payloads_are_read_strictly() {
        assert_eq!(parse_close(b""), Ok((CloseCode::NO_STATUS, "")));
        assert_eq!(
            parse_close(b"\x03"),
            Err(ProtocolError::ClosePayloadTooShort)
        );
        assert_eq!(parse_close(b"\x03\xe8"), Ok((CloseCode::NORMAL, "")));
        assert_eq!(
            parse_close(b"\x03\xe9bye"),
            Ok((CloseCode::GOING_AWAY, "bye"))
        );
        assert_eq!(
            parse_close(b"\x03\xed"),
            Err(ProtocolError::BadCloseCode { code: 1005 })
        );
        assert_eq!(
            parse_close(b"\x03\xe8\xff"),
            Err(ProtocolError::CloseReasonNotUtf8)
        );
    }
}
