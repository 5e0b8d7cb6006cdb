//! The driver that the async bindings share: poll-based, and without any I/O of its own.
//!
//! Every async runtime drives a connection with the same loop; they differ in how bytes are read,
//! how a timer is armed and what time it is. Those three are the traits of [`Runtime`]; the rest is
//! here, once: the socket in one piece ([`WebSocket`]), the socket in two ([`Reader`] and
//! [`Writer`]), messages and whole connections as streams of bytes ([`MessageReader`],
//! [`MessageWriter`], [`ByteStream`]), the opening handshakes, and the session that runs by itself
//! ([`mod@client`]). It decides nothing about the protocol and spawns nothing.

pub mod client;
mod driver;
mod handshake;
mod io;
mod runtime;
mod socket;
mod split;
mod stream;
mod wakers;

pub use handshake::{Upgrade, accept, client, upgrade};
pub use io::{ByteStream, Incoming, MessageReader, MessageWriter, Outgoing, ReadBytes, WriteBytes};
pub use runtime::{PollRead, PollWrite, Runtime, Split};
pub use socket::WebSocket;
pub use split::{Halves, Reader, Writer};
