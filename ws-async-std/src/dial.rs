//! Looking names up and opening sockets, as the dialer says. It never decides which address to try.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream as Std};
use std::time::Duration;

use async_io::Async;
#[cfg(feature = "tls")]
use futures_rustls::{TlsConnector, TlsStream};
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use ws_core::dial::DialConfig;
use ws_core::options::{ConnectError, Route};
use ws_core::pump::{self, Net, Opening};
#[cfg(feature = "tls")]
use ws_core::tls::TlsOptions;
use ws_core::url::Url;

use crate::net::{TcpStream, from_async, resolve};
use crate::{FuturesIo, Stream};

/// Connects to the host of a URL, with TLS if it asks for that; and how much of `limit`, the time
/// for handshakes, that took.
pub(crate) async fn reach(
    url: &Url,
    route: &Route,
    limit: Duration,
) -> Result<(Stream, Duration), ConnectError> {
    let runtime = FuturesIo::new();
    #[cfg(not(feature = "tls"))]
    ws_core::options::plain(url)?;
    #[cfg(feature = "tls")]
    if url.is_secure() {
        let failed = |error| ConnectError::tls(url, error);
        let config = route.tls.client_config().map_err(failed)?;
        let name = TlsOptions::server_name(url.host()).map_err(failed)?;
        let tcp = pump::reach(&runtime, url, route).await?;
        let handshake = TlsConnector::from(config).connect(name, tcp);
        let (tls, spent) = pump::secure(&runtime, url, limit, handshake).await?;
        return Ok((TlsStream::from(tls).into(), spent));
    }
    let _ = limit;
    let tcp = pump::reach(&runtime, url, route).await?;
    Ok((tcp.into(), Duration::ZERO))
}

impl Net for FuturesIo {
    type Stream = TcpStream;

    fn resolve(&self, name: &str, port: u16) -> Opening<Vec<IpAddr>> {
        let name = String::from(name);
        Box::pin(async move {
            let found = resolve(&name, port).await?;
            Ok(found.into_iter().map(|address| address.ip()).collect())
        })
    }

    fn connect(&self, to: SocketAddr, config: &DialConfig) -> Opening<TcpStream> {
        let socket = socket(to, config);
        Box::pin(async move {
            let stream = Async::<Std>::new_nonblocking(Std::from(socket?))?;
            stream.writable().await?;
            match stream.get_ref().take_error()? {
                None => from_async(stream),
                Some(error) => Err(error),
            }
        })
    }
}

/// A socket that has begun to connect.
fn socket(to: SocketAddr, config: &DialConfig) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(config.nodelay)?;
    if let Some(keepalive) = config.keepalive {
        let keepalive = TcpKeepalive::new()
            .with_time(keepalive.idle)
            .with_interval(keepalive.interval);
        socket.set_tcp_keepalive(&keepalive)?;
    }
    if let Some(bytes) = config.recv_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    if let Some(bytes) = config.send_buffer {
        socket.set_send_buffer_size(bytes)?;
    }
    if let Some(address) = config.bind {
        socket.bind(&SocketAddr::from((address, 0)).into())?;
    }
    match socket.connect(&to.into()) {
        // Under way; an error that comes of it is told once the socket is writable.
        Err(error) if is_under_way(&error) => Ok(socket),
        Err(error) => Err(error),
        Ok(()) => Ok(socket),
    }
}

fn is_under_way(error: &io::Error) -> bool {
    #[cfg(unix)]
    if error.raw_os_error() == Some(libc::EINPROGRESS) {
        return true;
    }
    error.kind() == io::ErrorKind::WouldBlock
}
