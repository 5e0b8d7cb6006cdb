//! The load generator: one thread, raw sockets, frames encoded beforehand, every echo checked.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::wire::{self, Kind, Numbers};

/// How long a server may take for anything.
const PATIENCE: Duration = Duration::from_secs(20);

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

/// What every connection sends over and over: a burst of messages, and what must come back before
/// the next one.
#[derive(Clone, Debug)]
pub struct Burst {
    /// Messages in it.
    pub depth: usize,
    frames: Vec<u8>,
    echoes: Vec<u8>,
}

impl Burst {
    /// `depth` different messages of `size` bytes, at least one.
    #[must_use]
    pub fn new(kind: Kind, size: usize, depth: usize, upgraded: bool) -> Self {
        let (mut frames, mut echoes) = (Vec::new(), Vec::new());
        let mut keys = Numbers::new(depth as u64);
        for i in 0..depth {
            let mut payload = vec![i.to_le_bytes()[0] % 128];
            payload.extend(kind.payload(size - 1));
            let from = frames.len();
            wire::message(&mut frames, kind, &payload, 1, Some(keys.key()));
            if upgraded {
                wire::message(&mut echoes, kind, &payload, 1, None);
            } else {
                echoes.extend_from_slice(&frames[from..]);
            }
        }
        Self {
            depth,
            frames,
            echoes,
        }
    }
}

/// One connection, somewhere in its burst.
#[derive(Debug)]
struct Peer {
    stream: TcpStream,
    written: usize,
    read: usize,
    busy: bool,
}

/// Open connections to one server.
#[derive(Debug)]
pub struct Load {
    peers: Vec<Peer>,
    poll: Poll,
    events: Events,
    buf: Vec<u8>,
}

/// What a run did.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Echoes that came back.
    pub messages: u64,
    /// From the first byte to the last.
    pub elapsed: Duration,
}

impl Load {
    /// Opens connections, one after the other, with an opening handshake if the server upgrades.
    ///
    /// # Errors
    /// If the server refuses.
    pub fn connect(server: SocketAddr, connections: usize, upgrades: bool) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut peers = Vec::with_capacity(connections);
        for i in 0..connections {
            let mut stream = std::net::TcpStream::connect(server)?;
            stream.set_nodelay(true)?;
            // Closed by a reset: ten thousand connections in TIME_WAIT would be in the way.
            rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO))?;
            if upgrades {
                stream.set_read_timeout(Some(PATIENCE))?;
                handshake(&mut stream)?;
            }
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            let both = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut stream, Token(i), both)?;
            peers.push(Peer {
                stream,
                written: 0,
                read: 0,
                busy: false,
            });
        }
        Ok(Self {
            peers,
            poll,
            events: Events::with_capacity(1024),
            buf: vec![0; 256 * 1024],
        })
    }

    /// Sends bursts on all connections for a while, then waits until every echo is there.
    ///
    /// # Errors
    /// If an echo is wrong, or missing for 20 s.
    pub fn run(&mut self, burst: &Burst, duration: Duration) -> io::Result<Outcome> {
        let start = Instant::now();
        let all = 0..self.peers.len();
        self.exchange(all, burst, |_| start.elapsed() < duration, start)
    }

    /// Sends one burst on every connection, a hundred of them at a time.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn once(&mut self, burst: &Burst) -> io::Result<()> {
        for from in (0..self.peers.len()).step_by(100) {
            let some = from..self.peers.len().min(from + 100);
            self.exchange(some, burst, |_| false, Instant::now())?;
        }
        Ok(())
    }

    fn exchange(
        &mut self,
        range: std::ops::Range<usize>,
        burst: &Burst,
        again: impl Fn(u64) -> bool,
        start: Instant,
    ) -> io::Result<Outcome> {
        let (mut bursts, mut busy) = (0, range.len());
        for peer in &mut self.peers[range] {
            (peer.written, peer.read, peer.busy) = (0, 0, true);
            peer.write(burst)?;
        }
        while busy > 0 {
            self.poll.poll(&mut self.events, Some(PATIENCE))?;
            if self.events.is_empty() {
                return Err(io::Error::other("the server does not answer"));
            }
            for event in &self.events {
                let Some(peer) = self.peers.get_mut(event.token().0).filter(|peer| peer.busy)
                else {
                    continue;
                };
                if event.is_writable() && peer.written < burst.frames.len() {
                    peer.write(burst)?;
                }
                while event.is_readable() && peer.busy {
                    let drained = peer.read(burst, &mut self.buf)?;
                    if peer.read == burst.echoes.len() {
                        bursts += 1;
                        (peer.written, peer.read, peer.busy) = (0, 0, again(bursts));
                        if peer.busy {
                            peer.write(burst)?;
                        } else {
                            busy -= 1;
                        }
                    }
                    if drained {
                        break;
                    }
                }
            }
        }
        Ok(Outcome {
            messages: bursts * burst.depth as u64,
            elapsed: start.elapsed(),
        })
    }
}

impl Peer {
    /// Writes what the socket takes of the burst.
    fn write(&mut self, burst: &Burst) -> io::Result<()> {
        while self.written < burst.frames.len() {
            match self.stream.write(&burst.frames[self.written..]) {
                Ok(n) => self.written += n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads once and compares; says whether the socket has nothing more.
    fn read(&mut self, burst: &Burst, buf: &mut [u8]) -> io::Result<bool> {
        let n = match self.stream.read(buf) {
            Ok(0) => return Err(io::Error::other("the server closed the connection")),
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        };
        let expected = burst.echoes.get(self.read..self.read + n);
        if expected != Some(&buf[..n]) {
            return Err(io::Error::other("the server echoed something else"));
        }
        self.read += n;
        Ok(n < buf.len())
    }
}

fn handshake(stream: &mut std::net::TcpStream) -> io::Result<()> {
    stream.write_all(REQUEST)?;
    let mut answer = Vec::new();
    let mut byte = [0];
    // Byte by byte: nothing behind the head may be taken.
    while !answer.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        answer.push(byte[0]);
    }
    if answer.starts_with(b"HTTP/1.1 101") {
        Ok(())
    } else {
        Err(io::Error::other("the server did not upgrade"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    /// A server that echoes bytes, changed by `spoil`.
    fn server(spoil: fn(&mut [u8])) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                thread::spawn(move || {
                    let mut buf = [0; 4096];
                    while let Ok(n @ 1..) = stream.read(&mut buf) {
                        spoil(&mut buf[..n]);
                        stream.write_all(&buf[..n]).unwrap();
                    }
                });
            }
        });
        address
    }

    #[test]
    fn every_burst_comes_back() {
        let mut load = Load::connect(server(|_| ()), 3, false).unwrap();
        for (size, depth) in [(64, 32), (300_000, 1)] {
            let burst = Burst::new(Kind::Binary, size, depth, false);
            load.once(&burst).unwrap();
            let outcome = load.run(&burst, Duration::from_millis(10)).unwrap();
            assert!(outcome.messages >= 3 * depth as u64 && outcome.elapsed.as_millis() >= 10);
            assert_eq!(outcome.messages % depth as u64, 0);
        }
    }

    #[test]
    fn a_wrong_echo_is_an_error() {
        let mut load = Load::connect(server(|data| data[10] ^= 1), 1, false).unwrap();
        let burst = Burst::new(Kind::Binary, 64, 1, false);
        let error = load.run(&burst, Duration::ZERO).unwrap_err();
        assert_eq!(error.to_string(), "the server echoed something else");
    }
}
