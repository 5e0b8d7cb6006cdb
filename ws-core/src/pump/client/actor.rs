//! A session and the handler that is called for what happens to it: which method when, what its
//! answer leads to, and what a panic does. It runs beside the driver, which never waits for it.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use core::any::Any;
use core::fmt;
use core::future::{Future, poll_fn};
use core::panic::AssertUnwindSafe;
use core::pin::pin;
use core::task::{Context, Poll};
use std::panic::catch_unwind;

use super::handler::{Again, Connected, Disconnected, Do, Handler, Source, Then};
use super::mailbox::{CommandError, Ended, HandlerPanicked, Mailbox};
use super::watchers::Wait;
use super::{Client, Events, Shared};
use crate::close::CloseCode;
use crate::handshake::Agreed;
use crate::pump::Runtime;
use crate::session::{ConnId, Dialect, End, Event, NoDialect, State};

/// A handle on a session that has a [`Handler`].
///
/// Clones are handles on the same session. When the last of them, and of the [`Client`]s, is dropped,
/// the session closes with 1001; so a handler that should live on keeps a `Client` itself.
pub struct Actor<C, D = NoDialect, R = ()> {
    client: Client<D, R>,
    mailbox: Arc<Mailbox<C>>,
}

/// A handler for a session, as a handle and the future that calls it: to be spawned.
///
/// What has happened already is told first. If the future is dropped, the handler is, and
/// [`Actor::ended`] says what is known.
pub fn serve<D, R, H>(
    client: Client<D, R>,
    events: Events<D, R>,
    handler: H,
) -> (
    Actor<H::Command, D, R>,
    impl Future<Output = ()> + use<D, R, H>,
)
where
    D: Dialect,
    R: Runtime,
    H: Handler,
{
    let mailbox = Arc::new(Mailbox::new());
    let leaving = Leaving {
        mailbox: Arc::clone(&mailbox),
        shared: Arc::clone(&client.shared),
    };
    let mut events = events;
    events.let_go();
    let stage = Stage {
        shared: Arc::clone(&client.shared),
        events,
        mailbox: Arc::clone(&mailbox),
        handler,
        agreed: None,
        conn: None,
        connected: false,
        failures: 0,
        command_next: false,
    };
    let serving = async move {
        let ended = stage.play().await;
        leaving.mailbox.end(ended);
    };
    (Actor { client, mailbox }, serving)
}

impl<C, D: Dialect, R: Runtime> Actor<C, D, R> {
    /// The session itself.
    #[must_use]
    pub const fn client(&self) -> &Client<D, R> {
        &self.client
    }

    /// Has [`Handler::on_command`] called, as soon as there is a connection. Commands keep their
    /// order.
    ///
    /// # Errors
    /// Too many wait already, or the session is over. The command comes back.
    pub fn command(&self, command: C) -> Result<(), CommandError<C>> {
        self.mailbox.put(command)
    }

    /// Waits until the session is over and [`Handler::on_terminate`] was called.
    ///
    /// # Errors
    /// The handler panicked.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn ended(&self) -> Result<End, HandlerPanicked> {
        let wait = Wait::default();
        poll_fn(|cx| self.mailbox.poll_ended(&wait, cx)).await
    }
}

/// The end of the future, when it is dropped before its time too.
struct Leaving<D: Dialect, R, C> {
    mailbox: Arc<Mailbox<C>>,
    shared: Arc<Shared<D, R>>,
}

impl<D: Dialect, R, C> Drop for Leaving<D, R, C> {
    fn drop(&mut self) {
        let end = self.shared.lock().end.clone();
        self.mailbox.end(Ok(end.unwrap_or(End::Closed(None))));
    }
}

