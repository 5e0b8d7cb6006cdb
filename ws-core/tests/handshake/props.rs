//! Properties of both handshakes: they hold for any bytes, any cuts and any order of events.

use core::time::Duration;

use crate::handshake_support::{ANSWER, NOW, REQUEST, client, client_for, sent, server};
use bytes::Buf;
use proptest::collection::vec;
use proptest::prelude::*;
use ws_core::ext::Offer;
use ws_core::handshake::{
    Accept, ClientHandshake, HandshakeError, Headers, Limits, Request, ServerHandshake,
};
use ws_core::{Instant, Machine, Seed, Transport, TransportEnd};

/// Cuts `bytes` into pieces whose sizes repeat.
fn pieces<'a>(bytes: &'a [u8], sizes: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = bytes;
    sizes.iter().cycle().map_while(move |&size| {
        let (piece, after) = rest.split_at(size.min(rest.len()));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// The beginning of a head, a whole one with something wrong in it, or something else altogether.
fn wire(valid: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let lines = "((X|Host|Content-Length|Transfer-Encoding|Sec-WebSocket-(Protocol|Extensions|Key))\
                 ?: ?(a|5|chunked|websocket|, |;|=|\"|\u{e4}|\t){0,3}(\r\n|\n|\r| )){0,4}";
    let head = (
        lines,
        "\r?\n?",
        "\\PC{0,40}",
        any::<prop::sample::Index>(),
        any::<u8>(),
        0..4u8,
    );
    let head = head.prop_map(move |(lines, end, tail, at, byte, how)| {
        let mut bytes = [
            valid.as_bytes(),
            lines.as_bytes(),
            end.as_bytes(),
            tail.as_bytes(),
        ]
        .concat();
        let at = at.index(bytes.len());
        match how {
            0 => bytes[at] = byte,
            1 => bytes.truncate(at),
            2 => drop(bytes.remove(at)),
            _ => {}
        }
        bytes
    });
    let refusal = "HTTP/1.[01] [1-5][0-9][0-9] ?\r\n((Content-Length: [0-9]{1,2}|Transfer-Encoding: \
                   chunked)\r\n)?\r\n([0-9a-c]\r\n)?[a-c\r\n0-3]{0,30}";
    prop_oneof![
        4 => head,
        1 => refusal.prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..60),
    ]
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    vec(1..60usize, 1..5)
}

/// What was agreed and what was left over, or why it failed.
type Outcome = Result<(Option<String>, usize, Option<Headers>, Vec<u8>), HandshakeError>;

/// Feeds a client up to the end of the stream.
fn client_outcome(wire: &[u8], sizes: &[usize]) -> Outcome {
    let request = Request::new("ws://server.example.com/chat").and_then(|r| r.subprotocol("a"));
    let mut client = client_for(&request.expect("valid"), Limits::default());
    for piece in pieces(wire, sizes) {
        client.io().0.extend_from_slice(piece);
        client.ready(NOW);
        assert!(client.io().0.capacity() <= 64 << 10);
    }
    client.lost(TransportEnd::Eof);
    client
        .poll(NOW)
        .map(|response| assert!(response.is_some()))?;
    let opened = client.finish().expect("ready");
    let agreed = opened.agreed();
    let protocol = agreed.subprotocol.as_deref().map(str::to_owned);
    let headers = agreed.response_headers.as_deref().cloned();
    Ok((
        protocol,
        agreed.extensions.len(),
        headers,
        opened.leftover().to_vec(),
    ))
}

/// Feeds a server up to the end of the stream; also what it had to say.
fn server_outcome(wire: &[u8], sizes: &[usize]) -> (Vec<u8>, Outcome) {
    let mut server = server();
    for piece in pieces(wire, sizes) {
        server.io().0.extend_from_slice(piece);
        server.ready(NOW);
        assert!(server.io().0.capacity() <= 64 << 10);
    }
    let ready = server.ready(NOW);
    let request = server
        .poll(NOW)
        .map(|request| request.map(|r| r.headers().clone()));
    assert_eq!(
        ready,
        matches!(request, Ok(Some(_))),
        "before the end only a request is ready"
    );
    if ready {
        server.accept(Accept::new()).expect("a request waits");
    }
    let said = sent(&mut server);
    server.lost(TransportEnd::Eof);
    if let Err(error) = server.poll(NOW) {
        assert_eq!(error.status_hint().is_none(), said.is_empty(), "{error}");
        return (said, Err(error));
    }
    let headers = request.expect("no error so far");
    let opened = server.finish().expect("accepted and written");
    (said, Ok((None, 0, headers, opened.leftover().to_vec())))
}

proptest! {
    #[test]
    fn any_cut_of_an_answer_gives_the_same_outcome(wire in wire(ANSWER), sizes in sizes()) {
        let whole = client_outcome(&wire, &[usize::MAX]);
        prop_assert_eq!(&client_outcome(&wire, &sizes), &whole);
        prop_assert_eq!(&client_outcome(&wire, &[1]), &whole);
    }

    #[test]
    fn any_cut_of_a_request_gives_the_same_outcome(wire in wire(REQUEST), sizes in sizes()) {
        let whole = server_outcome(&wire, &[usize::MAX]);
        prop_assert_eq!(&server_outcome(&wire, &sizes), &whole);
        prop_assert_eq!(&server_outcome(&wire, &[1]), &whole);
    }

    #[test]
    fn any_bytes_without_end_are_held_within_the_limits(
        start in prop_oneof![
            Just(REQUEST), Just(ANSWER), Just(""), Just("GET /"), Just("HTTP/1.1 500 \r\n\r\n"),
            Just("HTTP/1.1 500 \r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n"),
        ],
        noise in prop_oneof![vec(any::<u8>(), 1..40), "[a-z]{1,9}(: [a-z]{0,9}\r\n)?".prop_map(String::into_bytes)],
    ) {
        let limits = Limits::default().max_head(2000).max_headers(20).max_body(1000);
        let request = Request::new("ws://h").expect("valid");
        let mut client = client_for(&request, limits.clone());
        let mut server = ServerHandshake::new(limits, NOW);
        let mut over = [false; 2];
        let noise = noise.repeat(1 + 1000 / noise.len());
        for piece in core::iter::once(start.as_bytes()).chain(core::iter::repeat_n(&noise[..], 10)) {
            // A driver does not read on while there is something to take.
            if !over[0] {
                client.io().0.extend_from_slice(piece);
                over[0] = client.ready(NOW);
                prop_assert!(client.io().0.filled().len() <= 2000 || over[0]);
                prop_assert!(client.io().0.capacity() <= 16 << 10);
            }
            if !over[1] {
                server.io().0.extend_from_slice(piece);
                over[1] = server.ready(NOW);
                prop_assert!(server.io().0.filled().len() <= 2000 || over[1]);
                prop_assert!(server.io().0.capacity() <= 16 << 10);
                prop_assert!(server.io().1.remaining() <= 500);
            }
        }
        prop_assert!(over[0], "the limits are passed");
        prop_assert!(over[1] || server.io().1.has_remaining());
    }
}

/// A valid request: where to, what it offers, and its own headers.
#[derive(Clone, Debug)]
struct Asking {
    url: String,
    protocols: Vec<String>,
    extensions: Vec<String>,
    headers: Vec<(String, String)>,
}

fn asking() -> impl Strategy<Value = Asking> {
    let token = "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,8}";
    let protocols = proptest::collection::btree_set(token, 0..4);
    let extensions = proptest::collection::btree_set("[a-z]{1,4}", 0..3);
    let headers = vec(("X-[0-9A-Za-z]{1,6}", "[ -~\u{e4}\t]{0,20}"), 0..6);
    let url = "ws://(([a-z0-9]{1,6}:[a-z%2F]{0,0}[a-z]{0,4})@)?(h|[a-z]{1,5}\\.example|\\[::1\\]|10\\.0\\.0\\.1)(:[1-9][0-9]{0,3})?(/[!-\"$-;=?-~&&[^\"%<>`\\\\]]{0,20})?";
    (url, protocols, extensions, headers).prop_map(|(url, protocols, extensions, headers)| Asking {
        url,
        protocols: protocols.into_iter().collect(),
        extensions: extensions.into_iter().collect(),
        headers,
    })
}

fn request(asking: &Asking) -> Request {
    let mut request = Request::new(&asking.url).expect(&asking.url);
    for name in &asking.protocols {
        request = request.subprotocol(name).expect(name);
    }
    for name in &asking.extensions {
        let offer = Offer::new(name)
            .and_then(|offer| offer.param("p", "1"))
            .expect(name);
        request = request.extension(offer).expect(name);
    }
    for (name, value) in &asking.headers {
        request = request.header(name, value).expect(value);
    }
    request
}

proptest! {
    #[test]
    fn client_and_server_agree_on_any_valid_request_and_any_cut(
        asking in asking(),
        choice in any::<prop::sample::Index>(),
        sizes in sizes(),
        frames in vec(any::<u8>(), 0..50),
    ) {
        let request = request(&asking);
        let mut client = ClientHandshake::new(&request, Limits::default(), Seed::new([1; 32]), NOW);
        let mut server = server();
        // Frames that a client should not send yet are not lost either.
        let up = [sent(&mut client), frames.clone()].concat();
        for piece in pieces(&up, &sizes) {
            server.io().0.extend_from_slice(piece);
            server.ready(NOW);
        }
        let seen = server.poll(NOW).expect("valid").expect("complete");
        prop_assert_eq!(seen.target(), request.url().target());
        prop_assert_eq!(seen.host(), request.url().authority());
        let offered: Vec<&str> = seen.subprotocols().collect();
        prop_assert_eq!(&offered, &asking.protocols);
        for (name, value) in &asking.headers {
            let value = value.trim_matches([' ', '\t']).as_bytes();
            prop_assert!(seen.headers().get_all(name).any(|sent| sent == value), "{}", name);
        }
        let basic = seen.basic_auth();
        prop_assert_eq!(basic.as_ref().map(|auth| auth.user()), request.url().user());

        let mut accept = Accept::new();
        if !offered.is_empty() {
            accept = accept.subprotocol(offered[choice.index(offered.len())]);
        }
        for extension in seen.extensions().to_vec() {
            accept = accept.extension(extension).expect("not reserved");
        }
        server.accept(accept).expect("all of it was offered");
        let down = [sent(&mut server), frames.clone()].concat();
        for piece in pieces(&down, &sizes) {
            client.io().0.extend_from_slice(piece);
            client.ready(NOW);
        }
        let protocol = client.poll(NOW).expect("valid").expect("complete").subprotocol();
        prop_assert_eq!(protocol.is_some(), !asking.protocols.is_empty());
        let (client, server) = (client.finish().expect("open"), server.finish().expect("open"));
        prop_assert_eq!(&client.agreed().subprotocol, &server.agreed().subprotocol);
        prop_assert_eq!(&client.agreed().extensions, &server.agreed().extensions);
        prop_assert_eq!((client.leftover(), server.leftover()), (&frames[..], &frames[..]));
    }
}

/// Something that happens to a machine.
#[derive(Clone, Debug)]
enum Step {
    Answer(bool),
    Lost(TransportEnd),
    Read(Vec<u8>),
    Unwritable,
    Wait(u64),
    Write(usize),
}

fn steps(valid: &'static str) -> impl Strategy<Value = Vec<Step>> {
    let read = prop_oneof![
        wire(valid),
        Just([valid.as_bytes(), b"\r\n"].concat()),
        Just(valid.as_bytes().to_vec()),
        Just(b"\r\n".to_vec()),
    ];
    let step = prop_oneof![
        4 => read.prop_map(Step::Read),
        3 => (0..4000u64).prop_map(Step::Wait),
        3 => (1..400usize).prop_map(Step::Write),
        2 => any::<bool>().prop_map(Step::Answer),
        1 => Just(Step::Unwritable),
        1 => prop_oneof![Just(TransportEnd::Eof), Just(TransportEnd::Reset)].prop_map(Step::Lost),
    ];
    vec(step, 0..12)
}

/// Checks what must hold after every step, and that time alone brings every machine to an end.
fn run<M: Machine>(machine: &mut M, steps: &[Step], mut answer: impl FnMut(&mut M, bool, Instant)) {
    let mut now = NOW;
    for step in steps
        .iter()
        .chain([&Step::Wait(20_000), &Step::Wait(20_000)])
    {
        match step {
            Step::Answer(accept) => answer(machine, *accept, now),
            Step::Lost(end) => machine.lost(*end),
            Step::Read(bytes) => machine.io().0.extend_from_slice(bytes),
            Step::Unwritable => machine.unwritable(now),
            Step::Wait(millis) => now += Duration::from_millis(*millis),
            Step::Write(most) => {
                let send = machine.io().1;
                send.advance(send.remaining().min(*most));
            }
        }
        // Rule T2: a deadline that was handled does not call for attention again.
        machine.handle_timeout(now);
        let later = machine.poll_timeout().is_none_or(|(at, _)| at > now);
        let writes = machine.io().1.has_remaining();
        let ready = machine.ready(now);
        assert!(later || writes || ready, "{:?}", machine.poll_timeout());
        assert_eq!(machine.ready(now), ready, "asking changes nothing");
        let over = machine.transport() == Transport::Close;
        assert!(!over || ready, "whoever says close has a reason to give");
    }
    assert!(machine.ready(now), "everything ends");
}

proptest! {
    #[test]
    fn after_a_timeout_a_client_never_asks_for_the_same_one_again(steps in steps(ANSWER)) {
        let mut client = client();
        run(&mut client, &steps, |_, _, _| {});
        let far = NOW + Duration::from_secs(1000);
        let outcome = client.poll(far).map(|response| assert!(response.is_some()));
        prop_assert_eq!(outcome.is_ok(), client.finish().is_ok());
    }

    #[test]
    fn after_a_timeout_a_server_never_asks_for_the_same_one_again(steps in steps(REQUEST)) {
        let mut server = server();
        run(&mut server, &steps, |server, accept, now| {
            let asked = server.poll(now).is_ok_and(|request| request.is_some());
            let answered = match accept {
                true => server.accept(Accept::new()),
                false => server.reject(403, &[], b"no", now),
            };
            assert_eq!(answered.is_ok(), asked);
        });
        let far = NOW + Duration::from_secs(1000);
        let failed = server.poll(far).is_err();
        prop_assert_eq!(!failed, server.finish().is_ok());
    }
}
