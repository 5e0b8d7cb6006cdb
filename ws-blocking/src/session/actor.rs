//! A handler with a thread of its own. It decides nothing: which method is called when, and what its
//! answer leads to, is the core's.

use std::fmt;
use std::thread;

use ws_core::options::StartError;
use ws_core::pump::client::{self, CommandError, Handler, HandlerPanicked};
use ws_core::session::{Dialect, End, NoDialect};

use super::{Client, Events, wait};
use crate::reactor::Clock;

/// A handle on a session that has a [`Handler`].
///
/// Clones are handles on the same session. When the last of them, and of the [`Client`]s, is dropped,
/// the session closes with 1001.
pub struct Actor<C, D = NoDialect> {
    actor: client::Actor<C, D, Clock>,
    client: Client<D>,
}

/// Has a [`Handler`] called for all that happens to a session, in a thread of its own, which its
/// methods may block. What has happened already is told first.
///
/// ```no_run
/// use ws_blocking::session::{self, Connected, Do, Handler, Payload, Source};
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
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (client, events) = session::connect("ws://127.0.0.1:9001/feed")?;
/// let actor = session::handle(client, events, Echo)?;
/// actor.command("hello".into())?;
/// println!("{}", actor.ended()?);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// There is no thread.
pub fn handle<D, H>(
    client: Client<D>,
    events: Events<D>,
    handler: H,
) -> Result<Actor<H::Command, D>, StartError>
where
    D: Dialect + Send + 'static,
    H: Handler + 'static,
{
    let (actor, serving) = client::serve(client.0.clone(), events.0, handler);
    thread::Builder::new()
        .name("websocket handler".into())
        .spawn(move || wait(serving))
        .map_err(StartError::Thread)?;
    Ok(Actor { actor, client })
}

impl<C, D: Dialect> Actor<C, D> {
    /// The session itself.
    #[must_use]
    pub const fn client(&self) -> &Client<D> {
        &self.client
    }

    /// Has [`Handler::on_command`] called, as soon as there is a connection. Commands keep their
    /// order.
    ///
    /// # Errors
    /// Too many wait already, or the session is over. The command comes back.
    pub fn command(&self, command: C) -> Result<(), CommandError<C>> {
        self.actor.command(command)
    }

    /// Waits until the session is over and [`Handler::on_terminate`] was called.
    ///
    /// # Errors
    /// The handler panicked.
    pub fn ended(&self) -> Result<End, HandlerPanicked> {
        wait(self.actor.ended())
    }
}

impl<C, D> Clone for Actor<C, D> {
    fn clone(&self) -> Self {
        Self {
            actor: self.actor.clone(),
            client: self.client.clone(),
        }
    }
}

impl<C, D: fmt::Debug> fmt::Debug for Actor<C, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.actor.fmt(f)
    }
}
