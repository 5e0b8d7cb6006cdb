//! The client's side of the Autobahn test suite:
//! `autobahn_client URL AGENT [--ca FILE] [--deflate] [--insecure] [--proxy URL] [--unix PATH]`.

#[path = "../../ws-core/examples/flags/mod.rs"]
mod flags;
#[path = "../../ws-core/examples/words/mod.rs"]
mod words;

use std::error::Error;
use std::process::ExitCode;

use ws::{ConnectError, ConnectOptions, Event, OwnedEvent, Request, connect_with};
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
    let [url, agent] = &args[..] else {
        return Err(format!("usage: autobahn_client URL AGENT {}", flags::CLIENT).into());
    };
    let url = url.trim_end_matches('/');
    for case in 1..=case_count(url, &options).await? {
        let url = format!("{url}/runCase?case={case}&agent={agent}");
        echo(&url, &options).await?;
    }
    let url = format!("{url}/updateReports?agent={agent}");
    echo(&url, &options).await?;
    Ok(())
}

async fn case_count(url: &str, options: &ConnectOptions) -> Result<u32, Box<dyn Error>> {
    let mut socket = connect_with(&Request::new(format!("{url}/getCaseCount"))?, options).await?;
    let mut count = None;
    while let Some(event) = socket.next().await {
        if let OwnedEvent::Text(text) = event {
            count = Some(text.parse()?);
        }
    }
    count.ok_or_else(|| "the suite gave no number of cases".into())
}

/// Echoes until the connection ends, however it does: that is the suite's to judge.
async fn echo(url: &str, options: &ConnectOptions) -> Result<(), ConnectError> {
    let mut socket = connect_with(&Request::new(url)?, options).await?;
    while let Some((event, reply)) = socket.read().await {
        let _ = match event {
            Event::Text(text) => reply.text(text),
            Event::Binary(data) => reply.binary(data),
            _ => Ok(()),
        };
    }
    Ok(())
}
