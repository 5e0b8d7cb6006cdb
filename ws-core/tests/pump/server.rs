//! The loop that accepts, in virtual time: it never spins, whatever accepting leads to.
#![cfg(feature = "pump")]
#![allow(clippy::disallowed_types, reason = "tasks of a server may move")]

use std::collections::VecDeque;
use std::future::{Future, ready};
use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use ws_core::Instant;
use ws_core::buf::Pool;
use ws_core::options::ServerOptions;
use ws_core::pump::server::{Host, Server};
use ws_core::pump::{Opening, PollRead, PollWrite, Runtime};
use ws_core::server::Phase;

/// A clock that a test turns, and what its listener has to say.
#[derive(Clone, Default)]
struct House(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    now: Instant,
    /// What the timer was last set to.
    alarm: Option<Instant>,
    /// Kinds of errors, and `None` for a connection; nobody comes when there is none left.
    arrivals: VecDeque<Option<ErrorKind>>,
    asked: usize,
}

/// A stream that nothing comes from.
struct Silence;

impl House {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap()
    }
}

impl Runtime for House {
    type Io<T> = T;

    fn io<T>(io: T) -> T {
        io
    }

    fn now(&self) -> Instant {
        self.inside().now
    }

    fn poll_until(&mut self, _: &mut Context<'_>, at: Instant) -> Poll<()> {
        let mut inside = self.inside();
        inside.alarm = Some(at);
        match inside.now >= at {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    fn with_pool<T>(f: impl FnOnce(&mut Pool) -> T) -> T {
        f(&mut Pool::new())
    }
}

impl PollRead<Silence> for House {
    fn poll_read(_: &mut Silence, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }
}

impl PollWrite<Silence> for House {
    fn poll_write(
        _: &mut Silence,
        _: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bufs.iter().map(|buf| buf.len()).sum()))
    }

    fn poll_flush(_: &mut Silence, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(_: &mut Silence, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Host for House {
    type Listener = Self;
    type Tcp = Silence;
    type Stream = Silence;

    fn poll_accept(
        listener: &mut Self,
        _: &mut Context<'_>,
    ) -> Poll<io::Result<(Silence, SocketAddr)>> {
        let mut inside = listener.inside();
        inside.asked += 1;
        match inside.arrivals.pop_front() {
            Some(Some(kind)) => Poll::Ready(Err(kind.into())),
            Some(None) => Poll::Ready(Ok((Silence, ([10, 0, 0, 1], 1).into()))),
            None => Poll::Pending,
        }
    }

    fn secure(tcp: Silence, _: &ServerOptions) -> Opening<Silence> {
        Box::pin(ready(Ok(tcp)))
    }

    /// A runtime that is going down: it drops what it is given.
    fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        drop(task);
    }
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn server(arrivals: impl IntoIterator<Item = Option<ErrorKind>>) -> (House, Server<House>) {
    let house = House::default();
    house.inside().arrivals = arrivals.into_iter().collect();
    let server = Server::new(house.clone(), house.clone(), ServerOptions::default());
    (house, server)
}

#[test]
fn a_shortage_is_waited_out_and_accepting_goes_on_at_the_end_of_the_wait() {
    let (house, server) = server([Some(ErrorKind::Other); 2]);
    let handle = server.handle();
    let mut run = pin!(server.run(|_| async {}));
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let mut cx = Context::from_waker(&waker);
    for (asked, wait) in [(1, 50), (2, 100)] {
        for _ in 0..3 {
            assert!(run.as_mut().poll(&mut cx).is_pending());
        }
        let inside = house.inside();
        assert_eq!(inside.asked, asked, "nobody is asked before the time");
        let until = inside.now + Duration::from_millis(wait);
        assert_eq!(inside.alarm, Some(until));
        drop(inside);
        assert!(handle.counts().paused);
        house.inside().now = until;
    }
    assert!(run.as_mut().poll(&mut cx).is_pending());
    assert_eq!(house.inside().asked, 3);
    assert_eq!(wakes.0.load(Ordering::SeqCst), 0, "the listener wakes it");
    let counts = handle.counts();
    assert_eq!((counts.paused, counts.accept_faults), (false, 2));
}

#[test]
fn connections_that_are_gone_at_once_hold_nobody_up_for_long() {
    let (house, server) = server([Some(ErrorKind::ConnectionAborted); 1000]);
    let handle = server.handle();
    let mut run = pin!(server.run(|_| async {}));
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    assert!(
        run.as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    assert!(house.inside().asked <= 100, "others get a turn");
    assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
    assert!(!handle.counts().paused);
}

#[test]
fn a_task_that_its_runtime_drops_gives_its_place_back() {
    let (_house, server) = server([None; 3]);
    let handle = server.handle();
    let mut run = pin!(server.run(|_| async {}));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(run.as_mut().poll(&mut cx).is_pending());
    let counts = handle.counts();
    assert_eq!((counts.handshaking, counts.failed), (0, 3));
    handle.shutdown();
    assert!(run.as_mut().poll(&mut cx).is_ready(), "nobody is left");
}

#[test]
fn a_server_whose_future_is_dropped_is_over() {
    let (_house, server) = server([]);
    let handle = server.handle();
    let mut run = Box::pin(server.run(|_| async {}));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(run.as_mut().poll(&mut cx).is_pending());
    drop(run);
    assert_eq!(handle.phase(), Phase::Over);
    let mut closing = pin!(handle.closing());
    assert!(closing.as_mut().poll(&mut cx).is_ready());
}

#[test]
fn a_server_that_is_dropped_before_it_runs_is_over() {
    let (_house, server) = server([]);
    let handle = server.handle();
    drop(server);
    assert_eq!(handle.phase(), Phase::Over);
}

#[test]
fn a_server_that_is_run_and_never_polled_is_over_when_that_is_dropped() {
    let (_house, server) = server([]);
    let handle = server.handle();
    drop(server.run(|_| async {}));
    assert_eq!(handle.phase(), Phase::Over);
}
