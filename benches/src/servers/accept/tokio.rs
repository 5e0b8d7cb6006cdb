//! The accept loop of every server on tokio.

use std::io;
use std::net::TcpListener;

use tokio::net::TcpStream;
use tokio::runtime::Builder;

/// Which of tokio's runtimes.
#[derive(Clone, Copy, Debug)]
pub(in crate::servers) enum Flavor {
    /// Everything on one thread.
    CurrentThread,
    /// Two worker threads.
    MultiThread,
}

/// Runs `handle` for every connection, as a task of its own.
pub(in crate::servers) fn serve<F, H>(
    flavor: Flavor,
    listener: TcpListener,
    handle: H,
) -> io::Result<()>
where
    F: Future<Output = io::Result<()>> + Send + 'static,
    H: Fn(TcpStream) -> F,
{
    let mut builder = match flavor {
        Flavor::CurrentThread => Builder::new_current_thread(),
        Flavor::MultiThread => Builder::new_multi_thread(),
    };
    let runtime = builder
        .worker_threads(2)
        .enable_io()
        .enable_time()
        .build()?;
    listener.set_nonblocking(true)?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            // A connection that breaks is its own affair.
            tokio::spawn(handle(stream));
        }
    })
}
