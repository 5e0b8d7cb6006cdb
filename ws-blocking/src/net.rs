//! Looking names up and opening sockets, as the dialer says. It never decides which address to try.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpStream as Std, ToSocketAddrs};
#[cfg(unix)]
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use mio::net::TcpStream;
#[cfg(unix)]
use mio::net::UnixStream;
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use ws_core::dial::DialConfig;
use ws_core::options::{ConnectError, Route};
use ws_core::policy::Stage;
use ws_core::pump::{self, Net, Opening};
#[cfg(feature = "tls")]
use ws_core::tls::rustls::{ClientConfig, ClientConnection, pki_types::ServerName};
use ws_core::url::Url;

use crate::Stream;
#[cfg(feature = "tls")]
use crate::reactor::retried;
use crate::reactor::{Clock, Reactor};
use crate::sockets::Watched;
use crate::stream::Wire;
#[cfg(feature = "tls")]
use crate::tls::Tls;

/// Connects to the host of a URL, with TLS if it asks for that: a socket that blocks. And how much
/// of `limit`, the time for handshakes, that took.
pub(crate) fn open(
    url: &Url,
    route: &Route,
    limit: Duration,
) -> Result<(Stream, Duration), ConnectError> {
    let failed = |error| ConnectError::Dial {
        authority: url.authority(),
        stage: Stage::Connect,
        error,
    };
    let mut reactor = Reactor::new().map_err(failed)?;
    let clock = reactor.clock();
    let reached = reactor
        .run(pump::reach(&clock, url, route, limit))
        .map_err(failed)?;
    let (stream, spent) = reached?;
    let blocking = stream.try_map(|mut socket| {
        clock.deregister(&mut socket)?;
        socket.blocking()
    });
    Ok((Stream(blocking.map_err(failed)?), spent))
}

impl Net for Clock {
    type Socket = Wire<Watched>;
    type Stream = Wire<Watched>;

    const TLS: bool = cfg!(feature = "tls");

    fn resolve(&self, name: &str, port: u16) -> Opening<Vec<IpAddr>> {
        // The operating system can't be interrupted at it: a lookup that takes too long is left
        // behind, and nobody hears of it.
        let name = String::from(name);
        let answer = Arc::new(Answer::default());
        let asked = Arc::clone(&answer);
        let spawned = thread::Builder::new()
            .name("websocket lookup".into())
            .spawn(move || asked.give(look_up(&name, port)));
        if let Err(error) = spawned {
            answer.give(Err(error));
        }
        Box::pin(async move { poll_fn(|cx| answer.poll(cx)).await })
    }

    fn connect(&self, to: SocketAddr, config: &DialConfig) -> Opening<Wire<Watched>> {
        let opened = socket(config, to).and_then(|socket| {
            let mut socket = Watched::Tcp(TcpStream::from_std(Std::from(socket)));
            self.register(&mut socket)?;
            Ok(socket)
        });
        Box::pin(async move {
            let socket = opened?;
            poll_fn(|_| poll_connected(&socket)).await?;
            Ok(Wire::Plain(socket))
        })
    }

    /// There is no waiting for a Unix socket: it connects at once or not at all.
    #[cfg(unix)]
    fn connect_unix(&self, path: &Path) -> Opening<Wire<Watched>> {
        let opened = UnixStream::connect(path).and_then(|socket| {
            let mut socket = Watched::Unix(socket);
            self.register(&mut socket)?;
            Ok(Wire::Plain(socket))
        });
        Box::pin(async move { opened })
    }

    fn plain(socket: Wire<Watched>) -> Wire<Watched> {
        socket
    }

    #[cfg(feature = "tls")]
    fn secure(
        &self,
        socket: Wire<Watched>,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> Opening<Wire<Watched>> {
        let connection = ClientConnection::new(config, name).map_err(io::Error::other);
        Box::pin(async move {
            let mut tls = Tls::new(socket.into_socket(), connection?);
            // The reactor polls again whenever the socket is ready for anything.
            poll_fn(|_| retried(tls.shake_hands())).await?;
            Ok(Wire::Tls(tls))
        })
    }

    #[cfg(feature = "tracing")]
    fn warn(&self, warning: std::fmt::Arguments<'_>) {
        tracing::warn!(target: "websocket", "{warning}");
    }
}

fn poll_connected(socket: &Watched) -> Poll<io::Result<()>> {
    match (socket.take_error(), socket.has_peer()) {
        (Err(error), _) | (Ok(Some(error)), _) => Poll::Ready(Err(error)),
        (Ok(None), Ok(())) => Poll::Ready(Ok(())),
        (Ok(None), Err(error)) if is_under_way(&error) => Poll::Pending,
        (Ok(None), Err(error)) => Poll::Ready(Err(error)),
    }
}

/// A socket that has begun to connect.
fn socket(config: &DialConfig, to: SocketAddr) -> io::Result<Socket> {
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
        // An error that comes of it is told once the socket is writable.
        Err(error) if !is_under_way(&error) => Err(error),
        Err(_) | Ok(()) => Ok(socket),
    }
}

/// Does the error mean that there is no answer yet?
fn is_under_way(error: &io::Error) -> bool {
    #[cfg(unix)]
    if error.raw_os_error() == Some(libc::EINPROGRESS) {
        return true;
    }
    matches!(
        error.kind(),
        ErrorKind::NotConnected | ErrorKind::WouldBlock
    )
}

fn look_up(name: &str, port: u16) -> Found {
    let found = (name, port).to_socket_addrs()?;
    Ok(found.map(|address| address.ip()).collect())
}

/// Where a thread leaves what it found.
#[derive(Default)]
struct Answer(Mutex<(Option<Found>, Option<Waker>)>);

type Found = io::Result<Vec<IpAddr>>;

impl Answer {
    fn give(&self, answer: Found) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.0 = Some(answer);
        let waker = inner.1.take();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<Found> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match inner.0.take() {
            Some(answer) => Poll::Ready(answer),
            None => {
                inner.1 = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}
