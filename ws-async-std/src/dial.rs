//! Looking names up and opening sockets, as the dialer says. It never decides which address to try.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream as Tcp};
#[cfg(unix)]
use std::os::unix::net::UnixStream as Unix;
#[cfg(unix)]
use std::path::Path;
#[cfg(feature = "tls")]
use std::sync::Arc;

use async_io::Async;
#[cfg(feature = "tls")]
use futures_rustls::rustls::{ClientConfig, pki_types::ServerName};
#[cfg(feature = "tls")]
use futures_rustls::{TlsConnector, TlsStream};
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use ws_core::dial::DialConfig;
use ws_core::pump::{Net, Opening};

#[cfg(unix)]
use crate::net::unix;
use crate::net::{resolve, tcp};
use crate::{FuturesIo, Stream};

impl Net for FuturesIo {
    type Socket = Stream;
    type Stream = Stream;

    const TLS: bool = cfg!(feature = "tls");

    fn resolve(&self, name: &str, port: u16) -> Opening<Vec<IpAddr>> {
        let name = String::from(name);
        Box::pin(async move {
            let found = resolve(&name, port).await?;
            Ok(found.into_iter().map(|address| address.ip()).collect())
        })
    }

    fn connect(&self, to: SocketAddr, config: &DialConfig) -> Opening<Stream> {
        let socket = socket(to, config);
        Box::pin(async move {
            let stream = Async::<Tcp>::new_nonblocking(Tcp::from(socket?))?;
            stream.writable().await?;
            match stream.get_ref().take_error()? {
                None => Ok(tcp(stream)?.into()),
                Some(error) => Err(error),
            }
        })
    }

    #[cfg(unix)]
    fn connect_unix(&self, path: &Path) -> Opening<Stream> {
        let path = path.to_owned();
        Box::pin(async move { Ok(unix(Async::<Unix>::connect(path).await?)?.into()) })
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
