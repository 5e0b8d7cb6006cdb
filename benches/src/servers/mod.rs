//! Echo servers: each a child process of the harness, one small file each.

mod accept;
mod ours;
#[cfg(feature = "peers")]
mod peers;
mod plain;

use std::io::{self, Write};
use std::net::TcpListener;

use crate::table::Class;

/// The capacity of buffers whose size a server may choose.
const BUFFER: usize = 64 * 1024;

/// What a server runs on. Ours is compared with the limit on the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Runtime {
    /// A hand-written loop over mio.
    Mio,
    /// smol, on one thread.
    Smol,
    /// Blocking sockets, a thread for each.
    Threads,
    /// tokio's current-thread runtime.
    Tokio,
    /// tokio's multi-thread runtime, with two workers.
    TokioMulti,
}

impl Runtime {
    /// Connections that make sense on it.
    #[must_use]
    pub const fn most_connections(self) -> usize {
        match self {
            Self::Threads => 1000,
            Self::Mio | Self::Smol | Self::Tokio | Self::TokioMulti => usize::MAX,
        }
    }
}

type Run = fn(TcpListener) -> io::Result<()>;

/// A server that echoes messages on every connection, for ever.
#[derive(Clone, Copy, Debug)]
pub struct Server {
    /// As tables name it.
    pub name: &'static str,
    /// What it is compared with.
    pub class: Class,
    /// Does it speak WebSocket, or echo bytes?
    pub upgrades: bool,
    /// What it runs on.
    pub runtime: Runtime,
    /// Serves until the process ends.
    pub run: Run,
}

/// All servers of this crate, in the order of the tables.
#[must_use]
pub fn all() -> Vec<Server> {
    let mut servers = Vec::new();
    servers.extend(ours::SERVERS);
    #[cfg(feature = "peers")]
    servers.extend(peers::servers());
    servers.extend(plain::SERVERS);
    servers
}

/// Serves as the child process that the harness started (`serve NAME`), and prints where.
///
/// # Errors
/// If there is no such server, or it can't listen.
pub fn serve(name: &str) -> io::Result<()> {
    let server = all().into_iter().find(|server| server.name == name);
    let server = server.ok_or_else(|| io::Error::other(format!("no such server: {name}")))?;
    // The harness holds the other end: when it is gone, so is this process.
    std::thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut out = io::stdout();
    writeln!(out, "{}", listener.local_addr()?)?;
    out.flush()?;
    (server.run)(listener)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Burst, Load};
    use crate::wire::Kind;

    #[test]
    fn every_server_echoes_small_and_large_messages_on_several_connections() {
        for server in all() {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            std::thread::spawn(move || (server.run)(listener));
            let mut load = Load::connect(address, 3, server.upgrades).unwrap();
            for (kind, size, depth) in [
                (Kind::Binary, 64, 1),
                (Kind::Binary, 64, 32),
                (Kind::MultiByte, 16 << 10, 2),
                (Kind::Ascii, 1 << 20, 1),
            ] {
                let burst = Burst::new(kind, size, depth, server.upgrades);
                let echoed = load.once(&burst);
                echoed.unwrap_or_else(|error| panic!("{}, {size} B: {error}", server.name));
            }
        }
    }

    #[test]
    fn every_server_has_a_name_of_its_own() {
        let servers = all();
        let names: std::collections::BTreeSet<_> =
            servers.iter().map(|server| server.name).collect();
        assert_eq!(names.len(), servers.len());
        assert!(serve("nobody").is_err());
    }
}
