//! Who may come in: a server that asks for a bearer token before it accepts, and clients that have
//! the right one, a wrong one, and none. Each of the refused reads why, and what to bring.
//!
//! `auth_headers` runs all of them against each other and prints what came of it.

use std::error::Error;

use ws_tokio::server::{Arrival, Server};
use ws_tokio::ws_core::handshake::RequestHead;
use ws_tokio::{
    ConnectError, ConnectOptions, HandshakeError, Request, ServerOptions, connect_with,
};

/// In a real server: looked up, and not written down.
const TOKEN: &str = "7f9c2ba4e88f827d";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args_os().len() > 1 {
        return Err("usage: auth_headers".into());
    }
    let server = Server::bind("127.0.0.1:0", ServerOptions::default()).await?;
    let (address, handle) = (server.local_addr()?, server.handle());
    let serving = tokio::spawn(server.run_with(guarded));

    for token in [Some(TOKEN), Some("wrong"), None] {
        let mut request = Request::new(format!("ws://{address}/private"))?;
        if let Some(token) = token {
            request = request.header("Authorization", &format!("Bearer {token}"))?;
        }
        let who = token.unwrap_or("no token");
        match connect_with(&request, &ConnectOptions::default()).await {
            Ok(mut socket) => {
                if let Some(event) = socket.next().await {
                    println!("{who}: {:?}", event.into_message());
                }
            }
            Err(ConnectError::Handshake(HandshakeError::Rejected(rejection))) => {
                let body = String::from_utf8_lossy(&rejection.body);
                let asks = rejection.headers.get("WWW-Authenticate");
                println!("{who}: {} {:?}, {}", rejection.status, asks, body.trim());
            }
            Err(error) => return Err(error.into()),
        }
    }
    handle.shutdown();
    let counts = serving.await?;
    println!("{} let in, {} not", counts.opened, counts.failed);
    Ok(())
}

async fn guarded(arrival: Arrival) {
    if !knows_the_token(&arrival.request()) {
        let headers = [("WWW-Authenticate", "Bearer realm=\"private\"")];
        let _ = arrival.reject(401, &headers, b"bring a token\n").await;
        return;
    }
    let Ok(mut socket) = arrival.open().await else {
        return;
    };
    let _ = socket.send("welcome").await;
    while socket.next().await.is_some() {}
}

fn knows_the_token(request: &RequestHead<'_>) -> bool {
    let header = request.header("Authorization").unwrap_or_default();
    let token = header.strip_prefix("Bearer ").unwrap_or_default();
    same(token.as_bytes(), TOKEN.as_bytes())
}

/// Are they the same? In a time that does not tell how much of it is.
fn same(a: &[u8], b: &[u8]) -> bool {
    let differences = a.iter().zip(b).fold(0, |found, (a, b)| found | (a ^ b));
    a.len() == b.len() && std::hint::black_box(differences) == 0
}
