//! Seeds of the opening handshakes: heads, right and wrong.

use crate::{Seed, chunk, seed};

pub(crate) fn seeds() -> Vec<Seed> {
    [answers(), requests()].concat()
}

const OPEN: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

/// Another URL (0 or 1), extras, default limits, nothing meanwhile, in one read.
const PLAIN: &[u8] = &[0, 0, 0, 0, 0];
/// With subprotocols and extensions.
const OFFERS: &[u8] = &[0, 1, 0, 0, 0];
/// From wss, with secrets, in reads of 7 and 1 bytes.
const SECURE: &[u8] = &[1, 1, 0, 0, 2, 6, 0];
/// A body of 5 bytes at most.
const BODY_5: &[u8] = &[0, 0, 1, 0, 0, 3, 4, 0, 0];
/// Heads of at most 200 bytes.
const INTERIM_200: &[u8] = &[0, 0, 1, 4, 0, 0, 0, 0, 0];

fn answers() -> Vec<Seed> {
    let offers = "Sec-WebSocket-Protocol: v2.chat\r\nSec-WebSocket-Extensions: x-a; p, x-b\r\n\r\n";
    let cases: &[(&str, &[u8], &[&str])] = &[
        ("rfc", PLAIN, &[OPEN, "\r\n"]),
        ("leftover", SECURE, &[OPEN, "\r\n", "\u{1}\u{2}Hi"]),
        ("offers", OFFERS, &[OPEN, offers]),
        ("not_offered", PLAIN, &[OPEN, offers]),
        (
            "interim",
            PLAIN,
            &["HTTP/1.1 103 \r\nLink: x\r\n\r\n", OPEN, "\r\n"],
        ),
        (
            "accept_mismatch",
            PLAIN,
            &[
                "HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
            ],
        ),
        (
            "no_upgrade",
            PLAIN,
            &["HTTP/1.1 101 \r\nConnection: upgrade\r\n\r\n"],
        ),
        (
            "twice",
            PLAIN,
            &[
                OPEN,
                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
            ],
        ),
        ("old_http", PLAIN, &["HTTP/1.0 101 \r\n\r\n"]),
        (
            "status_200",
            BODY_5,
            &["HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nHello!"],
        ),
        (
            "status_404",
            PLAIN,
            &["HTTP/1.1 404 Not Found\r\n\r\nuntil the end"],
        ),
        ("status_204", PLAIN, &["HTTP/1.1 204 \r\n\r\n"]),
        (
            "chunked",
            SECURE,
            &["HTTP/1.1 503 \r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nHello\r\n0\r\n\r\n"],
        ),
        (
            "chunked_broken",
            PLAIN,
            &["HTTP/1.1 500 \r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX"],
        ),
        (
            "redirect",
            SECURE,
            &["HTTP/1.1 302 Found\r\nLocation: ../x?y\r\nContent-Length: 0\r\n\r\n"],
        ),
        (
            "redirect_away",
            SECURE,
            &["HTTP/1.1 308 \r\nLocation: https://other.example/\r\nContent-Length: 0\r\n\r\n"],
        ),
        (
            "redirect_down",
            SECURE,
            &["HTTP/1.1 307 \r\nLocation: ws://[::1]:444/\r\nContent-Length: 0\r\n\r\n"],
        ),
        ("tls", PLAIN, &["\u{15}\u{3}\u{3}"]),
        ("ssh", PLAIN, &["SSH-2.0"]),
        ("bare_lf", PLAIN, &["HTTP/1.1 101\nUpgrade: websocket\n\n"]),
        ("fold", PLAIN, &["HTTP/1.1 101 \r\nA: b\r\n c\r\n\r\n"]),
        ("cut_off", SECURE, &[OPEN]),
        (
            "extension_twice",
            OFFERS,
            &[OPEN, "Sec-WebSocket-Extensions: x-a, x-b, x-a\r\n\r\n"],
        ),
        (
            "parameter_twice",
            OFFERS,
            &[OPEN, "Sec-WebSocket-Extensions: x-a; p; p\r\n\r\n"],
        ),
        ("status_304", PLAIN, &["HTTP/1.1 304 \r\n\r\nnot a body"]),
        (
            "status_204_and_more",
            PLAIN,
            &["HTTP/1.1 204 \r\n\r\nnot a body"],
        ),
        (
            "many_interim",
            INTERIM_200,
            &[
                "HTTP/1.1 103 \r\nLink: x\r\n\r\n",
                "HTTP/1.1 103 \r\nLink: y\r\n\r\n",
                "HTTP/1.1 103 \r\nLink: z\r\n\r\n",
                OPEN,
                "\r\n",
            ],
        ),
    ];
    let seeds = cases.iter();
    let mut seeds: Vec<Seed> = seeds
        .map(|(name, choices, wire)| {
            let bytes = [choices, wire.concat().as_bytes()].concat();
            seed("client_handshake", name, bytes)
        })
        .collect();
    // Half of the request is written, an hour passes.
    let late = [
        &[0, 0, 0][..],
        &chunk(&[1, 50, 4, 5]),
        &[1, 9],
        OPEN.as_bytes(),
    ]
    .concat();
    seeds.push(seed("client_handshake", "too_late", late));
    let lost = [
        &[0, 0, 0][..],
        &chunk(&[2, 0, 5, 1]),
        &[1, 30],
        OPEN.as_bytes(),
    ]
    .concat();
    seeds.push(seed("client_handshake", "reset", lost));
    // The answer and much behind it, before the request is written.
    let early = [
        &[0, 0, 0][..],
        &chunk(&[0, 7, b'x', 7, b'x']),
        &[0],
        OPEN.as_bytes(),
        b"\r\n",
    ]
    .concat();
    seeds.push(seed("client_handshake", "early_data", early));
    seeds
}

