//! Asks a server: sends messages, one at a time, and prints the answer to each.
//!
//! `ask URL MESSAGE... [--ca FILE] [--deflate] [--insecure] [--proxy URL] [--unix PATH]`;
//! exits with 0 after a clean close, otherwise with 1 and one line on stderr.

#[path = "../../ws-core/examples/flags/mod.rs"]
mod flags;
#[path = "../../ws-core/examples/words/mod.rs"]
mod words;

use std::error::Error;
use std::process::ExitCode;

use futures_lite::future::block_on;
use ws::{CloseCode, OwnedEvent, Request, connect_with};
use ws_async_std as ws;

fn main() -> ExitCode {
    match block_on(run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (args, options) = flags::client()?;
    let [url, messages @ ..] = &args[..] else {
        return Err(format!("usage: ask URL MESSAGE... {}", flags::CLIENT).into());
    };
    let opened = match Request::new(&**url) {
        Ok(request) => connect_with(&request, &options).await,
        Err(error) => Err(error.into()),
    };
    let mut socket = opened.map_err(|error| format!("{error} ({})", error.explain()))?;
    for message in messages {
        socket.send(&**message).await?;
        loop {
            match socket.next().await {
                Some(OwnedEvent::Text(text)) => break println!("{text}"),
                Some(OwnedEvent::Ping(_) | OwnedEvent::Pong(_)) => {}
                other => return Err(format!("instead of an answer: {other:?}").into()),
            }
        }
    }
    socket.close(CloseCode::NORMAL, "").await?.into_result()?;
    Ok(())
}
