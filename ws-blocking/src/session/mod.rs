//! A client that stays alive: a session of the core, run by a thread of its own.
//!
//! The thread waits for the socket, a deadline or a command, whichever comes first; nothing polls.
//! It runs the same driver as the async bindings do, so everything a session does is the same.

mod actor;
mod client;
mod events;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use ws_core::handshake::{Request, RequestError};
use ws_core::options::StartError;
use ws_core::pump::client as driver;
use ws_core::session::{Dialect, Initial, NoDialect, SessionConfig};
use ws_core::url::Url;

pub use actor::{Actor, handle};
pub use client::Client;
pub use events::{Events, Listener, Watch};
#[cfg(feature = "record")]
pub use ws_core::options::Record;
pub use ws_core::options::{Inbox, Overflow, SessionOptions};
#[cfg(feature = "record")]
pub use ws_core::pump::client::Recording;
pub use ws_core::pump::client::{
    Again, CommandError, Connected, Disconnected, Do, Handler, HandlerPanicked, Over, PingFailed,
    RequestFailed, Source, SubscribeError, WaitFailed, Wanted,
};
pub use ws_core::session::auth::CredError;
pub use ws_core::session::{End, Event, Lost, Payload, State};

use crate::desk::Desk;
use crate::reactor::{Clock, Reactor};

/// How long attempts at the first connection of [`connect`] may start.
const FIRST: Duration = Duration::from_secs(30);

/// Opens a WebSocket that reconnects by itself, and waits for the first connection.
/// Attempts start for 30 s; one that has started may take up to 20 s more (the default of
/// [`SessionConfig::attempt_timeout`]), so that this returns within 50 s.
///
/// ```no_run
/// use ws_blocking::session::{self, Event};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (client, events) = session::connect("ws://127.0.0.1:9001/feed")?;
/// client.send("hello")?;
/// for event in events {
///     match event {
///         Event::Text(text) => println!("{text}"),
///         Event::Ready { attempt, .. } => println!("connected by attempt {attempt}"),
///         _ => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// The URL is not one, or no connection came about.
pub fn connect<U>(url: U) -> Result<(Client, Events), StartError>
where
    U: TryInto<Url>,
    RequestError: From<U::Error>,
{
    let config = SessionConfig::default().initial(Initial::RetryFor(FIRST));
    let options = SessionOptions::default().config(config);
    let (client, events) = start(Request::new(url)?, &options)?;
    client.ready()?;
    Ok((client, events))
}

/// Starts a session without waiting for anything: all that comes of it are events.
///
/// # Errors
/// The URL asks for TLS, there are no random bytes, or no thread.
pub fn start(request: Request, options: &SessionOptions) -> Result<(Client, Events), StartError> {
    start_with(request, NoDialect, options)
}

/// Starts a session that speaks a dialect.
///
/// # Errors
/// As [`start`].
pub fn start_with<D>(
    request: Request,
    dialect: D,
    options: &SessionOptions,
) -> Result<(Client<D>, Events<D>), StartError>
where
    D: Dialect + Send + 'static,
{
    let (reactor, (client, events, run)) = parts(request, dialect, options)?;
    spawn(reactor, run)?;
    Ok((Client(client), Events(events)))
}

/// Starts a session that speaks a dialect and has credentials: to log in, if
/// [`SessionConfig::login`] is set, and for the opening handshake, if
/// [`SessionConfig::handshake_login`] asks for them.
///
/// The provider is asked each time that some are needed, with what they are for and the code with
/// which the last ones were refused. It has a thread of its own: it may block, and use a handle of
/// the session. [`CredError::Denied`] ends the session, [`CredError::Temporary`] fails the attempt.
///
/// # Errors
/// As [`start`].
pub fn start_with_credentials<D, P>(
    request: Request,
    dialect: D,
    options: &SessionOptions,
    provider: P,
) -> Result<(Client<D>, Events<D>), StartError>
where
    D: Dialect + Send + 'static,
    P: FnMut(Wanted) -> Result<D::Credentials, CredError> + Send + 'static,
    D::Credentials: Send,
{
    let desk = Desk::open(provider).map_err(StartError::Thread)?;
    let (reactor, (client, events, run)) = parts(request, dialect, options)?;
    spawn(reactor, run.provider(desk))?;
    Ok((Client(client), Events(events)))
}

/// Has all events of a session from now on emitted as events of crate `tracing`, by a thread of its own,
/// until the session is over. The target is `websocket`; names, levels and fields are those of
/// [`telemetry`](ws_core::session::telemetry). No message, credential or header value is among them.
/// The session does not wait for it: what a subscriber is too slow for is dropped, and told as
/// `lagged`.
///
/// # Errors
/// The operating system gave no thread.
#[cfg(feature = "tracing")]
pub fn trace<D>(client: &Client<D>) -> std::io::Result<()>
where
    D: Dialect + Send + 'static,
{
    let events = client.listen(Inbox::default());
    thread::Builder::new()
        .name("websocket trace".into())
        .spawn(move || {
            for event in events {
                ws_core::emit!(event.entry());
            }
        })
        .map(drop)
}

fn parts<D: Dialect + Send + 'static>(
    request: Request,
    dialect: D,
    options: &SessionOptions,
) -> Result<(Reactor, driver::Start<D, Clock>), StartError> {
    let reactor = Reactor::new().map_err(StartError::Thread)?;
    let fill = |bytes: &mut [u8; 32]| Ok(getrandom::fill(bytes)?);
    let parts = driver::start(request, dialect, options, reactor.clock(), fill)?;
    #[cfg(feature = "record")]
    crate::record::record(&parts.0, &options.record)?;
    Ok((reactor, parts))
}

fn spawn(
    mut reactor: Reactor,
    run: impl Future<Output = ()> + Send + 'static,
) -> Result<(), StartError> {
    thread::Builder::new()
        .name("websocket".into())
        // If there is nothing to wait with any more, the future is dropped, and the session over.
        .spawn(move || drop(reactor.run(run)))
        .map_err(StartError::Thread)?;
    Ok(())
}

/// Blocks this thread until the future is ready.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
