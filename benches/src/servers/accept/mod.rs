//! The accept loop of each runtime: ours, the peers and the limit run on the same one.

pub(super) mod mio;
pub(super) mod smol;
pub(super) mod threads;
pub(super) mod tokio;
