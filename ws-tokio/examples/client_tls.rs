//! A client that says whom it trusts and who it is: roots of its own, a certificate of its own, and
//! what it makes of a server that it does not trust.
//!
//! `client_tls URL [--roots CA.pem] [--identity CERT.pem KEY.pem]`; says one word to the server and
//! prints the answer. Without `--roots` it trusts what browsers trust. Try it with the examples
//! `certificate` and `echo_server --tls`.

#[path = "../../ws-core/examples/words/mod.rs"]
mod words;

use std::error::Error;
use std::fs;
use std::process::ExitCode;

use words::words;
use ws_tokio::tls::{Roots, TlsOptions};
use ws_tokio::{CloseCode, ConnectOptions, Request, Route, connect_with};

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
    const USAGE: &str = "usage: client_tls URL [--roots CA.pem] [--identity CERT.pem KEY.pem]";
    let mut tls = TlsOptions::default();
    let mut url = None;
    let mut words = words()?.into_iter();
    while let Some(word) = words.next() {
        let mut file = || words.next().ok_or(USAGE);
        match &*word {
            // Nobody else: a company's own authority has no need of the others.
            "--roots" => tls = tls.roots(Roots::None).roots_pem(&fs::read(file()?)?)?,
            "--identity" => {
                let (chain, key) = (fs::read(file()?)?, fs::read(file()?)?);
                tls = tls.identity_pem(&chain, &key)?;
            }
            _ if url.is_none() && !word.starts_with('-') => url = Some(word),
            _ => return Err(USAGE.into()),
        }
    }
    let request = Request::new(url.ok_or(USAGE)?)?;
    let options = ConnectOptions::default().route(Route::default().tls(tls));
    let opened = connect_with(&request, &options).await;
    let mut socket = opened.map_err(|error| format!("{error} ({})", error.explain()))?;
    socket.send("hello").await?;
    if let Some(event) = socket.next().await {
        println!("{event:?}");
    }
    socket.close(CloseCode::NORMAL, "").await?;
    Ok(())
}
