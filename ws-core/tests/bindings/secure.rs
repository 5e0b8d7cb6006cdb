//! TLS against a certificate authority of the tests' own: whom the client trusts, whom it does not,
//! and that a conversation over it is the same as without.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};

use super::routes::{http, proxy};
use super::{echo, guard, join, listener, listener_v6};
use crate::rt::{self, wait, ws};
use ws::tls::rustls::pki_types::pem::PemObject;
use ws::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use ws::tls::rustls::server::WebPkiClientVerifier;
use ws::tls::rustls::{CertificateError, Error, RootCertStore, ServerConfig};
use ws::tls::{Roots, TlsError, TlsOptions, rustls, server_config};
use ws::ws_core::handshake::Limits;
use ws::ws_core::policy::IoClass;
use ws::{CloseCode, ConnectError, ConnectOptions, OwnedEvent, Request, Route};

/// A certificate authority.
pub(super) type Authority = CertifiedIssuer<'static, KeyPair>;

/// A certificate and its key, in PEM.
pub(super) struct Leaf {
    chain: String,
    key: String,
}

pub(super) fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(params, key).expect("a certificate")
}

fn leaf(authority: &Authority, names: &[&str], set: impl FnOnce(&mut CertificateParams)) -> Leaf {
    let names: Vec<String> = names.iter().map(|name| String::from(*name)).collect();
    let mut params = CertificateParams::new(names).expect("names");
    set(&mut params);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, authority).expect("a certificate");
    Leaf {
        chain: certificate.pem(),
        key: key.serialize_pem(),
    }
}

pub(super) fn good(authority: &Authority) -> Leaf {
    leaf(authority, &["localhost", "127.0.0.1", "::1"], |_| {})
}

pub(super) fn serving(leaf: &Leaf) -> Arc<ServerConfig> {
    server_config(leaf.chain.as_bytes(), leaf.key.as_bytes()).expect("a configuration")
}

/// Trusts this authority and nobody else.
pub(super) fn trusting(authority: &Authority) -> TlsOptions {
    let tls = TlsOptions::default().roots(Roots::None);
    tls.roots_pem(authority.pem().as_bytes()).expect("a root")
}

pub(super) fn options(tls: TlsOptions) -> ConnectOptions {
    ConnectOptions::default().route(Route::default().tls(tls))
}

/// Serves one client: an echo, if there is TLS.
pub(super) fn server(config: Arc<ServerConfig>) -> (SocketAddr, JoinHandle<io::Result<()>>) {
    server_at(listener(), config)
}

fn server_at(
    (listener, address): (TcpListener, SocketAddr),
    config: Arc<ServerConfig>,
) -> (SocketAddr, JoinHandle<io::Result<()>>) {
    let serving = thread::spawn(move || {
        let (stream, _) = listener.accept()?;
        let stream = rt::tls(stream, config)?;
        assert!(stream.is_tls());
        let mut socket = wait!(ws::accept(stream)).map_err(io::Error::other)?;
        echo(&mut socket);
        Ok(())
    });
    (address, serving)
}

pub(super) fn talk(url: &str, options: &ConnectOptions) {
    let request = Request::new(url).expect("a url");
    let mut socket = wait!(ws::connect_with(&request, options)).expect("a connection");
    assert_eq!(socket.stream().is_tls(), url.starts_with("wss"));
    wait!(socket.send("hello")).expect("sent");
    assert_eq!(wait!(socket.next()), Some(OwnedEvent::Text("hello".into())));
    let closed = wait!(socket.close(CloseCode::NORMAL, "")).expect("closed");
    assert!(closed.is_clean(), "{closed:?}");
}

fn refused(url: &str, tls: TlsOptions) -> ConnectError {
    let request = Request::new(url).expect("a url");
    wait!(ws::connect_with(&request, &options(tls))).expect_err("not to be trusted")
}

#[test]
fn s16_a_server_that_can_prove_its_name_is_talked_to() {
    guard(|| {
        let authority = authority("root");
        let tls = options(trusting(&authority));
        for host in ["localhost", "127.0.0.1"] {
            let (address, serving) = server(serving(&good(&authority)));
            talk(&format!("wss://{host}:{}/", address.port()), &tls);
            join(serving).expect("served");
        }
        if let Some(v6) = listener_v6() {
            let (address, serving) = server_at(v6, serving(&good(&authority)));
            talk(&format!("wss://{address}/"), &tls);
            join(serving).expect("served");
        }
    });
}

