//! Echoes every message back until the connection ends.
//!
//! `echo_client URL [--ca FILE] [--deflate] [--insecure] [--proxy URL] [--unix PATH]`;
//! exits with 0 after a clean close, otherwise with 1 and one line on stderr.

#[path = "../../ws-core/examples/flags/mod.rs"]
mod flags;
#[path = "../../ws-core/examples/words/mod.rs"]
mod words;

use std::error::Error;
use std::process::ExitCode;

use ws::{Event, Request, connect_with};
use ws_tokio as ws;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (args, options) = flags::client()?;
    let [url] = &args[..] else {
        return Err(format!("usage: echo_client URL {}", flags::CLIENT).into());
    };
    let opened = match Request::new(&**url) {
        Ok(request) => connect_with(&request, &options).await,
        Err(error) => Err(error.into()),
    };
    let mut socket = opened.map_err(|error| format!("{error} ({})", error.explain()))?;
    while let Some((event, reply)) = socket.read().await {
        let _ = match event {
            Event::Text(text) => reply.text(text),
            Event::Binary(data) => reply.binary(data),
            _ => Ok(()),
        };
    }
    let closed = socket
        .closed()
        .cloned()
        .ok_or("the connection ended without a word")?;
    closed.into_result()?;
    Ok(())
}
