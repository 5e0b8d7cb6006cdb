//! WebSockets beside the routes of real HTTP servers: hyper and axum.
#![cfg(feature = "axum")]

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use axum::Router;
use axum::extract::FromRequestParts;
use axum::response::Response;
use axum::routing::{any, get};
use hyper::Request;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use ws_tokio::axum::Asked;
use ws_tokio::hyper::upgrade;
use ws_tokio::{AcceptOptions, CloseCode, ConnectOptions, OriginPolicy, OwnedEvent, WebSocket};
use ws_tokio::{connect_with, ws_core::handshake};

#[allow(dead_code, reason = "other tests take more of it")]
#[path = "../../ws-core/tests/bindings/raw.rs"]
mod raw;

mod rt {
    pub(crate) use ws_tokio as ws;
}

fn options() -> AcceptOptions {
    let options = AcceptOptions::default()
        .origins(OriginPolicy::SameOrigin)
        .subprotocols(["chat"]);
    #[cfg(feature = "deflate")]
    let options = options.deflate(Some(ws_tokio::Deflate::default()));
    options
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut socket: WebSocket<S>) {
    while let Some(event) = socket.next().await {
        if let Some(message) = event.into_message() {
            let _ = socket.send(message).await;
        }
    }
}

async fn axum_server(listener: TcpListener) {
    let route = |asked: Asked| async move {
        let response: Response = asked.options(options()).open(echo);
        response
    };
    let app = Router::new()
        .route("/ws", any(route))
        .route("/", get(|| async { "a page" }));
    axum::serve(listener, app).await.expect("a listener");
}

async fn hyper_server(listener: TcpListener) {
    async fn route(
        mut request: Request<hyper::body::Incoming>,
    ) -> Result<hyper::Response<String>, Infallible> {
        if request.uri().path() != "/ws" {
            return Ok(hyper::Response::new("a page".into()));
        }
        Ok(match upgrade(&mut request, &options()) {
            Ok((response, upgrading)) => {
                tokio::spawn(async { echo(upgrading.await.expect("handed over")).await });
                response.map(|()| String::new())
            }
            Err(refusal) => refusal
                .response
                .map(|body| String::from_utf8(body).expect("text")),
        })
    }
    loop {
        let (tcp, _) = listener.accept().await.expect("a client");
        let serving = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(tcp), service_fn(route))
            .with_upgrades();
        tokio::spawn(serving);
    }
}

/// Runs a test against both.
fn each(test: impl Fn(&Runtime, SocketAddr)) {
    let runtime = Runtime::new().expect("a runtime");
    for server in ["axum", "hyper"] {
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("an address");
        match server {
            "axum" => drop(runtime.spawn(axum_server(listener))),
            _ => drop(runtime.spawn(hyper_server(listener))),
        }
        test(&runtime, address);
    }
    runtime.shutdown_background();
}

/// The answer to a request, which is the last on its connection.
fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a server");
    stream.write_all(request.as_bytes()).expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an end");
    answer
}

#[test]
fn messages_come_back_with_and_without_compression() {
    each(|runtime, address| {
        #[cfg(feature = "deflate")]
        let ways = [None, Some(ws_tokio::Deflate::default())]
            .map(|deflate| ConnectOptions::default().deflate(deflate));
        #[cfg(not(feature = "deflate"))]
        let ways = [ConnectOptions::default()];
        for options in ways {
            let request = handshake::Request::new(format!("ws://{address}/ws"))
                .and_then(|request| request.subprotocol("chat"))
                .expect("a request");
            runtime.block_on(async {
                let mut client = connect_with(&request, &options).await.expect("open");
                assert_eq!(client.agreed().subprotocol.as_deref(), Some("chat"));
                #[cfg(feature = "deflate")]
                assert_eq!(client.agreed().deflate.is_some(), options.deflate.is_some());
                for text in ["", "hello", &"long ".repeat(50_000)] {
                    client.send(text).await.expect("sent");
                    let echoed = client.next().await;
                    assert_eq!(echoed, Some(OwnedEvent::Text(text.into())));
                }
                let closed = client.close(CloseCode::NORMAL, "").await.expect("closed");
                assert!(closed.is_clean());
            });
        }
    });
}

#[test]
fn frames_behind_the_request_are_not_lost() {
    each(|_, address| {
        let mut stream = TcpStream::connect(address).expect("a server");
        let request = raw::REQUEST.replace("GET / ", "GET /ws ");
        let glued = [request.as_bytes(), &raw::masked(raw::TEXT, b"early")].concat();
        stream.write_all(&glued).expect("written");
        assert!(raw::read_head(&mut stream).starts_with("HTTP/1.1 101 "));
        let echoed = raw::read_frame(&mut stream).expect("a frame");
        assert_eq!(echoed, (raw::TEXT, b"early".to_vec()));
    });
}

#[test]
fn what_is_not_a_handshake_gets_the_status_that_says_why() {
    each(|_, address| {
        let page = ask(
            address,
            "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        );
        assert!(page.ends_with("a page"), "{page}");
        let request = raw::REQUEST
            .replace("GET / ", "GET /ws ")
            .replace("Connection: Upgrade", "Connection: Upgrade, close");
        for (from, to, status) in [
            ("GET ", "POST ", 405),
            ("Version: 13", "Version: 12", 426),
            ("Upgrade: websocket\r\n", "", 400),
            ("Key: ", "Key: x", 400),
            (
                "Host: localhost",
                "Host: localhost\r\nOrigin: http://evil.example",
                403,
            ),
            ("Host: localhost", "Host: a b", 400),
        ] {
            let answer = ask(address, &request.replace(from, to));
            let line = format!("HTTP/1.1 {status} ");
            assert!(answer.starts_with(&line), "{from}: {answer}");
            if status == 426 {
                let lower = answer.to_lowercase();
                assert!(lower.contains("sec-websocket-version: 13"), "{answer}");
                assert!(lower.contains("upgrade: websocket"), "{answer}");
            }
        }
        let plain = "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
        assert!(ask(address, plain).starts_with("HTTP/1.1 426 "));
        let old = "GET /ws HTTP/1.0\r\nHost: h\r\n\r\n";
        assert!(
            ask(address, old).starts_with("HTTP/1.0 505 "),
            "{}",
            ask(address, old)
        );
    });
}

/// A request that has got as far as the extractor, from a page of this origin.
fn asked(origin: &str) -> Asked {
    let (mut parts, ()) = Request::get("/ws")
        .header("Host", "h")
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Origin", origin)
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(())
        .expect("a request")
        .into_parts();
    let asked = <Asked as FromRequestParts<()>>::from_request_parts(&mut parts, &());
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(asked).expect("well formed")
}

#[test]
fn a_request_whose_connection_can_t_be_handed_over_gets_500() {
    let asked = asked("http://h");
    assert_eq!(asked.request().path(), "/ws");
    let response = asked.open(|_| async {});
    assert_eq!(response.status(), 500);
}

#[test]
fn pages_of_other_sites_are_refused_by_axum_s_extractor_whatever_the_options_say() {
    let other = || asked("http://evil.example");
    let open = |asked: Asked| asked.open(|_| async {}).status().as_u16();
    assert_eq!(open(other()), 403);
    assert_eq!(open(other().options(AcceptOptions::default())), 403);
    // As far as it goes here, it is let in.
    assert_eq!(open(other().origins(OriginPolicy::Any)), 500);
}
