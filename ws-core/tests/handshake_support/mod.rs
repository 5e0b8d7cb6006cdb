//! What the tests of the handshakes share: one request, one answer, and a driver without a socket.
#![allow(dead_code, reason = "no test file uses all of it")]

use bytes::Buf;
use ws_core::handshake::{
    Accept, ClientHandshake, HandshakeError, Limits, Opened, Request, ServerHandshake,
};
use ws_core::{Instant, Machine, Seed};

/// When everything happens that does not take time.
pub(crate) const NOW: Instant = Instant::from_nanos(1_000_000_000);

/// The nonce of the example in RFC 6455 §1.3.
pub(crate) const NONCE: [u8; 16] = *b"the sample nonce";

/// What every valid answer to that nonce holds.
pub(crate) const ANSWER: &str = "HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

/// What every valid request holds.
pub(crate) const REQUEST: &str = "GET /chat HTTP/1.1\r\n\
    Host: server.example.com\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n";

/// A client that has sent its request and waits.
pub(crate) fn client_for(request: &Request, limits: Limits) -> ClientHandshake {
    let seed = Seed::new([7; 32]);
    let mut client = ClientHandshake::with_key(request, limits, seed, NONCE, NOW);
    sent(&mut client);
    client
}

/// The same for a request without any extras.
pub(crate) fn client() -> ClientHandshake {
    client_for(&plain_request(), Limits::default())
}

pub(crate) fn plain_request() -> Request {
    Request::new("ws://server.example.com/chat").expect("a url")
}

pub(crate) fn server() -> ServerHandshake {
    ServerHandshake::new(Limits::default(), NOW)
}

/// Everything that the machine has to write.
pub(crate) fn sent(machine: &mut impl Machine) -> Vec<u8> {
    let send = machine.io().1;
    send.copy_to_bytes(send.remaining()).to_vec()
}

/// Hands `bytes` over in pieces of `step` bytes until the machine is ready; what is left then goes
/// in at once, as if it had come in the same read. Says whether the machine is ready.
pub(crate) fn feed(machine: &mut impl Machine, bytes: &[u8], step: usize) -> bool {
    let mut rest = bytes;
    while !rest.is_empty() && !machine.ready(NOW) {
        let (piece, after) = rest.split_at(step.min(rest.len()));
        machine.io().0.extend_from_slice(piece);
        rest = after;
    }
    if !rest.is_empty() {
        machine.io().0.extend_from_slice(rest);
    }
    machine.ready(NOW)
}

/// What becomes of a client that gets this answer, whole and byte by byte; both must agree.
pub(crate) fn client_gets(request: &Request, answer: &[u8]) -> Result<Opened, HandshakeError> {
    let outcomes = [answer.len().max(1), 1].map(|step| {
        let mut client = client_for(request, Limits::default());
        feed(&mut client, answer, step);
        client
            .poll(NOW)
            .map(|response| response.map(|_| ()).expect("a complete answer"))?;
        Ok(client.finish().expect("accepted"))
    });
    let [whole, bytes] = outcomes;
    assert_eq!(
        whole.as_ref().err(),
        bytes.as_ref().err(),
        "however it arrives"
    );
    whole
}

/// How a client fails that gets this answer.
pub(crate) fn client_fails(answer: &str) -> HandshakeError {
    client_gets(&plain_request(), answer.as_bytes()).expect_err(answer)
}

/// A valid request with more headers.
pub(crate) fn request_with(headers: &str) -> String {
    format!("{REQUEST}{headers}\r\n")
}

/// A valid request with one part replaced.
pub(crate) fn request_but(part: &str, other: &str) -> String {
    assert!(REQUEST.contains(part), "{part:?}");
    format!("{}\r\n", REQUEST.replace(part, other))
}

/// A valid answer with more headers.
pub(crate) fn answer_with(headers: &str) -> String {
    format!("{ANSWER}{headers}\r\n")
}

/// A valid answer with one part replaced.
pub(crate) fn answer_but(part: &str, other: &str) -> String {
    assert!(ANSWER.contains(part), "{part:?}");
    format!("{}\r\n", ANSWER.replace(part, other))
}

/// What a server answers to a request that it refuses by itself, and what it reports: whole and
/// byte by byte, which must agree.
pub(crate) fn server_refuses(request: &[u8]) -> (String, HandshakeError) {
    let outcomes = [request.len().max(1), 1].map(|step| {
        let mut server = server();
        feed(&mut server, request, step);
        refused_by(&mut server)
    });
    let [whole, bytes] = outcomes;
    assert_eq!(whole, bytes, "however it arrives");
    whole
}

/// What a server that has just refused a request has to say, and what it reports once the client
/// has gone.
pub(crate) fn refused_by(server: &mut ServerHandshake) -> (String, HandshakeError) {
    assert!(!server.ready(NOW), "the refusal comes first");
    assert!(server.poll(NOW).expect("not reported yet").is_none());
    let answer = String::from_utf8(sent(server)).expect("text");
    server.lost(ws_core::TransportEnd::Eof);
    assert!(server.ready(NOW));
    (answer, server.poll(NOW).map(|_| ()).expect_err("refused"))
}

/// A server that takes this request and accepts it.
pub(crate) fn server_accepts(request: &str, accept: Accept) -> (String, Opened) {
    let mut server = server();
    feed(&mut server, request.as_bytes(), 1);
    server
        .poll(NOW)
        .expect(request)
        .expect("a complete request");
    server.accept(accept).expect("an acceptable answer");
    let answer = String::from_utf8(sent(&mut server)).expect("text");
    (answer, server.finish().expect("written"))
}
