//! permessage-deflate in the opening handshake, on both sides (RFC 7692 §5, §7.1).
#![cfg(feature = "deflate")]

use bytes::Buf;
use ws_core::deflate::{Deflate, Demand, Takeover, TermsError};
use ws_core::ext::Offer;
use ws_core::handshake::{
    Accept, Agreed, ClientHandshake, HandshakeError, Limits, Request, ServerHandshake,
};
use ws_core::options::{AcceptOptions, ConnectOptions};
use ws_core::{Instant, Machine, Seed};

const NOW: Instant = Instant::ORIGIN;
const KEY: [u8; 16] = *b"the sample nonce";

fn request() -> Request {
    Request::new("ws://example.com/").unwrap()
}

/// The value of `Sec-WebSocket-Extensions` in a head.
fn extensions(head: &[u8]) -> Option<String> {
    let head = core::str::from_utf8(head).unwrap();
    let mut lines = head
        .lines()
        .filter_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
    let line = lines.next().map(String::from);
    assert_eq!(lines.next(), None, "one line");
    line
}

fn written(machine: &mut impl Machine) -> Vec<u8> {
    let send = machine.io().1;
    send.copy_to_bytes(send.remaining()).to_vec()
}

/// What a client makes of an answer with these extensions.
fn answered(request: &Request, extensions: &str) -> Result<Agreed, HandshakeError> {
    let mut client =
        ClientHandshake::with_key(request, Limits::default(), Seed::new([7; 32]), KEY, NOW);
    written(&mut client);
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
         Sec-WebSocket-Extensions: {extensions}\r\n\r\n"
    );
    client.io().0.extend_from_slice(head.as_bytes());
    client.poll(NOW)?;
    Ok(client.finish().expect("accepted").agreed().clone())
}

/// What a server with these options answers to these extensions, and what it agrees to.
fn accepted(accept: Accept, extensions_offered: &str) -> (Option<String>, Agreed) {
    let mut server = ServerHandshake::new(Limits::default(), NOW);
    let head = format!(
        "GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Extensions: {extensions_offered}\r\n\r\n"
    );
    server.io().0.extend_from_slice(head.as_bytes());
    server.poll(NOW).expect("well formed");
    server.accept(accept).expect("offered");
    let answer = extensions(&written(&mut server));
    (answer, server.finish().expect("written").agreed().clone())
}

#[test]
fn nothing_is_offered_or_accepted_unless_it_is_asked_for() {
    let mut client = ClientHandshake::new(&request(), Limits::default(), Seed::new([7; 32]), NOW);
    assert_eq!(extensions(&written(&mut client)), None);
    let (answer, agreed) = accepted(Accept::new(), "permessage-deflate");
    assert_eq!((answer, agreed.deflate), (None, None));
    let refused = answered(&request(), "permessage-deflate");
    assert!(matches!(
        refused,
        Err(HandshakeError::ExtensionNotOffered { .. })
    ));
}

#[test]
fn offers_stand_behind_other_extensions_and_in_order_of_preference() {
    let request = request().extension(Offer::new("x-a").unwrap()).unwrap();
    let request = request.deflate(Deflate::balanced());
    let mut client = ClientHandshake::new(&request, Limits::default(), Seed::new([7; 32]), NOW);
    assert_eq!(
        extensions(&written(&mut client)).as_deref(),
        Some(
            "x-a, permessage-deflate; server_max_window_bits=12; client_max_window_bits=12, \
             permessage-deflate; client_max_window_bits=12"
        )
    );
}

#[test]
fn an_answer_is_followed_and_other_extensions_stay_what_they_were() {
    let request = request().extension(Offer::new("x-a").unwrap()).unwrap();
    let request = request.deflate(Deflate::max_ratio());
    let agreed = answered(
        &request,
        "permessage-deflate; server_no_context_takeover; client_max_window_bits=\"11\", x-a",
    );
    let agreed = agreed.unwrap();
    let names: Vec<&str> = agreed.extensions.iter().map(Offer::name).collect();
    assert_eq!(names, ["x-a"]);
    let terms = agreed.deflate.expect("terms");
    assert_eq!((terms.window_bits(), terms.peer_window_bits()), (11, 15));
    assert_eq!(
        (terms.takeover(), terms.peer_takeover()),
        (Takeover::Keep, Takeover::Reset)
    );
    assert_eq!(answered(&request, "x-a").unwrap().deflate, None);
}

