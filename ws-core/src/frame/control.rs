//! Control frames as values (RFC 6455 §5.5): at most 125 bytes, held inline.
//!
//! It decides nothing about when one is sent.

use core::fmt;

use crate::close::CloseCode;
use crate::error::SendError;
use crate::frame::OpCode;

/// The longest payload of a control frame (§5.5).
pub(crate) const MAX_CONTROL: usize = 125;

/// The longest reason in a Close frame: 125 bytes less the code (§5.5.1).
const MAX_REASON: usize = MAX_CONTROL - 2;

/// A control frame that receiving obliges this end to send: the pong for a ping, the Close for a
/// Close or a fault.
///
/// The receiving half makes it, the sending half takes it; it is the only thing that passes between
/// them, which is why they can live in two tasks without sharing state.
#[must_use = "the peer waits for this: hand it to the sending half"]
#[derive(Clone, Eq, PartialEq)]
pub struct Reply {
    opcode: OpCode,
    len: u8,
    payload: [u8; MAX_CONTROL],
}

impl Reply {
    /// # Errors
    /// A payload over 125 bytes.
    pub(crate) fn new(opcode: OpCode, payload: &[u8]) -> Result<Self, SendError> {
        let too_long = SendError::ControlTooLong {
            len: payload.len(),
            limit: MAX_CONTROL,
        };
        let len = u8::try_from(payload.len()).map_err(|_| too_long.clone())?;
        let mut inline = [0; MAX_CONTROL];
        inline
            .get_mut(..payload.len())
            .ok_or(too_long)?
            .copy_from_slice(payload);
        Ok(Self {
            opcode,
            len,
            payload: inline,
        })
    }

    /// A Close frame; without a payload if `code` is [`CloseCode::NO_STATUS`] and there is no reason.
    ///
    /// # Errors
    /// A code that may not travel, a reason over 123 bytes.
    pub(crate) fn close(code: CloseCode, reason: &str) -> Result<Self, SendError> {
        if code == CloseCode::NO_STATUS && reason.is_empty() {
            return Self::new(OpCode::Close, &[]);
        }
        if !code.is_sendable() {
            return Err(SendError::BadCloseCode { code: code.get() });
        }
        if reason.len() > MAX_REASON {
            return Err(SendError::ControlTooLong {
                len: reason.len(),
                limit: MAX_REASON,
            });
        }
        let mut payload = [0; MAX_CONTROL];
        let len = 2 + reason.len();
        payload[..2].copy_from_slice(&code.get().to_be_bytes());
        payload[2..len].copy_from_slice(reason.as_bytes());
        Self::new(OpCode::Close, &payload[..len])
    }

    /// What kind of control frame this is.
    #[must_use]
    pub const fn opcode(&self) -> OpCode {
        self.opcode
    }

    /// Its payload, at most 125 bytes.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload[..usize::from(self.len)]
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("opcode", &self.opcode)
            .field("payload", &self.payload())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    #[test]
    fn control_payloads_fit_or_are_refused() {
        let payload = [7; 126];
        assert_eq!(
            Reply::new(OpCode::Ping, &payload[..125]).unwrap().payload(),
            &payload[..125]
        );
        for len in [126, 300] {
            let refused = Reply::new(OpCode::Ping, &[7; 300][..len]);
            assert_eq!(refused, Err(SendError::ControlTooLong { len, limit: 125 }));
        }
    }

    #[test]
    fn close_frames_are_checked_before_they_are_made() {
        let close = |code, reason: &str| Reply::close(CloseCode::new(code), reason);
        assert_eq!(close(1005, "").unwrap().payload(), b"");
        assert_eq!(close(1000, "bye").unwrap().payload(), b"\x03\xe8bye");
        for code in [0, 999, 1004, 1006, 1015, 1016, 2999, 5000] {
            assert_eq!(close(code, ""), Err(SendError::BadCloseCode { code }));
        }
        assert_eq!(
            close(1005, "why"),
            Err(SendError::BadCloseCode { code: 1005 })
        );
        let reason: String = core::iter::repeat_n('x', 124).collect();
        assert!(close(1000, &reason[..123]).is_ok());
        let limit = SendError::ControlTooLong {
            len: 124,
            limit: 123,
        };
        assert_eq!(close(1000, &reason), Err(limit));
    }
}
