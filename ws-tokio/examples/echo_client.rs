//! Echoes every message back until the connection ends.
//!
//! `echo_client URL`; exits with 0 after a clean close, otherwise with 1 and one line on stderr.

use std::error::Error;
use std::process::ExitCode;

use ws_tokio::{Event, connect};

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
    let url = std::env::args().nth(1).ok_or("usage: echo_client URL")?;
    let mut socket = match connect(&*url).await {
        Ok(socket) => socket,
        Err(error) => return Err(format!("{error} ({})", error.explain()).into()),
    };
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
