//! One deadline for the whole handshake, and no busy loop around it.

use core::time::Duration;

use crate::handshake_support::{
    NOW, answer_with, client, client_for, feed, plain_request, request_with, sent, server,
};
use ws_core::handshake::{Accept, HandshakeError, Limits, ServerHandshake};
use ws_core::{Deadline, Machine, Transport};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_slow_honest_server_with_one_byte_per_segment_passes_within_the_deadline() {
    let answer = answer_with("");
    let step = 9 * SECOND / u32::try_from(answer.len()).expect("short");
    let mut client = client();
    let mut now = NOW;
    for byte in answer.bytes() {
        now += step;
        client.handle_timeout(now);
        assert!(!client.ready(now));
        client.io().0.extend_from_slice(&[byte]);
    }
    assert!(client.poll(now).is_ok_and(|response| response.is_some()));
}

#[test]
fn a_slow_honest_client_with_one_byte_per_segment_passes_within_the_deadline() {
    let request = request_with("");
    let step = 9 * SECOND / u32::try_from(request.len()).expect("short");
    let mut server = server();
    let mut now = NOW;
    for byte in request.bytes() {
        now += step;
        server.handle_timeout(now);
        assert!(!server.ready(now));
        server.io().0.extend_from_slice(&[byte]);
    }
    assert!(server.poll(now).is_ok_and(|request| request.is_some()));
}

#[test]
fn one_deadline_for_the_whole_handshake_and_not_per_read() {
    let limits = Limits::default().timeout(5 * SECOND);
    let mut client = client_for(&plain_request(), limits);
    for (second, byte) in (0..5).zip(b"HTTP/") {
        client.handle_timeout(NOW + second * SECOND);
        assert!(!feed(&mut client, &[*byte], 1));
        assert_eq!(
            client.poll_timeout(),
            Some((NOW + 5 * SECOND, Deadline::Handshake))
        );
    }
    client.handle_timeout(NOW + 5 * SECOND - Duration::from_nanos(1));
    assert!(!client.ready(NOW));
    client.handle_timeout(NOW + 5 * SECOND);
    assert_eq!(
        (client.ready(NOW), client.transport()),
        (true, Transport::Close)
    );
    assert_eq!(client.poll(NOW).map(|_| ()), Err(HandshakeError::Timeout));
    assert_eq!(client.poll_timeout(), None);
}

#[test]
fn what_came_in_time_counts_however_late_it_is_looked_at() {
    let late = NOW + 60 * SECOND;
    let mut client = client();
    client.io().0.extend_from_slice(answer_with("").as_bytes());
    client.handle_timeout(late);
    assert!(client.poll(late).is_ok_and(|response| response.is_some()));
}

#[test]
fn a_request_that_was_begun_is_answered_with_408_at_the_deadline() {
    let mut server = server();
    feed(&mut server, b"\r\nGET / HT", 3);
    let at = NOW + 10 * SECOND;
    assert_eq!(server.poll_timeout(), Some((at, Deadline::Handshake)));
    server.handle_timeout(at);
    assert!(sent(&mut server).starts_with(b"HTTP/1.1 408 Request Timeout\r\n"));
    assert_eq!(server.transport(), Transport::Shutdown);
    // A second is left for it to arrive.
    assert_eq!(
        server.poll_timeout(),
        Some((at + SECOND, Deadline::Handshake))
    );
    server.handle_timeout(at + SECOND);
    assert_eq!(server.transport(), Transport::Close);
    assert_eq!(
        server.poll(at + SECOND).map(|_| ()),
        Err(HandshakeError::Timeout)
    );
}

#[test]
fn a_connection_without_a_request_is_just_closed_at_the_deadline() {
    for begun in [&b""[..], b"\r\n"] {
        let mut server = server();
        feed(&mut server, begun, 1);
        let at = NOW + 10 * SECOND;
        server.handle_timeout(at);
        assert_eq!(
            (server.ready(at), server.transport()),
            (true, Transport::Close)
        );
        assert!(sent(&mut server).is_empty());
        assert_eq!(server.poll(at).map(|_| ()), Err(HandshakeError::Timeout));
    }
}

#[test]
fn an_application_that_does_not_decide_costs_the_client_a_503() {
    let mut server = server();
    feed(&mut server, request_with("").as_bytes(), usize::MAX);
    let (at, _) = server.poll_timeout().expect("the deadline still runs");
    server.handle_timeout(at);
    assert!(sent(&mut server).starts_with(b"HTTP/1.1 503 Service Unavailable\r\n"));
    assert!(server.accept(Accept::new()).is_err());
    server.handle_timeout(at + SECOND);
    let undecided = server.poll(at + SECOND).map(|_| ()).expect_err("too late");
    assert_eq!(undecided, HandshakeError::Undecided);
}

#[test]
fn an_answer_that_can_not_be_written_in_time_is_given_up() {
    let mut server = server();
    feed(&mut server, request_with("").as_bytes(), usize::MAX);
    server.accept(Accept::new()).expect("a request waits");
    assert!(!server.ready(NOW));
    let (at, _) = server.poll_timeout().expect("it is not written yet");
    server.handle_timeout(at);
    assert_eq!(
        (server.ready(at), server.transport()),
        (true, Transport::Close)
    );
    assert_eq!(server.poll(at).map(|_| ()), Err(HandshakeError::Timeout));
    assert!(sent(&mut server).is_empty());
}

/// Nobody drives the machine while the application looks something up.
#[test]
fn an_answer_that_took_the_application_long_has_the_handshake_s_time_again() {
    let late = NOW + 3600 * SECOND;
    for drive in [
        |server: &mut ServerHandshake, now| assert!(!server.ready(now)),
        |server: &mut ServerHandshake, now| server.handle_timeout(now),
    ] {
        let mut server = server();
        feed(&mut server, request_with("").as_bytes(), usize::MAX);
        server.accept(Accept::new()).expect("it still waits");
        drive(&mut server, late);
        let until = late + 10 * SECOND;
        assert_eq!(server.poll_timeout(), Some((until, Deadline::Handshake)));
        server.handle_timeout(until - SECOND);
        assert!(sent(&mut server).starts_with(b"HTTP/1.1 101 "));
        assert!(server.ready(until) && server.finish().is_ok());
    }
    let mut server = server();
    feed(&mut server, request_with("").as_bytes(), usize::MAX);
    server.reject(404, &[], b"", late).expect("it still waits");
    // No refusal takes longer than that.
    let until = late + 5 * SECOND;
    assert_eq!(server.poll_timeout(), Some((until, Deadline::Handshake)));
    assert!(sent(&mut server).starts_with(b"HTTP/1.1 404 "));
}

#[test]
fn once_the_answer_is_written_no_deadline_is_left() {
    let mut server = server();
    feed(&mut server, request_with("").as_bytes(), usize::MAX);
    server.accept(Accept::new()).expect("a request waits");
    sent(&mut server);
    assert_eq!(server.poll_timeout(), None);
    server.handle_timeout(NOW + 60 * SECOND);
    assert!(server.finish().is_ok());
}

#[test]
fn a_timeout_of_ever_never_comes() {
    let limits = Limits::default().timeout(Duration::MAX);
    let mut server = ServerHandshake::new(limits, NOW);
    server.handle_timeout(NOW + 1_000_000 * SECOND);
    assert!(!server.ready(NOW));
}
