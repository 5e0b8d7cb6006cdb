//! Echoes text as text and binary as binary, on any path, to any number of clients.
//!
//! `echo_server ADDR [--deflate] [--max-message BYTES]`; port 0 picks a free one. Prints `listening on ADDR`.

#[path = "../../ws-core/examples/words/mod.rs"]
mod words;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use words::words;
use ws_tokio::{AcceptOptions, Config, Event, Limits, accept_with};

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

const USAGE: &str = "usage: echo_server ADDR [--deflate] [--max-message BYTES]";

async fn run() -> Result<(), Box<dyn Error>> {
    let (address, options) = arguments()?;
    let options = Arc::new(options);

    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(echo(stream, Arc::clone(&options)))),
            // Out of descriptors, most likely: the clients we have are still served.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

fn arguments() -> Result<(String, AcceptOptions), Box<dyn Error>> {
    let mut address = None;
    let mut options = AcceptOptions::default();
    let mut args = words()?.into_iter();
    while let Some(arg) = args.next() {
        match &*arg {
            #[cfg(feature = "deflate")]
            "--deflate" => options = options.deflate(Some(ws_tokio::Deflate::default())),
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

async fn echo(stream: TcpStream, options: Arc<AcceptOptions>) {
    let Ok(mut socket) = accept_with(stream, &options).await else {
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
