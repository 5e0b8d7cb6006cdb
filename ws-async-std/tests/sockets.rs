//! What every binding must do on real sockets, on smol or on async-std.

#[path = "../../ws-core/tests/bindings/mod.rs"]
mod bindings;
#[path = "../../ws-core/tests/bindings/guests.rs"]
mod guests;
#[path = "../../ws-core/tests/bindings/tasks.rs"]
mod tasks;

mod pipe;

mod rt {
    use std::future::Future;
    use std::io;
    use std::net::SocketAddr;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll};
    use std::thread;

    use futures_io::{AsyncRead, AsyncWrite};
    use futures_lite::AsyncReadExt;
    pub(crate) use ws_async_std as ws;
    use ws_async_std::net::TcpStream;
    use ws_async_std::ws_core::handshake::Opened;
    use ws_async_std::ws_core::pump;
    use ws_async_std::{Config, FuturesIo, WebSocket};

    pub(crate) type Tcp = ws_async_std::Stream;
    pub(crate) type Writes = Arc<AtomicUsize>;

    macro_rules! wait {
        ($call:expr) => {
            crate::rt::block_on($call)
        };
    }
    pub(crate) use wait;

    #[cfg(feature = "smol")]
    pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
        smol::block_on(future)
    }

    #[cfg(not(feature = "smol"))]
    pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
        async_std::task::block_on(future)
    }

    /// Where a session may be started.
    pub(crate) fn enter<T>(act: impl FnOnce() -> T) -> T {
        act()
    }

    pub(crate) fn tcp(stream: std::net::TcpStream) -> Tcp {
        #[cfg(feature = "smol")]
        return TcpStream::try_from(stream).expect("registered").into();
        #[cfg(not(feature = "smol"))]
        return TcpStream::from(stream).into();
    }

    /// Runs a task; it goes on while its result is waited for elsewhere.
    pub(crate) fn spawn<F>(future: F) -> impl Future<Output = F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        #[cfg(feature = "smol")]
        return smol::spawn(future);
        #[cfg(not(feature = "smol"))]
        return async_std::task::spawn(future);
    }

    /// A server whose handlers do what the path says, until it is shut down.
    pub(crate) fn serve(
        options: ws::ServerOptions,
    ) -> (
        SocketAddr,
        ws::server::Handle,
        thread::JoinHandle<ws::server::Counts>,
    ) {
        let server = ws::server::Server::bind("127.0.0.1:0", options);
        let server = server.expect("a free port");
        let (address, handle) = (server.local_addr(), server.handle());
        let run = server.run_with(crate::guests::route);
        let serving = thread::spawn(move || block_on(run));
        (address.expect("an address"), handle, serving)
    }

    pub(crate) use crate::pipe::pipe;

    #[cfg(all(unix, feature = "smol"))]
    pub(crate) use smol::net::unix::UnixStream;

    #[cfg(all(unix, not(feature = "smol")))]
    pub(crate) use async_std::os::unix::net::UnixStream;

    #[cfg(unix)]
    pub(crate) fn unix_pair() -> (UnixStream, UnixStream) {
        UnixStream::pair().expect("a pair")
    }

    pub(crate) fn native_halves(
        socket: WebSocket,
    ) -> (
        pump::Reader<TcpStream, TcpStream, FuturesIo>,
        pump::Writer<TcpStream, FuturesIo>,
    ) {
        socket.split_with(|stream| {
            let tcp = stream.into_tcp().expect("no tls");
            (tcp.clone(), tcp)
        })
    }

    #[cfg(feature = "tls")]
    pub(crate) fn tls(
        stream: std::net::TcpStream,
        config: Arc<ws::tls::rustls::ServerConfig>,
    ) -> io::Result<Tcp> {
        let tcp = tcp(stream).into_tcp().expect("no tls yet");
        block_on(ws::tls::accept_tls(tcp, config))
    }

    pub(crate) fn split(socket: WebSocket) -> (ws::Reader, ws::Writer) {
        socket.split()
    }

    pub(crate) async fn read(stream: &mut Tcp, buf: &mut [u8]) -> io::Result<usize> {
        stream.read(buf).await
    }

    pub(crate) fn upgraded<S>(stream: S, opened: Opened, config: &Config) -> WebSocket<S>
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        WebSocket::upgraded(stream, opened, config)
    }

    /// What reads and writes.
    pub(crate) mod ext {
        pub(crate) use futures_lite::{AsyncReadExt, AsyncWriteExt};
    }

    pub(crate) async fn shutdown(stream: &mut ws::ByteStream) -> io::Result<()> {
        futures_lite::AsyncWriteExt::close(stream).await
    }

    /// A stream that counts the writes that moved anything.
    pub(crate) struct Counted(Tcp, Writes);

    pub(crate) fn counted(stream: std::net::TcpStream) -> (Counted, Writes) {
        let writes = Writes::default();
        (Counted(tcp(stream), Arc::clone(&writes)), writes)
    }

    impl Counted {
        fn count(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
            if matches!(written, Poll::Ready(Ok(_))) {
                self.1.fetch_add(1, Ordering::SeqCst);
            }
            written
        }
    }

    impl AsyncRead for Counted {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0).poll_read(cx, buf)
        }
    }

    impl AsyncWrite for Counted {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<io::Result<usize>> {
            let written = Pin::new(&mut self.0).poll_write(cx, buf);
            self.count(written)
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bufs: &[io::IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let written = Pin::new(&mut self.0).poll_write_vectored(cx, bufs);
            self.count(written)
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(cx)
        }

        fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_close(cx)
        }
    }
}
