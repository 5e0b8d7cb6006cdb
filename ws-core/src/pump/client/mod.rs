//! A session that runs by itself: a handle for the application, a driver for the runtime.
//!
//! The [`Client`] is cheap to clone and stays valid through any number of connections; the
//! [`Events`] are what happened, in order; [`Run`] is the future that does the work and ends with the
//! session. None of them decides when to dial: that is the [`Session`]'s.

#![allow(
    clippy::disallowed_types,
    reason = "handles in other tasks share the session; the lock is never held while waiting"
)]

mod ask;
mod commands;
mod credentials;
mod ping;
mod run;

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::future::poll_fn;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_core::Stream;

use ask::Asked;
use ping::Pinged;

pub use ask::RequestFailed;
pub use credentials::{Provide, Providing, Wanted, provide};
pub use ping::PingFailed;
pub use run::{Dial, Dialing, Run};

use super::reach::{Net, Reach};
use super::runtime::{PollRead, PollWrite, Runtime};
use crate::close::CloseCode;
use crate::error;
use crate::handshake::Request;
use crate::message::Message;
use crate::options::{SessionOptions, StartError, plain};
use crate::session::correlate::RequestId;
use crate::session::{ConnId, Dialect, End, Event, NoDialect, PingId, SendError, Session, State};

/// Events that wait for the application before nothing more is read.
const EVENTS: usize = 1024;

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

/// What happened to a session, in order: one event at a time, or as a `Stream`.
///
/// While 1024 events wait here nothing more is read from the connection, and no deadline of it is
/// looked at: a consumer that is slower than its peer slows the peer down, and one that takes nothing
/// at all leaves the peer's pings unanswered, behind the messages. Once the session is closing, what
/// finds no room is dropped, so that the end comes in any case.
pub struct Events<D = NoDialect, R = ()> {
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
    events: VecDeque<Event>,
    /// How the session ended, if it did.
    end: Option<End>,
    /// The task that drives.
    driver: Option<Waker>,
    /// The task that waits for an event.
    reader: Option<Waker>,
    /// Requests that a task waits for.
    asked: BTreeMap<RequestId, Asked>,
    /// Pings that a task waits for.
    pinged: BTreeMap<PingId, Pinged>,
    /// Tasks that wait for another state.
    watchers: Vec<Waker>,
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

impl<D, R> Inner<D, R> {
    fn wake_driver(&mut self) -> Option<Waker> {
        self.driver.take()
    }
}

impl<D: Dialect, R> Inner<D, R> {
    /// Is there no room for what may come?
    fn is_blocked(&self) -> bool {
        self.events.len() >= EVENTS && matches!(self.session.state(), State::Ready { .. })
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
            events: VecDeque::new(),
            end: None,
            driver: None,
            reader: None,
            asked: BTreeMap::new(),
            pinged: BTreeMap::new(),
            watchers: Vec::new(),
            handles: 2,
            unread: false,
        }),
    });
    let client = Client {
        shared: Arc::clone(&shared),
    };
    let events = Events {
        shared: Arc::clone(&shared),
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
    let session = options.session(request, dialect, fill)?;
    let reach = Reach::new(runtime.clone(), options.route.clone());
    Ok(run(session, runtime, reach))
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
    /// told by [`Events`] and by [`ended`](Self::ended).
    ///
    /// # Errors
    /// As [`Session::close`]; nothing happens then.
    pub fn close(&self, code: CloseCode, reason: &str) -> Result<(), error::SendError> {
        self.command(|inner| inner.session.close(code, reason, inner.clock.now()))
    }

    /// Replaces the connection, or dials now instead of later; see [`Session::reconnect`].
    pub fn reconnect(&self) {
        self.command(|inner| inner.session.reconnect(inner.clock.now()));
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
        self.watch(|inner| match (&inner.end, inner.session.state()) {
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
        self.watch(|inner| inner.end.clone()).await
    }

    async fn watch<T>(&self, look: impl Fn(&Inner<D, R>) -> Option<T>) -> T {
        poll_fn(|cx| {
            let mut inner = self.shared.lock();
            if let Some(found) = look(&inner) {
                return Poll::Ready(found);
            }
            if !inner
                .watchers
                .iter()
                .any(|waker| waker.will_wake(cx.waker()))
            {
                inner.watchers.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await
    }

    fn command<T>(&self, act: impl FnOnce(&mut Inner<D, R>) -> T) -> T {
        let mut inner = self.shared.lock();
        let done = act(&mut inner);
        let driver = inner.wake_driver();
        drop(inner);
        if let Some(driver) = driver {
            driver.wake();
        }
        done
    }
}

impl<D, R> Events<D, R> {
    /// The next event; `None` after [`Event::Terminated`].
    ///
    /// # Cancel safety
    /// An event is returned or stays where it was.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// The next event if there is one now.
    pub fn try_next(&mut self) -> Option<Event> {
        match self.poll_event(&Context::from_waker(Waker::noop())) {
            Poll::Ready(event) => event,
            Poll::Pending => None,
        }
    }

    fn poll_event(&self, cx: &Context<'_>) -> Poll<Option<Event>> {
        let mut inner = self.shared.lock();
        let Some(event) = inner.events.pop_front() else {
            if inner.end.is_some() {
                return Poll::Ready(None);
            }
            inner.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        // There is room again where there was none.
        let driver = if inner.events.len() + 1 == EVENTS {
            inner.wake_driver()
        } else {
            None
        };
        drop(inner);
        if let Some(driver) = driver {
            driver.wake();
        }
        Poll::Ready(Some(event))
    }
}

impl<D, R> Stream for Events<D, R> {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_event(cx)
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

impl<D, R> Drop for Events<D, R> {
    fn drop(&mut self) {
        let mut inner = self.shared.lock();
        inner.unread = true;
        let events = mem::take(&mut inner.events);
        drop(inner);
        drop(events);
        release(&self.shared);
    }
}

/// One handle less; the driver looks whether it was the last.
fn release<D, R>(shared: &Shared<D, R>) {
    let mut inner = shared.lock();
    inner.handles -= 1;
    let driver = inner.wake_driver();
    drop(inner);
    if let Some(driver) = driver {
        driver.wake();
    }
}

impl<D: fmt::Debug, R> fmt::Debug for Client<D, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("session", &self.shared.lock().session)
            .finish()
    }
}

impl<D, R> fmt::Debug for Events<D, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("waiting", &self.shared.lock().events.len())
            .finish_non_exhaustive()
    }
}
