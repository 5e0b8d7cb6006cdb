//! WebSocket for smol and async-std: a client and a server that are thin layers over the pure state
//! machines of [`ws_core`], for every stream of futures-io.
//!
//! They move bytes and time, and decide nothing about the protocol.
//!
//! Feature `smol` (the default) connects with smol's sockets, feature `async-std` with async-std's,
//! if it is on alone. Both runtimes share one reactor, so everything else is the same. async-std is
//! discontinued; new code should use smol.
//!
//! A client, from [`connect()`] to the end:
//!
//! ```
//! use futures_lite::future::{block_on, try_zip};
//! use ws_async_std::net::TcpListener;
//! use ws_async_std::{CloseCode, Event, OwnedEvent, accept, connect};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! block_on(async {
//!     let listener = TcpListener::bind("127.0.0.1:0").await?;
//!     let url = format!("ws://{}/chat", listener.local_addr()?);
//!
//!     let server = async {
//!         let (stream, _) = listener.accept().await?;
//!         let mut socket = accept(stream).await?;
//!         while let Some((event, reply)) = socket.read().await {
//!             if let Event::Text(text) = event {
//!                 reply.text(text)?; // leaves when `read` is about to wait
//!             }
//!         }
//!         Ok::<_, Box<dyn std::error::Error>>(())
//!     };
//!     let client = async {
//!         let mut socket = connect(url).await?;
//!         socket.send("hello").await?;
//!         assert_eq!(socket.next().await, Some(OwnedEvent::Text("hello".into())));
//!         let closed = socket.close(CloseCode::NORMAL, "that was all").await?;
//!         assert!(closed.is_clean());
//!         Ok(())
//!     };
//!     try_zip(server, client).await?;
//!     Ok(())
//! })
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
//! Timeouts, limits and keepalive are fields of [`Config`]; every default is documented there.

#![forbid(unsafe_code)]
#![warn(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(any(feature = "async-std", feature = "smol")))]
compile_error!("pick a runtime to connect with: feature `smol` (the default) or `async-std`");

mod accept;
mod connect;
mod dial;
mod halves;
mod io;
#[cfg(feature = "record")]
mod record;
mod runtime;
pub mod server;
pub mod session;
mod stream;
#[cfg(feature = "tls")]
pub mod tls;

/// The sockets that [`connect()`] makes: smol's, or async-std's if only that feature is on.
pub mod net {
    #[cfg(all(feature = "async-std", not(feature = "smol")))]
    pub use async_std::net::{TcpListener, TcpStream};
    #[cfg(all(unix, feature = "async-std", not(feature = "smol")))]
    pub use async_std::os::unix::net::{UnixListener, UnixStream};
    #[cfg(all(unix, feature = "smol"))]
    pub use smol::net::unix::{UnixListener, UnixStream};
    #[cfg(feature = "smol")]
    pub use smol::net::{TcpListener, TcpStream};

    use std::future::Future;
    use std::io;
    use std::net::SocketAddr;

    use async_io::Async;

    pub(crate) async fn resolve(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        #[cfg(feature = "smol")]
        return smol::net::resolve((name, port)).await;
        #[cfg(all(feature = "async-std", not(feature = "smol")))]
        return Ok(
            async_std::net::ToSocketAddrs::to_socket_addrs(&(name, port))
                .await?
                .collect(),
        );
    }

    pub(crate) fn tcp(stream: Async<std::net::TcpStream>) -> io::Result<TcpStream> {
        #[cfg(feature = "smol")]
        return Ok(stream.into());
        #[cfg(all(feature = "async-std", not(feature = "smol")))]
        return Ok(stream.into_inner()?.into());
    }

    #[cfg(unix)]
    pub(crate) fn unix(stream: Async<std::os::unix::net::UnixStream>) -> io::Result<UnixStream> {
        #[cfg(feature = "smol")]
        return Ok(stream.into());
        #[cfg(all(feature = "async-std", not(feature = "smol")))]
        return Ok(stream.into_inner()?.into());
    }

    pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        #[cfg(feature = "smol")]
        smol::spawn(task).detach();
        #[cfg(all(feature = "async-std", not(feature = "smol")))]
        drop(async_std::task::spawn(task));
    }
}

pub use accept::{accept, accept_with, upgrade};
pub use connect::{client, connect, connect_with};
pub use halves::{ReadHalf, WriteHalf};
pub use io::Io;
pub use runtime::FuturesIo;
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

/// An open WebSocket over any stream of futures-io's.
pub type WebSocket<S = Stream> = ws_core::pump::WebSocket<S, FuturesIo>;
/// The receiving half of a [`WebSocket`], as `split` makes it.
pub type Reader<S = Stream> = ws_core::pump::Reader<ReadHalf<S>, WriteHalf<S>, FuturesIo>;
/// The sending half of a [`WebSocket`], as `split` makes it.
pub type Writer<S = Stream> = ws_core::pump::Writer<WriteHalf<S>, FuturesIo>;
/// A message that is read piece by piece, as `next_message` makes it.
pub type MessageReader<'a, T = WebSocket> = Io<ws_core::pump::MessageReader<'a, T>>;
/// A message that is written piece by piece, as `write_message` makes it.
pub type MessageWriter<'a, T = WebSocket> = Io<ws_core::pump::MessageWriter<'a, T>>;
/// A connection, or one half of it, as a stream of bytes, as `into_byte_stream` makes it.
pub type ByteStream<T = WebSocket> = Io<ws_core::pump::ByteStream<T>>;
/// A client's request for a WebSocket, to be accepted or rejected.
pub type Upgrade<S = Stream> = ws_core::pump::Upgrade<S, FuturesIo>;
