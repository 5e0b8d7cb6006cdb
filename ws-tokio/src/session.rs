//! A client that stays alive: a session of the core, run as a task.
//!
//! It dials when it is told to, and never decides to.

use std::time::Duration;

use ws_core::handshake::{Request, RequestError};
use ws_core::options::StartError;
use ws_core::pump::client;
use ws_core::session::{Dialect, Initial, NoDialect, SessionConfig};
use ws_core::url::Url;

use crate::Tokio;
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

/// A handle on a session, good through any number of connections.
pub type Client<D = NoDialect> = client::Client<D, Tokio>;
/// What happens to a session, in order.
pub type Events<D = NoDialect> = client::Events<D, Tokio>;

/// More events of a session, for as long as it is kept; see `Client::listen`.
pub type Listener<D = NoDialect> = client::Listener<D, Tokio>;
/// The states of a session; see `Client::watch`.
pub type Watch<D = NoDialect> = client::Watch<D, Tokio>;
/// A handle on a session that has a [`Handler`].
pub type Actor<C, D = NoDialect> = client::Actor<C, D, Tokio>;

/// How long attempts at the first connection of [`connect`] may start.
const FIRST: Duration = Duration::from_secs(30);

/// Opens a WebSocket that reconnects by itself, and waits for the first connection.
/// Attempts start for 30 s; one that has started may take up to 20 s more (the default of
/// [`SessionConfig::attempt_timeout`]), so that this returns within 50 s.
///
/// ```no_run
/// use ws_tokio::session::{self, Event};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (client, mut events) = session::connect("ws://127.0.0.1:9001/feed").await?;
/// client.send("hello")?;
/// while let Some(event) = events.next().await {
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
///
/// # Cancel safety
/// If the future is dropped, the session closes.
///
/// # Panics
/// Outside of a tokio runtime.
pub async fn connect<U>(url: U) -> Result<(Client, Events), StartError>
where
    U: TryInto<Url>,
    RequestError: From<U::Error>,
{
    let config = SessionConfig::default().initial(Initial::RetryFor(FIRST));
    let options = SessionOptions::default().config(config);
    let (client, events) = start(Request::new(url)?, &options)?;
    client.ready().await?;
    Ok((client, events))
}

/// Starts a session without waiting for anything: all that comes of it are events.
///
/// # Errors
/// The URL asks for TLS, or there are no random bytes.
///
/// # Panics
/// Outside of a tokio runtime.
pub fn start(request: Request, options: &SessionOptions) -> Result<(Client, Events), StartError> {
    start_with(request, NoDialect, options)
}

/// Starts a session that speaks a dialect.
///
/// # Errors
/// As [`start`].
///
/// # Panics
/// Outside of a tokio runtime.
pub fn start_with<D>(
    request: Request,
    dialect: D,
    options: &SessionOptions,
) -> Result<(Client<D>, Events<D>), StartError>
where
    D: Dialect + Send + 'static,
{
    let (client, events, run) = parts(request, dialect, options)?;
    tokio::spawn(run);
    Ok((client, events))
}

/// Starts a session that speaks a dialect and has credentials: to log in, if
/// [`SessionConfig::login`] is set, and for the opening handshake, if
/// [`SessionConfig::handshake_login`] asks for them.
///
/// The provider is asked each time that some are needed, with what they are for and the code with
/// which the last ones were refused. It may take its time and use a handle of the session.
/// [`CredError::Denied`] ends the session, [`CredError::Temporary`] fails the attempt.
///
/// # Errors
/// As [`start`].
///
/// # Panics
/// Outside of a tokio runtime.
pub fn start_with_credentials<D, P, F>(
    request: Request,
    dialect: D,
    options: &SessionOptions,
    provider: P,
) -> Result<(Client<D>, Events<D>), StartError>
where
    D: Dialect + Send + 'static,
    P: FnMut(Wanted) -> F + Send + Unpin + 'static,
    F: Future<Output = Result<D::Credentials, CredError>> + Send + 'static,
{
    let (client, events, run) = parts(request, dialect, options)?;
    tokio::spawn(run.provider(client::provide(provider)));
    Ok((client, events))
}

/// Has a [`Handler`] called for all that happens to a session, in a task of its own. What has happened
/// already is told first.
///
/// ```no_run
/// use ws_tokio::session::{self, Connected, Do, Handler, Payload, Source};
///
/// struct Echo;
///
/// impl Handler for Echo {
///     type Command = String;
///
///     async fn on_connect(&mut self, _: Connected) -> Do {
///         Do::send("subscribe")
///     }
///
///     async fn on_message(&mut self, message: Payload, _: Source) -> Do {
///         Do::send(message)
///     }
///
///     async fn on_command(&mut self, text: String) -> Do {
///         Do::send(text)
///     }
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (client, events) = session::connect("ws://127.0.0.1:9001/feed").await?;
/// let actor = session::handle(client, events, Echo);
/// actor.command("hello".into())?;
/// println!("{}", actor.ended().await?);
/// # Ok(())
/// # }
/// ```
///
/// # Panics
/// Outside of a tokio runtime.
pub fn handle<D, H>(client: Client<D>, events: Events<D>, handler: H) -> Actor<H::Command, D>
where
    D: Dialect + Send + 'static,
    H: Handler + 'static,
{
    let (actor, serving) = client::serve(client, events, handler);
    tokio::spawn(serving);
    actor
}

/// Has all events of a session from now on emitted as events of crate `tracing`, by a task of its own,
/// until the session is over. The target is `websocket`; names, levels and fields are those of
/// [`telemetry`](ws_core::session::telemetry). No message, credential or header value is among them.
/// The session does not wait for it: what a subscriber is too slow for is dropped, and told as
/// `lagged`.
///
/// # Panics
/// Outside of a tokio runtime.
#[cfg(feature = "tracing")]
pub fn trace<D>(client: &Client<D>)
where
    D: Dialect + Send + 'static,
{
    let mut events = client.listen(Inbox::default());
    let emitting = async move {
        while let Some(event) = events.next().await {
            ws_core::emit!(event.entry());
        }
    };
    tokio::spawn(emitting);
}

fn parts<D: Dialect + Send + 'static>(
    request: Request,
    dialect: D,
    options: &SessionOptions,
) -> Result<client::Start<D, Tokio>, StartError> {
    let fill = |bytes: &mut [u8; 32]| Ok(getrandom::fill(bytes)?);
    let parts = client::start(request, dialect, options, Tokio::new(), fill)?;
    #[cfg(feature = "record")]
    crate::record::record(&parts.0, &options.record)?;
    Ok(parts)
}
