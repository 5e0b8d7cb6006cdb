//! A session that runs by itself: a handle for the application, a driver for the runtime.
//!
//! The [`Client`] is cheap to clone and stays valid through any number of connections; the
//! [`Events`] are what happened, in order; [`Run`] is the future that does the work and ends with the
//! session. None of them decides when to dial: that is the [`Session`]'s.

#![allow(
    clippy::disallowed_types,
    reason = "handles in other tasks share the session; the lock is never held while waiting"
)]

mod actor;
mod ask;
mod commands;
mod credentials;
mod events;
mod handler;
mod mailbox;
mod ping;
mod queue;
#[cfg(feature = "testing")]
mod record;
mod run;
mod slots;
mod wait;
mod watch;
mod watchers;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::task::Waker;
use core::time::Duration;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use thiserror::Error;

use events::Listening;
use queue::Queue;
use slots::{Slots, Ticket};
use watchers::Watchers;

pub use actor::{Actor, serve};
pub use ask::RequestFailed;
pub use commands::SubscribeError;
pub use credentials::{Provide, Providing, Wanted, provide};
pub use events::{Events, Listener};
pub use handler::{Again, Connected, Disconnected, Do, Handler, Source};
pub use mailbox::{CommandError, HandlerPanicked};
pub use ping::PingFailed;
#[cfg(feature = "testing")]
pub use record::{Lines, Recording};
pub use run::{Dial, Dialing, Run};
pub use wait::WaitFailed;
pub use watch::Watch;

use super::reach::{Net, Reach};
use super::runtime::{PollRead, PollWrite, Runtime};
use crate::close::CloseCode;
use crate::error::{self, Explanation};
use crate::handshake::Request;
use crate::message::Message;
use crate::options::{Inbox, SessionOptions, StartError, plain};
use crate::session::correlate::RequestId;
use crate::session::{ConnId, Dialect, End, NoDialect, PingId, SendError, Session, State, WaitId};

/// A handle on a session, good for as long as there is one to hold it.
///
/// Clones are handles on the same session. When the last handle and the [`Events`] are dropped, the
/// session closes with 1001. No call blocks, and none fails but by its return value.
///
/// The handles share the session behind a lock, held for the time of one call or one turn of
/// [`Run`]; the [`Dialect`] is asked, and the transport read from and written to, under it. Neither
/// may use a handle of its own session. Dialing may.
pub struct Client<D = NoDialect, R = ()> {
    shared: Arc<Shared<D, R>>,
}

#[derive(Debug)]
struct Shared<D, R> {
    inner: Mutex<Inner<D, R>>,
}

#[derive(Debug)]
struct Inner<D, R> {
    session: Session<D>,
    clock: R,
    queue: Queue,
    /// A message was left in the connection, for want of room.
    held: bool,
    listeners: Vec<Listening>,
    listeners_made: u64,
    /// How the session ended, if it did.
    end: Option<End>,
    /// The task that drives.
    driver: Option<Waker>,
    /// The task that waits for an event.
    reader: Option<Waker>,
    /// Requests that a task waits for.
    asked: Slots<RequestId, <RequestId as Ticket>::Result>,
    /// Pings that a task waits for.
    pinged: Slots<PingId, <PingId as Ticket>::Result>,
    /// Messages that a task waits for.
    awaited: Slots<WaitId, <WaitId as Ticket>::Result>,
    /// Who writes to files.
    #[cfg(feature = "testing")]
    writers: record::Writers,
    /// Tasks that wait for another state.
    watchers: Watchers,
    /// The number of the change of state that they know of.
    changes: u64,
    /// The application has said that it is to end: what finds no room is not waited for.
    ending: bool,
    /// Handles, the events included.
    handles: usize,
    /// Nobody takes events any more.
    unread: bool,
}

impl<D, R> Shared<D, R> {
    fn lock(&self) -> MutexGuard<'_, Inner<D, R>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session that runs by itself: a handle, its events, and the future to run it.
pub type Parts<D, S, R, C> = (Client<D, R>, Events<D, R>, Run<D, S, R, C>);

/// A session of one's own, as a handle, its events, and the future to run it.
///
/// The session need not be started; [`Run`] starts it.
pub fn run<D, S, R, C>(session: Session<D>, runtime: R, dial: C) -> Parts<D, S, R, C>
where
    D: Dialect,
    R: Runtime + Clone,
    C: Dial<S>,
{
    let shared = Arc::new(Shared {
        inner: Mutex::new(Inner {
            session,
            clock: runtime.clone(),
            queue: Queue::new(Inbox::default()),
            held: false,
            listeners: Vec::new(),
            listeners_made: 0,
            end: None,
            driver: None,
            reader: None,
            asked: Slots::new(),
            pinged: Slots::new(),
            awaited: Slots::new(),
            #[cfg(feature = "testing")]
            writers: record::Writers::default(),
            watchers: Watchers::default(),
            changes: 0,
            ending: false,
            handles: 2,
            unread: false,
        }),
    });
    let client = Client {
        shared: Arc::clone(&shared),
    };
    let events = Events {
        shared: Arc::clone(&shared),
        handle: true,
    };
    (client, events, Run::new(shared, runtime, dial))
}

/// A session that reaches its hosts along the route of the options.
pub type Start<D, R> = Parts<D, <R as Net>::Stream, R, Reach<R>>;

/// A session as the options say, not running yet; `fill` takes a seed from the operating system.
///
/// # Errors
/// There are no random bytes, or the URL asks for TLS where there is none.
pub fn start<D, R>(
    request: Request,
    dialect: D,
    options: &SessionOptions,
    runtime: R,
    fill: impl FnOnce(&mut [u8; 32]) -> io::Result<()>,
) -> Result<Start<D, R>, StartError>
where
    D: Dialect,
    R: Net + PollRead<R::Socket> + PollWrite<R::Socket> + Send + Sync + 'static,
    R::Socket: Send,
    R::Stream: Send,
{
    if !R::TLS {
        plain(request.url())?;
    }
    let first = request.url().clone();
    let session = options.session(request, dialect, fill)?;
    let reach = Reach::new(runtime.clone(), options.route.clone(), first);
    let (client, events, run) = run(session, runtime, reach);
    Ok((client, events, run.inbox(options.inbox)))
}

impl<D: Dialect, R: Runtime> Client<D, R> {
    /// Queues a message, ping or pong; it leaves as soon as the transport takes it.
    ///
    /// # Errors
    /// [`SendError::NotReady`] unless there is a connection;
    /// [`Full`](error::SendError::Full) while the peer does not take what is queued.
    pub fn send<'m>(&self, message: impl Into<Message<'m>>) -> Result<(), SendError> {
        self.command(|inner| inner.session.send(message, inner.clock.now()))
    }

