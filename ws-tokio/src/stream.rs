//! The stream that a client is connected with: a socket, or TLS over one. It adds nothing to either.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
#[cfg(feature = "tls")]
use tokio_rustls::TlsStream;

/// A TCP or Unix socket, or TLS over one.
///
/// Made of a socket of tokio's with `Stream::from`, or of a `TlsStream` of tokio-rustls over one that
/// was made so, for servers that want one type for all.
#[derive(Debug)]
pub struct Stream(Inner);

#[derive(Debug)]
enum Inner {
    Tcp(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream<Stream>>),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Stream {
    /// The TCP connection, for its addresses and options. What is read from or written to it is
    /// missing elsewhere. `None` over a Unix socket.
    #[must_use]
    pub fn tcp(&self) -> Option<&TcpStream> {
        match &self.0 {
            Inner::Tcp(tcp) => Some(tcp),
            #[cfg(feature = "tls")]
            Inner::Tls(tls) => tls.get_ref().0.tcp(),
            #[cfg(unix)]
            Inner::Unix(_) => None,
        }
    }

    /// Is it TLS?
    #[must_use]
    pub fn is_tls(&self) -> bool {
        match &self.0 {
            Inner::Tcp(_) => false,
            #[cfg(feature = "tls")]
            Inner::Tls(_) => true,
            #[cfg(unix)]
            Inner::Unix(_) => false,
        }
    }

    /// The TCP connection itself, for instance for its halves that need no lock.
    ///
    /// # Errors
    /// The stream, if it is another.
    pub fn into_tcp(self) -> Result<TcpStream, Self> {
        match self.0 {
            Inner::Tcp(tcp) => Ok(tcp),
            #[cfg(feature = "tls")]
            Inner::Tls(_) => Err(self),
            #[cfg(unix)]
            Inner::Unix(_) => Err(self),
        }
    }
}

impl From<TcpStream> for Stream {
    fn from(tcp: TcpStream) -> Self {
        Self(Inner::Tcp(tcp))
    }
}

#[cfg(unix)]
impl From<UnixStream> for Stream {
    fn from(unix: UnixStream) -> Self {
        Self(Inner::Unix(unix))
    }
}

#[cfg(feature = "tls")]
impl From<TlsStream<Self>> for Stream {
    fn from(tls: TlsStream<Self>) -> Self {
        Self(Inner::Tls(Box::new(tls)))
    }
}

macro_rules! each {
    ($stream:expr, $io:ident => $act:expr) => {
        match &mut $stream.get_mut().0 {
            Inner::Tcp($io) => {
                let $io = Pin::new($io);
                $act
            }
            #[cfg(feature = "tls")]
            Inner::Tls($io) => {
                let $io = Pin::new(&mut **$io);
                $act
            }
            #[cfg(unix)]
            Inner::Unix($io) => {
                let $io = Pin::new($io);
                $act
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        each!(self, io => io.poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        each!(self, io => io.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self, io => io.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.0 {
            Inner::Tcp(io) => io.is_write_vectored(),
            #[cfg(feature = "tls")]
            Inner::Tls(io) => io.is_write_vectored(),
            #[cfg(unix)]
            Inner::Unix(io) => io.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, io => io.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, io => io.poll_shutdown(cx))
    }
}
