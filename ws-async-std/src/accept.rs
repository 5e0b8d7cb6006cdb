//! The server's way to a WebSocket: the opening handshake on an accepted stream.
//!
//! It never judges a request: the options do, or the caller.

use std::any::Any;

use futures_io::{AsyncRead, AsyncWrite};

use ws_core::handshake::HandshakeError;
use ws_core::options::{AcceptError, AcceptOptions};
use ws_core::pump;

use crate::net::TcpStream;
use crate::{FuturesIo, Stream, Upgrade, WebSocket};

/// Accepts a WebSocket on a stream that a client has connected.
///
/// # Errors
/// The client did not ask for a WebSocket, and was told so where [`HandshakeError`] says it is.
///
/// # Cancel safety
/// If the future is dropped, the stream is dropped with it.
pub fn accept<S>(stream: S) -> impl Future<Output = Result<WebSocket<S>, AcceptError>>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    // Boxed: what is held here a task holds for as long as it runs.
    Box::pin(async move {
        let options = AcceptOptions::default();
        accept_with(stream, &options).await
    })
}

/// Accepts a WebSocket as the options say. What they say of the socket itself is done at once, the rest
/// when the future is polled.
///
/// # Errors
/// The client did not ask for a WebSocket, or the options refuse it; it was told as with [`upgrade`].
///
/// # Cancel safety
/// As [`accept`].
pub fn accept_with<S>(
    stream: S,
    options: &AcceptOptions,
) -> impl Future<Output = Result<WebSocket<S>, AcceptError>>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    prepare(&stream, options);
    pump::accept(stream, FuturesIo::new(), options)
}

/// Reads the client's request and leaves the answer to the caller.
///
/// # Errors
/// The client did not ask for a WebSocket, and was told so where [`HandshakeError`] says it is.
///
/// # Cancel safety
/// As [`accept`].
pub async fn upgrade<S>(stream: S, options: &AcceptOptions) -> Result<Upgrade<S>, HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    prepare(&stream, options);
    pump::upgrade(stream, FuturesIo::new(), options).await
}

/// Recognises a TCP socket, so that the default that suits it needs no call of the user's.
fn prepare<S: 'static>(stream: &S, options: &AcceptOptions) {
    let stream = stream as &dyn Any;
    let tcp = stream.downcast_ref().and_then(Stream::tcp);
    if let Some(stream) = tcp.or_else(|| stream.downcast_ref::<TcpStream>()) {
        // Only a matter of speed, and a socket that is gone shows itself soon enough.
        let _ = stream.set_nodelay(options.nodelay);
    }
}
