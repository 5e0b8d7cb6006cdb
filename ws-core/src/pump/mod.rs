//! The driver that the async bindings share: poll-based, and without any I/O of its own.
//!
//! Every async runtime drives a connection with the same loop; they differ in how bytes are read,
//! how a timer is armed and what time it is. Those three are the traits of [`Runtime`]; the rest is
//! here, once: the socket in one piece ([`WebSocket`]), the socket in two ([`Reader`] and
//! [`Writer`]), messages and whole connections as streams of bytes ([`MessageReader`],
//! [`MessageWriter`], [`ByteStream`]), the opening handshakes, and the session that runs by itself
//! ([`mod@client`]), and the server that runs a handler for each connection ([`mod@server`]). It decides
//! nothing about the protocol and spawns nothing.
//!
//! A runtime whose transports are two queues of bytes, received and sent:
//!
//! ```
//! use std::collections::VecDeque;
//! use std::io::{IoSlice, Read, Result, Write};
//! use std::task::{Context, Poll, Waker};
//!
//! use ws_core::buf::Pool;
//! use ws_core::connection::{Config, OwnedEvent};
//! use ws_core::handshake::{Agreed, Opened};
//! use ws_core::pump::{PollRead, PollWrite, Runtime, WebSocket};
//! use ws_core::{Instant, Role, Seed};
//!
//! #[derive(Default)]
//! struct Queues;
//! type Pipe = (VecDeque<u8>, Vec<u8>);
//!
//! impl Runtime for Queues {
//!     type Io<T> = T;
//!     fn io<T>(io: T) -> T {
//!         io // a real one makes it a reader or writer in its own terms
//!     }
//!     fn now(&self) -> Instant {
//!         Instant::ORIGIN // a clock that stands still
//!     }
//!     fn poll_until(&mut self, _: &mut Context<'_>, _: Instant) -> Poll<()> {
//!         Poll::Pending
//!     }
//!     fn with_pool<T>(f: impl FnOnce(&mut Pool) -> T) -> T {
//!         f(&mut Pool::new()) // a real one keeps it, one for each thread
//!     }
//! }
//!
//! impl PollRead<Pipe> for Queues {
//!     fn poll_read(io: &mut Pipe, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<Result<usize>> {
//!         match io.0.is_empty() {
//!             true => Poll::Pending, // a real one has the context woken later
//!             false => Poll::Ready(io.0.read(buf)),
//!         }
//!     }
//! }
//!
//! impl PollWrite<Pipe> for Queues {
//!     fn poll_write(
//!         io: &mut Pipe,
//!         _: &mut Context<'_>,
//!         bufs: &[IoSlice<'_>],
//!     ) -> Poll<Result<usize>> {
//!         Poll::Ready(io.1.write_vectored(bufs))
//!     }
//!     fn poll_flush(_: &mut Pipe, _: &mut Context<'_>) -> Poll<Result<()>> {
//!         Poll::Ready(Ok(()))
//!     }
//!     fn poll_shutdown(_: &mut Pipe, _: &mut Context<'_>) -> Poll<Result<()>> {
//!         Poll::Ready(Ok(()))
//!     }
//! }
//!
//! // A masked, empty ping from a client.
//! let pipe = (VecDeque::from([0x89, 0x80, 1, 2, 3, 4]), Vec::new());
//! let opened = Opened::upgraded(Role::Server, Agreed::default(), b"", Seed::new([0; 32]));
//! let mut socket: WebSocket<Pipe, Queues> =
//!     WebSocket::upgraded(pipe, opened, &Config::default());
//!
//! let mut cx = Context::from_waker(Waker::noop());
//! let event = socket.poll_event(&mut cx);
//! assert!(matches!(event, Poll::Ready(Some(OwnedEvent::Ping(_)))));
//! assert!(socket.poll_event(&mut cx).is_pending(), "about to wait, it has answered");
//! assert_eq!(socket.stream().1, b"\x8a\x00");
//! ```

mod bell;
pub mod client;
mod driver;
mod gate;
mod handshake;
mod io;
mod member;
mod race;
mod reach;
mod runtime;
pub mod server;
mod socket;
mod split;
mod stream;
mod wakers;

pub use handshake::{Upgrade, accept, client, connect, upgrade};
pub use io::{ByteStream, Incoming, MessageReader, MessageWriter, Outgoing, ReadBytes, WriteBytes};
pub use reach::{Net, Opening, Reach, reach};
pub use runtime::{PollRead, PollWrite, Runtime, Split};
pub use socket::WebSocket;
pub use split::{Halves, Reader, Writer};
