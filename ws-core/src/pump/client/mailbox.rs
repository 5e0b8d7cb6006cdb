//! What others tell a handler, and what they learn of its end. It runs nothing.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use core::fmt;
use core::task::{Context, Poll, Waker};
use std::sync::{Mutex, MutexGuard, PoisonError};

use thiserror::Error;

use super::watchers::{Wait, Watchers};
use crate::error::Explanation;
use crate::session::End;

/// Commands that may wait for a handler.
const COMMANDS: usize = 1024;

/// A command was not taken; here it is again.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum CommandError<C> {
    /// 1024 of them wait already.
    #[error("too many commands wait for the handler")]
    Full(C),
    /// The session is over.
    #[error("the session is over")]
    Over(C),
}

impl<C> CommandError<C> {
    /// What happened and what to do about it.
    #[must_use]
    pub const fn explain(&self) -> Explanation {
        match self {
            Self::Full(_) => Explanation::new(
                "The handler is slower than its commands, or there is no connection",
                "Send commands more slowly, or drop what is out of date",
            ),
            Self::Over(_) => Explanation::new(
                "The handler has ended with its session",
                "See Actor::ended for the reason, and start another",
            ),
        }
    }
}

/// A handler panicked, and its session was ended for it.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{callback} panicked: {said}")]
#[non_exhaustive]
pub struct HandlerPanicked {
    /// Which method.
    pub callback: &'static str,
    /// The text of the panic, as far as it had one.
    pub said: Box<str>,
    /// How the session ended.
    pub end: End,
}

impl HandlerPanicked {
    /// What happened and what to do about it.
    #[must_use]
    pub const fn explain(&self) -> Explanation {
        Explanation::new(
            "The application's handler panicked, so the session was closed with 1011",
            "Fix the handler, and start another session",
        )
    }
}

/// How it ended.
pub(super) type Ended = Result<End, HandlerPanicked>;

pub(super) struct Mailbox<C>(Mutex<Inner<C>>);

struct Inner<C> {
    commands: VecDeque<C>,
    handler: Option<Waker>,
    ended: Option<Ended>,
    watchers: Watchers,
}

impl<C> Mailbox<C> {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Inner {
            commands: VecDeque::new(),
            handler: None,
            ended: None,
            watchers: Watchers::new(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner<C>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put(&self, command: C) -> Result<(), CommandError<C>> {
        let mut inner = self.lock();
        if inner.ended.is_some() {
            return Err(CommandError::Over(command));
        }
        if inner.commands.len() >= COMMANDS {
            return Err(CommandError::Full(command));
        }
        inner.commands.push_back(command);
        let handler = inner.handler.take();
        drop(inner);
        handler.into_iter().for_each(Waker::wake);
        Ok(())
    }

    pub(super) fn poll_command(&self, cx: &Context<'_>) -> Poll<C> {
        let mut inner = self.lock();
        match inner.commands.pop_front() {
            Some(command) => Poll::Ready(command),
            None => {
                inner.handler = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// The handler has ended; what it was told and did not do is dropped.
    pub(super) fn end(&self, ended: Ended) {
        let mut inner = self.lock();
        inner.ended.get_or_insert(ended);
        let commands = core::mem::take(&mut inner.commands);
        let watchers = inner.watchers.take();
        drop(inner);
        drop(commands);
        watchers.for_each(Waker::wake);
    }

    pub(super) fn poll_ended(&self, wait: &Wait, cx: &Context<'_>) -> Poll<Ended> {
        let mut inner = self.lock();
        if let Some(ended) = &inner.ended {
            return Poll::Ready(ended.clone());
        }
        let over = inner.watchers.add(wait, cx);
        drop(inner);
        drop(over);
        Poll::Pending
    }
}

impl<C> fmt::Debug for Mailbox<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.lock();
        f.debug_struct("Mailbox")
            .field("commands", &inner.commands.len())
            .field("ended", &inner.ended)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_wait_in_order_are_bounded_and_refused_after_the_end() {
        let mailbox = Mailbox::new();
        for i in 0..COMMANDS {
            assert_eq!(mailbox.put(i), Ok(()));
        }
        assert_eq!(mailbox.put(9999), Err(CommandError::Full(9999)));
        let cx = Context::from_waker(Waker::noop());
        assert_eq!(mailbox.poll_command(&cx), Poll::Ready(0));
        assert_eq!(mailbox.put(COMMANDS), Ok(()));
        assert!(mailbox.poll_ended(&Wait::default(), &cx).is_pending());

        let end = End::Closed(None);
        mailbox.end(Ok(end.clone()));
        let late = HandlerPanicked {
            callback: "on_message",
            said: "".into(),
            end: end.clone(),
        };
        mailbox.end(Err(late));
        assert_eq!(
            mailbox.poll_ended(&Wait::default(), &cx),
            Poll::Ready(Ok(end)),
            "the first"
        );
        assert_eq!(mailbox.put(1), Err(CommandError::Over(1)));
        assert!(
            mailbox.poll_command(&cx).is_pending(),
            "what waited is gone"
        );
    }
}
