//! A TCP or Unix socket: one that blocks ([`Socket`]), and one that the reactor waits for
//! ([`Watched`]). They are what they hold, and nothing else.
//!
//! One that blocks can be shared: whoever reads, whoever writes and whoever ends it from outside need
//! no descriptor each.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use mio::event::Source;
use mio::{Interest, Registry, Token, net};

use crate::Transport;

macro_rules! each {
    ($socket:expr, $io:ident => $act:expr) => {
        match $socket {
            Self::Tcp($io) => $act,
            #[cfg(unix)]
            Self::Unix($io) => $act,
        }
    };
}

/// The same with what is held as a shared reference, which is all that it takes to read and write.
macro_rules! shared {
    ($socket:expr, $tcp:ty, $unix:ty, $io:ident => $act:expr) => {
        match $socket {
            Self::Tcp($io) => {
                let mut $io: &$tcp = $io;
                $act
            }
            #[cfg(unix)]
            Self::Unix($io) => {
                let mut $io: &$unix = $io;
                $act
            }
        }
    };
}

macro_rules! either {
    ($(#[$doc:meta])* $name:ident, $held_tcp:ty, $held_unix:ty, $tcp:ty, $unix:ty) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) enum $name {
            Tcp($held_tcp),
            #[cfg(unix)]
            Unix($held_unix),
        }

        impl $name {
            pub(crate) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
                each!(self, io => io.shutdown(how))
            }
        }

        impl Read for $name {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                shared!(self, $tcp, $unix, io => io.read(buf))
            }
        }

        impl Write for $name {
            fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
                shared!(self, $tcp, $unix, io => io.write(buf))
            }

            fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
                shared!(self, $tcp, $unix, io => io.write_vectored(bufs))
            }

            fn flush(&mut self) -> io::Result<()> {
                shared!(self, $tcp, $unix, io => io.flush())
            }
        }
    };
}

either!(
    /// One that blocks.
    Socket,
    Arc<TcpStream>,
    Arc<UnixStream>,
    TcpStream,
    UnixStream
);
either!(
    /// One that never does.
    Watched,
    net::TcpStream,
    net::UnixStream,
    net::TcpStream,
    net::UnixStream
);

impl Socket {
    pub(crate) fn tcp(&self) -> Option<&TcpStream> {
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

impl Socket {
    /// While that is so, what would wait fails with `WouldBlock`, in every thread.
    pub(crate) fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        each!(self, io => io.set_nonblocking(nonblocking))
    }
}

/// The same socket, not a second one.
impl Clone for Socket {
    fn clone(&self) -> Self {
        match self {
            Self::Tcp(io) => Self::Tcp(Arc::clone(io)),
            #[cfg(unix)]
            Self::Unix(io) => Self::Unix(Arc::clone(io)),
        }
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
                Socket::Tcp(io.into())
            }
            #[cfg(unix)]
            Self::Unix(io) => {
                let io = UnixStream::from(io);
                io.set_nonblocking(false)?;
                Socket::Unix(io.into())
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
