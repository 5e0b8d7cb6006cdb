//! What the examples of the bindings can be told on the command line, the same in all of them. It
//! never connects and never prints. Whoever includes it has its binding as `crate::ws`, and the
//! module `words`.
#![allow(dead_code, reason = "each example takes what it needs")]

use std::error::Error;
#[cfg(feature = "tls")]
use std::fs;

use crate::words::words;
#[cfg(feature = "tls")]
use crate::ws::tls;
use crate::ws::{AcceptOptions, Config, ConnectOptions, Limits, Route};

/// The flags of a client.
pub(crate) const CLIENT: &str = "[--ca FILE] [--deflate] [--insecure] [--proxy URL] [--unix PATH]";

/// The flags of a server.
pub(crate) const SERVER: &str = "[--deflate] [--max-message BYTES] [--tls CERT KEY]";

/// What stands on the command line of a client besides flags, and the options that those stand for.
pub(crate) fn client() -> Result<(Vec<String>, ConnectOptions), Box<dyn Error>> {
    let mut args = words()?;
    let [proxy] = take_values(&mut args, "--proxy");
    let proxy = proxy.map(|proxy| proxy.parse()).transpose()?;
    let [unix] = take_values(&mut args, "--unix");
    let route = Route::default().proxy(proxy).unix(unix.map(Into::into));
    let options = ConnectOptions::default();
    #[cfg(feature = "deflate")]
    let options = options.deflate(take(&mut args, "--deflate").then(crate::ws::Deflate::default));
    #[cfg(feature = "tls")]
    let route = {
        let mut tls = tls::TlsOptions::default();
        if let [Some(file)] = take_values(&mut args, "--ca") {
            tls = tls.roots_pem(&read(&file)?)?;
        }
        route.tls(tls.danger_accept_invalid_certs(take(&mut args, "--insecure")))
    };
    Ok((args, options.route(route)))
}

/// How a server is to serve.
pub(crate) struct Server {
    pub(crate) address: String,
    pub(crate) options: AcceptOptions,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<std::sync::Arc<tls::rustls::ServerConfig>>,
}

/// What the command line says about it; `None` if it makes no sense.
pub(crate) fn server() -> Result<Option<Server>, Box<dyn Error>> {
    let mut args = words()?;
    let mut options = AcceptOptions::default();
    #[cfg(feature = "deflate")]
    if take(&mut args, "--deflate") {
        options = options.deflate(Some(crate::ws::Deflate::default()));
    }
    if let [Some(bytes)] = take_values(&mut args, "--max-message") {
        let Ok(bytes) = bytes.parse() else {
            return Ok(None);
        };
        let limits = Limits::default().max_message(bytes).max_frame(bytes);
        options = options.config(Config::default().limits(limits));
    }
    #[cfg(feature = "tls")]
    let tls = match take_values(&mut args, "--tls") {
        [Some(cert), Some(key)] => Some(tls::server_config(&read(&cert)?, &read(&key)?)?),
        _ => None,
    };
    let [address] = &args[..] else {
        return Ok(None);
    };
    if address.starts_with('-') {
        return Ok(None);
    }
    Ok(Some(Server {
        address: address.clone(),
        options,
        #[cfg(feature = "tls")]
        tls,
    }))
}

/// Is the flag there? Then it no longer is.
fn take(args: &mut Vec<String>, flag: &str) -> bool {
    let before = args.len();
    args.retain(|arg| arg != flag);
    args.len() != before
}

/// The values behind a flag; neither it nor they are there any longer. Without all of them it stays,
/// to be complained about.
fn take_values<const N: usize>(args: &mut Vec<String>, flag: &str) -> [Option<String>; N] {
    let mut values = [const { None }; N];
    if let Some(at) = args.iter().position(|arg| arg == flag) {
        if at + N < args.len() {
            let mut taken = args.drain(at..=at + N).skip(1);
            values.fill_with(|| taken.next());
        }
    }
    values
}

#[cfg(feature = "tls")]
fn read(file: &str) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| format!("{file}: {error}"))
}