#[test]
fn s16_a_server_that_can_not_prove_its_name_is_not() {
    guard(|| {
        let (ours, theirs) = (authority("ours"), authority("theirs"));
        let expired = leaf(&ours, &["localhost"], |params| {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 1, 1);
        });
        let other = leaf(&ours, &["example.com"], |_| {});
        let alone = authority("localhost");
        let alone = Leaf {
            chain: alone.pem(),
            key: alone.key().serialize_pem(),
        };
        type Is = fn(&CertificateError) -> bool;
        let cases: [(&str, &Leaf, Is, &str); 4] = [
            (
                "expired",
                &expired,
                |error| {
                    matches!(
                        error,
                        CertificateError::Expired | CertificateError::ExpiredContext { .. }
                    )
                },
                "renewed",
            ),
            (
                "another host",
                &other,
                |error| {
                    matches!(
                        error,
                        CertificateError::NotValidForName
                            | CertificateError::NotValidForNameContext { .. }
                    )
                },
                "names in the certificate",
            ),
            (
                "unknown authority",
                &good(&theirs),
                |error| matches!(error, CertificateError::UnknownIssuer),
                "TlsOptions::root",
            ),
            ("self-signed", &alone, |_| true, "TlsOptions::root"),
        ];
        for (name, leaf, is, suggestion) in cases {
            let (address, served) = server(serving(leaf));
            let url = format!("wss://localhost:{}/", address.port());
            let error = refused(&url, trusting(&ours));
            assert!(error.to_string().contains("tls with localhost"), "{error}");
            assert!(
                error.explain().suggestion.contains(suggestion),
                "{name}: {error:?}"
            );
            assert_eq!(error.dial_error().class, IoClass::Certificate, "{name}");
            let ConnectError::Tls { error, .. } = error else {
                panic!("{name}: {error:?}");
            };
            let TlsError::Handshake(Error::InvalidCertificate(reason)) = error else {
                panic!("{name}: {error:?}");
            };
            assert!(is(&reason), "{name}: {reason:?}");
            assert!(join(served).is_err());

            // The opt-out is one, and says what it is.
            let careless = trusting(&ours).danger_accept_invalid_certs(true);
            assert!(format!("{careless:?}").contains("danger_accept_invalid_certs: true"));
            let (address, served) = server(serving(leaf));
            talk(
                &format!("wss://localhost:{}/", address.port()),
                &options(careless),
            );
            join(served).expect("served");
        }
    });
}

#[test]
fn a_certificate_of_the_client_is_shown_to_a_server_that_asks() {
    guard(|| {
        let (authority, client) = (authority("root"), authority("clients"));
        let leaf = good(&authority);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(client.pem().as_bytes()).expect("a root"))
            .expect("a root");
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                .build()
                .expect("a verifier");
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_client_cert_verifier(verifier)
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(leaf.chain.as_bytes()).expect("a leaf")],
                PrivateKeyDer::from_pem_slice(leaf.key.as_bytes()).expect("a key"),
            )
            .expect("a configuration");
        let config = Arc::new(config);

        let (address, served) = server(Arc::clone(&config));
        let url = format!("wss://localhost:{}/", address.port());
        // With TLS 1.3 the client is done before the server has looked at it: the refusal comes with
        // the answer to the request.
        let error = refused(&url, trusting(&authority));
        assert!(
            matches!(error, ConnectError::Tls { .. } | ConnectError::Handshake(_)),
            "{error:?}"
        );
        assert!(join(served).is_err());

        let me = super::secure::leaf(&client, &["me"], |_| {});
        let tls = trusting(&authority)
            .identity_pem(me.chain.as_bytes(), me.key.as_bytes())
            .expect("an identity");
        let (address, served) = server(config);
        talk(
            &format!("wss://localhost:{}/", address.port()),
            &options(tls),
        );
        join(served).expect("served");
    });
}

#[test]
fn a_plain_server_is_told_from_one_with_tls() {
    guard(|| {
        let (listener, address) = listener();
        let plain = thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a client");
            // What it makes of a TLS hello is its own affair.
            wait!(ws::accept(rt::tcp(stream))).is_err()
        });
        let error = refused(&format!("wss://{address}/"), TlsOptions::default());
        assert!(matches!(error, ConnectError::Tls { .. }), "{error:?}");
        assert!(join(plain));
    });
}

