//! The text of an error has the whole story, so no `source()` tells a part of it again: neither a
//! report that prints one line nor one that follows the sources loses or repeats anything.

mod support;

use core::error::Error;

use support::sources::sources;
use ws_core::TransportEnd;
use ws_core::close::CloseCode;
use ws_core::connection::{By, Cause, Closed};
use ws_core::error::{ProtocolError, SendError};
use ws_core::ext::ExtError;
use ws_core::handshake::{AnswerError, HandshakeError, HeaderError, RedirectError, RequestError};
use ws_core::policy::{IoClass, Stage};
use ws_core::session::{self, DialError, End, Lost, State, correlate};
use ws_core::url::UrlError;

/// Every error that has another inside, and the text of that one.
fn nested() -> Vec<(Box<dyn Error>, String)> {
    let mut all: Vec<(Box<dyn Error>, String)> = Vec::new();
    let mut add = |outer: Box<dyn Error>, inner: &dyn Error| all.push((outer, inner.to_string()));

    let header = || HeaderError::BadName;
    add(
        Box::new(RequestError::Extension(ExtError::NotToken)),
        &ExtError::NotToken,
    );
    add(Box::new(RequestError::Header(header())), &header());
    add(
        Box::new(RequestError::Url(UrlError::NoScheme)),
        &UrlError::NoScheme,
    );
    add(Box::new(AnswerError::Header(header())), &header());
    add(
        Box::new(HandshakeError::BadExtensions(ExtError::NotToken)),
        &ExtError::NotToken,
    );
    add(
        Box::new(RedirectError::BadLocation(UrlError::NoScheme)),
        &UrlError::NoScheme,
    );

    let closed = |cause| {
        let mut closed = closed();
        closed.cause = cause;
        closed
    };
    let fault = ProtocolError::InvalidUtf8;
    add(Box::new(closed(Cause::Protocol(fault.clone()))), &fault);
    let dial = DialError::new(Stage::Connect, IoClass::Refused);
    add(Box::new(Lost::Dial(dial)), &dial);
    add(
        Box::new(Lost::Closed(closed(Cause::Peer))),
        &closed(Cause::Peer),
    );
    add(
        Box::new(Lost::Handshake(HandshakeError::NotHttp)),
        &HandshakeError::NotHttp,
    );
    let lost = || Lost::Dial(dial);
    add(Box::new(End::Fatal(lost())), &lost());
    let full = || SendError::Full { queued: 1 };
    add(Box::new(session::SendError::Refused(full())), &full());
    let many = || correlate::RequestError::TooMany(3);
    add(Box::new(session::RequestError::Correlate(many())), &many());
    let not_ready = || session::SendError::NotReady(State::Idle);
    add(
        Box::new(session::RequestError::Send(not_ready())),
        &not_ready(),
    );

    #[cfg(feature = "std")]
    {
        use std::io;
        use ws_core::error;
        use ws_core::options::{AcceptError, ConnectError, StartError};
        use ws_core::policy::Stage;

        let io = || io::Error::other("the disk is on fire");
        add(Box::new(error::Error::Io(io())), &io());
        add(Box::new(error::Error::Send(full())), &full());
        let authority = String::from("h:1");
        add(
            Box::new(ConnectError::Dial {
                authority,
                stage: Stage::Connect,
                error: io(),
            }),
            &io(),
        );
        add(
            Box::new(ConnectError::Handshake(HandshakeError::NotHttp)),
            &HandshakeError::NotHttp,
        );
        add(Box::new(ConnectError::Random(io())), &io());
        add(
            Box::new(ConnectError::from(UrlError::NoScheme)),
            &UrlError::NoScheme,
        );
        add(Box::new(StartError::Ended(End::Fatal(lost()))), &lost());
        add(Box::new(StartError::Random(io())), &io());
        add(
            Box::new(StartError::from(UrlError::NoScheme)),
            &UrlError::NoScheme,
        );
        add(Box::new(StartError::Thread(io())), &io());
        add(
            Box::new(AcceptError::Answer(AnswerError::NoRequest)),
            &AnswerError::NoRequest,
        );
        add(
            Box::new(AcceptError::Handshake(HandshakeError::NotHttp)),
            &HandshakeError::NotHttp,
        );
    }
    #[cfg(feature = "deflate")]
    {
        use ws_core::deflate::TermsError;
        let terms = || TermsError::Unknown { name: "x".into() };
        add(Box::new(HandshakeError::BadDeflate(terms())), &terms());
    }
    #[cfg(feature = "pump")]
    {
        use ws_core::pump::client::RequestFailed;
        let refused = || session::RequestError::Send(not_ready());
        add(Box::new(RequestFailed::Refused(refused())), &refused());
    }
    all
}

/// A clean end.
fn closed() -> Closed {
    use ws_core::connection::{Config, Connection, Event};
    use ws_core::handshake::{Agreed, Opened};
    use ws_core::{Instant, Machine, Role, Seed};

    let opened = Opened::upgraded(Role::Client, Agreed::default(), &[], Seed::new([7; 32]));
    let mut connection = Connection::new(opened, &Config::default(), Instant::ORIGIN);
    connection.lost(TransportEnd::Reset);
    let Some((Event::Closed(closed), _)) = connection.poll(Instant::ORIGIN) else {
        panic!("it is lost");
    };
    assert_eq!(
        (closed.by, closed.code),
        (By::Transport, CloseCode::ABNORMAL)
    );
    closed.clone()
}

#[test]
fn the_text_of_an_error_has_what_is_underneath_and_its_sources_do_not_repeat_it() {
    for (error, inner) in nested() {
        let text = error.to_string();
        assert!(text.contains(&inner), "{text:?} without {inner:?}");
        let mut source = error.source();
        while let Some(next) = source {
            let said = next.to_string();
            assert!(!text.contains(&said), "{text:?} says {said:?} twice");
            source = next.source();
        }
    }
}

/// Lines at which an error that has a text of its own also has a source.
fn repeats(text: &str) -> Vec<usize> {
    let mut transparent = false;
    let lines = text.lines().enumerate();
    let found = lines.filter_map(|(i, line)| {
        if line.contains("#[error(") {
            transparent = line.contains("#[error(transparent)]");
        }
        let source = ["#[from]", "#[source]"]
            .iter()
            .any(|what| line.contains(what));
        (line.contains("fn source(") || source && !transparent).then_some(i + 1)
    });
    found.collect()
}

#[test]
fn an_error_with_a_text_of_its_own_has_no_source() {
    for source in sources("src") {
        assert_eq!(repeats(&source.text), [0; 0], "{}", source.path);
    }
    assert_eq!(
        repeats("#[error(\"failed: {0}\")]\nIo(#[from] io::Error),"),
        [2]
    );
    assert_eq!(
        repeats("#[error(transparent)]\nIo(#[from] io::Error),"),
        [0; 0]
    );
}
