//! A session over TLS, on real sockets: it stays up where it trusts the server, and does not dial for
//! ever where it does not (S16).
#![cfg(feature = "tls")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::net::TcpListener;
use tokio::time::timeout;
use ws_tokio::session::{Client, End, Event, Events, Lost, start};
use ws_tokio::tls::{Roots, TlsOptions, accept_tls, server_config};
use ws_tokio::ws_core::options::SessionOptions;
use ws_tokio::ws_core::policy::{BackoffPolicy, Classifier, IoClass, Row, Stage, Verdict, When};
use ws_tokio::ws_core::session::SessionConfig;
use ws_tokio::{Event as Heard, Request, Route, accept};

/// Far longer than anything here takes; a test that needs it has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server with a certificate that nobody has signed, how often it was dialed, and the certificate.
async fn server() -> (String, Arc<AtomicU32>, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([String::from("localhost")]).unwrap();
    let config = server_config(
        cert.pem().as_bytes(),
        signing_key.serialize_pem().as_bytes(),
    );
    let config = config.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://localhost:{}/", listener.local_addr().unwrap().port());
    let dials = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&dials);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let Ok(stream) = accept_tls(stream, Arc::clone(&config)).await else {
                continue;
            };
            let Ok(mut socket) = accept(stream).await else {
                continue;
            };
            // One echo for each connection, and then it is gone without a word.
            while let Some((event, reply)) = socket.read().await {
                if let Heard::Text(text) = event {
                    reply.text(text).unwrap();
                    let _ = socket.flush().await;
                    break;
                }
            }
        }
    });
    (url, dials, cert.pem())
}

fn session(url: &str, tls: TlsOptions, classifier: Classifier) -> (Client, Events) {
    let millisecond = Duration::from_millis(1);
    let backoff = BackoffPolicy::default()
        .first(None)
        .base(millisecond)
        .cap(millisecond);
    let config = SessionConfig::default()
        .backoff(backoff)
        .budget(None)
        .classifier(classifier);
    let route = Route::default().tls(tls.roots(Roots::None));
    let options = SessionOptions::default().config(config).route(route);
    start(Request::new(url).unwrap(), &options).unwrap()
}

async fn end(events: &mut Events) -> End {
    loop {
        match timeout(PATIENCE, events.next()).await.expect("an event") {
            Some(Event::Terminated(end)) => return end,
            Some(Event::Ready { .. }) => panic!("a connection that can't be trusted"),
            Some(_) => {}
            None => panic!("no end"),
        }
    }
}

#[tokio::test]
async fn s16_a_certificate_that_can_not_be_trusted_ends_the_session() {
    let once = Row::new(
        When::Io(IoClass::Certificate),
        Verdict::RETRY.fatal_after(1),
    );
    for (classifier, allowed) in [
        (Classifier::default(), 3),
        (Classifier::default().row(once), 1),
    ] {
        let (url, dials, _) = server().await;
        let (_client, mut events) = session(&url, TlsOptions::default(), classifier);
        let End::Fatal(Lost::Dial(error)) = end(&mut events).await else {
            panic!("another end");
        };
        assert_eq!(
            (error.stage, error.class),
            (Stage::Tls, IoClass::Certificate)
        );
        assert_eq!(dials.load(Ordering::SeqCst), allowed);
    }
}

#[tokio::test]
async fn a_session_over_tls_survives_its_connections() {
    let (url, dials, certificate) = server().await;
    let tls = TlsOptions::default()
        .roots_pem(certificate.as_bytes())
        .unwrap();
    let (client, mut events) = session(&url, tls, Classifier::default());
    let mut echoes = 0;
    while echoes < 5 {
        match timeout(PATIENCE, events.next()).await.expect("an event") {
            Some(Event::Ready { .. }) => client.send("again").unwrap(),
            Some(Event::Text(text)) => {
                assert_eq!(text, "again");
                echoes += 1;
            }
            Some(Event::Terminated(end)) => panic!("{end}"),
            _ => {}
        }
    }
    assert!(dials.load(Ordering::SeqCst) >= 5);
}
