//! Connections of a server that are moved out of their handlers, and clients that don't read: all of
//! them stay the server's affair.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use super::raw::{self, TEXT};
use super::servers::{assert_closed_with, open, options, refused, until};
use super::{guard, join};
use crate::rt::{self, ws};
use ws::server::ServerLimits;
use ws::{AcceptOptions, Config};

/// What has become of the connection, it answers.
fn echoes(client: &mut TcpStream) {
    client.write_all(&raw::masked(TEXT, b"echo")).unwrap();
    assert_eq!(raw::read_frame(client).unwrap(), (TEXT, b"echo".to_vec()));
}

#[test]
fn wherever_a_connection_is_it_counts_and_is_closed_when_the_server_goes_down() {
    guard(|| {
        let (address, handle, serving) = rt::serve(options(ServerLimits::default()));
        let mut clients = ["/moved", "/taken", "/later"].map(|path| open(address, path));
        clients.iter_mut().for_each(echoes);
        assert_eq!(handle.counts().open, 3);
        handle.shutdown();
        for client in &mut clients {
            assert_closed_with(client, 1001);
        }
        assert_eq!(join(serving).open, 0);
    });
}

#[test]
fn wherever_a_connection_is_dropped_it_is_closed() {
    guard(|| {
        let (address, handle, serving) = rt::serve(options(ServerLimits::default()));
        for (path, code) in [
            ("/moved/leave", 1000),
            ("/moved/panic", 1000), // the panic is not where the connection is
            ("/moved/panics", 1011),
        ] {
            let mut client = open(address, path);
            client.write_all(&raw::masked(TEXT, b"go")).unwrap();
            assert_closed_with(&mut client, code);
        }
        refused(address, "/later/unanswered", "", 500);
        until(&handle, |counts| counts.open + counts.handshaking == 0);
        handle.shutdown();
        assert_eq!(join(serving).panicked, 1);
    });
}

#[test]
fn wherever_a_connection_is_it_is_waited_for_and_ends_at_the_drain_deadline() {
    guard(|| {
        let limits = ServerLimits::default().drain_timeout(Duration::from_millis(20));
        let config = Config::default().close_timeout(Duration::from_secs(300));
        let accept = AcceptOptions::default().config(config);
        let options = ws::ServerOptions::default().limits(limits).accept(accept);
        let (address, handle, serving) = rt::serve(options);
        // They never answer the Close.
        let mut clients = [open(address, "/moved"), open(address, "/taken")];
        clients.iter_mut().for_each(echoes);
        // And these never read, so that whoever has the connection waits in a write.
        let mut deaf = [open(address, "/moved/flood"), open(address, "/taken/flood")];
        until(&handle, |counts| (counts.open, counts.stalled) == (4, 2));
        handle.shutdown();
        assert_eq!(join(serving).open, 4, "who was still there");
        // All are gone, without anything having been read.
        until(&handle, |counts| (counts.open, counts.stalled) == (0, 0));
        for client in clients.iter_mut().chain(&mut deaf) {
            raw::drain(client);
        }
    });
}

#[test]
fn a_client_that_does_not_read_is_seen_in_the_numbers() {
    guard(|| {
        let (address, handle, serving) = rt::serve(options(ServerLimits::default()));
        let mut reads = open(address, "/");
        echoes(&mut reads);
        let does_not = open(address, "/flood");
        until(&handle, |counts| (counts.open, counts.stalled) == (2, 1));
        drop(does_not);
        until(&handle, |counts| (counts.open, counts.stalled) == (1, 0));
        echoes(&mut reads);
        drop(reads);
        handle.shutdown();
        join(serving);
    });
}
