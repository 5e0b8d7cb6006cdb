//! The accept loop of every blocking server: a thread for each connection.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::thread;

/// Runs `handle` for every connection, on a thread of its own.
pub(in crate::servers) fn serve(
    listener: TcpListener,
    handle: fn(TcpStream) -> io::Result<()>,
) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        // A connection that breaks is its own affair.
        thread::Builder::new().spawn(move || handle(stream))?;
    }
}
