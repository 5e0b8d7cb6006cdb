//! What the bindings' `connect` and `accept` can be told, and how they can fail: the same on every
//! runtime. Knows no runtime and performs nothing.

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
