//! What a blocking stream must offer so that deadlines hold while a thread waits in it.
//!
//! It knows nothing of WebSocket.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// A blocking stream whose waits can be bounded.
///
/// Implemented for TCP and Unix sockets; [`Plain`] makes one of anything that reads and writes, with
/// deadlines that are only looked at between reads.
pub trait Transport: Read + Write {
    /// Bounds the following reads. A read that takes longer fails with `WouldBlock` or `TimedOut`.
    ///
    /// # Errors
    /// Those of the operating system.
    fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()>;

    /// Bounds the following writes in the same way.
    ///
    /// # Errors
    /// Those of the operating system.
    fn set_write_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()>;

    /// Shuts the write side down; or both, which also ends a read that another thread waits in.
    ///
    /// # Errors
    /// Those of the operating system.
    fn shutdown(&mut self, how: Shutdown) -> io::Result<()>;
}

/// A stream that two threads can use, one to read and one to write.
pub trait TrySplit: Transport + Sized {
    /// A second handle on the same stream.
    ///
    /// # Errors
    /// Those of the operating system.
    fn try_split(&self) -> io::Result<Self>;
}

macro_rules! socket {
    ($socket:ty) => {
        impl Transport for $socket {
            fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
                <$socket>::set_read_timeout(self, timeout)
            }

            fn set_write_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
                <$socket>::set_write_timeout(self, timeout)
            }

            fn shutdown(&mut self, how: Shutdown) -> io::Result<()> {
                <$socket>::shutdown(self, how)
            }
        }

        impl TrySplit for $socket {
            fn try_split(&self) -> io::Result<Self> {
                self.try_clone()
            }
        }
    };
}

socket!(TcpStream);
#[cfg(unix)]
socket!(UnixStream);

/// Any stream that reads and writes. It has no timeouts, so a read that never returns keeps
/// deadlines from being looked at, and shutting down only flushes it.
#[derive(Clone, Debug)]
pub struct Plain<S>(pub S);

impl<S: Read> Read for Plain<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl<S: Write> Write for Plain<S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn write_vectored(&mut self, bufs: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.0.write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<S: Read + Write> Transport for Plain<S> {
    fn set_read_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn set_write_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&mut self, _: Shutdown) -> io::Result<()> {
        self.0.flush()
    }
}
