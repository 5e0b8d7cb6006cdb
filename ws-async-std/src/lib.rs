//! WebSocket for smol and async-std.

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
mod halves;
mod runtime;

/// The sockets that [`connect`] makes: smol's, or async-std's if only that feature is on.
pub mod net {
    #[cfg(all(feature = "async-std", not(feature = "smol")))]
    pub use async_std::net::{TcpListener, TcpStream};
    #[cfg(feature = "smol")]
    pub use smol::net::{TcpListener, TcpStream};
}

pub use accept::{accept, accept_with, upgrade};
pub use connect::{client, connect, connect_with};
pub use halves::{ReadHalf, WriteHalf};
pub use runtime::FuturesIo;
/// The core, for everything that is not named here.
pub use ws_core;
pub use ws_core::close::CloseCode;
pub use ws_core::connection::{By, Cause, Closed, Config, Event, Keepalive, OwnedEvent, Sender};
pub use ws_core::error::{Error, ProtocolError, SendError};
pub use ws_core::handshake::{
    Accept, HandshakeError, OriginPolicy, Rejection, Request, RequestHead,
};
pub use ws_core::message::{Kind, Limits, Message, Text};
pub use ws_core::options::{AcceptError, AcceptOptions, ConnectError, ConnectOptions};
pub use ws_core::url::Url;

use crate::net::TcpStream;

/// An open WebSocket over any stream of futures-io's.
pub type WebSocket<S = TcpStream> = ws_core::pump::WebSocket<S, FuturesIo>;
/// The receiving half of a [`WebSocket`], as `split` makes it.
pub type Reader<S = TcpStream> = ws_core::pump::Reader<ReadHalf<S>, WriteHalf<S>, FuturesIo>;
/// The sending half of a [`WebSocket`], as `split` makes it.
pub type Writer<S = TcpStream> = ws_core::pump::Writer<WriteHalf<S>, FuturesIo>;
/// A client's request for a WebSocket, to be accepted or rejected.
pub type Upgrade<S = TcpStream> = ws_core::pump::Upgrade<S, FuturesIo>;
