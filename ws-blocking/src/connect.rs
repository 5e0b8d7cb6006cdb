//! The client's way to a WebSocket: dial, then the opening handshake.
//!
//! It dials once: it never tries a failed handshake again and follows no redirect.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use ws_core::handshake::{ClientHandshake, Request, RequestError};
use ws_core::options::{ConnectError, ConnectOptions, plain};
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
/// # Errors
/// As [`connect`].
pub fn connect_with(
    request: &Request,
    options: &ConnectOptions,
) -> Result<WebSocket, ConnectError> {
    let url = plain(request.url())?;
    let stream = dial(url, options).map_err(|error| ConnectError::Dial {
        authority: url.authority(),
        error,
    })?;
    client(stream, request, options)
}

/// Opens a WebSocket on a stream that is connected to the server already: TLS, a proxy, a Unix
/// socket, a pipe (see [`Plain`](crate::Plain)). Of the options, those about dialing and `nodelay`
/// are the caller's affair here.
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
        Host::Domain(name) => resolve(name, port, options.dial_timeout)?,
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

/// Looks a name up within a deadline. The operating system can't be interrupted at it, so that is
/// done by a thread which is left behind if it takes too long.
fn resolve(name: &str, port: u16, timeout: Duration) -> io::Result<Vec<SocketAddr>> {
    let (found, waiting) = mpsc::channel();
    let name = String::from(name);
    thread::Builder::new()
        .name("websocket lookup".into())
        .spawn(move || {
            let addresses = (&*name, port).to_socket_addrs();
            // Nobody listens any more if it took too long.
            let _ = found.send(addresses.map(Iterator::collect));
        })?;
    match waiting.recv_timeout(timeout) {
        Ok(addresses) => addresses,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}
