//! What the application asks through a session: requests, their answers, and what becomes of those
//! that get none.
//!
//! Nothing is asked twice: a request whose connection is lost ends, and says how much of it had left.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use thiserror::Error;

use super::correlate::{self, Ended, RequestId, Sent, Strays, Timing};
use super::dialect::Out;
use super::link::Link;
use super::send::SendError;
use super::{Dialect, Event, Session};
use crate::Instant;
use crate::error::Explanation;
use crate::policy::LatencyStats;

/// A request was not accepted; nothing of it was queued.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum RequestError {
    /// There is no number for it.
    #[error(transparent)]
    Correlate(#[from] correlate::RequestError),
    /// It can't be sent.
    #[error(transparent)]
    Send(#[from] SendError),
}

impl RequestError {
    /// What happened and what to do about it.
    #[must_use]
    pub const fn explain(&self) -> Explanation {
        match self {
            Self::Correlate(_) => Explanation::new(
                "Too many requests wait for their answers",
                "Wait for some, or raise SessionConfig::requests",
            ),
            Self::Send(error) => error.explain(),
        }
    }
}

/// Which bytes of a connection a request is, counted from the first ever queued on it. Control
/// frames that overtake it shift it: it may be told as further on its way than it is, never less.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    from: u64,
    to: u64,
}

impl Extent {
    const fn sent(self, written: u64) -> Sent {
        if written <= self.from {
            Sent::No
        } else if written < self.to {
            Sent::Partial
        } else {
            Sent::Full
        }
    }
}

impl<D: Dialect> Session<D> {
    /// Asks the server something, with the timeout of the configuration. The answer comes as
    /// [`Event::Response`]; without one, [`Event::RequestEnded`] does.
    ///
    /// # Errors
    /// As [`request_within`](Self::request_within).
    pub fn request(
        &mut self,
        request: &D::Request,
        now: Instant,
    ) -> Result<RequestId, RequestError> {
        self.request_within(request, Timing::default(), now)
    }

    /// Asks the server something, and says how long that may take.
    ///
    /// # Errors
    /// The session is not ready, too many requests wait, or the send queue is full.
    pub fn request_within(
        &mut self,
        request: &D::Request,
        timing: Timing,
        now: Instant,
    ) -> Result<RequestId, RequestError> {
        let from = self.sender()?.buf().mark();
        let id = self.requests.begin((), timing, now)?;
        let Link::Open { connection, .. } = &mut self.link else {
            return Ok(id);
        };
        let mut out = Out::new(connection.sender());
        self.dialect.request(id, request, &mut out);
        if let Some(error) = out.failed() {
            self.requests.cancel(id, Sent::No, now);
            return Err(SendError::Refused(error).into());
        }
        let to = connection.sender().buf().mark();
        self.extents.insert(id, Extent { from, to });
        self.leaving.push_back(id);
        Ok(id)
    }

    /// Stops waiting for an answer; says how much of the request had left, or `None` if it does not
    /// wait any more. An answer that comes later is [`Event::Unmatched`].
    pub fn cancel(&mut self, id: RequestId, now: Instant) -> Option<Sent> {
        let sent = self.sent(id);
        self.extents.remove(&id);
        Some(self.requests.cancel(id, sent, now)?.sent)
    }

    /// Requests that wait for an answer.
    #[must_use]
    pub fn pending_requests(&self) -> usize {
        self.requests.pending()
    }

    /// Round trips of the last answers, or `None` if there were none. It survives reconnects.
    #[must_use]
    pub fn latency(&self) -> Option<LatencyStats> {
        self.requests.latency()
    }

    /// How many answers found no request.
    #[must_use]
    pub const fn strays(&self) -> Strays {
        self.requests.strays()
    }

    fn written(&mut self) -> u64 {
        match &mut self.link {
            Link::Open { connection, .. } => connection.sender().buf().written(),
            Link::Down | Link::Dialing { .. } | Link::Opening { .. } => 0,
        }
    }

    fn sent(&mut self, id: RequestId) -> Sent {
        let written = self.written();
        self.extents
            .get(&id)
            .map_or(Sent::No, |extent| extent.sent(written))
    }

    /// How much of each request has left; asked before the connection goes.
    pub(super) fn extents(&mut self) -> BTreeMap<RequestId, Sent> {
        let written = self.written();
        let extents = core::mem::take(&mut self.extents).into_iter();
        extents
            .map(|(id, extent)| (id, extent.sent(written)))
            .collect()
    }

    /// The connection is gone, and with it the hope for answers.
    pub(super) fn fail_requests(&mut self, sent: &BTreeMap<RequestId, Sent>, now: Instant) {
        self.leaving.clear();
        let why = correlate::End::Disconnected;
        let ended = self.requests.end_if(
            why,
            |id, ()| Some(sent.get(&id).copied().unwrap_or(Sent::No)),
            now,
        );
        self.requests.on_new_epoch();
        self.tell_ended(ended);
    }

    pub(super) fn expire_requests(&mut self, now: Instant) {
        let written = self.written();
        let mut ended = Vec::new();
        let extents = &self.extents;
        let sent = |id| {
            extents
                .get(&id)
                .map_or(Sent::No, |extent: &Extent| extent.sent(written))
        };
        while let Some(request) = self.requests.poll_expired(sent, now) {
            ended.push(request);
        }
        for request in &ended {
            self.extents.remove(&request.id);
        }
        self.tell_ended(ended);
    }

    /// Notes which requests have left: their round trips begin.
    #[inline]
    pub(super) fn note_sent(&mut self, now: Instant) {
        if self.leaving.is_empty() {
            return;
        }
        let written = self.written();
        while let Some(id) = self.leaving.front() {
            let gone = self
                .extents
                .get(id)
                .is_none_or(|extent| extent.to <= written);
            if !gone {
                return;
            }
            self.requests.sent(*id, now);
            self.leaving.pop_front();
        }
    }

    fn tell_ended(&mut self, ended: Vec<Ended<()>>) {
        self.events
            .extend(ended.into_iter().map(|ended| Event::RequestEnded {
                id: ended.id,
                why: ended.why,
                sent: ended.sent,
            }));
    }
}
