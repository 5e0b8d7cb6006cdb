//! The stream that a client is connected with: TCP, or TLS over it. It adds nothing to either.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

#[cfg(feature = "tls")]
use crate::tls::Tls;
use crate::{Transport, TrySplit};

/// TCP, or TLS over TCP; two threads can share either (see [`TrySplit`]).
///
/// Made of a `TcpStream` with `Stream::from`, for servers that want one type for both.
#[derive(Debug)]
pub struct Stream(pub(crate) Wire<TcpStream>);

/// The same over any kind of socket.
#[derive(Debug)]
pub(crate) enum Wire<S> {
    Tcp(S),
    #[cfg(feature = "tls")]
    Tls(Tls<S>),
}

impl Stream {
    /// The TCP connection, for its addresses and options. What is read from or written to it is
    /// missing elsewhere.
    #[must_use]
    pub const fn tcp(&self) -> &TcpStream {
        self.0.socket()
    }

    /// Is it TLS?
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        match &self.0 {
            Wire::Tcp(_) => false,
            #[cfg(feature = "tls")]
            Wire::Tls(_) => true,
        }
    }

    /// The TCP connection itself.
    ///
    /// # Errors
    /// The stream, if it is TLS.
    pub fn into_tcp(self) -> Result<TcpStream, Self> {
        match self.0 {
            Wire::Tcp(tcp) => Ok(tcp),
            #[cfg(feature = "tls")]
            Wire::Tls(_) => Err(self),
        }
    }
}

impl From<TcpStream> for Stream {
    fn from(tcp: TcpStream) -> Self {
        Self(Wire::Tcp(tcp))
    }
}

impl<S> Wire<S> {
    pub(crate) const fn socket(&self) -> &S {
        match self {
            Self::Tcp(io) => io,
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.socket(),
        }
    }

    /// The same over what the socket becomes.
    pub(crate) fn try_map<T>(self, f: impl FnOnce(S) -> io::Result<T>) -> io::Result<Wire<T>> {
        Ok(match self {
            Self::Tcp(io) => Wire::Tcp(f(io)?),
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
            Self::Tcp(_) => {}
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.say_end(),
        }
    }
}

impl<S: Read> Read for Wire<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(io) => io.read(buf),
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.read(buf),
        }
    }
}

impl<S: Write> Write for Wire<S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(io) => io.write(buf),
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.write(buf),
        }
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(io) => io.write_vectored(bufs),
            #[cfg(feature = "tls")]
            Self::Tls(io) => io.write_vectored(bufs),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(io) => io.flush(),
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
        self.tcp().set_read_timeout(timeout)
    }

    fn set_write_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.tcp().set_write_timeout(timeout)
    }

    fn shutdown(&mut self, how: Shutdown) -> io::Result<()> {
        if how == Shutdown::Write {
            self.0.say_end();
        }
        self.tcp().shutdown(how)
    }
}

impl TrySplit for Stream {
    fn try_split(&self) -> io::Result<Self> {
        Ok(Self(match &self.0 {
            Wire::Tcp(io) => Wire::Tcp(io.try_clone()?),
            #[cfg(feature = "tls")]
            Wire::Tls(io) => Wire::Tls(io.share(io.socket().try_clone()?)),
        }))
    }
}
