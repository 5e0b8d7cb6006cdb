//! Ending a session in order: nothing new is accepted, what waits leaves, what was asked is answered,
//! and only then is the connection closed.

use alloc::string::String;
use core::time::Duration;

use super::Session;
use super::dialect::Dialect;
use super::event::Event;
use super::link::Link;
use super::order::Afterwards;
use crate::Instant;
use crate::close::CloseCode;
use crate::connection::check_close;
use crate::error::SendError;

/// What is finished before a session is closed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DrainOptions {
    /// How long all of it may take; then the connection is closed in any case. Default 10 s.
    pub timeout: Duration,
    /// Unsubscribe from everything first? Default no: servers forget a connection's topics.
    pub unsubscribe: bool,
    /// Wait for the answers to what was asked? Default yes.
    pub finish_requests: bool,
}

impl Default for DrainOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            unsubscribe: false,
            finish_requests: true,
        }
    }
}

impl DrainOptions {
    /// Sets [`timeout`](Self#structfield.timeout).
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets [`unsubscribe`](Self#structfield.unsubscribe).
    #[must_use]
    pub const fn unsubscribe(mut self, unsubscribe: bool) -> Self {
        self.unsubscribe = unsubscribe;
        self
    }

    /// Sets [`finish_requests`](Self#structfield.finish_requests).
    #[must_use]
    pub const fn finish_requests(mut self, finish: bool) -> Self {
        self.finish_requests = finish;
        self
    }
}

/// A session on its way out.
#[derive(Debug)]
pub(super) struct Drain {
    code: CloseCode,
    reason: String,
    pub(super) by: Instant,
    options: DrainOptions,
}

impl<D: Dialect> Session<D> {
    /// Ends the session in order. From now on nothing is accepted; when what waits has left, and what
    /// was asked is answered, [`Event::Drained`] tells so and the connection is closed as by
    /// [`close`](Self::close). Without a connection that is ready it is closed at once.
    ///
    /// # Errors
    /// As [`close`](Self::close); nothing happens then.
    pub fn drain(
        &mut self,
        code: CloseCode,
        reason: &str,
        options: DrainOptions,
        now: Instant,
    ) -> Result<(), SendError> {
        check_close(code, reason)?;
        self.note("drain", now, |_, line| {
            line.number(code.get());
            line.text(reason);
            line.span(Some(options.timeout));
            line.number(u64::from(options.unsubscribe));
            line.number(u64::from(options.finish_requests));
        });
        if !self.takes_traffic() {
            if self.drain.is_some() {
                return Ok(());
            }
            return self.close_now(code, reason, now);
        }
        if options.unsubscribe {
            for notice in self.topics.abandon() {
                self.tell_notice(Some(notice));
            }
        }
        self.drain = Some(Drain {
            code,
            reason: reason.into(),
            by: now + options.timeout,
            options,
        });
        self.changed();
        self.pump(now);
        self.drain_on(now);
        Ok(())
    }

    /// Closes if everything is finished, or time is up.
    pub(super) fn drain_on(&mut self, now: Instant) {
        let Some(drain) = &self.drain else {
            return;
        };
        let requests = self.requests.pending();
        let queued = self.outbox.queue.len();
        let finished = queued == 0
            && (!drain.options.finish_requests || requests == 0)
            && (!drain.options.unsubscribe || self.topics.is_settled());
        if !finished && now < drain.by {
            return;
        }
        let Some(drain) = self.drain.take() else {
            return;
        };
        self.events.push_back(Event::Drained { requests, queued });
        if let Link::Open { connection, .. } = &mut self.link {
            if connection.sender().is_open() {
                // It was checked when the drain began.
                let _ = connection.close(drain.code, &drain.reason, now);
            }
        }
        self.afterwards = Afterwards::Stop;
        self.stop_outbox(now);
    }
}
