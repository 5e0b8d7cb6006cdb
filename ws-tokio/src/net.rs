//! Looking names up and opening sockets, as the dialer says. It never decides which address to try.

use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use ws_core::dial::DialConfig;
use ws_core::options::{ConnectError, Route, plain};
use ws_core::pump::{self, Net, Opening};
use ws_core::url::Url;

use crate::Tokio;

/// Connects to the host of a URL.
pub(crate) async fn reach(url: &Url, route: &Route) -> Result<TcpStream, ConnectError> {
    pump::reach(&Tokio::new(), plain(url)?, route).await
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
