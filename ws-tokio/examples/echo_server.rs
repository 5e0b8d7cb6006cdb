//! Echoes text as text and binary as binary, on any path, to any number of clients.
//!
//! `echo_server ADDR [--deflate] [--max-message BYTES] [--tls CERT KEY]`; port 0 picks a free one. Prints `listening on ADDR`.

#[path = "../../ws-core/examples/flags/mod.rs"]
mod flags;
#[path = "../../ws-core/examples/words/mod.rs"]
mod words;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use flags::Server;
use tokio::net::{TcpListener, TcpStream};
use ws::{AcceptOptions, Event, accept_with};
use ws_tokio as ws;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What a client may take for the TLS handshake.
#[cfg(feature = "tls")]
const HANDSHAKE: Duration = Duration::from_secs(10);

async fn run() -> Result<(), Box<dyn Error>> {
    let Some(server) = flags::server()? else {
        return Err(format!("usage: echo_server ADDR {}", flags::SERVER).into());
    };
    let address = server.address.clone();
    let server = Arc::new(server);

    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(serve(stream, Arc::clone(&server)))),
            // Out of descriptors, most likely: the clients we have are still served.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve(stream: TcpStream, server: Arc<Server>) {
    #[cfg(feature = "tls")]
    if let Some(config) = &server.tls {
        let secured = ws::tls::accept_tls(stream, Arc::clone(config));
        if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, secured).await {
            echo(stream, &server.options).await;
        }
        return;
    }
    echo(stream, &server.options).await;
}

async fn echo<S>(stream: S, options: &AcceptOptions)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + 'static,
{
    let Ok(mut socket) = accept_with(stream, options).await else {
        return;
    };
    while let Some((event, reply)) = socket.read().await {
        // There is room for an answer, so this fails only on a connection that is closing.
        let _ = match event {
            Event::Text(text) => reply.text(text),
            Event::Binary(data) => reply.binary(data),
            _ => Ok(()),
        };
    }
}
