//! The client's side: the bytes of a server's answer.

use ws_core::connection::{Config, Connection};
use ws_core::ext::Offer;
use ws_core::handshake::{
    ClientHandshake, HandshakeError, Headers, Limits, Rejection, Request, ServerHandshake,
};
use ws_core::{Machine, Seed, TransportEnd};

use super::http::{Head, head};
use super::{ACCEPT, Driven, NONCE, NOW, limits};
use crate::input::{Cuts, Input};

/// A server's answer: in whatever pieces, it has the same outcome; what is accepted is an answer of
/// RFC 6455 to what was asked; what is held is within the limits; and while time passes and the
/// transport fails, the handshake comes to an end.
///
/// Input: what is asked, limits, what happens meanwhile (a chunk), how the bytes are cut; then the
/// bytes of the server.
pub fn client_handshake(data: &[u8]) {
    let mut input = Input::new(data);
    let asked = ask(&mut input);
    let limits = limits(&mut input);
    let mut steps = Input::new(input.chunk());
    let cuts = input.cuts();
    let wire = input.rest();

    let outcome = outcome(&asked, &limits, &cuts, wire);
    assert_eq!(outcome, self::outcome(&asked, &limits, &Cuts::WHOLE, wire));
    check(&asked, &limits, wire, &outcome);

    let mut client = Driven::new(handshake(&asked, &limits), &limits);
    for part in cuts.parts(wire) {
        if !steps.is_empty() {
            client.step(&mut steps);
        }
        client.receive(part);
    }
    while !steps.is_empty() {
        client.step(&mut steps);
    }
    client.finish();
    let first = client
        .machine
        .poll(client.now)
        .map(|answer| assert!(answer.is_some()));
    let again = client
        .machine
        .poll(client.now)
        .map(|answer| assert!(answer.is_some()));
    assert_eq!(first, again);
    assert_eq!(client.machine.finish().is_ok(), first.is_ok());
}

const PROTOCOLS: [&str; 2] = ["chat", "v2.chat"];
const EXTENSIONS: [&str; 2] = ["x-a", "x-b"];

/// What every request of this harness holds besides; nothing of it may get to another server.
const SECRET: &str = "s3cret";

fn ask(input: &mut Input<'_>) -> Request {
    let urls = [
        "ws://server.example.com/chat",
        "wss://ann:s3cret@[::1]:444/a/b?c",
    ];
    let request = Request::new(input.pick(&urls)).expect("valid");
    if !input.flag() {
        return request;
    }
    let mut request = request.header("Cookie", SECRET).expect("valid");
    for protocol in PROTOCOLS {
        request = request.subprotocol(protocol).expect("a token");
    }
    for extension in EXTENSIONS {
        let offer = Offer::new(extension).and_then(|offer| offer.flag("p"));
        request = request
            .extension(offer.expect("tokens"))
            .expect("not reserved");
    }
    request
}

fn handshake(asked: &Request, limits: &Limits) -> ClientHandshake {
    ClientHandshake::with_key(asked, limits.clone(), Seed::new([7; 32]), NONCE, NOW)
}

#[derive(Debug, Eq, PartialEq)]
struct Accepted {
    protocol: Option<String>,
    extensions: Vec<Offer>,
    headers: Headers,
    leftover: Vec<u8>,
}

/// The request is written, the answer arrives, the stream ends.
fn outcome(
    asked: &Request,
    limits: &Limits,
    cuts: &Cuts,
    wire: &[u8],
) -> Result<Accepted, HandshakeError> {
    let mut client = Driven::new(handshake(asked, limits), limits);
    client.write_all();
    for part in cuts.parts(wire) {
        client.receive(part);
        client.check();
    }
    client.machine.lost(TransportEnd::Eof);
    let answer = client.machine.poll(NOW)?.expect("the stream has ended");
    assert_eq!(answer.status(), 101);
    let headers = answer.headers().clone();
    let opened = client.machine.finish().expect("accepted");
    let (agreed, leftover) = (opened.agreed().clone(), opened.leftover().to_vec());
    assert_eq!(agreed.response_headers.as_deref(), Some(&headers));
    // What follows belongs to the frames.
    Connection::new(opened, &Config::default(), NOW).ready(NOW);
    Ok(Accepted {
        protocol: agreed.subprotocol.map(Into::into),
        extensions: agreed.extensions,
        headers,
        leftover,
    })
}

