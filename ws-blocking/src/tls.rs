//! TLS over a blocking socket, which two threads can share, and what it is told. What TLS is, rustls
//! decides; here is only who may touch what, and when.
//!
//! A thread that waits in a read holds nothing that a write needs: ciphertext is read from the
//! socket and only then handed to the connection, under a lock that is never held while waiting.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use ws_core::tls::rustls::{Connection, ServerConfig, ServerConnection};
/// What a client trusts and shows, and what a server shows.
pub use ws_core::tls::{Crypto, Roots, TlsError, TlsOptions, rustls, server_config};

use crate::sockets::Socket;
use crate::stream::Wire;
use crate::{Stream, Transport};

/// Ciphertext that is read at once: a record of the largest size, and its header.
const CHUNK: usize = 17 * 1024;

/// The server's side of a TLS handshake; what comes of it is for [`accept`](crate::accept()).
///
/// It takes as long as the client takes: set the timeouts of the socket before. They are the
/// WebSocket's own afterwards.
///
/// ```no_run
/// use std::net::TcpListener;
/// use std::time::Duration;
/// use ws_blocking::{accept, tls};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let config = tls::server_config(&std::fs::read("cert.pem")?, &std::fs::read("key.pem")?)?;
/// let listener = TcpListener::bind("127.0.0.1:9443")?;
/// let (stream, _) = listener.accept()?;
/// stream.set_read_timeout(Some(Duration::from_secs(5)))?;
/// let mut socket = accept(tls::accept_tls(stream, config)?)?;
/// socket.send("hello")?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// The client does not speak TLS, or not a version of it that the server does, or went away, or took
/// too long.
pub fn accept_tls(stream: TcpStream, config: Arc<ServerConfig>) -> io::Result<Stream> {
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut tls = Tls::new(Socket::Tcp(stream.into()), connection);
    tls.shake_hands()?;
    Ok(Stream(Wire::Tls(tls)))
}

/// [`accept_tls`], within a time limit for all of it.
pub(crate) fn accept_tls_until(
    stream: Arc<TcpStream>,
    config: Arc<ServerConfig>,
    until: Instant,
) -> io::Result<Stream> {
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut tls = Tls::new(Socket::Tcp(stream), connection);
    tls.shake_hands_with(|socket| {
        let left = until.saturating_duration_since(Instant::now());
        // Zero would mean no limit at all.
        let left = Some(left).filter(|left| !left.is_zero());
        let left = left.ok_or(ErrorKind::TimedOut)?;
        socket.set_read_timeout(Some(left))?;
        socket.set_write_timeout(Some(left))
    })?;
    tls.io.set_read_timeout(None)?;
    tls.io.set_write_timeout(None)?;
    Ok(Stream(Wire::Tls(tls)))
}

/// One handle on a TLS connection.
pub(crate) struct Tls<S> {
    io: S,
    shared: Arc<Shared>,
}

struct Shared {
    connection: Mutex<Connection>,
    incoming: Mutex<Incoming>,
    outgoing: Mutex<Outgoing>,
}

/// Ciphertext that the connection has not taken yet.
#[derive(Default)]
struct Incoming {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

/// Ciphertext that the socket has not taken yet.
#[derive(Default)]
struct Outgoing {
    bytes: Vec<u8>,
    sent: usize,
}

// A panic inside rustls leaves a connection that says what is wrong with it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S> Tls<S> {
    pub(crate) fn new(io: S, connection: impl Into<Connection>) -> Self {
        let shared = Shared {
            connection: Mutex::new(connection.into()),
            incoming: Mutex::default(),
            outgoing: Mutex::default(),
        };
        let shared = Arc::new(shared);
        Self { io, shared }
    }

    pub(crate) const fn socket(&self) -> &S {
        &self.io
    }

    pub(crate) const fn socket_mut(&mut self) -> &mut S {
        &mut self.io
    }

    pub(crate) fn into_socket(self) -> S {
        self.io
    }