#[test]
fn an_answer_that_breaks_the_rules_or_was_not_asked_for_fails_the_connection() {
    let request = request().deflate(Deflate::max_ratio());
    for (answer, error) in [
        (
            "permessage-deflate; server_max_window_bits=16",
            TermsError::BadValue {
                name: "server_max_window_bits",
            },
        ),
        (
            "permessage-deflate; server_max_window_bits",
            TermsError::BadValue {
                name: "server_max_window_bits",
            },
        ),
        (
            "permessage-deflate; client_max_window_bits",
            TermsError::BadValue {
                name: "client_max_window_bits",
            },
        ),
        (
            "permessage-deflate; client_no_context_takeover=1",
            TermsError::BadValue {
                name: "client_no_context_takeover",
            },
        ),
        (
            "permessage-deflate; mode=fast",
            TermsError::Unknown {
                name: "mode".into(),
            },
        ),
    ] {
        assert!(!error.explain().suggestion.is_empty());
        assert_eq!(
            answered(&request, answer),
            Err(HandshakeError::BadDeflate(error))
        );
    }
    for twice in [
        "permessage-deflate, permessage-deflate",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    ] {
        let refused = answered(&request, twice);
        assert!(matches!(
            refused,
            Err(HandshakeError::ExtensionRepeated { .. })
        ));
    }
    let insists = request.deflate(Deflate::low_memory());
    let refused = answered(&insists, "permessage-deflate; client_no_context_takeover");
    let name = "server_no_context_takeover";
    let error = HandshakeError::BadDeflate(TermsError::NotGranted { name });
    assert_eq!(error.status_hint(), None);
    assert_eq!(refused, Err(error));
}

#[test]
fn a_bad_offer_declines_the_extension_and_not_the_handshake() {
    for bad in [
        "permessage-deflate; unknown",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; client_max_window_bits=9; client_max_window_bits=9",
        "x-webkit-deflate-frame",
    ] {
        let accept = || Accept::new().deflate(Deflate::default());
        let (answer, agreed) = accepted(accept(), bad);
        assert_eq!((answer, agreed.deflate), (None, None), "{bad}");
        let (answer, agreed) = accepted(accept(), &format!("{bad}, permessage-deflate"));
        assert_eq!(answer.as_deref(), Some("permessage-deflate"));
        assert!(agreed.deflate.is_some());
    }
}

#[test]
fn what_a_server_accepts_is_answered_beside_other_extensions() {
    let accept = Accept::new().extension(Offer::new("x-a").unwrap()).unwrap();
    let accept = accept.deflate(Deflate::max_ratio().peer_takeover(Takeover::Reset));
    let (answer, agreed) = accepted(accept, "x-a, permessage-deflate; server_max_window_bits=10");
    assert_eq!(
        answer.as_deref(),
        Some("permessage-deflate; client_no_context_takeover; server_max_window_bits=10, x-a")
    );
    assert_eq!(agreed.extensions.len(), 1);
    assert_eq!(agreed.deflate.map(|terms| terms.window_bits()), Some(10));
}

#[test]
fn the_options_of_the_bindings_offer_and_accept() {
    let request = request();
    let options = ConnectOptions::default();
    assert_eq!(*options.apply(&request), request);
    let options = options.deflate(Some(Deflate::low_memory().demand(Demand::Prefer)));
    let applied = options.apply(&request);
    assert_eq!(
        *applied,
        request
            .clone()
            .deflate(Deflate::low_memory().demand(Demand::Prefer))
    );
    let mut client = ClientHandshake::new(&applied, Limits::default(), Seed::new([7; 32]), NOW);
    let mut server = ServerHandshake::new(Limits::default(), NOW);
    server.io().0.extend_from_slice(&written(&mut client));
    let options = AcceptOptions::default().deflate(Some(Deflate::default()));
    let answer = options.judge(&server.poll(NOW).unwrap().expect("a request"));
    server.accept(answer.unwrap()).unwrap();
    client.io().0.extend_from_slice(&written(&mut server));
    client.poll(NOW).unwrap().expect("an answer");
    let (client, server) = (client.finish().unwrap(), server.finish().unwrap());
    let [client, server] = [client, server].map(|opened| opened.agreed().deflate.clone().unwrap());
    assert_eq!(client.takeover(), server.peer_takeover());
    assert_eq!(client.peer_takeover(), server.takeover());
}
