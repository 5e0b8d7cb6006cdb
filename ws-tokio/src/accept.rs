//! The server's way to a WebSocket: the opening handshake on an accepted stream.
//!
//! It never judges a request: the options do, or the caller.

use std::any::Any;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use ws_core::handshake::HandshakeError;
use ws_core::options::{AcceptError, AcceptOptions};
use ws_core::pump;

use crate::{Stream, Tokio, Upgrade, WebSocket};

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
    pump::accept(stream, Tokio::new(), options)
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
    pump::upgrade(stream, Tokio::new(), options).await
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Event;

    #[test]
    fn a_task_does_not_keep_the_memory_of_the_handshake() {
        let (stream, _) = tokio::io::duplex(1);
        let handshake = accept(stream);
        assert!(size_of_val(&handshake) < 256);
    }

    #[cfg(target_pointer_width = "64")]
    #[test]
    fn a_task_that_reads_a_socket_is_small() {
        async fn echo(stream: TcpStream) {
            let Ok(mut socket) = accept(stream).await else {
                return;
            };
            while let Some((event, reply)) = socket.read().await {
                if let Event::Binary(data) = event {
                    drop(reply.binary(data));
                }
            }
        }
        fn size<T, F>(_: impl Fn(T) -> F) -> usize {
            size_of::<F>()
        }
        // With what tokio adds that is a task of 384 bytes; one byte more, and it is one of 512.
        assert!(size(echo) <= 280, "{}", size(echo));
    }

    #[cfg(target_pointer_width = "64")]
    #[test]
    fn what_is_waited_for_holds_a_socket_by_its_address_and_a_message_once() {
        async fn relay(stream: TcpStream, options: &AcceptOptions) {
            let Ok(mut socket) = accept_with(stream, options).await else {
                return;
            };
            loop {
                let Some(event) = socket.next().await else {
                    return;
                };
                let Some(message) = event.into_message() else {
                    continue;
                };
                drop(socket.send(message).await);
            }
        }
        fn size<'a, F>(_: impl Fn(TcpStream, &'a AcceptOptions) -> F) -> usize {
            size_of::<F>()
        }
        // The socket, the stream that becomes one, and the message.
        let size = size(relay);
        assert!(size <= 328, "{size}");
    }
}