const REQUEST: &str = "GET /chat?x HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n\
                       Connection: keep-alive, Upgrade\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

/// Default limits, accepted, nothing meanwhile, in one read.
const ACCEPTED: &[u8] = &[0, 0, 0, 0];
/// In reads of 5 bytes.
const PIECES: &[u8] = &[0, 0, 0, 1, 4];
/// Refused with 403, a header and a body.
const REFUSED: &[u8] = b"\0\x0e\x01\0\x03X-A\x01b\0\0why\n\0\0";
/// Accepted with a header, the second subprotocol and the first extension.
const CHOSEN: &[u8] = b"\0\x0a\0\0\x03X-A\x01b\x01\0\0\0";
/// Refused with 304 and a body, which is misuse; and with 299.
const STATUS_304: &[u8] = b"\0\x07\x01\x02\0\0why\0\0";
const STATUS_299: &[u8] = b"\0\x04\x01\x06\0\0\0\0";
/// Accepted with a subprotocol, or with a parameter of the first extension, that was not offered.
const OTHER_PROTOCOL: &[u8] = b"\0\x06\0\0\0\0\xff\x7f\0\0";
const OTHER_PARAMETER: &[u8] = b"\0\x06\0\0\0\0\x01\x80\0\0";
/// At most 200 bytes.
const HEAD_200: &[u8] = &[1, 4, 0, 0, 0, 0, 0, 0];
/// At most 200 bytes and 4 headers.
const LIMITED: &[u8] = &[1, 4, 3, 0, 0, 0, 0, 0];

