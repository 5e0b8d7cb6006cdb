//! WebSocket for threads and blocking sockets: a client and a server that are thin layers over the
//! pure state machines of [`ws_core`].
//!
//! They move bytes and time, and decide nothing about the protocol.
//!
//! A client, from [`connect()`] to the end:
//!
//! ```
//! use std::net::TcpListener;
//! use std::thread;
//! use ws_blocking::{CloseCode, Event, OwnedEvent, accept, connect};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let url = format!("ws://{}/chat", listener.local_addr()?);
//!
//! let server = thread::spawn(move || {
//!     let (stream, _) = listener.accept().unwrap();
//!     let mut socket = accept(stream).unwrap();
//!     while let Some((event, reply)) = socket.read() {
//!         if let Event::Text(text) = event {
//!             reply.text(text).unwrap(); // leaves when `read` is about to wait
//!         }
//!     }
//! });
//!
//! let mut socket = connect(url)?;
//! socket.send("hello")?;
//! assert_eq!(socket.next(), Some(OwnedEvent::Text("hello".into())));
//! let closed = socket.close(CloseCode::NORMAL, "that was all")?;
//! assert!(closed.is_clean());
//! server.join().unwrap();
//! # Ok(())
//! # }
//! ```
//!
//! - [`connect()`] takes a URL; [`connect_with`] a [`Request`] (headers, subprotocols, origin) and
//!   [`ConnectOptions`]; [`client`] a stream of your own.
//! - [`accept()`] takes a stream; [`accept_with`] also [`AcceptOptions`]; [`upgrade`] shows the
//!   request first and leaves the answer to you. A [`Server`](server::Server) does all of it for
//!   many clients, within limits, and goes down in an orderly way.
//! - A [`WebSocket`] is read with `next` (owned events, also as an iterator) or `read` (lent ones).
//!   `send` writes at once, `feed` queues.
//! - [`WebSocket::split`] makes a [`Reader`] and a [`Writer`] for two threads.
//! - Messages larger than memory: [`WebSocket::next_message`] and [`WebSocket::write_message`] give a
//!   `Read` and a `Write` of one message, [`WebSocket::into_byte_stream`] makes both of the whole
//!   connection.
//! - Streams are TCP and Unix sockets; [`Plain`] takes anything that reads and writes.
//!
//! Timeouts, limits and keepalive are fields of [`Config`]; every default is documented there.
//!
//! # Where the names differ from the async bindings
//!
//! Everything has the same name and meaning here but for what threads make different:
//!
//! - [`WebSocket::split`] returns a `Result`: the second handle on a `TcpStream` comes from the
//!   operating system, which may have none. A [`Stream`] needs none, and an async runtime divides any
//!   stream without asking.
//! - There is no `split_with`: both halves need the same stream, for either may have to shut it
//!   down. A stream of your own implements [`TrySplit`] instead.
//! - [`Writer::close`] needs a stream that is `Send + 'static`: a thread sees to its deadline while
//!   the reader waits in the transport. A Close frame queued by [`Writer::with_sender`] leaves all the
//!   same, but its deadline is only looked at when the reader returns from the transport.
//! - There are no poll functions, and so no `Stream` and no `Sink`: [`WebSocket`], [`Reader`] and
//!   [`session::Events`] are iterators.

#![forbid(unsafe_code)]
#![warn(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod accept;
mod byte_stream;
mod connect;
mod desk;
mod driver;
mod message;
mod net;
mod reactor;
#[cfg(feature = "record")]
mod record;
pub mod server;
pub mod session;
mod side;
mod socket;
mod sockets;
mod split;
mod stream;
#[cfg(feature = "tls")]
pub mod tls;
mod transport;

pub use accept::{Upgrade, accept, accept_with, upgrade};
pub use byte_stream::ByteStream;
pub use connect::{client, connect, connect_with};
pub use message::{MessageReader, MessageWriter};
pub use side::{Incoming, Outgoing};
pub use socket::WebSocket;
pub use split::{Reader, Writer};
pub use stream::Stream;
pub use transport::{Plain, Transport, TrySplit};
/// The core, for everything that is not named here.
pub use ws_core;
pub use ws_core::close::CloseCode;
pub use ws_core::connection::{By, Cause, Closed, Config, Event, Keepalive, OwnedEvent, Sender};
#[cfg(feature = "deflate")]
pub use ws_core::deflate::{Compress, Deflate, Demand, Takeover, Terms};
pub use ws_core::dial::{DialConfig, Family, KeepAlive};
pub use ws_core::error::{Error, ProtocolError, SendError};
pub use ws_core::handshake::{
    Accept, HandshakeError, OriginPolicy, Rejection, Request, RequestHead,
};
pub use ws_core::message::{Chunk, Delivery, Kind, Limits, Message, PreparedMessage, Text};
pub use ws_core::options::{
    AcceptError, AcceptOptions, ConnectError, ConnectOptions, Route, ServerOptions,
};
pub use ws_core::proxy::{Proxy, ProxyEnv, ProxyError};
pub use ws_core::url::Url;
