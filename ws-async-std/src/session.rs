//! A client that stays alive: a session of the core, run as a task of smol's, or of async-std's if
//! only that feature is on.
//!
//! It dials when it is told to, and never decides to.

use std::time::Duration;

use ws_core::handshake::{Request, RequestError};
use ws_core::options::{Route, SessionOptions, StartError};
use ws_core::pump::client::{self, Dialing};
use ws_core::session::{Dialect, Initial, NoDialect, SessionConfig};
use ws_core::url::Url;

use crate::dial::reach;
use crate::net::spawn;
use crate::{FuturesIo, Stream};
pub use ws_core::pump::client::RequestFailed;
pub use ws_core::session::{End, Event, Lost, Payload, State};

/// A handle on a session, good through any number of connections.
pub type Client<D = NoDialect> = client::Client<D, FuturesIo>;
/// What happens to a session, in order.
pub type Events<D = NoDialect> = client::Events<D, FuturesIo>;

/// How long attempts at the first connection of [`connect`] may start.
const FIRST: Duration = Duration::from_secs(30);

/// Opens a WebSocket that reconnects by itself, and waits for the first connection.
/// Attempts start for 30 s; one that has started may take up to 20 s more (the default of
/// [`SessionConfig::attempt_timeout`]), so that this returns within 50 s.
///
/// ```no_run
/// use ws_async_std::session::{self, Event};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
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
    #[cfg(not(feature = "tls"))]
    ws_core::options::plain(request.url())?;
    let session = options.session(request, dialect, |bytes| Ok(getrandom::fill(bytes)?))?;
    let route = options.route.clone();
    let dial = move |request: &Request| dial(request.url().clone(), route.clone());
    let (client, events, run) = client::run(session, FuturesIo::new(), dial);
    spawn(run);
    Ok((client, events))
}

fn dial(url: Url, route: Route) -> Dialing<Stream> {
    Box::pin(async move {
        // The session bounds the attempt as a whole.
        match reach(&url, &route, Duration::MAX).await {
            Ok((stream, _)) => Ok(stream),
            Err(error) => Err(error.dial_error()),
        }
    })
}
