//! The server's side: the bytes of a client's request, and the answers of an application.

use ws_core::connection::{Config, Connection};
use ws_core::handshake::{
    Accept, AnswerError, HandshakeError, Headers, Limits, OriginPolicy, RequestHead,
    ServerHandshake,
};
use ws_core::{Instant, Machine, TransportEnd};

use super::http::head;
use super::{ACCEPT, Driven, KEY, NOW, limits};
use crate::input::{Cuts, Input};

/// A client's request and what the application makes of it: in whatever pieces it comes, the outcome
/// is the same; what is shown is a request of RFC 6455; whatever is answered is one complete answer
/// of HTTP with the status of the error; and while time passes and the transport fails, the
/// handshake comes to an end.
///
/// Input: limits, the application's answer (a chunk), what happens meanwhile (a chunk), how the bytes
/// are cut; then the bytes of the client.
pub fn server_handshake(data: &[u8]) {
    let mut input = Input::new(data);
    let limits = limits(&mut input);
    let answer = Input::new(input.chunk());
    let mut steps = Input::new(input.chunk());
    let cuts = input.cuts();
    let wire = input.rest();

    let outcome = outcome(&limits, answer, &cuts, wire);
    assert_eq!(outcome, self::outcome(&limits, answer, &Cuts::WHOLE, wire));
    outcome.check(&limits, wire);

    let mut server = Driven::new(ServerHandshake::new(limits.clone(), NOW), &limits);
    for part in cuts.parts(wire) {
        if !steps.is_empty() {
            step(&mut server, &mut steps);
        }
        server.receive(part);
    }
    while !steps.is_empty() {
        step(&mut server, &mut steps);
    }
    if server.machine.request().is_some() {
        drop(reply(&mut server.machine, answer, server.now));
    }
    server.finish();
    let asked = |server: &mut Driven<ServerHandshake>| {
        let request = server.machine.poll(server.now);
        request.map(|request| request.is_some())
    };
    let first = asked(&mut server);
    assert_eq!(asked(&mut server), first);
    if first != Ok(true) {
        if first.is_ok() {
            assert_eq!(complete(&server.written), 101);
        }
        assert_eq!(server.machine.finish().is_ok(), first.is_ok());
    }
}

/// Something happens, or the application answers.
fn step(server: &mut Driven<ServerHandshake>, input: &mut Input<'_>) {
    let waits = server
        .machine
        .poll(server.now)
        .is_ok_and(|request| request.is_some());
    let answer = match input.byte() % 4 {
        0 => reply(&mut server.machine, Input::new(input.chunk()), server.now),
        _ => return server.step(input),
    };
    assert!(waits || answer.is_err());
    server.check();
}

/// What a client may offer all the same.
const NOT_OFFERED: &str = "not-offered";

/// The application accepts or refuses, in every way it can.
fn reply(
    server: &mut ServerHandshake,
    mut input: Input<'_>,
    now: Instant,
) -> Result<(), AnswerError> {
    let refuses = input.flag();
    let status = input.pick(&[403, 301, 304, 426, 503, 101, 299, 600]);
    let mut header = || String::from_utf8_lossy(input.chunk()).into_owned();
    let (name, value) = (header(), header());
    if refuses {
        let headers = [(&*name, &*value)];
        let headers = &headers[usize::from(name.is_empty())..];
        return server.reject(status, headers, input.rest(), now);
    }
    let mut accept = Accept::new();
    if !name.is_empty() {
        accept = accept.header(&name, &value)?;
    }
    let Some(request) = server.request() else {
        return server.accept(accept);
    };
    let choice = usize::from(input.byte());
    if let Some(protocol) = request.subprotocols().nth(choice) {
        accept = accept.subprotocol(protocol);
    } else if choice == 255 {
        accept = accept.subprotocol(NOT_OFFERED);
    }
    let choice = input.byte();
    if let Some(extension) = request.extensions().get(usize::from(choice & 0x7f)) {
        let more = extension.clone().flag(NOT_OFFERED);
        let may = extension.params().any(|(name, _)| name == NOT_OFFERED);
        match more {
            Ok(more) if choice > 0x7f && !may => {
                let refused = server.accept(accept.extension(more)?);
                assert!(refused.is_err(), "a parameter that was not offered");
                return refused;
            }
            _ => accept = accept.extension(extension.clone())?,
        }
    }
    server.accept(accept)
}

