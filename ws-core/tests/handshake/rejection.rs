//! A server that refuses: the client gets status, headers and body, bounded in size and time.

use core::time::Duration;

use crate::handshake_support::{NOW, client, client_for, feed, plain_request};
use ws_core::handshake::{ClientHandshake, HandshakeError, Limits, Rejection};
use ws_core::{Machine, Transport, TransportEnd};

fn rejection(client: &mut ClientHandshake) -> Rejection {
    assert_eq!(
        (client.ready(NOW), client.transport()),
        (true, Transport::Close)
    );
    match client.poll(NOW).map(|_| ()) {
        Err(HandshakeError::Rejected(rejection)) => *rejection,
        other => panic!("{other:?}"),
    }
}

/// The refusal that these bytes are, whole and byte by byte, if it ends by itself.
fn rejected(answer: &str) -> Rejection {
    let [whole, bytes] = [usize::MAX, 1].map(|step| {
        let mut client = client();
        feed(&mut client, answer.as_bytes(), step);
        rejection(&mut client)
    });
    assert_eq!(whole, bytes);
    whole
}

#[test]
fn any_other_status_fails_with_status_headers_and_body() {
    let refused = rejected(
        "HTTP/1.1 401 Unauthorized\r\n\
         WWW-Authenticate: Basic realm=x\r\n\
         www-authenticate: Bearer\r\n\
         Content-Length: 9\r\n\r\n\
         who? \u{e4}\u{a7}and more",
    );
    assert_eq!((refused.status, refused.truncated), (401, false));
    assert_eq!(refused.header("WWW-Authenticate"), Some("Basic realm=x"));
    assert_eq!(refused.headers.get_all("www-authenticate").count(), 2);
    assert_eq!(refused.headers.len(), 3);
    assert_eq!((refused.body.len(), refused.text().len()), (9, 9));
    assert_eq!(refused.location(), None);
    let error = HandshakeError::Rejected(Box::new(refused));
    assert_eq!(error.to_string(), "the server refused with status 401");
    assert!(error.explain().suggestion.contains("credentials"));
    assert!(
        !format!("{error:?}").contains("realm"),
        "values may be secret"
    );

    for status in [200, 204, 301, 400, 404, 426, 429, 500, 503, 599, 999] {
        let refused = rejected(&format!("HTTP/1.1 {status} \r\nContent-Length: 0\r\n\r\n"));
        assert_eq!(refused.status, status);
        assert!(!refused.explain().message.is_empty());
    }
    assert_eq!(
        rejected("HTTP/1.0 503 \r\nContent-Length: 0\r\n\r\n").status,
        503
    );
}

#[test]
fn a_chunked_body_is_put_together() {
    let refused = rejected(
        "HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\nRetry-After: 7\r\n\r\n\
         4\r\ntry \r\n5;x\r\nlater\r\n0\r\n\r\n",
    );
    assert_eq!(
        (refused.text().as_str(), refused.truncated),
        ("try later", false)
    );
    assert_eq!(refused.header("retry-after"), Some("7"));
}

#[test]
fn a_body_without_length_ends_with_the_stream() {
    for (end, truncated) in [(TransportEnd::Eof, false), (TransportEnd::Reset, true)] {
        let mut client = client();
        assert!(!feed(&mut client, b"HTTP/1.1 403 \r\n\r\ngo away", 3));
        client.lost(end);
        let refused = rejection(&mut client);
        assert_eq!(
            (refused.text().as_str(), refused.truncated),
            ("go away", truncated)
        );
    }
}

#[test]
fn a_body_that_breaks_off_is_given_as_far_as_it_came() {
    let mut client = client();
    feed(
        &mut client,
        b"HTTP/1.1 403 \r\nContent-Length: 100\r\n\r\ngo",
        3,
    );
    client.lost(TransportEnd::Eof);
    let refused = rejection(&mut client);
    assert_eq!(
        (refused.status, refused.text().as_str(), refused.truncated),
        (403, "go", true)
    );
}

#[test]
fn the_body_is_kept_up_to_16_kib_and_nobody_waits_for_the_rest() {
    for framing in [
        "Content-Length: 99999999",
        "Transfer-Encoding: chunked",
        "X: to the end",
    ] {
        let mut answer = format!("HTTP/1.1 500 \r\n{framing}\r\n\r\n");
        if framing.ends_with("chunked") {
            answer.push_str("ffffff\r\n");
        }
        answer.push_str(&"x".repeat((16 << 10) + 1));
        let refused = rejected(&answer);
        assert_eq!(
            (refused.body.len(), refused.truncated),
            (16 << 10, true),
            "{framing}"
        );
    }
    let mut small = client_for(&plain_request(), Limits::default().max_body(0));
    feed(&mut small, b"HTTP/1.1 500 \r\nContent-Length: 1\r\n\r\n", 5);
    assert!(rejection(&mut small).truncated);
}

#[test]
fn endless_error_bodies_end_at_the_deadline_with_what_came() {
    let limits = Limits::default().timeout(Duration::from_secs(3));
    for framing in [
        "Content-Length: 100",
        "Transfer-Encoding: chunked",
        "X: to the end",
    ] {
        let mut client = client_for(&plain_request(), limits.clone());
        let part = if framing.ends_with("chunked") {
            "64\r\npart"
        } else {
            "part"
        };
        let answer = format!("HTTP/1.1 500 \r\n{framing}\r\n\r\n{part}");
        assert!(!feed(&mut client, answer.as_bytes(), 1));
        let (at, _) = client.poll_timeout().expect("there is a deadline");
        assert_eq!(at, NOW + Duration::from_secs(3));
        client.handle_timeout(at);
        let refused = rejection(&mut client);
        assert_eq!((refused.text().as_str(), refused.truncated), ("part", true));
        assert_eq!(client.poll_timeout(), None);
    }
}

#[test]
fn a_length_that_can_not_be_relied_on_does_not_hide_the_status() {
    for lengths in [
        "Content-Length: 1\r\nContent-Length: 2",
        "Content-Length: x",
    ] {
        let mut client = client();
        feed(
            &mut client,
            format!("HTTP/1.1 429 \r\n{lengths}\r\n\r\nslow").as_bytes(),
            2,
        );
        client.lost(TransportEnd::Eof);
        let refused = rejection(&mut client);
        assert_eq!((refused.status, refused.text().as_str()), (429, "slow"));
    }
}
