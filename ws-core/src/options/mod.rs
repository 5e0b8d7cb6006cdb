//! What the bindings' `connect` and `accept` can be told, and how they can fail: the same on every
//! runtime. Knows no runtime and performs nothing.
//!
//! ```
//! use ws_core::dial::DialConfig;
//! use ws_core::handshake::Request;
//! use ws_core::options::{ConnectError, ConnectOptions, Route, plain};
//!
//! let route = Route::default().dial(DialConfig::default().nodelay(false));
//! let options = ConnectOptions::default().route(route);
//! let request = Request::new("wss://example.com/feed")?;
//! // What a binding without TLS makes of a URL that asks for it.
//! let error = plain(options.apply(&request).url()).map_err(ConnectError::from).unwrap_err();
//! assert_eq!(error.to_string(), "example.com wants tls");
//! assert!(error.explain().suggestion.contains("client()"));
//! # Ok::<(), ConnectError>(())
//! ```

mod accept;
mod connect;
mod error;
mod inbox;
mod plain;
#[cfg(feature = "testing")]
mod record;
mod redirects;
mod route;
mod server;
mod session;

pub use accept::AcceptOptions;
pub use connect::ConnectOptions;
pub use error::{AcceptError, ConnectError, StartError};
pub use inbox::{Inbox, Overflow};
pub use plain::{TlsNotBuilt, plain};
#[cfg(feature = "testing")]
pub use record::Record;
pub use redirects::Redirects;
pub use route::Route;
pub use server::ServerOptions;
pub use session::SessionOptions;
