//! Echoes text as text and binary as binary, on any path, to any number of clients.
//!
//! `echo_server ADDR [--deflate] [--max-message BYTES] [--tls CERT KEY]`; port 0 picks a free one. Prints `listening on ADDR`.

#[path = "../../ws-core/examples/flags/mod.rs"]
mod flags;
#[path = "../../ws-core/examples/words/mod.rs"]
mod words;

use std::error::Error;
#[cfg(feature = "tls")]
use std::io::ErrorKind;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use async_io::Timer;
use flags::Server;
#[cfg(feature = "tls")]
use futures_lite::future;
use futures_lite::future::block_on;
use ws::{AcceptOptions, Event, accept_with};
use ws_async_std as ws;
use ws_async_std::net::{TcpListener, TcpStream};

fn main() -> ExitCode {
    match block_on(run()) {
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
            Ok((stream, _)) => spawn(serve(stream, Arc::clone(&server))),
            // Out of descriptors, most likely: the clients we have are still served.
            Err(_) => drop(Timer::after(Duration::from_millis(50)).await),
        }
    }
}

async fn serve(stream: TcpStream, server: Arc<Server>) {
    #[cfg(feature = "tls")]
    if let Some(config) = &server.tls {
        let late = async {
            Timer::after(HANDSHAKE).await;
            Err(ErrorKind::TimedOut.into())
        };
        let secured = ws::tls::accept_tls(stream, Arc::clone(config));
        if let Ok(stream) = future::or(secured, late).await {
            echo(stream, &server.options).await;
        }
        return;
    }
    echo(stream, &server.options).await;
}

async fn echo<S>(stream: S, options: &AcceptOptions)
where
    S: futures_io::AsyncRead + futures_io::AsyncWrite + Unpin + 'static,
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

#[cfg(feature = "smol")]
fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    smol::spawn(task).detach();
}

#[cfg(not(feature = "smol"))]
fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    drop(async_std::task::spawn(task));
}
