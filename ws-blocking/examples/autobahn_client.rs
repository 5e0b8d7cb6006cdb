//! The client's side of the Autobahn test suite: `autobahn_client URL AGENT [--deflate]`.

#[path = "../../ws-core/examples/words/mod.rs"]
mod words;

use std::error::Error;
use std::process::ExitCode;

use words::{NotText, words};
use ws_blocking::{
    ConnectError, ConnectOptions, Event, OwnedEvent, Request, connect, connect_with,
};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let (args, options) = arguments()?;
    let [url, agent] = &args[..] else {
        return Err("usage: autobahn_client URL AGENT [--deflate]".into());
    };
    let url = url.trim_end_matches('/');
    for case in 1..=case_count(url)? {
        let url = format!("{url}/runCase?case={case}&agent={agent}");
        echo(&url, &options)?;
    }
    let url = format!("{url}/updateReports?agent={agent}");
    echo(&url, &options)?;
    Ok(())
}

fn case_count(url: &str) -> Result<u32, Box<dyn Error>> {
    let mut socket = connect(&*format!("{url}/getCaseCount"))?;
    let mut count = None;
    while let Some(event) = socket.next() {
        if let OwnedEvent::Text(text) = event {
            count = Some(text.parse()?);
        }
    }
    count.ok_or_else(|| "the suite gave no number of cases".into())
}

/// Echoes until the connection ends, however it does: that is the suite's to judge.
fn echo(url: &str, options: &ConnectOptions) -> Result<(), ConnectError> {
    let mut socket = connect_with(&Request::new(url)?, options)?;
    while let Some((event, reply)) = socket.read() {
        let _ = match event {
            Event::Text(text) => reply.text(text),
            Event::Binary(data) => reply.binary(data),
            _ => Ok(()),
        };
    }
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
        options = options.deflate(Some(ws_blocking::Deflate::default()));
    }
    Ok((args, options))
}
