//! Compression: permessage-deflate, for both roles (RFC 7692).
//!
//! Knows what to offer and accept, and how to make a payload shorter and whole again. Refuses to
//! know frames, roles and limits: who assembles a message says how long it may become. Nothing of
//! DEFLATE itself is written here; that is zlib-rs.
//!
//! A [`Deflate`] says what is wanted; what both ends agreed on are [`Terms`]. The opening handshake
//! negotiates them, and so can an HTTP server that upgrades connections itself:
//!
//! ```
//! use ws_core::deflate::Deflate;
//! use ws_core::ext;
//!
//! let offers = ext::parse([&b"permessage-deflate; client_max_window_bits"[..]])?;
//! let (answer, terms) = Deflate::balanced().accept(&offers).expect("a good offer");
//! assert_eq!(answer.to_string(), "permessage-deflate; client_max_window_bits=12");
//! assert_eq!(terms.peer_window_bits(), 12);
//! # Ok::<(), ws_core::ext::ExtError>(())
//! ```

mod compress;
mod inflate;
mod negotiate;
mod options;
mod pool;
mod window;

pub(crate) use compress::{Compressor, Packed, pack_alone};
pub(crate) use inflate::Inflater;
pub use negotiate::{Terms, TermsError};
pub use options::{Compress, Deflate, Demand, Takeover};

/// What the extension is called in the opening handshake (RFC 7692 §7).
const NAME: &str = "permessage-deflate";

/// What an empty stored block ends with, which a sender leaves off (§7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// The size of a window, in bytes.
fn window_size(bits: u8) -> usize {
    // Where 8 bits are agreed on, some versions of zlib compress with 9.
    1 << bits.max(9)
}
