//! The server's way to a WebSocket: the opening handshake on an accepted stream.
//!
//! It never judges a request: the options do, or the caller.

use std::any::Any;
use std::fmt;
use std::net::TcpStream;

use ws_core::Instant;
use ws_core::connection::Config;
use ws_core::handshake::{Accept, HandshakeError, RequestHead, ServerHandshake};
use ws_core::options::{AcceptError, AcceptOptions};

use crate::driver::{Anchor, Driver, GONE};
use crate::{Stream, Transport, WebSocket};

/// Accepts a WebSocket on a stream that a client has connected.
///
/// # Errors
/// The client did not ask for a WebSocket, and was told so where [`HandshakeError`] says it is.
pub fn accept<S: Transport + 'static>(stream: S) -> Result<WebSocket<S>, AcceptError> {
    accept_with(stream, &AcceptOptions::default())
}

/// Accepts a WebSocket as the options say.
///
/// # Errors
/// The client did not ask for a WebSocket, or the options refuse it; it was told as with [`upgrade`].
pub fn accept_with<S: Transport + 'static>(
    stream: S,
    options: &AcceptOptions,
) -> Result<WebSocket<S>, AcceptError> {
    let mut upgrade = upgrade(stream, options)?;
    let now = upgrade.driver.now();
    options.answer(&mut upgrade.handshake, now)?;
    Ok(upgrade.finish()?)
}

/// Reads the client's request and leaves the answer to the caller.
///
/// # Errors
/// The client did not ask for a WebSocket, and was told so where [`HandshakeError`] says it is.
pub fn upgrade<S: Transport + 'static>(
    stream: S,
    options: &AcceptOptions,
) -> Result<Upgrade<S>, HandshakeError> {
    upgrade_since(stream, options, Anchor::new())
}

/// [`upgrade`], with a time limit that began to run with the clock.
pub(crate) fn upgrade_since<S: Transport + 'static>(
    stream: S,
    options: &AcceptOptions,
    clock: Anchor,
) -> Result<Upgrade<S>, HandshakeError> {
    let socket = &stream as &dyn Any;
    let tcp = socket.downcast_ref().and_then(Stream::tcp);
    if let Some(stream) = tcp.or_else(|| socket.downcast_ref::<TcpStream>()) {
        // Only a matter of speed, and a socket that is gone shows itself soon enough.
        let _ = stream.set_nodelay(options.nodelay);
    }
    let mut driver = Driver::over(stream, clock);
    let mut handshake = ServerHandshake::new(options.handshake.clone(), Instant::ORIGIN);
    driver.run(&mut handshake);
    match handshake.poll(driver.now())? {
        Some(_) => Ok(Upgrade {
            handshake,
            driver,
            config: options.config.clone(),
        }),
        None => Err(GONE),
    }
}

/// A client's request for a WebSocket, to be accepted or rejected.
///
/// There is no hurry: the handshake's time limit is the client's, and the answer has all of it again
/// to be written in. Dropping this drops the stream without an answer.
pub struct Upgrade<S = Stream> {
    handshake: ServerHandshake,
    driver: Driver<S>,
    config: Config,
}

impl<S: Transport> Upgrade<S> {
    /// What the client asks for.
    #[must_use]
    #[allow(clippy::missing_panics_doc, reason = "it never does")]
    pub fn request(&self) -> RequestHead<'_> {
        self.handshake
            .request()
            .expect("there is one until it is answered, which consumes this")
    }

    /// The stream underneath; to see who the client is, for example.
    #[must_use]
    pub const fn stream(&self) -> &S {
        &self.driver.io
    }

    /// Accepts: writes the answer, and the WebSocket is open.
    ///
    /// # Errors
    /// The answer can't be given, or the client is gone.
    pub fn accept(mut self, answer: Accept) -> Result<WebSocket<S>, AcceptError> {
        self.handshake.accept(answer)?;
        Ok(self.finish()?)
    }

    /// Writes the answer; what comes of it is the connection, or why there is none.
    fn finish(self) -> Result<WebSocket<S>, HandshakeError> {
        let Self {
            mut handshake,
            mut driver,
            config,
        } = self;
        driver.run(&mut handshake);
        handshake.poll(driver.now())?;
        let opened = handshake.finish().map_err(|_| GONE)?;
        Ok(WebSocket::over(driver, opened, &config))
    }

    /// Refuses, with headers and a body, and returns when the client has the answer, or is gone. The
    /// status is one from 300 to 599: no other refuses a request.
    ///
    /// # Errors
    /// The answer can't be given
    /// ([`AnswerError::BadStatus`](ws_core::handshake::AnswerError::BadStatus) for another status);
    /// the stream is closed without one.
    pub fn reject(
        mut self,
        status: u16,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<(), AcceptError> {
        self.handshake
            .reject(status, headers, body, self.driver.now())?;
        self.driver.run(&mut self.handshake);
        Ok(())
    }
}

impl<S> fmt::Debug for Upgrade<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade")
            .field("handshake", &self.handshake)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{self, ErrorKind, Read, Write};
    use std::net::Shutdown;
    use std::time::{Duration, Instant as Clock};

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    /// A client that has asked, and takes its time to take the answer.
    struct Slow {
        incoming: &'static [u8],
        refusals: usize,
        written: Vec<u8>,
    }

    impl Read for Slow {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            match self.incoming.read(buf)? {
                0 => Err(ErrorKind::WouldBlock.into()),
                n => Ok(n),
            }
        }
    }

    impl Write for Slow {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            if self.refusals > 0 {
                self.refusals -= 1;
                return Err(ErrorKind::WouldBlock.into());
            }
            self.written.write(buf)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Transport for Slow {
        fn set_read_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
            Ok(())
        }

        fn set_write_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
            Ok(())
        }

        fn shutdown(&mut self, _: Shutdown) -> io::Result<()> {
            Ok(())
        }
    }

    /// A request that has waited for an answer for that long.
    fn asked(ago: Duration) -> Upgrade<Slow> {
        let slow = Slow {
            incoming: REQUEST,
            refusals: 3,
            written: Vec::new(),
        };
        let mut upgrade = upgrade(slow, &AcceptOptions::default()).expect("a request");
        let then = Clock::now().checked_sub(ago);
        upgrade.driver.clock = Anchor::at(then.expect("a machine that is up"));
        upgrade
    }

    #[test]
    fn an_application_may_take_longer_to_answer_than_the_handshake_may_take() {
        let long = 2 * AcceptOptions::default().handshake.timeout;
        let socket = asked(long).accept(Accept::new()).expect("still there");
        assert!(socket.stream().written.starts_with(b"HTTP/1.1 101 "));
    }

    #[test]
    fn what_came_before_the_request_counts_for_its_time_limit() {
        let slow = Slow {
            incoming: b"",
            refusals: 0,
            written: Vec::new(),
        };
        let options = AcceptOptions::default();
        let began = Clock::now().checked_sub(options.handshake.timeout);
        let clock = Anchor::at(began.expect("a machine that is up"));
        let error = upgrade_since(slow, &options, clock).expect_err("too late");
        assert_eq!(error, HandshakeError::Timeout);
    }
}