fn check(
    asked: &Request,
    limits: &Limits,
    wire: &[u8],
    outcome: &Result<Accepted, HandshakeError>,
) {
    match outcome {
        Ok(accepted) => check_accepted(limits, wire, accepted),
        Err(HandshakeError::Rejected(answer)) => {
            check_rejected(limits, wire, answer);
            check_redirect(asked, answer);
        }
        Err(error) => assert!(!error.to_string().is_empty() && !error.explain().message.is_empty()),
    }
}

/// The final head on the wire, and where its body begins.
fn final_head<'a>(limits: &Limits, wire: &'a [u8]) -> (Head<'a>, usize) {
    let (mut at, mut headers) = (0, 0);
    loop {
        let next = head(&wire[at..]);
        at += next.end;
        headers += next.len();
        assert!(at <= limits.max_head && headers <= limits.max_headers);
        if next.line[9] != b'1' || &next.line[9..12] == b"101" {
            return (next, at);
        }
    }
}

fn check_accepted(limits: &Limits, wire: &[u8], accepted: &Accepted) {
    let (head, end) = final_head(limits, wire);
    assert!(head.line.starts_with(b"HTTP/1.1 101"), "{head:?}");
    assert!(head.lists("Upgrade", "websocket") && head.lists("Connection", "upgrade"));
    assert_eq!(head.one("Sec-WebSocket-Accept"), ACCEPT);
    assert_eq!(accepted.headers.len(), head.len());
    assert_eq!(accepted.leftover, wire[end..]);
    let protocol = accepted.protocol.as_deref();
    assert!(protocol.is_none_or(|protocol| PROTOCOLS.contains(&protocol)));
    let protocols = head.all("Sec-WebSocket-Protocol");
    assert_eq!(
        protocols,
        protocol.map(str::as_bytes).into_iter().collect::<Vec<_>>()
    );
    let names: Vec<&str> = accepted.extensions.iter().map(Offer::name).collect();
    assert!(names.iter().all(|name| EXTENSIONS.contains(name)));
    assert!(all_differ(&names));
    for extension in &accepted.extensions {
        let params: Vec<&str> = extension.params().map(|param| param.0).collect();
        assert!(all_differ(&params));
    }
}

fn all_differ(names: &[&str]) -> bool {
    (0..names.len()).all(|i| !names[..i].contains(&names[i]))
}

fn check_rejected(limits: &Limits, wire: &[u8], answer: &Rejection) {
    let (head, end) = final_head(limits, wire);
    let (status, coded) = (answer.status, head.all("Transfer-Encoding"));
    assert!((200..=999).contains(&status));
    assert_eq!(head.line[9..12], *status.to_string().as_bytes());
    assert_eq!(answer.headers.len(), head.len());
    assert!(answer.body.len() <= limits.max_body);
    assert!(!matches!(status, 204 | 304) || answer.body.is_empty());
    assert!(!coded.is_empty() || wire[end..].starts_with(&answer.body));
    assert!(!answer.explain().message.is_empty() && answer.text().len() >= answer.body.len());
}

/// A redirect never leads to less security, nor takes along what was for another server.
fn check_redirect(asked: &Request, answer: &Rejection) {
    let next = match asked.redirected(answer) {
        Ok(next) => next,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert!(next.url().is_secure() || !asked.url().is_secure());
    let location = answer.location().expect("a redirect");
    if !location.contains([':', '#']) && !location.starts_with("//") {
        let path = next.url().target().split('?').next().unwrap_or_default();
        let dots = |segment: &str| matches!(segment, "." | "..");
        assert!(!path.split('/').any(dots), "{location} is {path}");
    }
    let mut client = Driven::new(handshake(&next, &Limits::default()), &Limits::default());
    client.write_all();
    let same = |url: &ws_core::url::Url| (url.is_secure(), url.host().clone(), url.port());
    if same(next.url()) != same(asked.url()) {
        let head = head(&client.written);
        assert!(head.all("Cookie").is_empty());
        let user = next.url().user();
        assert_eq!(head.all("Authorization").is_empty(), user.is_none());
        assert!(user.is_none() || location.contains('@'), "{location}");
    }
    let mut server = ServerHandshake::new(Limits::default(), NOW);
    server.io().0.extend_from_slice(&client.written);
    let seen = server.poll(NOW).expect("a valid request");
    assert_eq!(seen.map(|seen| seen.target()), Some(next.url().target()));
}
