//! Looking names up and opening sockets, as the dialer says. It never decides which address to try.

use std::io;
use std::net::{IpAddr, SocketAddr};
#[cfg(unix)]
use std::path::Path;
#[cfg(feature = "tls")]
use std::sync::Arc;

use socket2::{SockRef, TcpKeepalive};
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::net::{TcpSocket, lookup_host};
#[cfg(feature = "tls")]
use tokio_rustls::rustls::{ClientConfig, pki_types::ServerName};
#[cfg(feature = "tls")]
use tokio_rustls::{TlsConnector, TlsStream};
use ws_core::dial::DialConfig;
use ws_core::pump::{Net, Opening};

use crate::{Stream, Tokio};

impl Net for Tokio {
    type Socket = Stream;
    type Stream = Stream;

    const TLS: bool = cfg!(feature = "tls");

    fn resolve(&self, name: &str, port: u16) -> Opening<Vec<IpAddr>> {
        let name = String::from(name);
        Box::pin(async move {
            let found = lookup_host((name, port)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }

    fn connect(&self, to: SocketAddr, config: &DialConfig) -> Opening<Stream> {
        let socket = socket(to, config);
        Box::pin(async move { Ok(socket?.connect(to).await?.into()) })
    }

    #[cfg(unix)]
    fn connect_unix(&self, path: &Path) -> Opening<Stream> {
        let path = path.to_owned();
        Box::pin(async move { Ok(UnixStream::connect(path).await?.into()) })
    }

    fn plain(socket: Stream) -> Stream {
        socket
    }

    #[cfg(feature = "tls")]
    fn secure(
        &self,
        socket: Stream,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> Opening<Stream> {
        let handshake = TlsConnector::from(config).connect(name, socket);
        Box::pin(async move { Ok(TlsStream::from(handshake.await?).into()) })
    }

    #[cfg(feature = "tracing")]
    fn warn(&self, warning: std::fmt::Arguments<'_>) {
        tracing::warn!(target: "websocket", "{warning}");
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
