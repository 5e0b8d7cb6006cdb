//! Every error of URLs, extensions and handshakes says what happened, and explains what to do.

use core::error::Error;

use crate::handshake_support::{NOW, client, feed};
use ws_core::TransportEnd;
use ws_core::error::Explanation;
use ws_core::ext::{ExtError, Offer};
use ws_core::handshake::{
    AnswerError, HandshakeError, HeadFault, HeaderError, RedirectError, RequestError,
};
use ws_core::url::UrlError;

/// Errors read as the style asks: lower case, no dot at the end, small, and they explain themselves.
fn check<E: Error + Clone + PartialEq + Send + Sync>(error: &E, explanation: Explanation) {
    let text = error.to_string();
    assert!(
        text.chars()
            .next()
            .is_some_and(|first| !first.is_uppercase()),
        "{text}"
    );
    assert!(!text.ends_with('.') && !text.contains('\n'), "{text}");
    assert!(size_of::<E>() <= 32);
    for part in [explanation.message, explanation.suggestion] {
        assert!(
            part.chars().next().is_some_and(char::is_uppercase),
            "{part}"
        );
        assert!(!part.ends_with('.'), "{part}");
    }
}

#[test]
fn errors_of_the_opening_handshake() {
    let name = "Sec-WebSocket-Key";
    let mut client = client();
    feed(
        &mut client,
        b"HTTP/1.1 418 \r\nContent-Length: 0\r\n\r\n",
        9,
    );
    let rejected = client.poll(NOW).map(|_| ()).expect_err("refused");
    let ends = [
        TransportEnd::Eof,
        TransportEnd::Other,
        TransportEnd::Reset,
        TransportEnd::TimedOut,
    ];
    let ended = ends.map(|end| HandshakeError::Ended { end, received: 1 });
    for error in ended.into_iter().chain([
        HandshakeError::AcceptMismatch,
        HandshakeError::BadExtensions(ExtError::Empty),
        HandshakeError::BadHead {
            fault: HeadFault::ObsFold,
        },
        HandshakeError::BadHeader { name },
        HandshakeError::BadHttpVersion,
        HandshakeError::BadTarget,
        HandshakeError::BodyAnnounced,
        HandshakeError::DuplicateHeader { name },
        HandshakeError::EarlyData { limit: 1 },
        HandshakeError::Ended {
            end: TransportEnd::Eof,
            received: 0,
        },
        HandshakeError::ExtensionNotOffered { name: "x".into() },
        HandshakeError::ExtensionRepeated { name: "x".into() },
        HandshakeError::HeadTooLarge { limit: 1 },
        HandshakeError::MethodNotAllowed { method: "x".into() },
        HandshakeError::MissingHeader { name },
        HandshakeError::NotAnUpgrade,
        HandshakeError::NotHttp,
        HandshakeError::Refused { status: 403 },
        rejected,
        HandshakeError::SubprotocolNotOffered { name: "x".into() },
        HandshakeError::Timeout,
        HandshakeError::TlsFromClient,
        HandshakeError::TlsFromServer,
        HandshakeError::TooManyHeaders { limit: 1 },
        HandshakeError::Undecided,
        HandshakeError::UpgradeMissing { name },
        HandshakeError::WrongVersion,
    ]) {
        let explanation = error.explain();
        // A header's name is written as it is.
        let starts_with_a_name = error.to_string().starts_with("Sec-");
        if !starts_with_a_name {
            check(&error, explanation);
        }
        assert!(
            error
                .status_hint()
                .is_none_or(|status| (400..600).contains(&status))
        );
    }
}

#[test]
fn errors_of_those_who_call_it() {
    for error in [
        RequestError::Extension(ExtError::Separator),
        RequestError::Header(HeaderError::BadName),
        RequestError::ReservedExtension,
        RequestError::SubprotocolNotToken,
        RequestError::SubprotocolRepeated { name: "x".into() },
        RequestError::Url(UrlError::EmptyHost),
    ] {
        check(&error, error.explain());
    }
    for error in [
        AnswerError::BadStatus { status: 101 },
        AnswerError::BodyTooLarge { len: 2, limit: 1 },
        AnswerError::ExtensionNotOffered { name: "x".into() },
        AnswerError::Header(HeaderError::BadValue { name: "x".into() }),
        AnswerError::Header(HeaderError::Reserved { name: "x".into() }),
        AnswerError::NoRequest,
        AnswerError::ReservedExtension,
        AnswerError::SubprotocolNotOffered,
    ] {
        check(&error, error.explain());
    }
    for error in [
        RedirectError::BadLocation(UrlError::BadPort),
        RedirectError::Downgrade,
        RedirectError::NoLocation,
    ] {
        check(&error, error.explain());
    }
}

#[test]
fn errors_of_extensions() {
    for error in [
        ExtError::Empty,
        ExtError::NotToken,
        ExtError::Separator,
        ExtError::TooMany { limit: 32 },
        ExtError::Unterminated,
        ExtError::ValueNotToken,
    ] {
        check(&error, error.explain());
    }
}

#[test]
fn headers_and_parameters_can_be_walked_through() {
    let mut client = client();
    feed(
        &mut client,
        b"HTTP/1.1 500 \r\nA: 1\r\nb:\r\nContent-Length: 0\r\n\r\n",
        9,
    );
    let Err(HandshakeError::Rejected(rejection)) = client.poll(NOW).map(|_| ()) else {
        panic!("refused");
    };
    let all: Vec<(&str, &[u8])> = rejection.headers.iter().collect();
    assert_eq!(
        all,
        [("A", &b"1"[..]), ("b", b""), ("Content-Length", b"0")]
    );
    assert!(!rejection.headers.is_empty());
    let offer = Offer::new("x").and_then(|offer| offer.flag("f")?.param("p", "v"));
    let offer = offer.expect("tokens");
    assert_eq!(
        offer.params().collect::<Vec<_>>(),
        [("f", None), ("p", Some("v"))]
    );
    assert_eq!((offer.value("f"), offer.value("p")), (None, Some("v")));
}
