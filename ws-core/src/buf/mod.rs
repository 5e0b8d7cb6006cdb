//! Floor 0: the two buffers between a transport and a machine.
//!
//! [`RecvBuf`] is where the transport puts received bytes, [`SendBuf`] where it takes bytes to be
//! written. Neither knows what a frame is. Both can give their storage back while nothing is under
//! way, so that an idle connection holds no buffer at all; a [`Pool`] is where it goes.
//!
//! ```
//! use ws_core::buf::{Pool, RecvBuf};
//!
//! let (mut pool, mut recv) = (Pool::new(), RecvBuf::new());
//! assert!(recv.put_storage(pool.lend_receiving(), 0).is_none(), "it was taken");
//!
//! // What a transport has received goes into `spare`, and no further than it reaches.
//! let received = b"\x81\x02";
//! recv.spare()[..received.len()].copy_from_slice(received);
//! recv.commit(received.len());
//! assert_eq!(recv.filled(), received);
//!
//! // Half a frame stays with its connection; the storage goes back for others.
//! let storage = recv.take_storage();
//! storage.into_iter().for_each(|storage| pool.reclaim_receiving(storage));
//! assert_eq!(recv.filled(), received);
//! ```

mod pool;
#[cfg(test)]
mod props;
mod recv;
mod room;
mod send;

pub use pool::Pool;
pub use recv::RecvBuf;
pub(crate) use room::Room;
pub use send::SendBuf;
