//! WebSocket for smol and async-std.
mod runtime;
pub use runtime::FuturesIo;
