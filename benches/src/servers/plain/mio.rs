//! In a loop over mio.

use std::io::{ErrorKind, Read, Write};

use mio::net::TcpStream;
use ws_core::Instant;

use super::READ;
use crate::servers::accept;

/// A socket, and what was read from it and not written yet.
pub(super) struct Client {
    socket: TcpStream,
    rest: Vec<u8>,
}

impl accept::mio::Client for Client {
    type Shared = ();

    fn new(socket: TcpStream, _: Instant) -> Self {
        let rest = Vec::new();
        Self { socket, rest }
    }

    fn turn(&mut self, (): &mut (), _: Instant) -> bool {
        READ.with_borrow_mut(|buf| self.echo(buf))
    }
}

impl Client {
    /// Echoes until the socket would block, and says whether the connection stays.
    fn echo(&mut self, buf: &mut [u8]) -> bool {
        loop {
            if !self.rest.is_empty() {
                match self.socket.write(&self.rest) {
                    Ok(n) => drop(self.rest.drain(..n)),
                    Err(error) => return error.kind() == ErrorKind::WouldBlock,
                }
                continue;
            }
            self.rest = Vec::new();
            let n = match self.socket.read(buf) {
                Ok(0) => return false,
                Ok(n) => n,
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            };
            match self.socket.write(&buf[..n]) {
                Ok(written) => self.rest.extend_from_slice(&buf[written..n]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.rest.extend_from_slice(&buf[..n]);
                }
                Err(_) => return false,
            }
        }
    }
}
