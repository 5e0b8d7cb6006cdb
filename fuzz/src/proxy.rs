//! What a proxy may answer.

use bytes::Buf;
use ws_core::handshake::Limits;
use ws_core::proxy::{Proxy, ProxyError, ProxyFault, SocksFault, Tunnel};
use ws_core::url::Host;
use ws_core::{Instant, Machine, Transport, TransportEnd};

const NOW: Instant = Instant::ORIGIN;

/// The most that an answer may keep in memory: a head and a body, each of 16 KiB, and what one read
/// brings.
const KEPT: usize = 40 << 10;

/// An answer comes to the same however it is cut: a way, a fault, or nothing yet; and what SOCKS5
/// answers means what RFC 1928 says.
///
/// Input: a byte that chooses proxy and login, and the answer.
pub fn proxy(data: &[u8]) {
    let Some((&choice, answer)) = data.split_first() else {
        return;
    };
    let (socks, login) = (choice & 1 == 1, choice & 2 == 2);
    let url = match (socks, login) {
        (false, false) => "http://p",
        (false, true) => "http://a:b@p",
        (true, false) => "socks5://p",
        (true, true) => "socks5://a:b@p",
    };
    let proxy = Proxy::parse(url).expect("a url");
    let whole = play(&proxy, answer, usize::MAX, choice & 4 == 4);
    for step in [1, 2, 3, 7] {
        let cut = play(&proxy, answer, step, choice & 4 == 4);
        assert_eq!(cut.0, whole.0, "{step}");
        if let (Some(cut), Some(whole)) = (cut.1, &whole.1) {
            assert_eq!(cut, *whole, "{step}");
        }
    }
    if socks && choice & 4 == 0 {
        assert_eq!(whole.0, model(answer, login));
    }
    if let Some(said) = whole.1 {
        assert_eq!(said, expected(socks, login, answer));
    }
}

/// What comes of an answer in pieces, and what was said if a way was opened and nothing came behind.
fn play(
    proxy: &Proxy,
    answer: &[u8],
    step: usize,
    end: bool,
) -> (Result<bool, ProxyFault>, Option<Vec<u8>>) {
    let host = Host::Domain("h".into());
    let mut tunnel = Tunnel::new(proxy, &host, 443, &Limits::default(), NOW);
    let mut said = Vec::new();
    let mut drain = |tunnel: &mut Tunnel| {
        let out = tunnel.io().1;
        said.extend_from_slice(&out.copy_to_bytes(out.remaining()));
    };
    drain(&mut tunnel);
    let mut outcome = Ok(false);
    let mut rest = answer;
    while outcome == Ok(false) && !rest.is_empty() {
        let (piece, behind) = rest.split_at(step.min(rest.len()));
        rest = behind;
        tunnel.io().0.extend_from_slice(piece);
        outcome = tunnel.poll(NOW);
        drain(&mut tunnel);
        assert!(tunnel.io().0.filled().len() <= KEPT.max(step.min(answer.len())));
    }
    if end && outcome == Ok(false) {
        tunnel.lost(TransportEnd::Eof);
        outcome = tunnel.poll(NOW);
        assert!(outcome != Ok(false), "nothing more can come");
    }
    assert_eq!(tunnel.poll(NOW), outcome, "asking again");
    assert_eq!(tunnel.ready(NOW), outcome != Ok(false));
    assert_eq!(tunnel.transport() == Transport::Close, outcome.is_err());
    assert_eq!(tunnel.poll_timeout().is_some(), outcome == Ok(false));
    let open = outcome == Ok(true);
    let outcome = match outcome {
        // Bytes behind an open way are a fault; which of them have come by then is chance.
        Err(ProxyError { fault, .. }) if early(&fault) => Ok(true),
        Err(ProxyError { fault, .. }) => Err(fault),
        Ok(open) => Ok(open),
    };
    (outcome, open.then_some(said))
}

fn early(fault: &ProxyFault) -> bool {
    use ws_core::handshake::HandshakeError::EarlyData;
    matches!(fault, ProxyFault::Handshake(EarlyData { limit: 0 }))
}

/// RFC 1928 and RFC 1929 once more, on a whole answer.
fn model(answer: &[u8], login: bool) -> Result<bool, ProxyFault> {
    let (chosen, rest) = match answer {
        [] => return Ok(false),
        [version, ..] if *version != 5 => return Err(ProxyFault::NotSocks),
        [_] => return Ok(false),
        [_, chosen, rest @ ..] => (*chosen, rest),
    };
    let rest = match (chosen, login) {
        (0, _) => rest,
        (2, true) => match rest {
            [] => return Ok(false),
            [version, ..] if *version != 1 => return Err(ProxyFault::NotSocks),
            [_] => return Ok(false),
            [_, 0, rest @ ..] => rest,
            [_, _, ..] => return Err(ProxyFault::AuthRefused),
        },
        (0xff, true) => return Err(ProxyFault::AuthRefused),
        (0xff, false) => return Err(ProxyFault::AuthRequired),
        _ => return Err(ProxyFault::NotSocks),
    };
    let len = match rest {
        [] => return Ok(false),
        [version, ..] if *version != 5 => return Err(ProxyFault::NotSocks),
        [_] => return Ok(false),
        [_, reply, ..] if *reply != 0 => return Err(ProxyFault::Socks(fault(*reply))),
        [_, _, _, 1, ..] => 10,
        [_, _, _, 4, ..] => 22,
        [_, _, _, 3, len, ..] => 7 + usize::from(*len),
        [_, _] | [_, _, _] | [_, _, _, 3] => return Ok(false),
        _ => return Err(ProxyFault::NotSocks),
    };
    Ok(rest.len() >= len)
}

fn fault(reply: u8) -> SocksFault {
    match reply {
        1 => SocksFault::General,
        2 => SocksFault::NotAllowed,
        3 => SocksFault::NetworkUnreachable,
        4 => SocksFault::HostUnreachable,
        5 => SocksFault::ConnectionRefused,
        6 => SocksFault::TtlExpired,
        7 => SocksFault::CommandNotSupported,
        8 => SocksFault::AddressNotSupported,
        other => SocksFault::Unassigned(other),
    }
}

/// What is said until a way is open.
fn expected(socks: bool, login: bool, answer: &[u8]) -> Vec<u8> {
    if !socks {
        let login = match login {
            true => "Proxy-Authorization: Basic YTpi\r\n",
            false => "",
        };
        return format!("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n{login}\r\n").into();
    }
    let mut said = match login {
        true => vec![5, 2, 0, 2],
        false => vec![5, 1, 0],
    };
    if answer[1] == 2 {
        said.extend_from_slice(&[1, 1, b'a', 1, b'b']);
    }
    said.extend_from_slice(&[5, 1, 0, 3, 1, b'h', 1, 187]);
    said
}