    /// Ends the session: with a Close frame if there is a connection, at once otherwise. The end is
    /// told by [`Events`] and by [`ended`](Self::ended). On a session that is over it does nothing.
    ///
    /// # Errors
    /// As [`Session::close`]; nothing happens then.
    pub fn close(&self, code: CloseCode, reason: &str) -> Result<(), error::SendError> {
        self.command(|inner| {
            inner.session.close(code, reason, inner.clock.now())?;
            inner.ending = true;
            Ok(())
        })
    }

    /// Replaces the connection, or dials now instead of later; see [`Session::reconnect`].
    ///
    /// # Errors
    /// The session is over.
    pub fn reconnect(&self) -> Result<(), Over> {
        self.command(|inner| {
            inner.alive()?;
            inner.session.reconnect(inner.clock.now());
            Ok(())
        })
    }

    /// Replaces what connections are asked for, from the next dial on.
    pub fn set_target(&self, request: Request) {
        self.command(|inner| inner.session.set_target(request));
    }

    /// Where the session stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.shared.lock().session.state()
    }

    /// Which connection it is, counted from 1; 0 before the first dial.
    #[must_use]
    pub fn conn(&self) -> ConnId {
        self.shared.lock().session.conn()
    }

    /// The time from the last answered keepalive ping of this connection to its pong.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.shared.lock().session.round_trip()
    }

    /// Waits until messages can be sent.
    ///
    /// # Errors
    /// The session ended instead.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn ready(&self) -> Result<(), End> {
        self.until(|inner| match (&inner.end, inner.session.state()) {
            (Some(end), _) => Some(Err(end.clone())),
            (None, State::Ready { .. }) => Some(Ok(())),
            (None, _) => None,
        })
        .await
    }

    /// Waits for the end of the session.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn ended(&self) -> End {
        self.until(|inner| inner.end.clone()).await
    }

    fn command<T>(&self, act: impl FnOnce(&mut Inner<D, R>) -> T) -> T {
        self.shared.command(act)
    }
}

impl<D: Dialect, R> Shared<D, R> {
    /// Does something to the session, and wakes whoever has to know.
    fn command<T>(&self, act: impl FnOnce(&mut Inner<D, R>) -> T) -> T {
        let mut wake = Vec::new();
        let mut inner = self.lock();
        let done = act(&mut inner);
        inner.tell_state(&mut wake);
        let driver = inner.driver.take();
        drop(inner);
        wake.into_iter().chain(driver).for_each(Waker::wake);
        done
    }
}

/// The session is over, so this can't be done any more.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("the session is over: {0}")]
pub struct Over(pub End);

impl Over {
    /// What happened and what to do about it.
    #[must_use]
    pub fn explain(&self) -> Explanation {
        self.0.explain()
    }
}

impl<D: Dialect, R> Inner<D, R> {
    fn alive(&self) -> Result<(), Over> {
        match (&self.end, self.session.state()) {
            (Some(end), _) => Err(Over(end.clone())),
            // How it ended is about to be told.
            (None, State::Terminal) => Err(Over(End::Closed(None))),
            (None, _) => Ok(()),
        }
    }
}

impl<D, R> Clone for Client<D, R> {
    fn clone(&self) -> Self {
        self.shared.lock().handles += 1;
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<D, R> Drop for Client<D, R> {
    fn drop(&mut self) {
        release(&self.shared);
    }
}

/// One handle less; the driver looks whether it was the last.
fn release<D, R>(shared: &Shared<D, R>) {
    let mut inner = shared.lock();
    inner.handles -= 1;
    let driver = inner.driver.take();
    drop(inner);
    driver.into_iter().for_each(Waker::wake);
}

impl<D: fmt::Debug, R> fmt::Debug for Client<D, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("session", &self.shared.lock().session)
            .finish()
    }
}
