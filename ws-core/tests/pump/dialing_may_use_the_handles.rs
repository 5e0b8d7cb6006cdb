//! A dial that uses a handle of its own session: it does not wait for itself.
#![cfg(feature = "pump")]

#[path = "../bindings/guard.rs"]
#[allow(
    clippy::disallowed_methods,
    reason = "a dial that waits for itself hangs"
)]
mod guard;

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

use guard::guard;
use ws_core::buf::Pool;
use ws_core::handshake::Request;
use ws_core::policy::{IoClass, Stage};
use ws_core::pump::client::{self, Client, Dialing};
use ws_core::pump::{PollRead, PollWrite, Runtime};
use ws_core::session::{DialError, Event, NoDialect, Session, SessionConfig, State};
use ws_core::{Instant, Seed};

/// A transport that no dial here comes to.
enum Never {}

/// A clock that stands still.
#[derive(Clone)]
struct Still;

impl Runtime for Still {
    type Io<T> = T;

    fn io<T>(io: T) -> T {
        io
    }

    fn now(&self) -> Instant {
        Instant::ORIGIN
    }

    fn poll_until(&mut self, _: &mut Context<'_>, _: Instant) -> Poll<()> {
        Poll::Pending
    }

    fn with_pool<T>(f: impl FnOnce(&mut Pool) -> T) -> T {
        f(&mut Pool::new())
    }
}

impl PollRead<Never> for Still {
    fn poll_read(io: &mut Never, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
        match *io {}
    }
}

impl PollWrite<Never> for Still {
    fn poll_write(
        io: &mut Never,
        _: &mut Context<'_>,
        _: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match *io {}
    }

    fn poll_flush(io: &mut Never, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *io {}
    }

    fn poll_shutdown(io: &mut Never, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *io {}
    }
}

fn request(host: &str) -> Request {
    Request::new(&*format!("ws://{host}/")).expect("a url")
}

#[test]
fn a_dial_that_uses_the_handles_of_its_session_does_not_wait_for_itself() {
    guard(|| {
        let handle: Arc<OnceLock<Client<NoDialect, Still>>> = Arc::default();
        let asked: Rc<RefCell<Vec<String>>> = Rc::default();
        let dial = {
            let (handle, asked) = (Arc::clone(&handle), Rc::clone(&asked));
            move |request: &Request| -> Dialing<Never> {
                asked.borrow_mut().push(request.url().authority());
                let client = handle.get().expect("set before anything runs").clone();
                assert!(matches!(client.state(), State::Dialing { .. }));
                client.set_target(self::request("second"));
                Box::pin(async move {
                    assert!(matches!(client.state(), State::Dialing { .. }));
                    Err(DialError::new(Stage::Connect, IoClass::Refused))
                })
            }
        };
        let config = SessionConfig::default();
        let session = Session::new(request("first"), config, Seed::new([7; 32]));
        let (client, mut events, run) = client::run(session, Still, dial);
        assert!(handle.set(client.clone()).is_ok());

        let mut run = pin!(run);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(run.as_mut().poll(&mut cx).is_pending());
        assert!(matches!(client.state(), State::Waiting { .. }));
        client.reconnect().unwrap();
        assert!(run.as_mut().poll(&mut cx).is_pending());
        assert_eq!(*asked.borrow(), ["first", "second"]);
        let failed = std::iter::from_fn(|| events.try_next())
            .filter(|event| matches!(event, Event::Failed { .. }));
        assert_eq!(failed.count(), 2);
    });
}
