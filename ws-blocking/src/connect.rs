//! The client's way to a WebSocket: dial, then the opening handshake.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use ws_core::handshake::{ClientHandshake, Request, RequestError};
use ws_core::options::{ConnectError, ConnectOptions};
use ws_core::url::{Host, Url};

use crate::driver::{Driver, GONE};
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
/// Looking a name up is left to the operating system, which has a deadline of its own.
///
/// # Errors
/// As [`connect`].
pub fn connect_with(
    request: &Request,
    options: &ConnectOptions,
) -> Result<WebSocket, ConnectError> {
    let url = request.url();
    if url.is_secure() {
        return Err(ConnectError::TlsNotBuilt {
            authority: url.authority(),
        });
    }
    let stream = dial(url, options).map_err(|error| ConnectError::Dial {
        authority: url.authority(),
        error,
    })?;
    client(stream, request, options)
}

/// Opens a WebSocket on a stream that is connected to the server already: TLS, a proxy, a Unix
/// socket, a pipe (see [`Plain`](crate::Plain)).
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

/// Tries the addresses of the host one after the other, all within one deadline.
fn dial(url: &Url, options: &ConnectOptions) -> io::Result<TcpStream> {
    let began = Instant::now();
    let port = url.port();
    let addresses: Vec<SocketAddr> = match url.host() {
        Host::Domain(name) => (&**name, port).to_socket_addrs()?.collect(),
        Host::V4(address) => vec![(*address, port).into()],
        Host::V6(address) => vec![(*address, port).into()],
    };
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        let left = options.dial_timeout.saturating_sub(began.elapsed());
        if left == Duration::ZERO {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match TcpStream::connect_timeout(&address, left) {
            Ok(stream) => {
                stream.set_nodelay(options.nodelay)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
