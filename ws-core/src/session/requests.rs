//! What the application asks through a session: requests, their answers, and what becomes of those
//! that get none.
//!
//! Nothing is asked twice: a request whose connection is lost ends, and says how much of it had left.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use thiserror::Error;

use super::correlate::{self, Ended, RequestId, Sent, Strays, Timing};
use super::errands::What;
use super::link::Link;
use super::out::Out;
use super::outbox::{Parcel, Token};
use super::queue::Place;
use super::send::{SendError, SendOptions, Unsent};
use super::{Dialect, Event, Session};
use crate::Instant;
use crate::error::Explanation;
use crate::policy::LatencyStats;

/// What the correlator keeps about a request beyond its number: nothing.
pub(super) type Tag = ();

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
    pub(super) from: u64,
    pub(super) to: u64,
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

/// How a request is asked.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct RequestOptions {
    /// How long it may take. Default: as [`SessionConfig::requests`](super::SessionConfig) says.
    pub timing: Timing,
    /// How it is sent. Without a cost of its own it costs what the dialect says, otherwise what a
    /// "query" costs. What has left in part or whole ends with its connection in any case.
    pub send: SendOptions,
}

impl RequestOptions {
    /// Sets [`timing`](Self#structfield.timing).
    #[must_use]
    pub const fn timing(mut self, timing: Timing) -> Self {
        self.timing = timing;
        self
    }

    /// Sets [`send`](Self#structfield.send).
    #[must_use]
    pub const fn send(mut self, send: SendOptions) -> Self {
        self.send = send;
        self
    }
}

impl<D: Dialect> Session<D> {
    /// Asks the server something, with the timeout of the configuration. The answer comes as
    /// [`Event::Response`]; without one, [`Event::RequestEnded`] does.
    ///
    /// # Errors
    /// As [`request_with`](Self::request_with).
    pub fn request(
        &mut self,
        request: &D::Request,
        now: Instant,
    ) -> Result<RequestId, RequestError> {
        self.request_with(request, &RequestOptions::default(), now)
    }

    /// Asks the server something, and says how long that may take.
    ///
    /// # Errors
    /// As [`request_with`](Self::request_with).
    pub fn request_within(
        &mut self,
        request: &D::Request,
        timing: Timing,
        now: Instant,
    ) -> Result<RequestId, RequestError> {
        self.request_with(request, &RequestOptions::default().timing(timing), now)
    }

    /// Asks the server something, and says how.
    ///
    /// # Errors
    /// The session is not ready, too many requests wait or are queued, its key is in use, or it
    /// costs more than the limits ever let through. Nothing of it is sent then.
    pub fn request_with(
        &mut self,
        request: &D::Request,
        options: &RequestOptions,
        now: Instant,
    ) -> Result<RequestId, RequestError> {
        if self.tape.is_some() {
            match self.dialect.save(request) {
                None => self.note_gap("request"),
                Some(saved) => self.note("request", now, |_, line| {
                    line.request_options(options);
                    line.text(&saved);
                }),
            }
        }
        let send = &options.send;
        self.admits(send.offline)?;
        let id = match self.dialect.key(request) {
            None => self.requests.begin((), options.timing, now)?,
            Some(key) => self.requests.begin_with(key, (), options.timing, now)?,
        };
        let mut messages = Vec::new();
        let mut out = Out::parcel(&mut messages, &mut self.requests, &self.config.pricing);
        self.dialect.request(id, request, &mut out);
        let said = out.done();
        let pricing = &self.config.pricing;
        let cost = send.cost.or(said.cost);
        let cost = cost.unwrap_or_else(|| pricing.cost("query"));
        let place = Place::default()
            .lane(send.lane.lane())
            .priority(send.priority)
            .ttl(send.ttl)
            .cost(cost);
        let mut news = Vec::new();
        for kept in &messages {
            news.extend(self.overheard(&kept.borrowed()));
        }
        let parcel = Parcel {
            token: Token::Request(id),
            offline: send.offline,
            messages,
        };
        if let Err(error) = self.post(parcel, place, now) {
            self.requests.cancel(id, Sent::No, now);
            return Err(error.into());
        }
        let number = self.errands.number();
        self.errands.begin(number, What::Reply, said.ids, false);
        self.hear(news, &[], now);
        self.pump(now);
        Ok(id)
    }

