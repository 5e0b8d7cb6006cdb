//! What every binding must do on real sockets, on tokio.

#[path = "../../ws-core/tests/bindings/mod.rs"]
mod bindings;
#[path = "../../ws-core/tests/bindings/guests.rs"]
mod guests;
#[path = "../../ws-core/tests/bindings/tasks.rs"]
mod tasks;

mod rt {
    use std::future::Future;
    use std::io;
    use std::net::SocketAddr;
    use std::pin::Pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, LazyLock};
    use std::task::{Context, Poll};
    use std::thread;

    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, DuplexStream, ReadBuf, duplex};
    use tokio::net::TcpStream;
    use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
    use tokio::runtime::{Builder, Runtime};
    pub(crate) use ws_tokio as ws;
    use ws_tokio::ws_core::handshake::Opened;
    use ws_tokio::ws_core::pump;
    use ws_tokio::{Config, Tokio, WebSocket};

    pub(crate) type Tcp = ws_tokio::Stream;
    pub(crate) type Writes = Arc<AtomicUsize>;

    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(2).enable_all();
        builder.build().expect("a runtime")
    });

    macro_rules! wait {
        ($call:expr) => {
            crate::rt::block_on($call)
        };
    }
    pub(crate) use wait;

    pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
        RUNTIME.block_on(future)
    }

    /// Where a session may be started.
    pub(crate) fn enter<T>(act: impl FnOnce() -> T) -> T {
        let _entered = RUNTIME.enter();
        act()
    }

    pub(crate) fn tcp(stream: std::net::TcpStream) -> Tcp {
        let _entered = RUNTIME.enter();
        stream.set_nonblocking(true).expect("non-blocking");
        TcpStream::from_std(stream).expect("registered").into()
    }

    pub(crate) fn spawn<F>(future: F) -> impl Future<Output = F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let task = RUNTIME.spawn(future);
        async { task.await.expect("no panic") }
    }

    /// A server whose handlers do what the path says, until it is shut down.
    pub(crate) fn serve(
        options: ws::ServerOptions,
    ) -> (
        SocketAddr,
        ws::server::Handle,
        thread::JoinHandle<ws::server::Counts>,
    ) {
        let server = block_on(ws::server::Server::bind("127.0.0.1:0", options));
        let server = server.expect("a free port");
        let (address, handle) = (server.local_addr(), server.handle());
        let run = server.run_with(crate::guests::route);
        let serving = thread::spawn(move || block_on(run));
        (address.expect("an address"), handle, serving)
    }

    pub(crate) fn pipe(capacity: usize) -> (DuplexStream, DuplexStream) {
        duplex(capacity)
    }

    #[cfg(feature = "tls")]
    pub(crate) fn tls(
        stream: std::net::TcpStream,
        config: Arc<ws::tls::rustls::ServerConfig>,
    ) -> io::Result<Tcp> {
        let tcp = tcp(stream).into_tcp().expect("no tls yet");
        block_on(ws::tls::accept_tls(tcp, config))
    }

    #[cfg(unix)]
    pub(crate) fn unix_pair() -> (tokio::net::UnixStream, tokio::net::UnixStream) {
        let _entered = RUNTIME.enter();
        tokio::net::UnixStream::pair().expect("a pair")
    }

    pub(crate) fn native_halves(
        socket: WebSocket,
    ) -> (
        pump::Reader<OwnedReadHalf, OwnedWriteHalf, Tokio>,
        pump::Writer<OwnedWriteHalf, Tokio>,
    ) {
        socket.split_with(|stream| stream.into_tcp().expect("no tls").into_split())
    }

    pub(crate) fn split(socket: WebSocket) -> (ws::Reader, ws::Writer) {
        socket.split()
    }

    pub(crate) async fn read(stream: &mut Tcp, buf: &mut [u8]) -> io::Result<usize> {
        stream.read(buf).await
    }

    pub(crate) fn upgraded<S>(stream: S, opened: Opened, config: &Config) -> WebSocket<S>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let _entered = RUNTIME.enter();
        WebSocket::upgraded(stream, opened, config)
    }

    /// What reads and writes.
    pub(crate) mod ext {
        pub(crate) use tokio::io::{AsyncReadExt, AsyncWriteExt};
    }

    pub(crate) async fn shutdown(stream: &mut ws::ByteStream) -> io::Result<()> {
        tokio::io::AsyncWriteExt::shutdown(stream).await
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
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
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

        fn is_write_vectored(&self) -> bool {
            self.0.is_write_vectored()
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(cx)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(cx)
        }
    }
}
