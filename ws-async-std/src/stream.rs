//! The stream that a client is connected with: a socket, or TLS over one. It adds nothing to either.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};
#[cfg(feature = "tls")]
use futures_rustls::TlsStream;

use crate::net::TcpStream;
#[cfg(unix)]
use crate::net::UnixStream;
use crate::runtime::poll_shutdown;

/// A TCP or Unix socket, or TLS over one.
///
/// Made of a socket of [`net`](crate::net) with `Stream::from`, or of a `TlsStream` of futures-rustls
/// over one that was made so, for servers that want one type for all.
#[derive(Debug)]
pub struct Stream(Inner);

#[derive(Debug)]
enum Inner {
    Tcp(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream<Stream>>),
    #[cfg(unix)]
    Unix(Box<UnixStream>),
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

    /// The TCP connection itself, for instance for halves of one's own.
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
        Self(Inner::Unix(Box::new(unix)))
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
                let $io = Pin::new(&mut **$io);
                $act
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
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

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, io => io.poll_flush(cx))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Inner::Tcp(tcp) => poll_shutdown(tcp, cx),
            #[cfg(feature = "tls")]
            // It says its last words, and then closes the socket under it in this same way.
            Inner::Tls(tls) => Pin::new(&mut **tls).poll_close(cx),
            #[cfg(unix)]
            Inner::Unix(unix) => poll_shutdown(&mut **unix, cx),
        }
    }
}
