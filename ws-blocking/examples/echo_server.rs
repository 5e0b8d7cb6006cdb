//! Echoes text as text and binary as binary, on any path, to any number of clients.
//!
//! `echo_server ADDR [--deflate] [--max-message BYTES] [--tls CERT KEY]`; port 0 picks a free one. Prints `listening on ADDR`.

#[path = "../../ws-core/examples/flags/mod.rs"]
mod flags;
#[path = "../../ws-core/examples/words/mod.rs"]
mod words;

use std::error::Error;
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use flags::Server;
use ws::{AcceptOptions, Event, accept_with};
use ws_blocking as ws;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What a client may take for a step of the TLS handshake.
#[cfg(feature = "tls")]
const HANDSHAKE: Duration = Duration::from_secs(10);

fn run() -> Result<(), Box<dyn Error>> {
    let Some(server) = flags::server()? else {
        return Err(format!("usage: echo_server ADDR {}", flags::SERVER).into());
    };
    let address = server.address.clone();
    let server = Arc::new(server);

    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let Ok((stream, _)) = listener.accept() else {
            // Out of descriptors, most likely: the clients we have are still served.
            thread::sleep(Duration::from_millis(50));
            continue;
        };
        let server = Arc::clone(&server);
        // If there can be no more threads, this client finds its connection closed.
        let _ = thread::Builder::new().spawn(move || serve(stream, &server));
    }
}

fn serve(stream: TcpStream, server: &Server) {
    #[cfg(feature = "tls")]
    if let Some(config) = &server.tls {
        // The WebSocket has deadlines of its own later on.
        let bounded = stream
            .set_read_timeout(Some(HANDSHAKE))
            .and_then(|()| stream.set_write_timeout(Some(HANDSHAKE)));
        let secured = bounded.and_then(|()| ws::tls::accept_tls(stream, Arc::clone(config)));
        if let Ok(stream) = secured {
            echo(stream, &server.options);
        }
        return;
    }
    echo(stream, &server.options);
}

fn echo<S: ws::Transport + 'static>(stream: S, options: &AcceptOptions) {
    let Ok(mut socket) = accept_with(stream, options) else {
        return;
    };
    while let Some((event, reply)) = socket.read() {
        // There is room for an answer, so this fails only on a connection that is closing.
        let _ = match event {
            Event::Text(text) => reply.text(text),
            Event::Binary(data) => reply.binary(data),
            _ => Ok(()),
        };
    }
}
