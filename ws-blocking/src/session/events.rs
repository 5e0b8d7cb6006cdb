//! What happens to a session, for threads: iterators that wait.

use std::fmt;

use ws_core::pump::client;
use ws_core::session::{Dialect, Event, NoDialect, State};

#[cfg(doc)]
use super::Client;
use super::wait;
use crate::reactor::Clock;

/// What happens to a session, in order: an iterator that waits, and ends after
/// [`Event::Terminated`].
///
/// What waits here is bounded by an [`Inbox`](super::Inbox), which also says what becomes of a consumer
/// that is slower than the peer. By default the peer is slowed down, and nothing is lost.
pub struct Events<D = NoDialect>(pub(super) client::Events<D, Clock>);

impl<D> Events<D> {
    /// The next event if there is one now.
    pub fn try_next(&mut self) -> Option<Event> {
        self.0.try_next()
    }
}

impl<D> Iterator for Events<D> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        wait(self.0.next())
    }
}

impl<D> fmt::Debug for Events<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// More events of a session, from the moment at which it was made by [`Client::listen`] until it is
/// dropped: an iterator that waits. It is not a handle, and never slows anything down.
pub struct Listener<D = NoDialect>(pub(super) client::Listener<D, Clock>);

impl<D> Listener<D> {
    /// The next event if there is one now.
    pub fn try_next(&mut self) -> Option<Event> {
        self.0.try_next()
    }
}

impl<D> Iterator for Listener<D> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        wait(self.0.next())
    }
}

impl<D> fmt::Debug for Listener<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The states of a session: first the present one, then each that lasts until someone looks; ends after
/// [`State::Terminal`]. Made by [`Client::watch`]; it is not a handle.
pub struct Watch<D = NoDialect>(pub(super) client::Watch<D, Clock>);

impl<D: Dialect> Iterator for Watch<D> {
    type Item = State;

    fn next(&mut self) -> Option<State> {
        wait(self.0.next())
    }
}

impl<D> fmt::Debug for Watch<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
