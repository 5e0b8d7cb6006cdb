//! A client that takes nothing of what is sent to it does not keep its thread.

#[path = "../../ws-core/tests/bindings/guard.rs"]
mod guard;
#[path = "../../ws-core/tests/bindings/raw.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod raw;

mod rt {
    pub(crate) use ws_blocking as ws;
}

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use guard::{guard, join};
use ws_blocking::ServerOptions;
use ws_blocking::server::{Guest, Server, ServerLimits};

#[test]
fn a_client_that_takes_nothing_is_given_up_and_its_seat_is_free() {
    guard(|| {
        let limits = ServerLimits::threads().write_timeout(Duration::from_millis(30));
        let options = ServerOptions::threads().limits(limits);
        let server = Server::bind("127.0.0.1:0", options).expect("a listener");
        let address = server.local_addr().expect("an address");
        let handle = server.handle();
        let (told, gave_up) = mpsc::channel();
        let serving = thread::spawn(move || {
            server.run(move |mut guest: Guest| {
                while guest.send(vec![7; 1 << 16]).is_ok() {}
                // It is over for the reader too.
                while guest.next().is_some() {}
                told.send(()).expect("awaited");
            })
        });
        let stuck = raw::connect(address);
        gave_up.recv().expect("the end of it");
        while handle.counts().open > 0 {
            thread::yield_now();
        }
        drop(stuck);
        handle.shutdown();
        assert_eq!(join(serving).expect("served").open, 0);
    });
}
