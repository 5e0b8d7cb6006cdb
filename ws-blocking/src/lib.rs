//! WebSocket for threads and blocking sockets.

mod driver;
mod socket;
mod split;
mod transport;

pub use socket::WebSocket;
pub use split::{Reader, Writer};
pub use transport::{Plain, Transport, TrySplit};
