//! A client behind a proxy: one that is named, or the one that the environment names.
//!
//! `client_proxy URL [--proxy PROXY] [--login USER PASSWORD]`; says one word to the server and
//! prints the answer. PROXY is `http://HOST:PORT` (CONNECT) or `socks5h://HOST:PORT`; without one,
//! `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say what to do, because this program asks for them: by
//! itself a client never looks.

#[path = "../../ws-core/examples/words/mod.rs"]
mod words;

use std::error::Error;
use std::process::ExitCode;

use words::words;
use ws_tokio::{CloseCode, ConnectOptions, Proxy, ProxyEnv, Request, Route, connect_with};

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
    const USAGE: &str = "usage: client_proxy URL [--proxy PROXY] [--login USER PASSWORD]";
    let (mut url, mut named, mut login) = (None, None, None);
    let mut words = words()?.into_iter();
    while let Some(word) = words.next() {
        let mut next = || words.next().ok_or(USAGE);
        match &*word {
            "--proxy" => named = Some(Proxy::parse(&next()?)?),
            "--login" => login = Some((next()?, next()?)),
            _ if url.is_none() && !word.starts_with('-') => url = Some(word),
            _ => return Err(USAGE.into()),
        }
    }
    let request = Request::new(url.ok_or(USAGE)?)?;
    let mut proxy = match named {
        Some(proxy) => Some(proxy),
        None => ProxyEnv::read(|name| std::env::var(name).ok()).proxy(request.url())?,
    };
    if let Some((user, password)) = login {
        proxy = proxy.map(|proxy| proxy.login(&user, &password));
    }
    match &proxy {
        Some(proxy) => println!("through {proxy}"),
        None => println!("without a proxy"),
    }
    let options = ConnectOptions::default().route(Route::default().proxy(proxy));
    // A wrong password is an error that names the proxy, and not the server behind it.
    let opened = connect_with(&request, &options).await;
    let mut socket = opened.map_err(|error| format!("{error} ({})", error.explain()))?;
    socket.send("hello").await?;
    if let Some(event) = socket.next().await {
        println!("{event:?}");
    }
    socket.close(CloseCode::NORMAL, "").await?;
    Ok(())
}
