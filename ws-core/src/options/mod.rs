//! What the bindings' `connect` and `accept` can be told, and how they can fail: the same on every
//! runtime. Knows no runtime and performs nothing.
//!
//! ```
//! use ws_core::handshake::Request;
//! use ws_core::options::{ConnectError, ConnectOptions, plain};
//!
//! let options = ConnectOptions::default().nodelay(false);
//! let request = Request::new("wss://example.com/feed")?;
//! // What every binding makes of a URL that it can't dial.
//! let error = plain(options.apply(&request).url()).map_err(ConnectError::from).unwrap_err();
//! assert_eq!(error.to_string(), "example.com wants tls");
//! assert!(error.explain().suggestion.contains("client()"));
//! # Ok::<(), ConnectError>(())
//! ```

mod accept;
mod connect;
mod error;
mod plain;
mod route;
mod session;

pub use accept::AcceptOptions;
pub use connect::ConnectOptions;
pub use error::{AcceptError, ConnectError, StartError};
pub use plain::{TlsNotBuilt, plain};
pub use route::Route;
pub use session::SessionOptions;
