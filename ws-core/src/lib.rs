//! WebSocket (RFC 6455) as a pure state machine: no I/O, no clock, no runtime.
//!
//! Bytes go in, events come out, bytes go out, and the driver says what time it is. Everything the
//! protocol decides is decided here, once, and runs the same under tokio, smol, async-std, threads
//! (the crates `ws-tokio`, `ws-async-std`, `ws-blocking`) and an event loop of your own.
//!
//! # The floors
//!
//! | floor | module | knows |
//! |---|---|---|
//! | 0 | [`buf`] | bytes to and from a transport |
//! | 1 | [`frame`] | headers, masking, control frames |
//! | 1 | [`ext`], [`url`] | how extensions and targets are written |
//! | 1 | `deflate` (feature `deflate`) | compression: what is agreed on, and payloads |
//! | 2 | [`message`] | fragments, UTF-8, limits |
//! | 2 | [`handshake`] | the opening handshake of both roles |
//! | 2 | [`dial`] | which addresses of a host to try, when, and for how long |
//! | 3 | [`proxy`] | the way through a proxy |
//! | 3 | [`connection`] | the conversation: events, replies, closing, keepalive |
//! | 4 | `stream` (feature `std`) | messages as streams of bytes |
//! | 4 | [`session`] | a client that stays alive: dials, losses, requests; its parts usable alone |
//! | 5 | `options` (feature `std`) | what the bindings can be told, and how they fail |
//! | 6 | `pump` (feature `pump`) | the driver that the bindings share |
//! | - | `tls` (feature `tls`) | whom to trust, as rustls is told |
//! | - | [`server`] | whom a server lets in, how many, and how it goes down; usable alone |
//! | - | [`policy`] | when to retry, how fast to send; usable alone |
//! | - | `testing` (feature `testing`) | recording what went over a connection; usable alone |
//!
//! A floor never names a higher one; whoever needs only frames stops at floor 1. [`close`] codes and
//! [`error`]s belong to all of them.
//!
//! # The loop
//!
//! Handshakes and connections are driven alike, through the trait [`Machine`], which shows the
//! loop in five steps, and `examples/event_loop.rs` is a whole server around it. A connection as
//! soon as its handshake is done:
//!
//! ```
//! use bytes::Buf;
//! use ws_core::connection::{Config, Connection, Event};
//! use ws_core::handshake::{Agreed, Opened};
//! use ws_core::{Instant, Machine, Role, Seed, Transport};
//!
//! let now = Instant::ORIGIN; // the driver's clock, as nanoseconds from an origin of its choice
//! let opened = Opened::upgraded(Role::Server, Agreed::default(), b"", Seed::new([0; 32]));
//! let mut connection = Connection::new(opened, &Config::default(), now);
//!
//! // What the transport received: "Hi", masked, in one frame.
//! let (recv, _) = connection.io();
//! let frame = [0x81, 0x82, 1, 2, 3, 4, b'H' ^ 1, b'i' ^ 2];
//! recv.spare()[..frame.len()].copy_from_slice(&frame);
//! recv.commit(frame.len());
//!
//! // Events are decoded on request and lent; the answer is queued.
//! while let Some((event, sender)) = connection.poll(now) {
//!     if let Event::Text(text) = event {
//!         sender.text(text)?;
//!     }
//! }
//!
//! // What the transport has to write, and when it must call back.
//! let (_, send) = connection.io();
//! assert_eq!(send.chunk(), b"\x81\x02Hi");
//! send.advance(send.remaining());
//! assert_eq!(connection.transport(), Transport::Open);
//! assert_eq!(connection.poll_timeout(), None);
//! # Ok::<(), ws_core::error::SendError>(())
//! ```
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `std` | yes | conversions from `std::io`, vectored writes, module `options`; without it the crate is `no_std + alloc` |
//! | `simd` | yes | UTF-8 validation with SIMD instructions |
//! | `json` | no | the JSON-RPC dialect of [`session`] |
//! | `deflate` | no | compression: permessage-deflate (RFC 7692), module `deflate`; turns `std` on |
//! | `http` | no | handshakes in the types of the `http` crate, module `handshake::http` |
//! | `pump` | no | the driver that the bindings share, module `pump`; turns `std` on |
//! | `tls` | no | what TLS is told, for the bindings that do it: module `tls`, on rustls with ring |
//! | `aws-lc-rs` | no | `tls::Crypto::AwsLcRs` |
//! | `platform-verifier` | no | TLS with the operating system's judgement of certificates |
//! | `testing` | no | recording and replaying what went over a connection, module `testing` |
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
#[cfg(feature = "deflate")]
pub mod deflate;
#[cfg(not(feature = "deflate"))]
#[path = "deflate/off.rs"]
mod deflate;
pub mod dial;
pub mod error;
pub mod ext;
pub mod frame;
pub mod handshake;
mod linger;
mod machine;
pub mod message;
#[cfg(feature = "std")]
pub mod options;
pub mod policy;
pub mod proxy;
#[cfg(feature = "pump")]
pub mod pump;
mod rng;
mod role;
mod seed;
pub mod server;
pub mod session;
#[cfg(feature = "std")]
pub mod stream;
#[cfg(feature = "testing")]
pub mod testing;
mod time;
#[cfg(feature = "tls")]
pub mod tls;
pub mod url;
mod wall;

/// The buffers of the public API are those of this crate.
pub use bytes;

pub use machine::{Deadline, Machine, Transport, TransportEnd};
pub use rng::Rng;
pub use role::Role;
pub use seed::Seed;
pub use time::Instant;
pub use wall::{ParseTimeError, UnixTime};
