//! The client's way to a WebSocket: dial, then the opening handshake.
//!
//! It dials once: it never tries a failed handshake again and follows no redirect.

use ws_core::handshake::{ClientHandshake, Request, RequestError};
use ws_core::options::{ConnectError, ConnectOptions};
use ws_core::url::Url;

use crate::driver::{Driver, GONE};
use crate::net::open;
use crate::{Transport, WebSocket};

/// Opens a WebSocket: `connect("ws://127.0.0.1:9001/chat")?`.
///
/// # Errors
/// The URL is not one, the host can't be reached, or it does not open a WebSocket; each says what
/// to do about it ([`ConnectError::explain`]).
pub fn connect<U>(url: U) -> Result<WebSocket, ConnectError>
where
    U: TryInto<Url>,
    RequestError: From<U::Error>,
{
    connect_with(&Request::new(url)?, &ConnectOptions::default())
}

/// Opens a WebSocket with headers, subprotocols and options of your own.
///
/// # Errors
/// As [`connect`].
pub fn connect_with(
    request: &Request,
    options: &ConnectOptions,
) -> Result<WebSocket, ConnectError> {
    let limit = options.handshake.timeout;
    let (stream, spent) = open(request.url(), &options.route, limit)?;
    client(stream, request, &options.after(spent))
}

/// Opens a WebSocket on a stream that is connected to the server already: TLS, a proxy, a Unix
/// socket, a pipe (see [`Plain`](crate::Plain)). The route of the options is the caller's
/// affair here.
///
/// # Errors
/// As [`connect`].
pub fn client<S: Transport>(
    stream: S,
    request: &Request,
    options: &ConnectOptions,
) -> Result<WebSocket<S>, ConnectError> {
    let seed = options.seed_or(|bytes| Ok(getrandom::fill(bytes)?))?;
    let mut driver = Driver::new(stream);
    let limits = options.handshake.clone();
    let mut handshake = ClientHandshake::new(&options.apply(request), limits, seed, driver.now());
    driver.run(&mut handshake);
    handshake.poll(driver.now())?;
    let opened = handshake.finish().map_err(|_| GONE)?;
    Ok(WebSocket::over(driver, opened, &options.config))
}