/// How it ended: the headers that were shown, the answer that was refused, the error, all that was
/// written, and what was left for the frames.
#[derive(Debug, Eq, PartialEq)]
struct Outcome {
    shown: Option<Headers>,
    misuse: Option<AnswerError>,
    error: Option<HandshakeError>,
    written: Vec<u8>,
    leftover: Vec<u8>,
}

/// The request arrives, the application answers, the answer is written, the stream ends.
fn outcome(limits: &Limits, answer: Input<'_>, cuts: &Cuts, wire: &[u8]) -> Outcome {
    let mut server = Driven::new(ServerHandshake::new(limits.clone(), NOW), limits);
    for part in cuts.parts(wire) {
        server.receive(part);
        server.check();
    }
    let mut outcome = Outcome {
        shown: None,
        misuse: None,
        error: None,
        written: vec![],
        leftover: vec![],
    };
    if let Ok(Some(request)) = server.machine.poll(NOW) {
        check_shown(&request);
        check_host(&request, begin(wire));
        outcome.shown = Some(request.headers().clone());
        if let Err(misuse) = reply(&mut server.machine, answer, NOW) {
            assert!(!misuse.to_string().is_empty() && !misuse.explain().message.is_empty());
            assert!(
                server.machine.request().is_some(),
                "it still waits for an answer"
            );
            outcome.misuse = Some(misuse);
            server.machine.accept(Accept::new()).expect("it waits");
        }
    }
    server.write_all();
    server.machine.lost(TransportEnd::Eof);
    match server.machine.poll(NOW) {
        Ok(request) => assert!(request.is_none()),
        Err(error) => outcome.error = Some(error),
    }
    outcome.written = server.written;
    match server.machine.finish() {
        Ok(opened) => {
            assert_eq!(outcome.error, None);
            outcome.leftover = opened.leftover().to_vec();
            Connection::new(opened, &Config::default(), NOW).ready(NOW);
        }
        Err(_) => assert!(outcome.error.is_some()),
    }
    outcome
}

/// What is shown to the application is consistent.
fn check_shown(request: &RequestHead<'_>) {
    assert!(request.target().starts_with('/'));
    assert!(request.target().bytes().all(|byte| byte.is_ascii_graphic()));
    let joined = [request.path(), request.query().map_or("", |_| "?")].concat();
    let joined = [&joined, request.query().unwrap_or_default()].concat();
    assert_eq!(joined, request.target());
    assert!(!request.target().contains('#'));
    assert!(OriginPolicy::Any.check(request));
    let same = OriginPolicy::SameOrigin.check(request);
    match request.origin() {
        None => assert!(same && !OriginPolicy::allow(["x"]).check(request)),
        Some(origin) => assert!(OriginPolicy::allow([origin]).check(request)),
    }
    if let Some(basic) = request.basic_auth() {
        assert!(!basic.user().contains(':'));
    }
}

/// The host is the one that the target names, or else the one of the header (RFC 9112 §3.2.2).
fn check_host(request: &RequestHead<'_>, wire: &[u8]) {
    let head = head(wire);
    let line = String::from_utf8_lossy(head.line);
    let target = line.split(' ').nth(1).expect("a target");
    let host = if target.starts_with('/') {
        String::from_utf8_lossy(head.one("Host"))
    } else {
        let (_, rest) = target.split_once("://").expect("a scheme");
        rest.split(['/', '?']).next().unwrap_or_default().into()
    };
    assert_eq!(request.host(), host);
    assert!(!host.is_empty() && !host.contains([',', '/', '?', '#', '@', ' ']));
}

