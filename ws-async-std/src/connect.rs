//! The client's way to a WebSocket: dial, then the opening handshake.
//!
//! It never tries a failed handshake again, and follows redirects only if it is told to.

use futures_io::{AsyncRead, AsyncWrite};
use ws_core::handshake::{Request, RequestError};
use ws_core::options::{ConnectError, ConnectOptions};
use ws_core::pump;
use ws_core::url::Url;

use crate::{FuturesIo, WebSocket};

/// Opens a WebSocket: `connect("ws://127.0.0.1:9001/chat").await?`.
///
/// # Errors
/// The URL is not one, the host can't be reached, or it does not open a WebSocket; each says what
/// to do about it ([`ConnectError::explain`]).
///
/// # Cancel safety
/// If the future is dropped, the attempt is given up.
pub async fn connect<U>(url: U) -> Result<WebSocket, ConnectError>
where
    U: TryInto<Url>,
    RequestError: From<U::Error>,
{
    connect_with(&Request::new(url)?, &ConnectOptions::default()).await
}

/// Opens a WebSocket with headers, subprotocols and options of your own.
///
/// # Errors
/// As [`connect`].
///
/// # Cancel safety
/// As [`connect`].
pub async fn connect_with(
    request: &Request,
    options: &ConnectOptions,
) -> Result<WebSocket, ConnectError> {
    let seed = options.seed_or(|bytes| Ok(getrandom::fill(bytes)?))?;
    pump::connect(FuturesIo::new(), request, options, seed).await
}

/// Opens a WebSocket on a stream that is connected to the server already: TLS, a proxy, a Unix
/// socket, a pipe. The route of the options is the caller's affair here.
///
/// # Errors
/// As [`connect`].
///
/// # Cancel safety
/// If the future is dropped, the stream is dropped with it.
pub async fn client<S>(
    stream: S,
    request: &Request,
    options: &ConnectOptions,
) -> Result<WebSocket<S>, ConnectError>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let seed = options.seed_or(|bytes| Ok(getrandom::fill(bytes)?))?;
    Ok(pump::client(stream, FuturesIo::new(), request, options, seed).await?)
}