    /// Another handle on the same connection, over another handle on the same socket.
    pub(crate) fn share(&self, io: S) -> Self {
        let shared = Arc::clone(&self.shared);
        Self { io, shared }
    }

    pub(crate) fn try_map<T>(self, f: impl FnOnce(S) -> io::Result<T>) -> io::Result<Tls<T>> {
        let Self { io, shared } = self;
        Ok(Tls { io: f(io)?, shared })
    }
}

impl<S: Read + Write> Tls<S> {
    /// Goes on with the handshake until it is done, or the socket would block.
    pub(crate) fn shake_hands(&mut self) -> io::Result<()> {
        self.shake_hands_with(|_| Ok(()))
    }

    /// Likewise, with something to do to the socket before each wait.
    fn shake_hands_with(&mut self, before: impl Fn(&mut S) -> io::Result<()>) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        loop {
            before(&mut self.io)?;
            self.send(&mut lock(&shared.outgoing))?;
            if !lock(&shared.connection).is_handshaking() {
                return Ok(());
            }
            self.receive(&mut lock(&shared.incoming))?;
        }
    }
}

impl<S: Read> Tls<S> {
    /// Hands the connection more ciphertext, which it has room for when it has no plaintext left.
    fn receive(&mut self, incoming: &mut Incoming) -> io::Result<()> {
        if incoming.start == incoming.end {
            incoming.bytes.resize(CHUNK, 0);
            incoming.start = 0;
            incoming.end = 0;
            incoming.end = self.io.read(&mut incoming.bytes)?;
        }
        let mut connection = lock(&self.shared.connection);
        let mut bytes = &incoming.bytes[incoming.start..incoming.end];
        incoming.start += connection.read_tls(&mut bytes)?;
        match connection.process_new_packets() {
            Ok(state) if state.peer_has_closed() => Ok(()),
            Ok(_) if incoming.end == 0 && connection.is_handshaking() => {
                Err(ErrorKind::UnexpectedEof.into())
            }
            Ok(_) => Ok(()),
            Err(error) => Err(io::Error::new(ErrorKind::InvalidData, error)),
        }
    }
}

impl<S: Write> Tls<S> {
    /// Writes all the ciphertext that there is.
    fn send(&mut self, outgoing: &mut Outgoing) -> io::Result<()> {
        loop {
            if outgoing.sent == outgoing.bytes.len() {
                outgoing.sent = 0;
                outgoing.bytes.clear();
                let mut connection = lock(&self.shared.connection);
                while connection.wants_write() {
                    connection.write_tls(&mut outgoing.bytes)?;
                }
                if outgoing.bytes.is_empty() {
                    return Ok(());
                }
            }
            match self.io.write(&outgoing.bytes[outgoing.sent..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => outgoing.sent += n,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Says that nothing follows (`close_notify`), as far as the socket takes it.
    pub(crate) fn say_end(&mut self) {
        let shared = Arc::clone(&self.shared);
        lock(&shared.connection).send_close_notify();
        let _ = self.send(&mut lock(&shared.outgoing));
    }
}

impl<S: Read> Read for Tls<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let shared = Arc::clone(&self.shared);
        let mut incoming = lock(&shared.incoming);
        loop {
            match lock(&shared.connection).reader().read(buf) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return read,
            }
            self.receive(&mut incoming)?;
        }
    }
}

impl<S: Write> Write for Tls<S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let shared = Arc::clone(&self.shared);
        let mut outgoing = lock(&shared.outgoing);
        // Whoever can't get rid of the last piece takes no new one.
        self.send(&mut outgoing)?;
        let written = lock(&shared.connection).writer().write(buf)?;
        match self.send(&mut outgoing) {
            // It is accepted: the rest leaves with the next write or flush.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            sent => sent?,
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        self.send(&mut lock(&shared.outgoing))?;
        self.io.flush()
    }
}

impl<S: fmt::Debug> fmt::Debug for Tls<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("io", &self.io)
            .finish_non_exhaustive()
    }
}