fn requests() -> Vec<Seed> {
    let offers = "Origin: https://server.example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\n\
                  Sec-WebSocket-Extensions: x-a; p=1\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\
                  Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n";
    let cases: &[(&str, &[u8], &[&str])] = &[
        ("rfc", ACCEPTED, &[REQUEST, "\r\n"]),
        ("leftover", PIECES, &["\r\n", REQUEST, "\r\n", "frames"]),
        ("offers", CHOSEN, &[REQUEST, offers]),
        ("refused", REFUSED, &[REQUEST, offers]),
        (
            "absolute",
            PIECES,
            &[
                "GET ws://other:1?q HTTP/1.1\r\nHost: h\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: 1234567890123456789012==\r\n\r\n",
            ],
        ),
        (
            "not_an_upgrade",
            ACCEPTED,
            &["GET / HTTP/1.1\r\nHost: h\r\n\r\n"],
        ),
        (
            "version_8",
            ACCEPTED,
            &[
                "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 8\r\n\r\n",
            ],
        ),
        (
            "bad_key",
            ACCEPTED,
            &[
                "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n",
            ],
        ),
        ("post", PIECES, &["POST / HTTP/1.1\r\n\r\n"]),
        ("head", ACCEPTED, &["HEAD / HTTP/1.1\r\n\r\n"]),
        ("http_10", ACCEPTED, &["GET / HTTP/1.0\r\n\r\n"]),
        (
            "target",
            ACCEPTED,
            &["GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n"],
        ),
        (
            "two_hosts",
            ACCEPTED,
            &["GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"],
        ),
        ("body", ACCEPTED, &[REQUEST, "Content-Length: 1\r\n\r\nx"]),
        (
            "chunked",
            ACCEPTED,
            &[REQUEST, "Transfer-Encoding: chunked\r\n\r\n"],
        ),
        ("head_limit", LIMITED, &[REQUEST, "\r\n"]),
        (
            "host_twice",
            ACCEPTED,
            &[REQUEST, "Host: server.example.com\r\n\r\n"],
        ),
        (
            "subprotocol_twice",
            ACCEPTED,
            &[REQUEST, "Sec-WebSocket-Protocol: a, b, a\r\n\r\n"],
        ),
        ("refused_304", STATUS_304, &[REQUEST, "\r\n"]),
        ("refused_299", STATUS_299, &[REQUEST, "\r\n"]),
        ("other_protocol", OTHER_PROTOCOL, &[REQUEST, offers]),
        ("other_parameter", OTHER_PARAMETER, &[REQUEST, offers]),
        (
            "two_hosts_in_one",
            ACCEPTED,
            &[
                "GET / HTTP/1.1\r\nHost: a,b\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: 1234567890123456789012==\r\n\r\n",
            ],
        ),
        (
            "fragment",
            ACCEPTED,
            &[
                "GET /a#b HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: 1234567890123456789012==\r\n\r\n",
            ],
        ),
        (
            "http_10_upgrade",
            ACCEPTED,
            &[
                "GET / HTTP/1.0\r\nHost: h\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: 1234567890123456789012==\r\n\r\n",
            ],
        ),
        (
            "head_of_200_bytes",
            HEAD_200,
            &[REQUEST, "X: 34567890123456789012\r\n\r\n"],
        ),
        (
            "head_of_201_bytes",
            HEAD_200,
            &[REQUEST, "X: 345678901234567890123\r\n\r\n"],
        ),
        ("tls", ACCEPTED, &["\u{16}\u{3}\u{1}"]),
        (
            "space_before_colon",
            ACCEPTED,
            &["GET / HTTP/1.1\r\nHost : h\r\n\r\n"],
        ),
        ("bare_cr", ACCEPTED, &["GET / HTTP/1.1\rHost: h\r\n\r\n"]),
        ("control", ACCEPTED, &["GET /\u{1} HTTP/1.1\r\n\r\n"]),
        ("cut_off", PIECES, &[REQUEST]),
    ];
    let seeds = cases.iter();
    let mut seeds: Vec<Seed> = seeds
        .map(|(name, choices, wire)| {
            let bytes = [choices, wire.concat().as_bytes()].concat();
            seed("server_handshake", name, bytes)
        })
        .collect();
    // An hour passes before the request is complete; then the refusal is written and lingers.
    let late = [
        &[0, 0][..],
        &chunk(&[1, 4, 5, 1, 2, 1, 4, 5]),
        &[1, 99],
        REQUEST.as_bytes(),
    ];
    seeds.push(seed("server_handshake", "too_late", late.concat()));
    let undecided = [
        &[0, 0][..],
        &chunk(&[1, 0, 1, 4, 5]),
        &[0],
        REQUEST.as_bytes(),
        b"\r\n",
    ];
    seeds.push(seed("server_handshake", "undecided", undecided.concat()));
    seeds
}
