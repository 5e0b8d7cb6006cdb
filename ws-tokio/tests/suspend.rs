//! A computer that was asleep, on real sockets: the time of day runs ahead of the timers' clock.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use ws_tokio::ws_core::buf::Pool;
use ws_tokio::ws_core::policy::{IoClass, Stage};
use ws_tokio::ws_core::pump::client::{self, Dialing, Events};
use ws_tokio::ws_core::pump::{PollRead, PollWrite, Runtime};
use ws_tokio::ws_core::session::clock::ClockJump;
use ws_tokio::ws_core::session::{DialError, Event, Lost, NoDialect, Session, SessionConfig};
use ws_tokio::ws_core::{Instant, Seed};
use ws_tokio::{Io, OwnedEvent, Request, Tokio, accept};

/// Far longer than anything here takes; a test that needs it has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// tokio on a computer that sleeps when the test says so.
#[derive(Clone)]
struct Sleepy {
    tokio: Tokio,
    slept: Arc<AtomicU64>,
}

impl Runtime for Sleepy {
    type Io<T> = Io<T>;

    fn io<T>(io: T) -> Io<T> {
        Tokio::io(io)
    }

    fn now(&self) -> Instant {
        self.tokio.now()
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, at: Instant) -> Poll<()> {
        self.tokio.poll_until(cx, at)
    }

    fn time_of_day(&self) -> Option<Duration> {
        let slept = Duration::from_secs(self.slept.load(Ordering::SeqCst));
        self.tokio.time_of_day().map(|time| time + slept)
    }

    fn with_pool<T>(f: impl FnOnce(&mut Pool) -> T) -> T {
        Tokio::with_pool(f)
    }
}

impl PollRead<TcpStream> for Sleepy {
    fn poll_read(
        io: &mut TcpStream,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Tokio::poll_read(io, cx, buf)
    }
}

impl PollWrite<TcpStream> for Sleepy {
    fn poll_write(
        io: &mut TcpStream,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Tokio::poll_write(io, cx, bufs)
    }

    fn poll_flush(io: &mut TcpStream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Tokio::poll_flush(io, cx)
    }

    fn poll_shutdown(io: &mut TcpStream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Tokio::poll_shutdown(io, cx)
    }
}

async fn until(events: &mut Events<NoDialect, Sleepy>, found: impl Fn(&Event) -> bool) -> Event {
    let search = async {
        loop {
            let event = events.next().await.expect("not the end");
            if found(&event) {
                return event;
            }
        }
    };
    timeout(PATIENCE, search).await.expect("an event")
}

#[tokio::test]
async fn a_short_sleep_costs_a_ping_and_a_long_one_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let request = Request::new(&*url).unwrap();
    let runtime = Sleepy {
        tokio: Tokio::new(),
        slept: Arc::default(),
    };
    let slept = Arc::clone(&runtime.slept);
    let session = Session::new(request, SessionConfig::default(), Seed::new([7; 32]));
    let dial = |request: &Request| -> Dialing<TcpStream> {
        let authority = request.url().authority();
        Box::pin(async move {
            let dialed = TcpStream::connect(authority).await;
            dialed.map_err(|_| DialError::new(Stage::Connect, IoClass::Refused))
        })
    };
    let (client, mut events, run) = client::run(session, runtime, dial);
    tokio::spawn(run);
    let (stream, _) = listener.accept().await.unwrap();
    let mut server = accept(stream).await.unwrap();
    timeout(PATIENCE, client.ready()).await.unwrap().unwrap();

    // Ten seconds: whatever wakes the task next shows it, and the server is asked at once.
    slept.store(10, Ordering::SeqCst);
    server.send("good morning").await.unwrap();
    let jumped = until(&mut events, |event| matches!(event, Event::ClockJump(_))).await;
    assert!(
        matches!(jumped, Event::ClockJump(ClockJump::Probe { .. })),
        "{jumped:?}"
    );
    let asked = timeout(PATIENCE, server.next()).await.unwrap();
    assert!(matches!(asked, Some(OwnedEvent::Ping(_))), "{asked:?}");
    server.flush().await.unwrap();
    assert_eq!(client.conn().get(), 1);

    // Eight hours: the server has given up, whatever it says. A minute more than is asked for below,
    // since the two clocks are not read at the very same moment.
    slept.fetch_add(8 * 3600 + 60, Ordering::SeqCst);
    server.send("good evening").await.unwrap();
    until(&mut events, |event| {
        matches!(event, Event::Disconnected { lost: Lost::Slept(gap), .. }
            if gap.as_secs() >= 8 * 3600)
    })
    .await;
    let (stream, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    let _server = accept(stream).await.unwrap();
    until(
        &mut events,
        |event| matches!(event, Event::Ready { conn, .. } if conn.get() == 2),
    )
    .await;
}
