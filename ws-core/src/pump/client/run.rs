//! The future that does the work of a session: dials when told, moves bytes and time.
//!
//! It never decides to dial, and neither dials nor asks for credentials while it holds the lock that
//! the handles share.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::future::Future;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use super::super::driver::Driver;
use super::super::runtime::{PollRead, PollWrite, Runtime};
use super::credentials::{Provide, Providing, Wanted};
use super::queue::Queue;
use super::{Inner, Shared};
use crate::close::CloseCode;
use crate::handshake::Request;
use crate::options::Inbox;
use crate::session::auth::{CredError, CredId};
use crate::session::{Action, ConnId, DialError, Dialect, Event, Session, Upcoming};
use crate::{Instant, UnixTime};

/// How a binding connects a transport.
///
/// Dialing happens without the lock that the handles share, so it may use a
/// [`Client`](super::Client) of the same session, to set another target for example. The transport
/// that comes of it may not: it is read from and written to under that lock.
pub trait Dial<S>: Unpin {
    /// Connects to the host of the request, TLS included where its scheme asks for it. Dropping the
    /// future gives the attempt up; its deadline is the session's.
    fn dial(&mut self, request: &Request) -> Dialing<S>;
}

/// A transport that is being connected.
pub type Dialing<S> = Pin<Box<dyn Future<Output = Result<S, DialError>> + Send>>;

impl<S, F> Dial<S> for F
where
    F: FnMut(&Request) -> Dialing<S> + Unpin,
{
    fn dial(&mut self, request: &Request) -> Dialing<S> {
        self(request)
    }
}

/// Runs a session to its end; to be spawned, or polled along with other things.
///
/// It wakes for bytes, deadlines and commands only. Dropping it drops the connection without a
/// Close frame; the handles then say that the session is over.
#[must_use = "nothing happens unless this is polled"]
pub struct Run<D: Dialect, S, R, C> {
    shared: Arc<Shared<D, R>>,
    runtime: R,
    dial: C,
    dialing: Option<(ConnId, Dialing<S>)>,
    provider: Option<Box<dyn Provide<D::Credentials> + Send>>,
    /// The question of the moment: there is never more than one that matters.
    providing: Option<(CredId, Providing<D::Credentials>)>,
    driver: Option<(ConnId, Driver<S, R>)>,
    started: bool,
    /// The task was polled, and the clocks were not compared yet.
    woken: bool,
    /// The time of the last turn.
    now: Instant,
}

/// What one turn of the loop came to.
enum Turn {
    Again,
    Done,
    Wait,
}

impl<D: Dialect, S, R, C> Run<D, S, R, C> {
    /// Says where credentials come from, if the session is to log in or to sign its handshakes.
    /// Without a provider they are denied.
    pub fn provider(mut self, provider: impl Provide<D::Credentials> + Send + 'static) -> Self {
        self.provider = Some(Box::new(provider));
        self
    }

    /// Says how much may wait for the application. To be said before anything is run.
    pub fn inbox(self, inbox: Inbox) -> Self {
        self.shared.lock().queue = Queue::new(inbox);
        self
    }

    pub(super) fn new(shared: Arc<Shared<D, R>>, runtime: R, dial: C) -> Self {
        Self {
            shared,
            runtime,
            dial,
            dialing: None,
            provider: None,
            providing: None,
            driver: None,
            started: false,
            woken: true,
            now: Instant::ORIGIN,
        }
    }
}