#[test]
fn a_server_that_says_nothing_is_given_up_at_the_deadline() {
    guard(|| {
        let (listener, address) = listener();
        let limits = Limits::default().timeout(Duration::from_millis(30));
        let request = Request::new(format!("wss://{address}/")).expect("a url");
        let options = ConnectOptions::default().handshake(limits);
        let error = wait!(ws::connect_with(&request, &options)).expect_err("silence");
        let ConnectError::Tls { error, .. } = error else {
            panic!("{error:?}");
        };
        assert!(matches!(error, TlsError::Timeout), "{error:?}");
        drop(listener);
    });
}

/// Both halves at once, each in a thread, over one TLS connection.
#[test]
fn a_connection_with_tls_is_split_for_two_threads() {
    guard(|| {
        const COUNT: u32 = 2000;
        let authority = authority("root");
        let (address, served) = server(serving(&good(&authority)));
        let request = Request::new(format!("wss://localhost:{}/", address.port())).expect("a url");
        let options = options(trusting(&authority));
        let socket = wait!(ws::connect_with(&request, &options)).expect("a connection");
        let (mut reader, mut writer) = rt::split(socket);
        let reading = thread::spawn(move || {
            for i in 0..COUNT {
                let Some(OwnedEvent::Binary(data)) = wait!(reader.next()) else {
                    panic!("message {i} is missing");
                };
                assert_eq!(data.len(), 4 + i as usize % 300);
                assert_eq!(data[..4], i.to_be_bytes());
            }
            wait!(reader.next())
        });
        for i in 0..COUNT {
            let mut data = i.to_be_bytes().to_vec();
            data.resize(4 + i as usize % 300, 7);
            wait!(writer.send(data)).expect("sent");
        }
        wait!(writer.close(CloseCode::NORMAL, "")).expect("closed");
        assert!(matches!(join(reading), Some(OwnedEvent::Closed(closed)) if closed.is_clean()));
        join(served).expect("served");
    });
}

#[test]
fn tls_goes_through_a_proxy() {
    guard(|| {
        let authority = authority("root");
        let (address, served) = server(serving(&good(&authority)));
        let proxy = format!("http://ann:s3cret@{}", proxy(http));
        let route = Route::default()
            .proxy(Some(proxy.parse().expect("a proxy")))
            .tls(trusting(&authority));
        let options = ConnectOptions::default().route(route);
        talk(&format!("wss://{address}/"), &options);
        join(served).expect("served");
    });
}

#[test]
fn what_can_not_be_used_is_said_before_anything_is_dialed() {
    for pem in [
        "",
        "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
    ] {
        let refused = TlsOptions::default().roots_pem(pem.as_bytes());
        assert!(matches!(refused, Err(TlsError::BadPem)), "{pem:?}");
    }
    let (one, two) = (authority("one"), authority("two"));
    let mixed = server_config(good(&one).chain.as_bytes(), good(&two).key.as_bytes());
    assert!(matches!(mixed, Err(TlsError::Config(_))));
    guard(|| {
        let dashed = refused("wss://a-.example:1/", TlsOptions::default());
        let ConnectError::Tls { error, .. } = &dashed else {
            panic!("{dashed:?}");
        };
        assert!(matches!(error, TlsError::BadName), "{error:?}");
    });
}

/// A peer that ends the stream without saying so in TLS: how it ended is told, nothing hangs.
#[test]
fn an_end_without_a_word_is_an_abrupt_one() {
    guard(|| {
        let authority = authority("root");
        let config = serving(&good(&authority));
        let (listener, address) = listener();
        let serving = thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a client");
            let raw = stream.try_clone().expect("a second handle");
            let stream = rt::tls(stream, config).expect("tls");
            let socket = wait!(ws::accept(stream)).expect("an upgrade");
            raw.shutdown(Shutdown::Both).expect("shut down");
            drop(socket);
        });
        let request = Request::new(format!("wss://localhost:{}/", address.port())).expect("a url");
        let options = options(trusting(&authority));
        let mut socket = wait!(ws::connect_with(&request, &options)).expect("a connection");
        let Some(OwnedEvent::Closed(closed)) = wait!(socket.next()) else {
            panic!("no end");
        };
        assert!(!closed.is_clean());
        join(serving);
    });
}
