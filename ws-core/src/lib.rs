#![doc = "WebSocket as a pure state machine."]
#![no_std]
#![warn(
    clippy::alloc_instead_of_core,
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

pub mod buf;
pub mod close;
pub mod connection;
pub mod error;
pub mod ext;
pub mod frame;
pub mod handshake;
mod linger;
mod machine;
pub mod message;
#[cfg(feature = "std")]
pub mod options;
#[cfg(feature = "pump")]
pub mod pump;
mod role;
mod seed;
mod time;
pub mod url;

/// The buffers of the public API are those of this crate.
pub use bytes;
pub use machine::{Deadline, Machine, Transport, TransportEnd};
pub use role::Role;
pub use seed::Seed;
pub use time::Instant;
