//! A TCP or Unix socket: one that blocks ([`Socket`]), and one that the reactor waits for
//! ([`Watched`]). They are what they hold, and nothing else.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

use mio::event::Source;
use mio::{Interest, Registry, Token, net};

use crate::{Transport, TrySplit};

macro_rules! each {
    ($socket:expr, $io:ident => $act:expr) => {
        match $socket {
            Self::Tcp($io) => $act,
            #[cfg(unix)]
            Self::Unix($io) => $act,
        }
    };
}

macro_rules! either {
    ($(#[$doc:meta])* $name:ident, $tcp:ty, $unix:ty) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) enum $name {
            Tcp($tcp),
            #[cfg(unix)]
            Unix($unix),
        }

        impl $name {
            pub(crate) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
                each!(self, io => io.shutdown(how))
            }
        }

        impl Read for $name {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                each!(self, io => io.read(buf))
            }
        }

        impl Write for $name {
            fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
                each!(self, io => io.write(buf))
            }

            fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
                each!(self, io => io.write_vectored(bufs))
            }

            fn flush(&mut self) -> io::Result<()> {
                each!(self, io => io.flush())
            }
        }
    };
}

either!(
    /// One that blocks.
    Socket,
    TcpStream,
    UnixStream
);
either!(
    /// One that never does.
    Watched,
    net::TcpStream,
    net::UnixStream
);

impl Socket {
    pub(crate) const fn tcp(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(tcp) => Some(tcp),
            #[cfg(unix)]
            Self::Unix(_) => None,
        }
    }
}

impl Transport for Socket {
    fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        each!(self, io => io.set_read_timeout(timeout))
    }

    fn set_write_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        each!(self, io => io.set_write_timeout(timeout))
    }

    fn shutdown(&mut self, how: Shutdown) -> io::Result<()> {
        Self::shutdown(self, how)
    }
}

impl TrySplit for Socket {
    fn try_split(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(io) => Self::Tcp(io.try_clone()?),
            #[cfg(unix)]
            Self::Unix(io) => Self::Unix(io.try_clone()?),
        })
    }
}

impl Watched {
    /// The error that connecting came to, if it did.
    pub(crate) fn take_error(&self) -> io::Result<Option<io::Error>> {
        each!(self, io => io.take_error())
    }

    /// Fails while it is not connected.
    pub(crate) fn has_peer(&self) -> io::Result<()> {
        each!(self, io => io.peer_addr().map(drop))
    }

    /// The same socket, blocking from now on; no reactor may wait for it any more.
    pub(crate) fn blocking(self) -> io::Result<Socket> {
        Ok(match self {
            Self::Tcp(io) => {
                let io = TcpStream::from(io);
                io.set_nonblocking(false)?;
                Socket::Tcp(io)
            }
            #[cfg(unix)]
            Self::Unix(io) => {
                let io = UnixStream::from(io);
                io.set_nonblocking(false)?;
                Socket::Unix(io)
            }
        })
    }
}

impl Source for Watched {
    fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        each!(self, io => io.register(registry, token, interests))
    }

    fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        each!(self, io => io.reregister(registry, token, interests))
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        each!(self, io => io.deregister(registry))
    }
}
