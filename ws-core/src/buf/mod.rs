//! Floor 0: the two buffers between a transport and a machine.
//!
//! [`RecvBuf`] is where the transport puts received bytes, [`SendBuf`] where it takes bytes to be
//! written. Neither knows what a frame is. Both can give their storage back while nothing is under
//! way, so that an idle connection holds no buffer at all; a [`Pool`] is where it goes.

mod pool;
#[cfg(test)]
mod props;
mod recv;
mod send;

pub use pool::Pool;
pub use recv::RecvBuf;
pub use send::SendBuf;
