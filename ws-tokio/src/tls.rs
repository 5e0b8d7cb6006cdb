//! TLS for servers, and what clients are told about it. What TLS is, rustls decides.

use std::io;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::{TlsAcceptor, TlsStream};
/// What a client trusts and shows, and what a server shows.
pub use ws_core::tls::{Crypto, Roots, TlsError, TlsOptions, rustls, server_config};

use crate::Stream;

/// The server's side of a TLS handshake; what comes of it is for [`accept`](crate::accept()).
///
/// It takes as long as the client takes: put it into the same `timeout` as that, in the task of the
/// connection.
///
/// ```no_run
/// use tokio::net::TcpListener;
/// use ws_tokio::{accept, tls};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let config = tls::server_config(&std::fs::read("cert.pem")?, &std::fs::read("key.pem")?)?;
/// let listener = TcpListener::bind("127.0.0.1:9443").await?;
/// loop {
///     let (stream, _) = listener.accept().await?;
///     let config = config.clone();
///     tokio::spawn(async move {
///         let stream = tls::accept_tls(stream, config).await?;
///         let mut socket = accept(stream).await?;
///         socket.send("hello").await?;
///         Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
///     });
/// }
/// # }
/// ```
///
/// # Errors
/// The client does not speak TLS, or not a version of it that the server does, or went away.
///
/// # Cancel safety
/// If the future is dropped, the stream is dropped with it.
pub async fn accept_tls(stream: TcpStream, config: Arc<ServerConfig>) -> io::Result<Stream> {
    let tls = TlsAcceptor::from(config)
        .accept(Stream::from(stream))
        .await?;
    Ok(TlsStream::from(tls).into())
}