impl<D, S, R, C> Run<D, S, R, C>
where
    D: Dialect,
    S: Unpin,
    R: PollRead<S> + PollWrite<S> + Runtime + Clone,
    C: Dial<S>,
{
    fn turn(&mut self, cx: &mut Context<'_>, wake: &mut Vec<Waker>) -> Turn {
        for action in self.begin(cx) {
            self.carry_out(action);
        }
        if let Some((conn, dialed)) = self.poll_dialing(cx) {
            let now = self.runtime.now();
            match dialed {
                Ok(io) if self.shared.lock().session.dialed(conn, now) => {
                    self.driver = Some((conn, Driver::new(io, self.runtime.clone())));
                }
                Ok(_) => {}
                Err(error) => self.shared.lock().session.dial_failed(conn, error, now),
            }
            return Turn::Again;
        }
        if let Some((id, provided)) = self.poll_providing(cx) {
            let now = self.runtime.now();
            self.shared.lock().session.credentials(id, provided, now);
            return Turn::Again;
        }
        let shared = Arc::clone(&self.shared);
        let mut inner = shared.lock();
        let inner = &mut *inner;
        inner.take_events(self.now, wake);
        if inner.session.has_actions() {
            return Turn::Again;
        }
        if inner.end.is_some() {
            #[cfg(feature = "testing")]
            inner.wake_writers(wake);
            return Turn::Done;
        }
        let polled = match &mut self.driver {
            // No room: what is queued leaves, time goes on, and nothing more is read.
            Some((_, driver)) if inner.held => driver
                .poll_write_only(&mut inner.session, Session::excuse, cx)
                .map(|()| true),
            Some((_, driver)) => driver.poll(&mut inner.session, cx),
            None => match inner.session.poll_timeout() {
                None => Poll::Pending,
                Some((at, _)) => self.runtime.poll_until(cx, at).map(|()| {
                    let now = self.runtime.now().max(at);
                    inner.session.handle_timeout(now);
                    true
                }),
            },
        };
        inner.tell_state(wake);
        #[cfg(feature = "testing")]
        if polled.is_pending() {
            inner.wake_writers(wake);
        }
        match polled {
            Poll::Ready(true) => Turn::Again,
            // The transport is done with: the session says what follows, or has a deadline.
            Poll::Ready(false) => {
                if let Some((conn, driver)) = self.driver.take() {
                    inner.session.unwritable(conn, driver.now);
                }
                Turn::Again
            }
            Poll::Pending => Turn::Wait,
        }
    }

    /// Says where to call back, and takes what the session asks for: all of it, before any of it is
    /// carried out without the lock.
    fn begin(&mut self, cx: &Context<'_>) -> Vec<Action> {
        let mut inner = self.shared.lock();
        if !inner
            .driver
            .as_ref()
            .is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            inner.driver = Some(cx.waker().clone());
        }
        let now = self.runtime.now();
        self.now = now;
        if mem::take(&mut self.woken) {
            // Was the computer asleep?
            if let Some(wall) = self.runtime.time_of_day() {
                let nanos = u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX);
                inner.session.wall_clock(UnixTime::from_nanos(nanos), now);
            }
        }
        if !self.started {
            self.started = true;
            inner.session.start(now);
        }
        if inner.handles == 0 && inner.end.is_none() {
            // Nobody is left to hear of the end.
            let _ = inner.session.close(CloseCode::GOING_AWAY, "", now);
            inner.ending = true;
        }
        core::iter::from_fn(|| inner.session.action()).collect()
    }

    /// What became of a dial, once it is over.
    fn poll_dialing(&mut self, cx: &mut Context<'_>) -> Option<(ConnId, Result<S, DialError>)> {
        let (conn, dialing) = self.dialing.as_mut()?;
        let conn = *conn;
        match dialing.as_mut().poll(cx) {
            Poll::Ready(dialed) => {
                self.dialing = None;
                Some((conn, dialed))
            }
            Poll::Pending => None,
        }
    }

    /// What the provider has come up with, once it has.
    #[allow(clippy::type_complexity, reason = "said once")]
    fn poll_providing(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Option<(CredId, Result<D::Credentials, CredError>)> {
        let (id, providing) = self.providing.as_mut()?;
        let id = *id;
        match providing.as_mut().poll(cx) {
            Poll::Ready(provided) => {
                self.providing = None;
                Some((id, provided))
            }
            Poll::Pending => None,
        }
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Dial { conn, request } => {
                self.dialing = Some((conn, self.dial.dial(&request)));
            }
            Action::Credentials {
                id,
                purpose,
                refused,
            } => {
                let wanted = Wanted { purpose, refused };
                if let Some(provider) = &mut self.provider {
                    self.providing = Some((id, provider.provide(wanted)));
                } else {
                    let denied = Err(CredError::Denied);
                    let now = self.runtime.now();
                    self.shared.lock().session.credentials(id, denied, now);
                }
            }
            Action::Drop { conn } => {
                self.dialing.take_if(|(current, _)| *current == conn);
                self.driver.take_if(|(current, _)| *current == conn);
            }
        }
    }
}

impl<D: Dialect, R> Inner<D, R> {
    /// Moves events to where the application takes them, as far as there is room.
    fn take_events(&mut self, now: Instant, wake: &mut Vec<Waker>) {
        self.held = false;
        loop {
            if self.queue.holds() && !self.unread && !self.ending && self.has_to_wait(now) {
                self.held = true;
                break;
            }
            let Some(event) = self.session.poll_owned(now) else {
                break;
            };
            if let Event::Terminated(end) = &event {
                self.end = Some(end.clone());
                self.pinged.end(wake);
                self.awaited.end(wake);
                wake.extend(self.watchers.take());
            }
            let event = self.answer(event, wake);
            let event = event.and_then(|event| self.pong(event, wake));
            if let Some(event) = event.and_then(|event| self.awaited(event, wake)) {
                self.tell(event, wake);
            }
        }
        self.tell_state(wake);
    }

    /// Would the next event need room that there is not?
    fn has_to_wait(&mut self, now: Instant) -> bool {
        match self.session.upcoming(now) {
            Some(Upcoming::Answer(id)) => !self.asked.has(&id),
            Some(Upcoming::Message) => true,
            Some(Upcoming::Control | Upcoming::Notice) | None => false,
        }
    }
}

impl<D, S, R, C> Future for Run<D, S, R, C>
where
    D: Dialect,
    S: Unpin,
    R: PollRead<S> + PollWrite<S> + Runtime + Clone,
    C: Dial<S>,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.woken = true;
        loop {
            let mut wake = Vec::new();
            let turn = self.turn(cx, &mut wake);
            for waker in wake {
                waker.wake();
            }
            match turn {
                Turn::Again => {}
                Turn::Done => return Poll::Ready(()),
                Turn::Wait => return Poll::Pending,
            }
        }
    }
}

impl<D: Dialect, S, R, C> Drop for Run<D, S, R, C> {
    fn drop(&mut self) {
        let mut wake = Vec::new();
        let mut inner = self.shared.lock();
        if inner.end.is_none() {
            inner.session.abandon(self.now);
            inner.take_events(self.now, &mut wake);
        }
        inner.wake_readers(&mut wake);
        #[cfg(feature = "testing")]
        inner.wake_writers(&mut wake);
        inner.asked.end(&mut wake);
        inner.pinged.end(&mut wake);
        inner.awaited.end(&mut wake);
        wake.extend(inner.watchers.take());
        drop(inner);
        wake.into_iter().for_each(Waker::wake);
    }
}

impl<D: Dialect, S, R, C> fmt::Debug for Run<D, S, R, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}
