//! The client's side of the Autobahn test suite: `autobahn_client URL AGENT`.

use std::error::Error;
use std::process::ExitCode;

use ws_tokio::{ConnectError, Event, OwnedEvent, connect};

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
    let mut args = std::env::args().skip(1);
    let (Some(url), Some(agent)) = (args.next(), args.next()) else {
        return Err("usage: autobahn_client URL AGENT".into());
    };
    let url = url.trim_end_matches('/');
    for case in 1..=case_count(url).await? {
        echo(&format!("{url}/runCase?case={case}&agent={agent}")).await?;
    }
    echo(&format!("{url}/updateReports?agent={agent}")).await?;
    Ok(())
}

async fn case_count(url: &str) -> Result<u32, Box<dyn Error>> {
    let mut socket = connect(&*format!("{url}/getCaseCount")).await?;
    let mut count = None;
    while let Some(event) = socket.next().await {
        if let OwnedEvent::Text(text) = event {
            count = Some(text.parse()?);
        }
    }
    count.ok_or_else(|| "the suite gave no number of cases".into())
}

/// Echoes until the connection ends, however it does: that is the suite's to judge.
async fn echo(url: &str) -> Result<(), ConnectError> {
    let mut socket = connect(url).await?;
    while let Some((event, reply)) = socket.read().await {
        let _ = match event {
            Event::Text(text) => reply.text(text),
            Event::Binary(data) => reply.binary(data),
            _ => Ok(()),
        };
    }
    Ok(())
}
