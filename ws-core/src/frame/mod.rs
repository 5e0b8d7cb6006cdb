//! Floor 1: frames (RFC 6455 §5.2-5.5).
//!
//! Knows headers, opcodes, masking and the small control frames. Refuses to know messages,
//! handshakes and time: whoever wants only frames can stop here.
//!
//! ```
//! use ws_core::frame::{Header, MaskKey, MaskRule, OpCode, Rules, mask};
//!
//! let wire = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
//! let rules = Rules { mask: MaskRule::Required, rsv1: false };
//! let (header, len) = Header::parse(&wire, rules)?.expect("the whole header is there");
//! assert_eq!((header.fin, header.opcode, header.len), (true, OpCode::Text, 5));
//!
//! let mut payload = wire[len..].to_vec();
//! mask(&mut payload, header.key.expect("checked by the rules"), 0);
//! assert_eq!(payload, b"Hello");
//! # Ok::<(), ws_core::error::ProtocolError>(())
//! ```

mod control;
mod header;
mod mask;
mod opcode;
mod whole;

pub(crate) use control::MAX_CONTROL;
pub use control::Reply;
pub use header::{Header, MaskRule, Rules};
pub use mask::{MaskKey, mask};
pub(crate) use mask::{append_any, unmask, unmask_to};
pub use opcode::OpCode;
pub(crate) use whole::{frame_long, frame_long_masked, frame_short};
