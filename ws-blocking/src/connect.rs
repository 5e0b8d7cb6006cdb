//! The client's way to a WebSocket: dial, then the opening handshake.
//!
//! It never tries a failed handshake again, and follows redirects only if it is told to.

use ws_core::Seed;
use ws_core::handshake::{ClientHandshake, HandshakeError, Request, RequestError};
use ws_core::options::{ConnectError, ConnectOptions, Redirects};
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
    let mut hops = Redirects::new(request, options, seed(options)?);
    loop {
        let url = hops.request().url();
        let (stream, spent) = open(url, &hops.route(&options.route), options.handshake.timeout)?;
        match handshake(stream, hops.request(), &options.after(spent), hops.seed()) {
            Ok(socket) => return Ok(socket),
            Err(failure) => hops.follow(failure)?,
        }
    }
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
    Ok(handshake(stream, request, options, seed(options)?)?)
}

fn seed(options: &ConnectOptions) -> Result<Seed, ConnectError> {
    options.seed_or(|bytes| Ok(getrandom::fill(bytes)?))
}

fn handshake<S: Transport>(
    stream: S,
    request: &Request,
    options: &ConnectOptions,
    seed: Seed,
) -> Result<WebSocket<S>, HandshakeError> {
    let mut driver = Driver::new(stream);
    let limits = options.handshake.clone();
    let mut handshake = ClientHandshake::new(&options.apply(request), limits, seed, driver.now());
    driver.run(&mut handshake);
    handshake.poll(driver.now())?;
    let opened = handshake.finish().map_err(|_| GONE)?;
    Ok(WebSocket::over(driver, opened, &options.config))
}
