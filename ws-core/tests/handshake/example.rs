//! The example exchange of RFC 6455 §1.2 and §1.3, byte for byte.

use crate::handshake_support::{NONCE, NOW, feed, sent};
use ws_core::handshake::{Accept, ClientHandshake, Limits, Request, ServerHandshake};
use ws_core::{Machine, Role, Seed, Transport};

const REQUEST: &str = "GET /chat HTTP/1.1\r\n\
    Host: server.example.com\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Origin: http://example.com\r\n\
    Sec-WebSocket-Protocol: chat, superchat\r\n\
    Sec-WebSocket-Version: 13\r\n\
    \r\n";

const ANSWER: &str = "HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
    Sec-WebSocket-Protocol: chat\r\n\
    \r\n";

fn request() -> Request {
    Request::new("ws://server.example.com/chat")
        .and_then(|request| request.origin("http://example.com"))
        .and_then(|request| request.subprotocol("chat"))
        .and_then(|request| request.subprotocol("superchat"))
        .expect("a valid request")
}

#[test]
fn a_client_sends_the_request_of_the_rfc_and_takes_its_answer() {
    let seed = Seed::new([7; 32]);
    let mut client = ClientHandshake::with_key(&request(), Limits::default(), seed, NONCE, NOW);
    assert!(!client.ready(NOW));
    assert_eq!(String::from_utf8(sent(&mut client)).as_deref(), Ok(REQUEST));
    assert_eq!(client.transport(), Transport::Open);

    assert!(feed(&mut client, ANSWER.as_bytes(), usize::MAX));
    let response = client.poll(NOW).expect("valid").expect("complete");
    assert_eq!(
        (response.status(), response.subprotocol()),
        (101, Some("chat"))
    );
    assert_eq!(response.header("upgrade"), Some("websocket"));
    assert_eq!(
        (response.headers().len(), response.extensions().len()),
        (4, 0)
    );
    assert_eq!(client.poll_timeout(), None);

    let opened = client.finish().expect("accepted");
    assert_eq!((opened.role(), opened.leftover()), (Role::Client, &b""[..]));
    let agreed = opened.agreed();
    assert_eq!(agreed.subprotocol.as_deref(), Some("chat"));
    let headers = agreed
        .response_headers
        .as_ref()
        .expect("a client keeps them");
    assert_eq!(headers.get("Sec-WebSocket-Protocol"), Some("chat"));
}

#[test]
fn a_server_takes_the_request_of_the_rfc_and_sends_its_answer() {
    let mut server = ServerHandshake::new(Limits::default(), NOW);
    assert!(!server.ready(NOW) && server.request().is_none());
    assert!(feed(&mut server, REQUEST.as_bytes(), usize::MAX));
    assert!(server.request().is_some());
    let request = server.poll(NOW).expect("valid").expect("complete");
    assert_eq!(
        (request.target(), request.path(), request.query()),
        ("/chat", "/chat", None)
    );
    assert_eq!(request.host(), "server.example.com");
    assert_eq!(request.origin(), Some("http://example.com"));
    assert_eq!(
        request.subprotocols().collect::<Vec<_>>(),
        ["chat", "superchat"]
    );
    assert!(request.extensions().is_empty() && request.basic_auth().is_none());
    assert_eq!(request.headers().len(), 7);

    server
        .accept(Accept::new().subprotocol("chat"))
        .expect("it was offered");
    assert!(!server.ready(NOW), "the answer is not written yet");
    assert!(server.request().is_none(), "it is answered");
    let server = server.finish().expect_err("not written yet");
    let mut server = *server;
    assert_eq!(String::from_utf8(sent(&mut server)).as_deref(), Ok(ANSWER));
    assert!(server.ready(NOW));
    assert!(
        server.poll(NOW).expect("no error").is_none(),
        "there is nothing more to show"
    );
    assert_eq!(
        (server.transport(), server.poll_timeout()),
        (Transport::Open, None)
    );

    let opened = server.finish().expect("written");
    assert_eq!((opened.role(), opened.leftover()), (Role::Server, &b""[..]));
    assert_eq!(opened.agreed().subprotocol.as_deref(), Some("chat"));
    assert!(opened.agreed().response_headers.is_none());
}

#[test]
fn a_key_drawn_from_the_seed_is_the_same_every_time_and_another_for_another_seed() {
    let key = |byte| {
        let seed = Seed::new([byte; 32]);
        let mut client = ClientHandshake::new(&request(), Limits::default(), seed, NOW);
        let sent = String::from_utf8(sent(&mut client)).expect("text");
        let key = sent
            .lines()
            .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
        key.expect("there is a key").to_owned()
    };
    assert_eq!((key(1).len(), key(1)), (24, key(1)));
    assert_ne!(key(1), key(2));
}
