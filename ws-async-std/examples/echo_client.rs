//! Echoes every message back until the connection ends.
//!
//! `echo_client URL [--deflate]`; exits with 0 after a clean close, otherwise with 1 and one line on stderr.

#[path = "../../ws-core/examples/words/mod.rs"]
mod words;

use std::error::Error;
use std::process::ExitCode;

use futures_lite::future::block_on;
use words::{NotText, words};
use ws_async_std::{ConnectOptions, Event, Request, connect_with};

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
    let (args, options) = arguments()?;
    let [url] = &args[..] else {
        return Err("usage: echo_client URL [--deflate]".into());
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

/// What stands on the command line, `--deflate` taken out of it, and the options it stands for.
#[cfg_attr(not(feature = "deflate"), allow(unused_mut))]
fn arguments() -> Result<(Vec<String>, ConnectOptions), NotText> {
    let mut args = words()?;
    let mut options = ConnectOptions::default();
    #[cfg(feature = "deflate")]
    if let Some(at) = args.iter().position(|arg| arg == "--deflate") {
        args.remove(at);
        options = options.deflate(Some(ws_async_std::Deflate::default()));
    }
    Ok((args, options))
}
