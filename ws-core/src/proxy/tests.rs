//! Tunnels against scripted proxies.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Buf;

use super::*;
use crate::handshake::{HandshakeError, Limits};
use crate::{Deadline, Instant, Machine, Transport, TransportEnd};

const NOW: Instant = Instant::ORIGIN;

fn proxy(url: &str) -> Proxy {
    url.parse().unwrap()
}

fn tunnel(url: &str, host: &str) -> Tunnel {
    let host = host.parse::<crate::url::Url>().unwrap().host().clone();
    Tunnel::new(&proxy(url), &host, 443, &Limits::default(), NOW)
}

fn sent(tunnel: &mut Tunnel) -> Vec<u8> {
    let send = tunnel.io().1;
    let bytes = send.copy_to_bytes(send.remaining());
    bytes.to_vec()
}

fn fault(tunnel: &mut Tunnel) -> ProxyFault {
    let error = tunnel.poll(NOW).unwrap_err();
    assert!(error.to_string().contains(&*error.proxy));
    assert!(!error.explain().message.is_empty());
    assert_eq!(tunnel.transport(), Transport::Close);
    assert_eq!(tunnel.poll_timeout(), None);
    error.fault
}

/// Plays `answers` one after the other, each after the words that provoke it, byte by byte or whole.
fn play(url: &str, host: &str, script: &[(&[u8], &[u8])]) -> Tunnel {
    let mut played = Vec::new();
    for step in [usize::MAX, 1, 2, 3] {
        let mut tunnel = tunnel(url, host);
        for (expected, answer) in script {
            assert_eq!(tunnel.poll(NOW), Ok(false));
            assert_eq!(
                String::from_utf8_lossy(&sent(&mut tunnel)),
                String::from_utf8_lossy(expected)
            );
            for piece in answer.chunks(step.min(answer.len().max(1))) {
                assert!(!tunnel.poll(NOW).unwrap_or(true));
                tunnel.io().0.extend_from_slice(piece);
            }
        }
        let result = tunnel.poll(NOW);
        played.push((result, tunnel));
    }
    let (first, tunnel) = played.pop().unwrap();
    for (result, _) in played {
        assert_eq!(result, first, "the split of the bytes matters");
    }
    tunnel
}

#[test]
fn connect_opens_the_way() {
    let request = b"CONNECT h.example:443 HTTP/1.1\r\nHost: h.example:443\r\n\r\n";
    for answer in [
        &b"HTTP/1.1 200 Connection established\r\n\r\n"[..],
        b"HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    ] {
        let mut tunnel = play("http://p:3128", "wss://h.example", &[(request, answer)]);
        assert_eq!(tunnel.poll(NOW), Ok(true));
        assert!(tunnel.ready(NOW));
        assert_eq!(
            (tunnel.transport(), tunnel.poll_timeout()),
            (Transport::Open, None)
        );
        // What happens to the transport from here on is none of its affair.
        tunnel.lost(TransportEnd::Reset);
        assert_eq!(tunnel.poll(NOW), Ok(true));
    }
}

#[test]
fn connect_says_who_asks_and_names_addresses_in_brackets() {
    let mut tunnel = tunnel("http://Aladdin:open%20sesame@p", "wss://[2001:db8::1]");
    let request = "CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\
                   Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n";
    assert_eq!(sent(&mut tunnel), request.as_bytes());
}

#[test]
fn refusals_of_connect_are_told_apart() {
    let no = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno";
    let mut unknown = tunnel("http://p", "wss://h");
    unknown.io().0.extend_from_slice(no);
    assert_eq!(fault(&mut unknown), ProxyFault::AuthRequired);
    let mut known = tunnel("http://a:b@p", "wss://h");
    known.io().0.extend_from_slice(no);
    assert_eq!(fault(&mut known), ProxyFault::AuthRefused);

    let mut forbidden = tunnel("http://p", "wss://h");
    forbidden
        .io()
        .0
        .extend_from_slice(b"HTTP/1.1 403 Forbidden\r\n\r\nby rule 7");
    assert_eq!(forbidden.poll(NOW), Ok(false));
    forbidden.lost(TransportEnd::Eof);
    let ProxyFault::Refused(rejection) = fault(&mut forbidden) else {
        panic!()
    };
    assert_eq!((rejection.status, rejection.truncated), (403, false));
    assert_eq!(rejection.text(), "by rule 7");
}

