//! A server on tokio. Whom it lets in and how it goes down is decided by the core; how its tasks live
//! is the pump's. Here it listens and spawns.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use ws_core::options::ServerOptions;
use ws_core::pump::Opening;
use ws_core::pump::server::{self as pump, Host};
pub use ws_core::server::{Counts, Phase, Refusal, ServerLimits};

use crate::{Stream, Tokio};

/// An open connection of a [`Server`]: a [`WebSocket`](crate::WebSocket), used as one.
pub type Guest = pump::Guest<Stream, Tokio>;
/// A request of a client of a [`Server`], to be answered.
pub type Arrival = pump::Arrival<Stream, Tokio>;
/// A handle to a [`Server`], to look at its numbers and to shut it down.
pub type Handle = pump::Handle<Tokio>;

/// A server: it accepts connections within limits and runs a handler for each, in a task of its own.
///
/// What a handler does to itself it does not do to the server: if it panics, its connection is
/// closed with 1011. If it returns and leaves the connection open, that is closed with 1000. Pages of
/// other sites are refused with 403 unless [`ServerOptions::origins`] says otherwise, and what is
/// over the [`ServerLimits`] with 503 or 429.
///
/// ```
/// use ws_tokio::server::{Guest, Server};
/// use ws_tokio::{Event, ServerOptions, connect};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::bind("127.0.0.1:0", ServerOptions::default()).await?;
/// let (address, handle) = (server.local_addr()?, server.handle());
/// let serving = tokio::spawn(server.run(|mut socket: Guest| async move {
///     while let Some((event, reply)) = socket.read().await {
///         if let Event::Text(text) = event {
///             let _ = reply.text(text);
///         }
///     }
/// }));
///
/// let mut client = connect(format!("ws://{address}/")).await?;
/// client.send("hello").await?;
/// assert_eq!(client.next().await, Some(ws_tokio::OwnedEvent::Text("hello".into())));
/// assert_eq!(handle.counts().open, 1);
///
/// handle.shutdown(); // its connections are closed with 1001
/// while client.next().await.is_some() {}
/// assert_eq!(client.closed().unwrap().code.get(), 1001);
/// assert_eq!(serving.await?.open, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server(pump::Server<Tokio>);

impl Server {
    /// A server that listens on an address; port 0 picks a free one.
    ///
    /// # Errors
    /// Those of the operating system.
    pub async fn bind(address: impl ToSocketAddrs, options: ServerOptions) -> io::Result<Self> {
        Ok(Self::new(TcpListener::bind(address).await?, options))
    }

    /// A server for the connections of a listener.
    #[must_use]
    pub fn new(listener: TcpListener, options: ServerOptions) -> Self {
        Self(pump::Server::new(listener, Tokio::new(), options))
    }

    /// Where it listens.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.listener().local_addr()
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
    /// # async fn example(server: ws_tokio::server::Server) {
    /// use ws_tokio::server::Arrival;
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

impl Host for Tokio {
    type Listener = TcpListener;
    type Tcp = TcpStream;
    type Stream = Stream;

    fn poll_accept(
        listener: &mut TcpListener,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        listener.poll_accept(cx)
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
        drop(tokio::spawn(task));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_that_is_given_a_connection_does_not_hold_it_twice() {
        assert!(size_of::<Guest>() <= 64);
        assert!(size_of::<Arrival>() <= 64);
    }
}
