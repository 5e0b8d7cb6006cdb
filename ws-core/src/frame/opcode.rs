//! Opcodes (RFC 6455 §5.2).
//!
//! It knows nothing of the order in which they may come.

use crate::error::ProtocolError;

/// What a frame is (RFC 6455 §5.2, §11.8).
///
/// Exhaustive on purpose: the other ten values are reserved and refused.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum OpCode {
    /// 0x0: the next piece of a fragmented message.
    Continuation = 0x0,
    /// 0x1: a text message, or its first piece.
    Text = 0x1,
    /// 0x2: a binary message, or its first piece.
    Binary = 0x2,
    /// 0x8: the closing handshake.
    Close = 0x8,
    /// 0x9: a ping.
    Ping = 0x9,
    /// 0xA: a pong.
    Pong = 0xA,
}

impl OpCode {
    /// Close, ping or pong: at most 125 bytes, never fragmented (§5.5).
    #[must_use]
    pub const fn is_control(self) -> bool {
        self as u8 >= 0x8
    }
}

impl TryFrom<u8> for OpCode {
    type Error = ProtocolError;

    fn try_from(opcode: u8) -> Result<Self, ProtocolError> {
        Ok(match opcode {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            _ => return Err(ProtocolError::ReservedOpcode { opcode }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_an_opcode_or_reserved() {
        for value in 0..=0xff {
            match OpCode::try_from(value) {
                Ok(opcode) => {
                    assert_eq!(opcode as u8, value);
                    assert_eq!(opcode.is_control(), value >= 8);
                }
                Err(error) => {
                    assert_eq!(error, ProtocolError::ReservedOpcode { opcode: value });
                    assert!(!matches!(value, 0..=2 | 8..=10));
                }
            }
        }
    }
}
