//! The stream that a client is connected with: a socket, or TLS over one. It adds nothing to either.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use crate::sockets::Socket;
#[cfg(feature = "tls")]
use crate::tls::Tls;
use crate::{Transport, TrySplit};

/// A TCP or Unix socket, or TLS over one; two threads can share each (see [`TrySplit`]), and it still
/// takes one descriptor.
///
/// Made of a socket with `Stream::from`, for servers that want one type for all.
#[derive(Debug)]
pub struct Stream(pub(crate) Wire<Socket>);

/// The same over sockets that block or do not.
#[derive(Debug)]
pub(crate) enum Wire<S> {
    Plain(S),
    #[cfg(feature = "tls")]
    Tls(Tls<S>),
}

impl Stream {
    /// The TCP connection, for its addresses and options. What is read from or written to it is
    /// missing elsewhere. `None` over a Unix socket.
    #[must_use]
    pub fn tcp(&self) -> Option<&TcpStream> {
        self.0.socket().tcp()
    }

    /// Is it TLS?
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        match &self.0 {
            Wire::Plain(_) => false,
            #[cfg(feature = "tls")]
            Wire::Tls(_) => true,
        }
    }

    /// The TCP connection itself.
    ///
    /// # Errors
    /// The stream, if it is another.
    pub fn into_tcp(self) -> Result<TcpStream, Self> {
        match self.0 {
            Wire::Plain(Socket::Tcp(tcp)) => Arc::try_unwrap(tcp).map_err(Self::shared),
            #[cfg(unix)]
            Wire::Plain(Socket::Unix(_)) => Err(self),
            #[cfg(feature = "tls")]
            Wire::Tls(_) => Err(self),
        }
    }
}

impl Stream {
    /// One over a socket that is known elsewhere too.
    pub(crate) const fn shared(tcp: Arc<TcpStream>) -> Self {
        Self(Wire::Plain(Socket::Tcp(tcp)))
    }

    /// While that is so, what would wait fails with `WouldBlock`, in every thread.
    pub(crate) fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.0.socket().set_nonblocking(nonblocking)
    }
}

impl From<TcpStream> for Stream {
    fn from(tcp: TcpStream) -> Self {
        Self::shared(Arc::new(tcp))
    }
}

#[cfg(unix)]
impl From<UnixStream> for Stream {
    fn from(unix: UnixStream) -> Self {
        Self(Wire::Plain(Socket::Unix(Arc::new(unix))))
    }
}

impl<S> Wire<S> {
    pub(crate) const fn socket(&self) -> &S {
        match self {
            Self::Plain(io) => io,
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.socket(),
        }
    }

    pub(crate) const fn socket_mut(&mut self) -> &mut S {
        match self {
            Self::Plain(io) => io,
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.socket_mut(),
        }
    }

    /// The socket alone.
    #[cfg(feature = "tls")]
    pub(crate) fn into_socket(self) -> S {
        match self {
            Self::Plain(io) => io,
            Self::Tls(io) => io.into_socket(),
        }
    }

    /// The same over what the socket becomes.
    pub(crate) fn try_map<T>(self, f: impl FnOnce(S) -> io::Result<T>) -> io::Result<Wire<T>> {
        Ok(match self {
            Self::Plain(io) => Wire::Plain(f(io)?),
            #[cfg(feature = "tls")]
            Self::Tls(io) => Wire::Tls(io.try_map(f)?),
        })
    }
}

impl<S: Write> Wire<S> {
    /// Says that nothing follows, if there are words for that.
    #[cfg_attr(not(feature = "tls"), allow(clippy::needless_pass_by_ref_mut))]
    pub(crate) fn say_end(&mut self) {
        match self {
            Self::Plain(_) => {}
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.say_end(),
        }
    }
}

impl<S: Read> Read for Wire<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(io) => io.read(buf),
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.read(buf),
        }
    }
}

impl<S: Write> Write for Wire<S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(io) => io.write(buf),
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.write(buf),
        }
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Plain(io) => io.write_vectored(bufs),
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.write_vectored(bufs),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(io) => io.flush(),
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.flush(),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Transport for Stream {
    fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.socket_mut().set_read_timeout(timeout)
    }

    fn set_write_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.socket_mut().set_write_timeout(timeout)
    }

    fn shutdown(&mut self, how: Shutdown) -> io::Result<()> {
        if how == Shutdown::Write {
            self.0.say_end();
        }
        self.0.socket().shutdown(how)
    }
}

/// It never fails: both handles are of the same descriptor.
impl TrySplit for Stream {
    fn try_split(&self) -> io::Result<Self> {
        Ok(Self(match &self.0 {
            Wire::Plain(io) => Wire::Plain(io.clone()),
            #[cfg(feature = "tls")]
            Wire::Tls(io) => Wire::Tls(io.share(io.socket().clone())),
        }))
    }
}
