//! WebSocket for tokio.

mod runtime;

pub use runtime::Tokio;

/// An open WebSocket over any stream of tokio's.
pub type WebSocket<S = tokio::net::TcpStream> = ws_core::pump::WebSocket<S, Tokio>;
/// The receiving half of a [`WebSocket`].
pub type Reader<Rd, Wr> = ws_core::pump::Reader<Rd, Wr, Tokio>;
/// The sending half of a [`WebSocket`].
pub type Writer<Wr> = ws_core::pump::Writer<Wr, Tokio>;
