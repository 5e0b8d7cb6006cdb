//! The accept loop of every server on smol: one thread, which also runs the reactor.

use std::io;
use std::net::TcpListener;

use smol::LocalExecutor;
use smol::net::TcpStream;

/// Runs `handle` for every connection, as a task of its own.
pub(in crate::servers) fn serve<F, H>(listener: TcpListener, handle: H) -> io::Result<()>
where
    F: Future<Output = io::Result<()>> + 'static,
    H: Fn(TcpStream) -> F,
{
    let executor = LocalExecutor::new();
    smol::block_on(executor.run(async {
        let listener = smol::net::TcpListener::try_from(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            // A connection that breaks is its own affair.
            executor.spawn(handle(stream)).detach();
        }
    }))
}
