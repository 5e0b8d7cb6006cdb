//! Echoes text as text and binary as binary, on any path, to any number of clients.
//!
//! `echo_server ADDR [--deflate] [--max-message BYTES]`; port 0 picks a free one. Prints `listening on ADDR`.

#[path = "../../ws-core/examples/words/mod.rs"]
mod words;

use std::error::Error;
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use words::words;
use ws_blocking::{AcceptOptions, Config, Event, Limits, accept_with};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

const USAGE: &str = "usage: echo_server ADDR [--deflate] [--max-message BYTES]";

fn run() -> Result<(), Box<dyn Error>> {
    let (address, options) = arguments()?;
    let options = Arc::new(options);

    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let Ok((stream, _)) = listener.accept() else {
            // Out of descriptors, most likely: the clients we have are still served.
            thread::sleep(Duration::from_millis(50));
            continue;
        };
        let options = Arc::clone(&options);
        // If there can be no more threads, this client finds its connection closed.
        let _ = thread::Builder::new().spawn(move || echo(stream, &options));
    }
}

fn arguments() -> Result<(String, AcceptOptions), Box<dyn Error>> {
    let mut address = None;
    let mut options = AcceptOptions::default();
    let mut args = words()?.into_iter();
    while let Some(arg) = args.next() {
        match &*arg {
            #[cfg(feature = "deflate")]
            "--deflate" => options = options.deflate(Some(ws_blocking::Deflate::default())),
            "--max-message" => {
                let bytes = args
                    .next()
                    .and_then(|bytes| bytes.parse().ok())
                    .ok_or(USAGE)?;
                let limits = Limits::default().max_message(bytes).max_frame(bytes);
                options = options.config(Config::default().limits(limits));
            }
            _ if arg.starts_with('-') || address.is_some() => return Err(USAGE.into()),
            _ => address = Some(arg),
        }
    }
    Ok((address.ok_or(USAGE)?, options))
}

fn echo(stream: TcpStream, options: &AcceptOptions) {
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
