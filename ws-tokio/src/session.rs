//! A client that stays alive: a session of the core, run as a task.
//!
//! It dials when it is told to, and never decides to.

use std::io;

use tokio::net::{TcpStream, lookup_host};
use ws_core::handshake::{Request, RequestError};
use ws_core::options::{SessionOptions, StartError, plain};
use ws_core::policy::Stage;
use ws_core::pump::client::{self, Dialing};
use ws_core::session::{DialError, Dialect, Initial, NoDialect, SessionConfig};
use ws_core::url::{Host, Url};

use crate::Tokio;
pub use ws_core::pump::client::RequestFailed;
pub use ws_core::session::{End, Event, Lost, Payload, State};

/// A handle on a session, good through any number of connections.
pub type Client<D = NoDialect> = client::Client<D, Tokio>;
/// What happens to a session, in order.
pub type Events<D = NoDialect> = client::Events<D, Tokio>;

/// How long attempts at the first connection of [`connect`] may start.
const FIRST: std::time::Duration = std::time::Duration::from_secs(30);

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
    let session = options.session(request, dialect, |bytes| Ok(getrandom::fill(bytes)?))?;
    let nodelay = options.nodelay;
    let dial = move |request: &Request| dial(request.url().clone(), nodelay);
    let (client, events, run) = client::run(session, Tokio::new(), dial);
    tokio::spawn(run);
    Ok((client, events))
}

fn dial(url: Url, nodelay: bool) -> Dialing<TcpStream> {
    Box::pin(async move {
        // A target that was set later may ask for what start() refuses.
        plain(&url)?;
        let at = |stage| move |error: io::Error| DialError::from_io(stage, &error);
        let port = url.port();
        let stream = match url.host() {
            Host::Domain(name) => {
                let found = lookup_host((&**name, port)).await;
                let addresses: Vec<_> = found.map_err(at(Stage::Resolve))?.collect();
                TcpStream::connect(&*addresses).await
            }
            Host::V4(address) => TcpStream::connect((*address, port)).await,
            Host::V6(address) => TcpStream::connect((*address, port)).await,
        };
        let stream = stream.map_err(at(Stage::Connect))?;
        stream.set_nodelay(nodelay).map_err(at(Stage::Connect))?;
        Ok(stream)
    })
}
