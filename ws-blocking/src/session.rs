//! A client that stays alive: a session of the core, run by a thread of its own.
//!
//! The thread waits for the socket, a deadline or a command, whichever comes first; nothing polls.
//! It runs the same driver as the async bindings do, so everything a session does is the same.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use ws_core::close::CloseCode;
use ws_core::error::SendError as Refused;
use ws_core::handshake::{Request, RequestError};
use ws_core::message::{Message, Text};
use ws_core::options::{SessionOptions, StartError};
use ws_core::pump::client;
use ws_core::session::subscriptions::{self, SubId, SubOptions, TooManyTopics};
use ws_core::session::{
    ConnId, Dialect, DrainOptions, Health, Initial, MessageId, Network, NoDialect, SendError,
    SendOptions, SessionConfig, Snapshot,
};
use ws_core::url::Url;

pub use ws_core::pump::client::{PingFailed, RequestFailed, Wanted};
pub use ws_core::session::auth::CredError;
pub use ws_core::session::{End, Event, Lost, Payload, State};

use crate::desk::Desk;
use crate::reactor::{Clock, Reactor};

/// How long attempts at the first connection of [`connect`] may start.
const FIRST: Duration = Duration::from_secs(30);

/// A handle on a session, good through any number of connections.
///
/// Clones are handles on the same session. When the last handle and the [`Events`] are dropped, the
/// session closes with 1001.
pub struct Client<D = NoDialect>(client::Client<D, Clock>);

/// What happens to a session, in order; also an iterator.
pub struct Events<D = NoDialect>(client::Events<D, Clock>);

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

fn parts<D: Dialect>(
    request: Request,
    dialect: D,
    options: &SessionOptions,
) -> Result<(Reactor, client::Start<D, Clock>), StartError> {
    let reactor = Reactor::new().map_err(StartError::Thread)?;
    let fill = |bytes: &mut [u8; 32]| Ok(getrandom::fill(bytes)?);
    let parts = client::start(request, dialect, options, reactor.clock(), fill)?;
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

impl<D: Dialect> Client<D> {
    /// Queues a message, ping or pong; it leaves as soon as the transport takes it.
    ///
    /// # Errors
    /// [`SendError::NotReady`] unless there is a connection;
    /// [`Full`](Refused::Full) while the peer does not take what is queued.
    pub fn send<'m>(&self, message: impl Into<Message<'m>>) -> Result<(), SendError> {
        self.0.send(message)
    }

    /// Asks the server something and waits for the answer, up to the timeout of the configuration.
    ///
    /// # Errors
    /// It was not accepted, or got no answer; the error says whether it may have been executed.
    pub fn request(&self, request: &D::Request) -> Result<Payload, RequestFailed> {
        wait(self.0.request(request))
    }

    /// Queues a message with a place in the queue of its own. What becomes of it is told once:
    /// [`Event::MessageSent`] or [`Event::MessageLost`].
    ///
    /// # Errors
    /// As [`send`](Self::send), and those of the limits and the queue; nothing is queued then.
    pub fn send_with<'m>(
        &self,
        message: impl Into<Message<'m>>,
        options: &SendOptions,
    ) -> Result<MessageId, SendError> {
        self.0.send_with(message, options)
    }

    /// Takes back a message that has not left yet; `false` if there is nothing to take back.
    #[must_use = "the message may have left"]
    pub fn unsend(&self, id: MessageId) -> bool {
        self.0.unsend(id)
    }

    /// Wants a topic, on this connection and all that follow, until
    /// [`unsubscribe`](Self::unsubscribe). What becomes of it is told as [`Event::Subscription`],
    /// its messages are [`Event::Data`], and after a loss [`Event::Continuity`] says what was missed.
    ///
    /// # Errors
    /// Too many topics are wanted already.
    pub fn subscribe(
        &self,
        topic: impl Into<Text>,
        options: SubOptions,
    ) -> Result<SubId, TooManyTopics> {
        self.0.subscribe(topic, options)
    }

    /// Wants a topic no more, on behalf of one who did.
    pub fn unsubscribe(&self, id: SubId) {
        self.0.unsubscribe(id);
    }

    /// Leaves a topic and joins it again, such as after a gap that was noticed elsewhere.
    pub fn resubscribe(&self, id: SubId) {
        self.0.resubscribe(id);
    }

    /// Where a subscription stands; `None` if it is not remembered.
    #[must_use]
    pub fn subscription(&self, id: SubId) -> Option<subscriptions::State> {
        self.0.subscription(id)
    }

    /// Pings the peer and waits for its pong, at most so long; returns the time from queueing the
    /// one to the other. RFC 6455 §5.5.2.
    ///
    /// # Errors
    /// There is no connection, or no pong.
    pub fn ping(&self, timeout: Duration) -> Result<Duration, PingFailed> {
        wait(self.0.ping(timeout))
    }

    /// Ends the session in order: nothing new is accepted, what waits leaves, what was asked is
    /// answered, and then it is closed. Told by [`Event::Drained`], then as by
    /// [`close`](Self::close).
    ///
    /// # Errors
    /// As [`close`](Self::close); nothing happens then.
    pub fn drain(
        &self,
        code: CloseCode,
        reason: &str,
        options: DrainOptions,
    ) -> Result<(), Refused> {
        self.0.drain(code, reason, options)
    }

    /// Says what is known about the network: without one nothing is dialled, with another the
    /// connection is asked whether it is still there.
    pub fn network(&self, network: Network) {
        self.0.network(network);
    }

    /// Everything about the session at this moment. Holds no secrets.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.0.snapshot()
    }

    /// The signs of life.
    #[must_use]
    pub fn health(&self) -> Health {
        self.0.health()
    }

    /// Ends the session: with a Close frame if there is a connection, at once otherwise. The end is
    /// told by [`Events`] and by [`ended`](Self::ended).
    ///
    /// # Errors
    /// A code that may not be sent, or a reason over 123 bytes; nothing happens then.
    pub fn close(&self, code: CloseCode, reason: &str) -> Result<(), Refused> {
        self.0.close(code, reason)
    }

    /// Replaces the connection, or dials now instead of later.
    pub fn reconnect(&self) {
        self.0.reconnect();
    }

    /// Replaces what connections are asked for, from the next dial on.
    pub fn set_target(&self, request: Request) {
        self.0.set_target(request);
    }

    /// Where the session stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.0.state()
    }

    /// Which connection it is, counted from 1; 0 before the first dial.
    #[must_use]
    pub fn conn(&self) -> ConnId {
        self.0.conn()
    }

    /// The time from the last answered keepalive ping of this connection to its pong.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.0.round_trip()
    }

    /// Waits until messages can be sent.
    ///
    /// # Errors
    /// The session ended instead.
    pub fn ready(&self) -> Result<(), End> {
        wait(self.0.ready())
    }

    /// Waits for the end of the session.
    #[must_use]
    pub fn ended(&self) -> End {
        wait(self.0.ended())
    }
}

impl<D> Events<D> {
    /// The next event if there is one now.
    pub fn try_next(&mut self) -> Option<Event> {
        self.0.try_next()
    }
}

/// Waits for the next event; ends after [`Event::Terminated`].
impl<D> Iterator for Events<D> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        wait(self.0.next())
    }
}

impl<D> Clone for Client<D> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<D: fmt::Debug> fmt::Debug for Client<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<D> fmt::Debug for Events<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Blocks this thread until the future is ready.
fn wait<T>(future: impl Future<Output = T>) -> T {
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
