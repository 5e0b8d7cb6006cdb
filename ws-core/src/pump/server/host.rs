//! What a runtime lends a server. It knows nothing of WebSocket.

use core::future::Future;
use core::net::SocketAddr;
use core::task::{Context, Poll};
use std::io;

use super::super::reach::Opening;
use super::super::runtime::{PollRead, PollWrite, Runtime};
use crate::options::ServerOptions;

/// How a runtime accepts connections and runs tasks.
pub trait Host:
    Runtime
    + Clone
    + PollRead<<Self as Host>::Stream>
    + PollWrite<<Self as Host>::Stream>
    + Send
    + Sync
    + 'static
{
    /// What it listens with.
    type Listener: Send + 'static;
    /// What it accepts.
    type Tcp: Send + 'static;
    /// What a WebSocket is on: that, or TLS over it.
    type Stream: Send + Unpin + 'static;

    /// The next connection, and where it comes from.
    ///
    /// # Errors
    /// Those of the operating system.
    fn poll_accept(
        listener: &mut Self::Listener,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Self::Tcp, SocketAddr)>>;

    /// Sets the socket up as the options say, and does the server's side of TLS if they ask for it.
    /// The deadline is the caller's affair.
    fn secure(tcp: Self::Tcp, options: &ServerOptions) -> Opening<Self::Stream>;

    /// Runs a task that nobody waits for.
    fn spawn(task: impl Future<Output = ()> + Send + 'static);
}
