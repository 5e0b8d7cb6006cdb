//! Echo servers: each a child process of the harness, one small file each.

mod handshake;
mod ours_tokio;
#[cfg(feature = "peers")]
mod peers;
mod plain;
mod tokio_accept;

use std::io;
use std::net::TcpListener;

use crate::table::Class;

/// The capacity of buffers whose size a server may choose.
const BUFFER: usize = 64 * 1024;

/// A server that echoes messages on every connection, for ever.
#[derive(Clone, Copy, Debug)]
pub struct Server {
    /// As tables name it.
    pub name: &'static str,
    /// What it is compared with.
    pub class: Class,
    /// Does it speak WebSocket, or echo bytes?
    pub upgrades: bool,
    /// Serves until the process ends.
    pub run: fn(TcpListener) -> io::Result<()>,
}

/// All servers of this crate, in the order of the tables.
#[must_use]
pub fn all() -> Vec<Server> {
    let mut servers = Vec::new();
    servers.extend(ours_tokio::SERVERS);
    #[cfg(feature = "peers")]
    servers.extend(peers::servers());
    servers.extend(plain::SERVERS);
    servers
}

/// Serves as the child process that the harness started: `serve NAME PORT`.
///
/// # Errors
/// If there is no such server, or it can't listen.
pub fn serve(name: &str, port: &str) -> io::Result<()> {
    let server = all().into_iter().find(|server| server.name == name);
    let server = server.ok_or_else(|| io::Error::other(format!("no such server: {name}")))?;
    let port = port.parse().map_err(io::Error::other)?;
    // The harness holds the other end: when it is gone, so is this process.
    std::thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
    (server.run)(TcpListener::bind(("127.0.0.1", port))?)
}
