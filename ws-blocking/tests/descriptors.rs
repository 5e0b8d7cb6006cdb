//! What a connection costs a server of threads, besides its thread: one descriptor. This is the only
//! test of its process, so that nobody else's come and go meanwhile.
#![cfg(target_os = "linux")]

#[path = "../../ws-core/tests/bindings/guard.rs"]
mod guard;
#[path = "../../ws-core/tests/bindings/raw.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod raw;

mod rt {
    pub(crate) use ws_blocking as ws;
}

use std::net::TcpStream;
use std::thread;

use guard::{guard, join};
use ws_blocking::ServerOptions;
use ws_blocking::server::{Arrival, Counts, Handle, Server};

const CLIENTS: usize = 8;

/// Those of sockets: files are opened and closed by the libraries underneath.
fn descriptors() -> usize {
    let all = std::fs::read_dir("/proc/self/fd").expect("Linux has it");
    let paths = all.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    paths
        .filter(|path| path.to_string_lossy().starts_with("socket:"))
        .count()
}

fn until(handle: &Handle, reached: impl Fn(&Counts) -> bool) {
    while !reached(&handle.counts()) {
        thread::yield_now();
    }
}

#[test]
fn a_connection_takes_one_descriptor_from_its_arrival_to_its_end() {
    guard(|| {
        let server = Server::bind("127.0.0.1:0", ServerOptions::threads()).expect("a free port");
        let address = server.local_addr().expect("an address");
        let handle = server.handle();
        let split = |arrival: Arrival| {
            if let Ok(guest) = arrival.open() {
                let (mut reader, _writer) = guest.split();
                while reader.next().is_some() {}
            }
        };
        let serving = thread::spawn(move || server.run_with(split));
        drop(raw::connect(address));
        until(&handle, |counts| counts.opened == 1 && counts.open == 0);
        let before = descriptors();

        let arrived = [(); CLIENTS].map(|()| TcpStream::connect(address).expect("a server"));
        until(&handle, |counts| counts.handshaking == CLIENTS);
        // One at the client, one at the server.
        assert_eq!(descriptors() - before, 2 * CLIENTS, "arrived");
        drop(arrived);
        until(&handle, |counts| counts.handshaking == 0);
        assert_eq!(descriptors(), before);

        let open = [(); CLIENTS].map(|()| raw::connect(address));
        until(&handle, |counts| counts.open == CLIENTS);
        assert_eq!(descriptors() - before, 2 * CLIENTS, "open, in halves");
        drop(open);
        until(&handle, |counts| counts.open == 0);
        assert_eq!(descriptors(), before);

        handle.shutdown();
        assert_eq!(join(serving).expect("served").open, 0);
    });
}
