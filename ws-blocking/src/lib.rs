//! WebSocket for threads and blocking sockets.

#![forbid(unsafe_code)]
#![warn(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod accept;
mod connect;
mod driver;
mod socket;
mod split;
mod transport;

pub use accept::{Upgrade, accept, accept_with, upgrade};
pub use connect::{client, connect, connect_with};
pub use socket::WebSocket;
pub use split::{Reader, Writer};
pub use transport::{Plain, Transport, TrySplit};
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
