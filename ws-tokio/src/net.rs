//! Looking names up and opening sockets, as the dialer says. It never decides which address to try.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
#[cfg(feature = "tls")]
use tokio_rustls::{TlsConnector, TlsStream};
use ws_core::dial::DialConfig;
use ws_core::options::{ConnectError, Route};
use ws_core::pump::{self, Net, Opening};
#[cfg(feature = "tls")]
use ws_core::tls::TlsOptions;
use ws_core::url::Url;

use crate::{Stream, Tokio};

/// Connects to the host of a URL, with TLS if it asks for that; and how much of `limit`, the time
/// for handshakes, that took.
pub(crate) async fn reach(
    url: &Url,
    route: &Route,
    limit: Duration,
) -> Result<(Stream, Duration), ConnectError> {
    let runtime = Tokio::new();
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

impl Net for Tokio {
    type Stream = TcpStream;

    fn resolve(&self, name: &str, port: u16) -> Opening<Vec<IpAddr>> {
        let name = String::from(name);
        Box::pin(async move {
            let found = lookup_host((name, port)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }

    fn connect(&self, to: SocketAddr, config: &DialConfig) -> Opening<TcpStream> {
        let socket = socket(to, config);
        Box::pin(async move { socket?.connect(to).await })
    }
}

fn socket(to: SocketAddr, config: &DialConfig) -> io::Result<TcpSocket> {
    let socket = match to {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    socket.set_nodelay(config.nodelay)?;
    if let Some(keepalive) = config.keepalive {
        let keepalive = TcpKeepalive::new()
            .with_time(keepalive.idle)
            .with_interval(keepalive.interval);
        SockRef::from(&socket).set_tcp_keepalive(&keepalive)?;
    }
    if let Some(bytes) = config.recv_buffer {
        SockRef::from(&socket).set_recv_buffer_size(bytes)?;
    }
    if let Some(bytes) = config.send_buffer {
        SockRef::from(&socket).set_send_buffer_size(bytes)?;
    }
    if let Some(address) = config.bind {
        socket.bind((address, 0).into())?;
    }
    Ok(socket)
}
