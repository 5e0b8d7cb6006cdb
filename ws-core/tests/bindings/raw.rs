//! The other end of a connection, made by hand: it sends the bytes that a test gives it, whatever
//! they are, and knows no more of the protocol than the shape of a frame.
#![allow(
    clippy::cast_possible_truncation,
    reason = "lengths that are known to fit"
)]

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use crate::rt::ws::ws_core::handshake::{Accept, Limits, ServerHandshake};
use crate::rt::ws::ws_core::{Instant, Machine};

pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;

/// An address that nobody listens at, and what keeps it from being given to anyone else: it is the
/// near end of a connection.
pub(crate) fn nobody() -> (SocketAddr, impl Sized) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let taken = TcpStream::connect(address).expect("a connection");
    (taken.local_addr().expect("an address"), (taken, listener))
}

/// A request that every server accepts.
pub(crate) const REQUEST: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A frame of a server.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    encode(first, payload, None)
}

/// A frame of a client.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    encode(first, payload, Some([0x12, 0x34, 0x56, 0x78]))
}

fn encode(first: u8, payload: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    let bit = if key.is_some() { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..=125 => bytes.push(bit | len as u8),
        len @ 126..=0xffff => {
            bytes.push(bit | 126);
            bytes.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            bytes.push(bit | 127);
            bytes.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    bytes.extend(key.iter().flatten());
    let key = key.unwrap_or_default();
    bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k));
    bytes
}

/// The payload of a Close frame.
pub(crate) fn close(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

/// Reads one frame: its first byte and its payload, unmasked.
pub(crate) fn read_frame(stream: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    stream.read_exact(&mut head)?;
    let len = match head[1] & 0x7f {
        126 => {
            let mut len = [0; 2];
            stream.read_exact(&mut len)?;
            u16::from_be_bytes(len).into()
        }
        127 => {
            let mut len = [0; 8];
            stream.read_exact(&mut len)?;
            u64::from_be_bytes(len)
        }
        len => len.into(),
    };
    let mut key = [0; 4];
    if head[1] & 0x80 != 0 {
        stream.read_exact(&mut key)?;
    }
    let mut payload = vec![0; len as usize];
    stream.read_exact(&mut payload)?;
    for (byte, key) in payload.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
    Ok((head[0], payload))
}

/// Reads an HTTP head and not a byte more.
pub(crate) fn read_head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("the rest of a head");
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("a head in ascii")
}

/// What a server answers to a request.
pub(crate) fn answer(request: &str) -> Vec<u8> {
    let mut handshake = ServerHandshake::new(Limits::default(), Instant::ORIGIN);
    handshake.io().0.extend_from_slice(request.as_bytes());
    handshake
        .poll(Instant::ORIGIN)
        .expect("a request")
        .expect("all of it");
    handshake.accept(Accept::new()).expect("acceptable");
    let mut bytes = Vec::new();
    while let Some(piece) = handshake.io().1.pop() {
        bytes.extend_from_slice(&piece);
    }
    bytes
}

/// A client whose opening handshake is done.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("a server");
    stream.write_all(REQUEST.as_bytes()).expect("written");
    let answer = read_head(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    stream
}

/// A server whose opening handshake with its next client is done.
pub(crate) fn accept(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().expect("a client");
    let request = read_head(&mut stream);
    stream.write_all(&answer(&request)).expect("written");
    stream
}

/// A server that does to one client what it is told to. The test goes on meanwhile.
pub(crate) fn serve(script: impl FnOnce(&mut TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        script(&mut stream);
    });
    address
}

/// Reads until the other end has hung up, however it did.
pub(crate) fn drain(stream: &mut impl Read) -> Vec<u8> {
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    all
}