/// A handler, and what it can be called for.
struct Stage<D, R, H: Handler> {
    shared: Arc<Shared<D, R>>,
    events: Events<D, R>,
    mailbox: Arc<Mailbox<H::Command>>,
    handler: H,
    /// What the connection that is being set up has agreed on.
    agreed: Option<Agreed>,
    /// The connection that the handler was last told of.
    conn: Option<ConnId>,
    /// Is it there, as far as is known?
    connected: bool,
    /// Since a connection was last ready.
    failures: u32,
    /// Events and commands take turns.
    command_next: bool,
}

enum Cue<C> {
    Command(C),
    Event(Event),
    Over,
}

/// A panic, and where.
struct Fallen(&'static str, Box<str>);

impl<D: Dialect, R: Runtime, H: Handler> Stage<D, R, H> {
    async fn play(mut self) -> Ended {
        let (end, fallen) = loop {
            match self.act().await {
                Ok(None) => {}
                Ok(Some(end)) => break (end, None),
                Err(fallen) => break (self.stop(CloseCode::INTERNAL_ERROR).await, Some(fallen)),
            }
        };
        let last = guard("on_terminate", || self.handler.on_terminate(end.clone())).await;
        match fallen.or_else(|| last.err()) {
            None => Ok(end),
            Some(Fallen(callback, said)) => Err(HandlerPanicked {
                callback,
                said,
                end,
            }),
        }
    }

    /// Ends the session and waits for that; the handler hears of nothing.
    async fn stop(&mut self, code: CloseCode) -> End {
        self.shared.command(|inner| {
            // A reason of no bytes always fits.
            let _ = inner.session.close(code, "", inner.clock.now());
            inner.ending = true;
        });
        loop {
            match self.events.next().await {
                Some(Event::Terminated(end)) => return end,
                Some(_) => {}
                None => return self.end(),
            }
        }
    }

    fn end(&self) -> End {
        let end = self.shared.lock().end.clone();
        end.unwrap_or(End::Closed(None))
    }

    /// Calls the handler for one thing.
    async fn act(&mut self) -> Result<Option<End>, Fallen> {
        let next = match poll_fn(|cx| self.poll_cue(cx)).await {
            Cue::Over => return Ok(Some(self.end())),
            Cue::Command(command) => {
                guard("on_command", || self.handler.on_command(command)).await?
            }
            Cue::Event(Event::Terminated(end)) => return Ok(Some(end)),
            Cue::Event(event) => self.hear(event).await?,
        };
        self.carry_out(next).await?;
        Ok(None)
    }

    fn poll_cue(&mut self, cx: &Context<'_>) -> Poll<Cue<H::Command>> {
        for _ in 0..2 {
            self.command_next = !self.command_next;
            if self.command_next {
                if !self.connected {
                    continue;
                }
                if let Poll::Ready(command) = self.mailbox.poll_command(cx) {
                    return Poll::Ready(Cue::Command(command));
                }
            } else if let Poll::Ready(event) = self.events.poll_event(cx) {
                return Poll::Ready(event.map_or(Cue::Over, Cue::Event));
            }
        }
        Poll::Pending
    }

    /// Which method an event is for.
    async fn hear(&mut self, event: Event) -> Result<Do, Fallen> {
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "some have methods of their own"
        )]
        let (message, source) = match event {
            Event::Text(text) => (text.into(), Source::Plain),
            Event::Binary(data) => (data.into(), Source::Plain),
            Event::Call { key, message } => (message, Source::Call(key)),
            Event::Data { id, step, message } => (message, Source::Topic(id, step)),
            Event::Unmatched { why, message } => (message, Source::Unmatched(why)),
            Event::Ping(data) => return guard("on_ping", || self.handler.on_ping(data)).await,
            Event::Pong(data) => return guard("on_pong", || self.handler.on_pong(data)).await,
            Event::Opened { agreed, .. } => {
                self.agreed = Some(agreed);
                return Ok(Do::nothing());
            }
            Event::Ready {
                conn,
                attempt,
                downtime,
            } => {
                (self.conn, self.connected, self.failures) = (Some(conn), true, 0);
                let connected = Connected {
                    conn,
                    attempt,
                    downtime,
                    agreed: self.agreed.take().unwrap_or_default(),
                };
                return guard("on_connect", || self.handler.on_connect(connected)).await;
            }
            Event::Disconnected { conn, lost } | Event::Failed { conn, lost, .. } => {
                self.connected = false;
                self.failures = self.failures.saturating_add(1);
                let disconnected = Disconnected {
                    conn,
                    attempt: self.failures,
                    lost,
                };
                let handler = &mut self.handler;
                let again = guard("on_disconnect", || handler.on_disconnect(disconnected)).await?;
                self.follow(conn, again);
                return Ok(Do::nothing());
            }
            other => {
                if let Event::Lagged { .. } = other {
                    // That the connection was lost may be among what was dropped. That there is
                    // another one is not, and told next.
                    let state = self.shared.command(|inner| inner.session.state());
                    let there =
                        matches!(state, State::Ready { conn, .. } if self.conn == Some(conn));
                    self.connected = there;
                }
                return guard("on_event", || self.handler.on_event(other)).await;
            }
        };
        let handler = &mut self.handler;
        guard("on_message", || handler.on_message(message, source)).await
    }

    /// What follows a loss.
    fn follow(&self, conn: ConnId, again: Again) {
        self.shared.command(|inner| {
            let now = inner.clock.now();
            match again {
                Again::Policy => {}
                // There may have been another dial meanwhile, and what it came to is told next.
                Again::After(_) if inner.session.conn() != conn => {}
                Again::After(delay) => inner.session.retry_in(delay, now),
                Again::Stop => {
                    let _ = inner.session.close(CloseCode::NORMAL, "", now);
                    inner.ending = true;
                }
                Again::To(request) => inner.session.set_target(*request),
            }
        });
    }

    /// Does what the handler wants done.
    async fn carry_out(&mut self, next: Do) -> Result<(), Fallen> {
        let Do { messages, then } = next;
        for message in messages {
            let copy = message.clone();
            let sent = self
                .shared
                .command(|inner| inner.session.send(copy, inner.clock.now()));
            if let Err(why) = sent {
                guard("on_unsent", || self.handler.on_unsent(message, why)).await?;
            }
        }
        match then {
            Then::GoOn => Ok(()),
            Then::Reconnect => {
                self.shared
                    .command(|inner| inner.session.reconnect(inner.clock.now()));
                Ok(())
            }
            Then::Close(code, reason) => self
                .shared
                .command(|inner| {
                    inner.ending = true;
                    inner.session.close(code, &reason, inner.clock.now())
                })
                .map_err(|error| Fallen("close", alloc::format!("{error}").into())),
        }
    }
}

/// Runs one method to its end, or to its panic.
async fn guard<T, F: Future<Output = T>>(
    name: &'static str,
    call: impl FnOnce() -> F,
) -> Result<T, Fallen> {
    let fallen = |panic: Box<dyn Any + Send>| Fallen(name, said(&*panic));
    // Whatever the panic leaves behind is seen by `on_terminate` at most, as a destructor would.
    let future = catch_unwind(AssertUnwindSafe(call)).map_err(fallen)?;
    let mut future = pin!(future);
    poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
        match polled {
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(panic) => Poll::Ready(Err(fallen(panic))),
        }
    })
    .await
}

/// What a panic says.
fn said(panic: &(dyn Any + Send)) -> Box<str> {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).into()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.as_str().into()
    } else {
        "".into()
    }
}

impl<C, D, R> Clone for Actor<C, D, R> {
    fn clone(&self) -> Self {
        Self {
            client: self.client.clone(),
            mailbox: Arc::clone(&self.mailbox),
        }
    }
}

impl<C, D: fmt::Debug, R> fmt::Debug for Actor<C, D, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actor")
            .field("client", &self.client)
            .field("mailbox", &self.mailbox)
            .finish()
    }
}