#[test]
fn an_answer_of_connect_is_bounded_and_read_strictly() {
    let mut endless = tunnel("http://p", "wss://h");
    let mut fed = 0;
    endless.io().0.extend_from_slice(b"HTTP/1.1 200 OK\r\nX: ");
    while endless.poll(NOW).is_ok() {
        endless.io().0.extend_from_slice(&[b'y'; 64]);
        fed += 64;
        assert!(fed < 20 << 10);
    }
    let expected = HandshakeError::HeadTooLarge { limit: 16 << 10 };
    assert_eq!(fault(&mut endless), ProxyFault::Handshake(expected));
    let mut early = tunnel("http://p", "wss://h");
    early
        .io()
        .0
        .extend_from_slice(b"HTTP/1.1 200 OK\r\n\r\nSSH-2.0");
    let expected = HandshakeError::EarlyData { limit: 0 };
    assert_eq!(fault(&mut early), ProxyFault::Handshake(expected));
    let mut garbage = tunnel("http://p", "wss://h");
    garbage.io().0.extend_from_slice(&[5, 0xff]);
    assert_eq!(
        fault(&mut garbage),
        ProxyFault::Handshake(HandshakeError::NotHttp)
    );
}

#[test]
fn socks_opens_the_way_for_every_kind_of_host() {
    let name = b"\x05\x01\x00\x03\x09h.example\x01\xbb";
    let v4 = b"\x05\x01\x00\x01\x7f\x00\x00\x01\x01\xbb";
    let v6 = b"\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x01\xbb";
    let bound = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00";
    let bound_v6 = b"\x05\x00\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let bound_name = b"\x05\x00\x00\x03\x01x\x00\x00";
    for (host, request, answer) in [
        ("wss://h.example", &name[..], &bound[..]),
        ("wss://127.0.0.1", v4, bound_v6),
        ("wss://[::1]", v6, bound_name),
    ] {
        let script = [(&[5, 1, 0][..], &[5, 0][..]), (request, answer)];
        let mut tunnel = play("socks5://p", host, &script);
        assert_eq!(tunnel.poll(NOW), Ok(true));
    }
}

#[test]
fn socks_logs_in_if_the_proxy_wants_it() {
    let request = b"\x05\x01\x00\x03\x01h\x01\xbb";
    let bound = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00";
    let hello = &[5, 2, 0, 2][..];
    let login = b"\x01\x01a\x02bc";
    let script = [
        (hello, &[5, 2][..]),
        (&login[..], &[1, 0]),
        (request, bound),
    ];
    let mut tunnel = play("socks5h://a:bc@p", "wss://h", &script);
    assert_eq!(tunnel.poll(NOW), Ok(true));
    // Offered, and not wanted.
    let script = [(hello, &[5, 0][..]), (request, bound)];
    let mut tunnel = play("socks5://a:bc@p", "wss://h", &script);
    assert_eq!(tunnel.poll(NOW), Ok(true));
    let script = [(hello, &[5, 2][..]), (&login[..], &[1, 1])];
    let mut tunnel = play("socks5://a:bc@p", "wss://h", &script);
    assert_eq!(fault(&mut tunnel), ProxyFault::AuthRefused);
    let mut tunnel = play("socks5://a:bc@p", "wss://h", &[(hello, &[5, 0xff])]);
    assert_eq!(fault(&mut tunnel), ProxyFault::AuthRefused);
    let mut tunnel = play("socks5://p", "wss://h", &[(&[5, 1, 0], &[5, 0xff])]);
    assert_eq!(fault(&mut tunnel), ProxyFault::AuthRequired);
}

