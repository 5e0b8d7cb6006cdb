//! Messages as streams of bytes: read as they arrive, written before their length is known.
//!
//! The state machines behind what the bindings offer as readers and writers of their runtime. They
//! know where messages begin and end, and how much may wait to be written; they refuse to know
//! frames, compression, and how anyone waits.
//!
//! A message is read piece by piece, as it arrives, where [`Config::delivery`] says
//! [`Delivery::Chunks`]; otherwise it is read from where it was put together. Memory is bounded
//! either way: by a receive buffer, or by [`Limits::max_message`].
//!
//! [`Config::delivery`]: crate::connection::Config#structfield.delivery
//! [`Delivery::Chunks`]: crate::message::Delivery::Chunks
//! [`Limits::max_message`]: crate::message::Limits#structfield.max_message

mod bytes;
mod events;
mod inlet;
mod outlet;

pub use self::bytes::{ByteInlet, byte_message};
pub use events::Events;
pub use inlet::{Found, Inlet};
pub use outlet::{BLOCK, Outlet};
