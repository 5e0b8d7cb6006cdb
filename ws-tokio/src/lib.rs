//! WebSocket for tokio.

#![forbid(unsafe_code)]
#![warn(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod accept;
mod connect;
mod runtime;

pub use accept::{accept, accept_with, upgrade};
pub use connect::{client, connect, connect_with};
pub use runtime::Tokio;
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

use tokio::io::{ReadHalf, WriteHalf};
use tokio::net::TcpStream;

/// An open WebSocket over any stream of tokio's.
pub type WebSocket<S = TcpStream> = ws_core::pump::WebSocket<S, Tokio>;
/// The receiving half of a [`WebSocket`], as `split` makes it.
pub type Reader<S = TcpStream> = ws_core::pump::Reader<ReadHalf<S>, WriteHalf<S>, Tokio>;
/// The sending half of a [`WebSocket`], as `split` makes it.
pub type Writer<S = TcpStream> = ws_core::pump::Writer<WriteHalf<S>, Tokio>;
/// A client's request for a WebSocket, to be accepted or rejected.
pub type Upgrade<S = TcpStream> = ws_core::pump::Upgrade<S, Tokio>;
