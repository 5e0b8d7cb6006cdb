//! WebSocket for tokio: a client and a server that are thin layers over the pure state machines of
//! [`ws_core`].
//!
//! They move bytes and time, and decide nothing about the protocol.
//!
//! A client, from [`connect()`] to the end:
//!
//! ```
//! use tokio::net::TcpListener;
//! use ws_tokio::{CloseCode, Event, OwnedEvent, accept, connect};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let url = format!("ws://{}/chat", listener.local_addr()?);
//!
//! let server = tokio::spawn(async move {
//!     let (stream, _) = listener.accept().await.unwrap();
//!     let mut socket = accept(stream).await.unwrap();
//!     while let Some((event, reply)) = socket.read().await {
//!         if let Event::Text(text) = event {
//!             reply.text(text).unwrap(); // leaves when `read` is about to wait
//!         }
//!     }
//! });
//!
//! let mut socket = connect(url).await?;
//! socket.send("hello").await?;
//! assert_eq!(socket.next().await, Some(OwnedEvent::Text("hello".into())));
//! let closed = socket.close(CloseCode::NORMAL, "that was all").await?;
//! assert!(closed.is_clean());
//! server.await?;
//! # Ok(())
//! # }
//! ```
//!
//! - [`connect()`] takes a URL; [`connect_with`] a [`Request`] (headers, subprotocols, origin) and
//!   [`ConnectOptions`]; [`client`] a stream of your own.
//! - [`accept()`] takes any stream; [`accept_with`] also [`AcceptOptions`]; [`upgrade`] shows the
//!   request first and leaves the answer to you. A [`Server`](server::Server) does all of it for
//!   many clients, within limits, and goes down in an orderly way.
//! - A [`WebSocket`] is read with `next` (owned events) or `read` (lent ones), and is a `Stream` of
//!   events and a `Sink` of messages. `send` writes at once, `feed` queues.
//! - `WebSocket::split` makes a [`Reader`] and a [`Writer`] for two tasks.
//! - Messages larger than memory: `next_message` and `write_message` give an `AsyncRead` and an
//!   `AsyncWrite` of one message, `into_byte_stream` makes both of the whole connection.
//!
//! Beside the routes of an HTTP server: feature `hyper` takes connections over from hyper 1, feature
//! `axum` has an extractor for axum 0.8, and feature `http` judges and answers requests of any
//! framework that speaks in the types of the `http` crate ([`ws_core::handshake`], module `http`).
//!
//! Timeouts, limits and keepalive are fields of [`Config`]; every default is documented there.

#![forbid(unsafe_code)]
#![warn(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod accept;
#[cfg(feature = "axum")]
pub mod axum;
mod connect;
#[cfg(feature = "hyper")]
pub mod hyper;
mod io;
mod net;
#[cfg(feature = "record")]
mod record;
mod runtime;
pub mod server;
pub mod session;
mod stream;
#[cfg(feature = "tls")]
pub mod tls;

pub use accept::{accept, accept_with, upgrade};
pub use connect::{client, connect, connect_with};
pub use io::Io;
pub use runtime::Tokio;
pub use stream::Stream;
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

use tokio::io::{ReadHalf, WriteHalf};

/// An open WebSocket over any stream of tokio's.
pub type WebSocket<S = Stream> = ws_core::pump::WebSocket<S, Tokio>;
/// The receiving half of a [`WebSocket`], as `split` makes it.
pub type Reader<S = Stream> = ws_core::pump::Reader<ReadHalf<S>, WriteHalf<S>, Tokio>;
/// The sending half of a [`WebSocket`], as `split` makes it.
pub type Writer<S = Stream> = ws_core::pump::Writer<WriteHalf<S>, Tokio>;
/// A message that is read piece by piece, as `next_message` makes it.
pub type MessageReader<'a, T = WebSocket> = Io<ws_core::pump::MessageReader<'a, T>>;
/// A message that is written piece by piece, as `write_message` makes it.
pub type MessageWriter<'a, T = WebSocket> = Io<ws_core::pump::MessageWriter<'a, T>>;
/// A connection, or one half of it, as a stream of bytes, as `into_byte_stream` makes it.
pub type ByteStream<T = WebSocket> = Io<ws_core::pump::ByteStream<T>>;
/// A client's request for a WebSocket, to be accepted or rejected.
pub type Upgrade<S = Stream> = ws_core::pump::Upgrade<S, Tokio>;

/// The README's examples, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