    /// Stops waiting for an answer; says how much of the request had left, or `None` if it does not
    /// wait any more. An answer that comes later is [`Event::Unmatched`].
    pub fn cancel(&mut self, id: RequestId, now: Instant) -> Option<Sent> {
        self.note("cancel", now, |_, line| line.number(id.number()));
        let sent = self.sent(id);
        self.outbox.take(Token::Request(id));
        self.extents.remove(&Token::Request(id));
        let ended = self.requests.cancel(id, sent, now)?;
        self.release(id);
        self.pump(now);
        Some(ended.sent)
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
            .get(&Token::Request(id))
            .map_or(Sent::No, |extent| extent.sent(written))
    }

    /// How much of each thing under way has left; asked before the connection goes.
    pub(super) fn extents(&mut self) -> BTreeMap<Token, Sent> {
        let written = self.written();
        let extents = core::mem::take(&mut self.extents).into_iter();
        extents
            .map(|(token, extent)| (token, extent.sent(written)))
            .collect()
    }

    /// The connection is gone, and with it the hope for answers, and for what had not left.
    pub(super) fn fail_requests(&mut self, sent: &BTreeMap<Token, Sent>, now: Instant) {
        self.leaving.clear();
        for (token, sent) in sent {
            if let Token::Message(id) = *token {
                self.events.push_back(Event::MessageLost {
                    id,
                    why: Unsent::Disconnected,
                    sent: *sent,
                });
            }
        }
        let why = correlate::End::Disconnected;
        let outbox = &self.outbox;
        let ended = self.requests.end_if(
            why,
            |id, ()| {
                let token = Token::Request(id);
                let sent = sent.get(&token).copied().unwrap_or(Sent::No);
                (!outbox.holds(token)).then_some(sent)
            },
            now,
        );
        self.requests.on_new_epoch();
        self.tell_ended(ended);
    }

    pub(super) fn expire_requests(&mut self, now: Instant) {
        if self.requests.poll_timeout().is_none_or(|at| at > now) {
            return;
        }
        let written = self.written();
        let mut ended = Vec::new();
        let extents = &self.extents;
        let sent = |id| {
            extents
                .get(&Token::Request(id))
                .map_or(Sent::No, |extent: &Extent| extent.sent(written))
        };
        while let Some(request) = self.requests.poll_expired(sent, now) {
            ended.push(request);
        }
        for request in &ended {
            self.extents.remove(&Token::Request(request.id));
            self.outbox.take(Token::Request(request.id));
        }
        self.tell_ended(ended);
        self.pump(now);
    }

    /// Notes what has left: round trips begin, and messages have come to their end.
    #[inline]
    pub(super) fn note_sent(&mut self, now: Instant) {
        if !self.leaving.is_empty() {
            self.note_left(now);
        }
    }

    fn note_left(&mut self, now: Instant) {
        let written = self.written();
        while let Some(token) = self.leaving.front().copied() {
            let gone = self
                .extents
                .get(&token)
                .is_none_or(|extent| extent.to <= written);
            if !gone {
                return;
            }
            match token {
                Token::Request(id) => self.requests.sent(id, now),
                Token::Message(id) => {
                    self.extents.remove(&token);
                    self.events.push_back(Event::MessageSent { id });
                }
                Token::Errand(_) | Token::None => {}
            }
            self.leaving.pop_front();
        }
    }

    pub(super) fn tell_ended(&mut self, ended: Vec<Ended<()>>) {
        for Ended { id, why, sent, .. } in ended {
            self.release(id);
            self.events.push_back(Event::RequestEnded { id, why, sent });
        }
    }
}