impl Outcome {
    fn check(&self, limits: &Limits, wire: &[u8]) {
        if self.shown.is_some() {
            self.check_request(limits, wire);
        }
        match self.error.as_ref().map(HandshakeError::status_hint) {
            Some(None) => assert!(self.written.is_empty()),
            Some(Some(status)) => assert_eq!(complete(&self.written), status),
            None => {
                assert_eq!(complete(&self.written), 101);
                let answer = head(&self.written);
                let offered = head(begin(wire)).list("Sec-WebSocket-Protocol");
                let chosen = answer.all("Sec-WebSocket-Protocol");
                assert!(chosen.len() <= 1 && chosen.iter().all(|name| offered.contains(name)));
                let accept = answer.one("Sec-WebSocket-Accept");
                assert_eq!(accept.len(), 28);
                if head(begin(wire)).one("Sec-WebSocket-Key") == KEY {
                    assert_eq!(accept, ACCEPT);
                }
            }
        }
        if let Some(error) = &self.error {
            assert!(!error.to_string().is_empty() && !error.explain().message.is_empty());
        }
    }

    /// What RFC 6455 §4.2.1 and RFC 9112 ask of a request that is shown to the application.
    fn check_request(&self, limits: &Limits, wire: &[u8]) {
        let head = head(begin(wire));
        let parts: Vec<&[u8]> = head.line.split(|&byte| byte == b' ').collect();
        assert_eq!(
            (parts.len(), parts[0], parts[2]),
            (3, &b"GET"[..], &b"HTTP/1.1"[..])
        );
        assert!(head.end <= limits.max_head && head.len() <= limits.max_headers);
        assert_eq!(self.shown.as_ref().map(Headers::len), Some(head.len()));
        assert!(head.lists("Upgrade", "websocket") && head.lists("Connection", "upgrade"));
        assert_eq!(head.one("Sec-WebSocket-Version"), b"13");
        assert_eq!(head.one("Sec-WebSocket-Key").len(), 24);
        assert!(!head.one("Host").is_empty());
        assert!(head.all("Transfer-Encoding").is_empty());
        let zero = |length: &&[u8]| length.iter().all(|&digit| digit == b'0');
        assert!(head.all("Content-Length").iter().all(zero));
        let mut protocols = head.list("Sec-WebSocket-Protocol");
        let count = protocols.len();
        protocols.sort_unstable();
        protocols.dedup();
        assert_eq!(protocols.len(), count);
        if self.error.is_none() {
            assert!(begin(wire)[head.end..] == self.leftover);
        }
    }
}

/// The request itself: an empty line may come before it.
fn begin(wire: &[u8]) -> &[u8] {
    wire.strip_prefix(b"\r\n").unwrap_or(wire)
}

/// What was written must be one whole answer; its status.
fn complete(written: &[u8]) -> u16 {
    let head = head(written);
    assert!(head.line.starts_with(b"HTTP/1.1 "));
    let status = head.line[9..12].iter();
    let status = status.fold(0, |status, digit| 10 * status + u16::from(digit - b'0'));
    let body = &written[head.end..];
    if status == 101 {
        assert!(head.lists("Upgrade", "websocket") && head.lists("Connection", "upgrade"));
        assert!(body.is_empty() && head.all("Content-Length").is_empty());
    } else {
        assert!((300..=599).contains(&status));
        assert!(status != 304 || body.is_empty());
        assert!(head.lists("Connection", "close"));
        assert_eq!(
            head.one("Content-Length"),
            body.len().to_string().as_bytes()
        );
    }
    if status == 426 {
        assert_eq!(head.one("Sec-WebSocket-Version"), b"13");
        assert!(head.lists("Upgrade", "websocket") && head.lists("Connection", "upgrade"));
    }
    status
}
