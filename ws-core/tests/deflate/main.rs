//! permessage-deflate (RFC 7692). What it may hold is counted in `deflate_memory`, which has an
//! allocator of its own.
#![cfg(feature = "deflate")]

#[path = "../support/mod.rs"]
mod support;

mod handshake;
mod prepared;
mod props;
mod strict;
mod wire;
