//! How a server reaches a connection whose halves other threads have. It keeps nothing of the
//! connection alive, and waits for nothing.

use std::any::Any;
use std::sync::{Arc, Weak};
use std::time::Duration;

use ws_core::close::CloseCode;

use super::shared::{Shared, lock};
use crate::driver::Anchor;
use crate::{Stream, Writer};

/// A connection as it is seen from outside.
#[derive(Clone)]
pub(crate) struct Remote {
    clock: Anchor,
    shared: Weak<Shared<Stream>>,
}

impl Remote {
    /// Says that it is over, if it still exists. The deadline is the caller's affair.
    ///
    /// The halves may go meanwhile, and with them what they [hold](Writer::hold): the caller has no
    /// lock that this needs.
    pub(crate) fn close(&self, code: CloseCode, reason: &str) {
        if let Some(shared) = self.shared.upgrade() {
            shared.close_in_passing(self.clock, code, reason);
        }
    }

    /// Do bytes wait for the peer to take them? The caller has no lock, likewise.
    pub(crate) fn is_stalled(&self) -> bool {
        self.shared.upgrade().is_some_and(|shared| {
            let state = lock(&shared.state);
            state.in_flight || state.stuck
        })
    }
}

impl Writer<Stream> {
    pub(crate) fn remote(&self) -> Remote {
        Remote {
            clock: self.clock,
            shared: Arc::downgrade(&self.shared),
        }
    }

    /// [`Remote::close`].
    pub(crate) fn close_in_passing(&self, code: CloseCode, reason: &str) {
        self.shared.close_in_passing(self.clock, code, reason);
    }

    /// The peer is given up when it takes nothing for so long.
    pub(crate) fn give_up_after(&mut self, patience: Duration) {
        self.patience = Some(patience);
    }

    /// Keeps something until both halves and their transport are gone.
    pub(crate) fn hold(&self, what: Arc<dyn Any + Send + Sync>) {
        lock(&self.shared.state).held = Some(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, OwnedEvent, WebSocket};
    use std::io::{ErrorKind, Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::thread;
    use ws_core::handshake::{Agreed, Opened};
    use ws_core::{Role, Seed};

    /// A connection, and its client's end.
    fn pair() -> (Arc<TcpStream>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let near = TcpStream::connect(address).expect("a connection");
        (near.into(), listener.accept().expect("its other end").0)
    }

    /// Writes until the socket takes no more, and says how much that was.
    fn stuff(mut tcp: &TcpStream) -> usize {
        tcp.set_nonblocking(true).expect("set");
        let mut stuffed = 0;
        let full = loop {
            match tcp.write(&[0; 1 << 16]) {
                Ok(n) => stuffed += n,
                Err(error) => break error,
            }
        };
        assert_eq!(full.kind(), ErrorKind::WouldBlock);
        tcp.set_nonblocking(false).expect("set");
        stuffed
    }

    #[test]
    fn a_peer_that_takes_nothing_is_not_waited_for_and_learns_of_it_when_the_reader_wakes() {
        let (near, mut far) = pair();
        let opened = Opened::upgraded(Role::Server, Agreed::default(), &[], Seed::new([7; 32]));
        let stream = Stream::shared(Arc::clone(&near));
        let socket = WebSocket::upgraded(stream, opened, &Config::default());
        let (mut reader, writer) = socket.split().expect("halves");
        let stuffed = stuff(&near);
        let remote = writer.remote();
        remote.close(CloseCode::GOING_AWAY, "bye");
        remote.close(CloseCode::NORMAL, "it is said already");
        assert_eq!(near.write_timeout().expect("told"), None, "no wait at all");
        let reading = thread::spawn(move || (reader.next(), reader.next(), reader.next()));
        far.write_all(&[0x89, 0x80, 0, 0, 0, 0]).expect("written");
        far.read_exact(&mut vec![0; stuffed]).expect("the stuffing");
        let mut said = [0; 7];
        far.read_exact(&mut said).expect("a Close frame");
        assert_eq!(&said, b"\x88\x05\x03\xe9bye");
        far.write_all(b"\x88\x82\0\0\0\0\x03\xe9").expect("written");
        let (ping, end, none) = reading.join().expect("read");
        assert!(matches!(ping, Some(OwnedEvent::Ping(_))), "{ping:?}");
        assert!(
            matches!(&end, Some(OwnedEvent::Closed(closed)) if closed.is_clean()),
            "{end:?}"
        );
        assert_eq!(none, None);
        drop((writer, near));
        assert_eq!(far.read(&mut said).expect("an orderly end"), 0);
        remote.close(CloseCode::NORMAL, "nobody is there");
    }
}
