//! What every binding must do on real sockets, on blocking ones.

#[path = "../../ws-core/tests/bindings/mod.rs"]
mod bindings;

mod rt {
    use std::io::{self, Read, Write};
    use std::net::{Shutdown, SocketAddr, TcpStream};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::Duration;

    pub(crate) use ws_blocking as ws;
    use ws_blocking::server::{Arrival, Counts, Guest, Handle, Server};
    use ws_blocking::ws_core::handshake::Opened;
    use ws_blocking::{Config, Transport, WebSocket};

    pub(crate) type Tcp = ws_blocking::Stream;
    pub(crate) type Writes = Arc<AtomicUsize>;

    macro_rules! wait {
        ($call:expr) => {
            $call
        };
    }
    pub(crate) use wait;

    /// Where a session may be started.
    pub(crate) fn enter<T>(act: impl FnOnce() -> T) -> T {
        act()
    }

    pub(crate) fn tcp(stream: TcpStream) -> Tcp {
        stream.into()
    }

    #[cfg(feature = "tls")]
    pub(crate) fn tls(
        stream: TcpStream,
        config: Arc<ws::tls::rustls::ServerConfig>,
    ) -> io::Result<Tcp> {
        ws::tls::accept_tls(stream, config)
    }

    /// A server whose handlers do what the path says, until it is shut down.
    pub(crate) fn serve(
        options: ws::ServerOptions,
    ) -> (SocketAddr, Handle, thread::JoinHandle<Counts>) {
        let server = Server::bind("127.0.0.1:0", options).expect("a free port");
        let (address, handle) = (server.local_addr(), server.handle());
        let serving = thread::spawn(move || server.run_with(route).expect("a listener"));
        (address.expect("an address"), handle, serving)
    }

    /// Goes on in another thread, whatever becomes of the handler.
    fn elsewhere(work: impl FnOnce() + Send + 'static) {
        thread::spawn(work);
    }

    fn echo(mut guest: Guest) {
        while let Some(event) = guest.next() {
            if let Some(message) = event.into_message() {
                let _ = guest.send(message);
            }
        }
    }

    /// Sends without end, and stays until the end.
    fn flood(mut guest: Guest) {
        let much = vec![7; 1 << 20];
        while guest.send(&*much).is_ok() {}
        while guest.next().is_some() {}
    }

    fn route(arrival: Arrival) {
        match arrival.request().path() {
            "/before" => panic!("on purpose, before the answer"),
            "/unanswered" => return,
            "/later" => {
                return elsewhere(|| {
                    if let Ok(guest) = arrival.open() {
                        echo(guest);
                    }
                });
            }
            "/later/unanswered" => return elsewhere(|| drop(arrival)),
            "/rejected" => {
                let headers = [("WWW-Authenticate", "Basic")];
                return drop(arrival.reject(401, &headers, b"who is it?"));
            }
            _ => {}
        }
        let path = String::from(arrival.request().path());
        let Ok(mut guest) = arrival.open() else {
            return;
        };
        match &*path {
            "/panic" => {
                guest.next();
                panic!("on purpose, in the middle");
            }
            "/leave" => drop(guest.next()),
            "/stay" => loop {
                thread::park();
            },
            "/halves" => {
                let (mut reader, mut writer) = guest.split();
                while let Some(event) = reader.next() {
                    if let Some(message) = event.into_message() {
                        let _ = writer.send(message);
                    }
                }
            }
            "/moved" => elsewhere(|| echo(guest)),
            "/moved/leave" => elsewhere(move || drop(guest.next())),
            "/moved/panics" => elsewhere(move || {
                guest.next();
                panic!("on purpose, elsewhere");
            }),
            "/moved/panic" => {
                elsewhere(move || drop(guest.next()));
                panic!("on purpose, without it");
            }
            "/taken" => {
                let (mut reader, mut writer) = guest.split();
                elsewhere(move || {
                    while let Some(event) = reader.next() {
                        if let Some(message) = event.into_message() {
                            let _ = writer.send(message);
                        }
                    }
                });
            }
            "/flood" => flood(guest),
            "/moved/flood" => elsewhere(|| flood(guest)),
            "/taken/flood" => {
                let (mut reader, mut writer) = guest.split();
                elsewhere(move || {
                    let much = vec![7; 1 << 20];
                    while writer.send(&*much).is_ok() {}
                    while reader.next().is_some() {}
                });
            }
            _ => echo(guest),
        }
    }

    pub(crate) fn split(socket: WebSocket) -> (ws::Reader, ws::Writer) {
        socket.split().expect("a second handle")
    }

    pub(crate) fn read(stream: &mut Tcp, buf: &mut [u8]) -> io::Result<usize> {
        stream.read(buf)
    }

    pub(crate) fn upgraded<S: Transport>(
        stream: S,
        opened: Opened,
        config: &Config,
    ) -> WebSocket<S> {
        WebSocket::upgraded(stream, opened, config)
    }

    /// What reads and writes.
    pub(crate) mod ext {
        pub(crate) use std::io::{Read, Write};
    }

    pub(crate) fn shutdown(stream: &mut ws::ByteStream) -> Result<(), ws::Error> {
        stream.shutdown()
    }

    /// A stream that counts the writes that moved anything.
    pub(crate) struct Counted(Tcp, Writes);

    pub(crate) fn counted(stream: TcpStream) -> (Counted, Writes) {
        let writes = Writes::default();
        (Counted(stream.into(), Arc::clone(&writes)), writes)
    }

    impl Read for Counted {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.0.read(buf)
        }
    }

    impl Write for Counted {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            let n = self.0.write(buf)?;
            self.1.fetch_add(1, Ordering::SeqCst);
            Ok(n)
        }

        fn write_vectored(&mut self, bufs: &[io::IoSlice<'_>]) -> io::Result<usize> {
            let n = self.0.write_vectored(bufs)?;
            self.1.fetch_add(1, Ordering::SeqCst);
            Ok(n)
        }

        fn flush(&mut self) -> io::Result<()> {
            self.0.flush()
        }
    }

    impl Transport for Counted {
        fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
            self.0.set_read_timeout(timeout)
        }

        fn set_write_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
            self.0.set_write_timeout(timeout)
        }

        fn shutdown(&mut self, how: Shutdown) -> io::Result<()> {
            self.0.shutdown(how)
        }
    }
}
