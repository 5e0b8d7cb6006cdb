//! A server that the async bindings share: it accepts, lets in whom the
//! [door](crate::server::Admission) admits, runs a handler for each, and goes down in an orderly
//! way. It opens no socket and spawns nothing itself: the [`Host`] does.
//!
//! What a handler does to itself it does not do to the server. If it panics, its connection is
//! closed with 1011; if it returns and leaves the connection open, that is closed with 1000; when
//! the server goes down, all are closed with 1001, and the handlers see the end as they see any
//! other.

mod arrival;
mod guest;
mod handle;
mod host;
mod run;
mod task;

pub use arrival::Arrival;
pub use guest::Guest;
pub use handle::Handle;
pub use host::Host;
pub use run::Server;