#[test]
fn every_reply_of_socks_has_its_fault() {
    for reply in 1..=9 {
        let mut tunnel = tunnel("socks5://p", "wss://h");
        tunnel.io().0.extend_from_slice(&[5, 0, 5, reply]);
        let expected = SocksFault::from_reply(reply).unwrap();
        assert_eq!(fault(&mut tunnel), ProxyFault::Socks(expected));
    }
    assert_eq!(SocksFault::from_reply(0), None);
    assert_eq!(SocksFault::from_reply(9), Some(SocksFault::Unassigned(9)));
}

#[test]
fn what_is_not_socks_is_told_at_the_first_byte_that_shows_it() {
    for bytes in [
        &b"HTTP/1.1 400 Bad Request\r\n"[..],
        &[4],
        &[5, 1],
        // A way to log in that was not offered.
        &[5, 2],
        &[5, 0, 4],
        &[5, 0, 5, 0, 0, 2],
    ] {
        let mut tunnel = tunnel("socks5://p", "wss://h");
        tunnel.io().0.extend_from_slice(bytes);
        assert_eq!(fault(&mut tunnel), ProxyFault::NotSocks, "{bytes:?}");
    }
    let mut login = tunnel("socks5://a:b@p", "wss://h");
    login.io().0.extend_from_slice(&[5, 2, 5]);
    assert_eq!(fault(&mut login), ProxyFault::NotSocks);
}

#[test]
fn credentials_that_socks_can_not_carry_are_refused_before_a_byte() {
    for login in [("", "x"), ("x", ""), (&*"x".repeat(256), "x")] {
        let proxy = proxy("socks5://p").login(login.0, login.1);
        let host = proxy.host().clone();
        let mut tunnel = Tunnel::new(&proxy, &host, 443, &Limits::default(), NOW);
        assert_eq!(fault(&mut tunnel), ProxyFault::LoginTooLong);
        assert!(sent(&mut tunnel).is_empty());
    }
}

#[test]
fn silence_ends_at_the_deadline_and_the_end_of_the_transport_is_told() {
    for url in ["http://p", "socks5://p"] {
        let mut silent = tunnel(url, "wss://h");
        let end = NOW + Duration::from_secs(10);
        assert_eq!(silent.poll_timeout(), Some((end, Deadline::Dial)));
        silent.handle_timeout(NOW + Duration::from_secs(9));
        assert_eq!(silent.poll(NOW), Ok(false));
        silent.handle_timeout(end);
        assert_eq!(
            fault(&mut silent),
            ProxyFault::Handshake(HandshakeError::Timeout)
        );
        let mut gone = tunnel(url, "wss://h");
        gone.unwritable(NOW);
        gone.lost(TransportEnd::Reset);
        let expected = HandshakeError::Ended {
            end: TransportEnd::Reset,
            received: 0,
        };
        assert_eq!(fault(&mut gone), ProxyFault::Handshake(expected));
    }
}

#[test]
fn urls_of_proxies_are_read_strictly_and_shown_without_secrets() {
    for (text, shown) in [
        ("http://p", "http://p:80"),
        ("HTTP://P:3128/", "http://p:3128"),
        ("socks5://p", "socks5://p:1080"),
        ("socks5h://u:s3cret@[::1]:9", "socks5://[::1]:9"),
    ] {
        let proxy = proxy(text);
        assert_eq!(proxy.to_string(), shown);
        assert!(!alloc::format!("{proxy:?}").contains("s3cret"));
    }
    for (text, error) in [
        ("p:80", UrlError::NoScheme),
        ("https://p", UrlError::UnknownScheme),
        ("socks4://p", UrlError::UnknownScheme),
        ("http://", UrlError::EmptyHost),
        ("http://p/x", UrlError::BadHost),
        ("http://p:0", UrlError::BadPort),
    ] {
        assert_eq!(Proxy::parse(text), Err(error), "{text}");
    }
}
