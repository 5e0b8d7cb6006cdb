//! A server on smol or async-std. Whom it lets in and how it goes down is decided by the core; how its tasks live
//! is the pump's. Here it listens and spawns.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::task::{Context, Poll, ready};

use async_io::Async;
use ws_core::options::ServerOptions;
use ws_core::pump::Opening;
use ws_core::pump::server::{self as pump, Host};
pub use ws_core::server::{Counts, Phase, Refusal, ServerLimits};

use crate::net::{self, TcpStream};
use crate::{FuturesIo, Stream};

/// An open connection of a [`Server`]: a [`WebSocket`](crate::WebSocket), used as one.
pub type Guest = pump::Guest<Stream, FuturesIo>;
/// A request of a client of a [`Server`], to be answered.
pub type Arrival = pump::Arrival<Stream, FuturesIo>;
/// A handle to a [`Server`], to look at its numbers and to shut it down.
pub type Handle = pump::Handle<FuturesIo>;

/// A server: it accepts connections within limits and runs a handler for each, in a task of its own.
///
/// What a handler does to itself it does not do to the server: if it panics, its connection is
/// closed with 1011. If it returns and leaves the connection open, that is closed with 1000. Pages of
/// other sites are refused with 403 unless [`ServerOptions::origins`] says otherwise, and what is
/// over the [`ServerLimits`] with 503 or 429.
///
/// ```
/// use futures_lite::future::{block_on, try_zip};
/// use ws_async_std::server::{Guest, Server};
/// use ws_async_std::{Event, ServerOptions, connect};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::bind("127.0.0.1:0", ServerOptions::default())?;
/// let (address, handle) = (server.local_addr()?, server.handle());
/// let serving = async {
///     let end = server.run(|mut socket: Guest| async move {
///         while let Some((event, reply)) = socket.read().await {
///             if let Event::Text(text) = event {
///                 let _ = reply.text(text);
///             }
///         }
///     });
///     Ok::<_, Box<dyn std::error::Error>>(end.await)
/// };
/// let asking = async {
///     let mut client = connect(format!("ws://{address}/")).await?;
///     client.send("hello").await?;
///     assert_eq!(client.next().await, Some(ws_async_std::OwnedEvent::Text("hello".into())));
///     assert_eq!(handle.counts().open, 1);
///
///     handle.shutdown(); // its connections are closed with 1001
///     while client.next().await.is_some() {}
///     assert_eq!(client.closed().unwrap().code.get(), 1001);
///     Ok(())
/// };
/// let (end, ()) = block_on(try_zip(serving, asking))?;
/// assert_eq!(end.open, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server(pump::Server<FuturesIo>);

impl Server {
    /// A server that listens on an address; port 0 picks a free one. If it is a name, the thread
    /// waits while it is looked up.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn bind(address: impl ToSocketAddrs, options: ServerOptions) -> io::Result<Self> {
        Self::new(TcpListener::bind(address)?, options)
    }

    /// A server for the connections of a listener.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn new(listener: TcpListener, options: ServerOptions) -> io::Result<Self> {
        let listener = Async::new(listener)?;
        Ok(Self(pump::Server::new(listener, FuturesIo::new(), options)))
    }

    /// Where it listens.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.listener().get_ref().local_addr()
    }

    /// A handle, to look at its numbers and to shut it down.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.0.handle()
    }

    /// Runs `handler` for each connection, until the server is shut down. Returns when all
    /// connections are closed, or at the drain deadline, when those that are still open are dropped;
    /// the numbers say how many that were.
    ///
    /// # Cancel safety
    /// If the future is dropped, the server goes down at once: all its connections are dropped.
    pub async fn run<F, Fut>(self, handler: F) -> Counts
    where
        F: Fn(Guest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.0.run(handler).await
    }

    /// [`run`](Self::run), with a handler that sees each request and answers it itself: by path, by
    /// credentials, by subprotocol. Origins are checked before.
    ///
    /// ```no_run
    /// # async fn example(server: ws_async_std::server::Server) {
    /// use ws_async_std::server::Arrival;
    ///
    /// server
    ///     .run_with(|arrival: Arrival| async move {
    ///         if arrival.request().path() != "/chat" {
    ///             let _ = arrival.reject(404, &[], b"no such room\n").await;
    ///             return;
    ///         }
    ///         let Ok(mut socket) = arrival.open().await else { return };
    ///         while let Some(event) = socket.next().await {
    ///             println!("{event:?}");
    ///         }
    ///     })
    ///     .await;
    /// # }
    /// ```
    ///
    /// # Cancel safety
    /// As [`run`](Self::run).
    pub async fn run_with<F, Fut>(self, handler: F) -> Counts
    where
        F: Fn(Arrival) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.0.run_with(handler).await
    }
}

impl Host for FuturesIo {
    type Listener = Async<TcpListener>;
    type Tcp = TcpStream;
    type Stream = Stream;

    fn poll_accept(
        listener: &mut Async<TcpListener>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        loop {
            match listener.get_ref().accept() {
                Ok((tcp, peer)) => {
                    let tcp = Async::new(tcp).and_then(net::tcp);
                    return Poll::Ready(tcp.map(|tcp| (tcp, peer)));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(listener.poll_readable(cx))?;
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn secure(tcp: TcpStream, options: &ServerOptions) -> Opening<Stream> {
        // Only a matter of speed, and a socket that is gone shows itself soon enough.
        let _ = tcp.set_nodelay(options.accept.nodelay);
        #[cfg(feature = "tls")]
        if let Some(config) = &options.tls {
            return Box::pin(crate::tls::accept_tls(tcp, config.clone()));
        }
        Box::pin(std::future::ready(Ok(tcp.into())))
    }

    fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        net::spawn(task);
    }
}
