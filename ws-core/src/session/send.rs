//! What the application sends through a session.
//!
//! Without limits, and while nothing waits, a message goes straight to the connection. Otherwise it
//! waits in the [`outbox`](super::outbox) for its turn.

use core::time::Duration;

use alloc::vec;
use alloc::vec::Vec;

use thiserror::Error;

use super::correlate::Sent;
use super::link::Link;
use super::order::Afterwards;
use super::out::{Kept, News};
use super::outbox::{Parcel, Token};
use super::queue::{Full, Place};
use super::{Dialect, Event, Session, State};
use crate::Instant;
use crate::connection::Sender;
use crate::error::{self, Explanation};
use crate::message::Message;
use crate::policy::{Cost, Lane, LimitError};

/// A message was not accepted; nothing of it was queued.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum SendError {
    /// It could never leave.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// There is no connection to send on at the moment.
    #[error("not connected: the session is {0}")]
    NotReady(State),
    /// Too much waits already.
    #[error(transparent)]
    QueueFull(#[from] Full),
    /// The connection does not take it.
    #[error(transparent)]
    Refused(#[from] error::SendError),
}

impl SendError {
    /// What happened and what to do about it.
    #[must_use]
    pub const fn explain(&self) -> Explanation {
        match self {
            Self::Limit(_) => Explanation::new(
                "A message of that cost would never be let through",
                "Raise the capacity of the bucket, or lower the cost of the message",
            ),
            Self::NotReady(State::Terminal) => Explanation::new(
                "The session is over",
                "Read the Terminated event to learn why, and start another",
            ),
            Self::NotReady(_) => Explanation::new(
                "There is no connection at the moment",
                "Send again after the next Ready event",
            ),
            Self::QueueFull(_) => Explanation::new(
                "More is sent than the limits or the peer let through",
                "Send less, or raise SessionConfig::queue",
            ),
            Self::Refused(error) => error.explain(),
        }
    }
}

/// A message that was sent with options; never used twice in a session.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MessageId(pub(super) u64);

/// How a message is sent.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SendOptions {
    /// What it is for. Default [`Traffic::Request`].
    pub lane: Traffic,
    /// Within its lane, higher ones go first. Default 0.
    pub priority: u8,
    /// How long it may wait to be sent. Default `None`: as long as it takes.
    pub ttl: Option<Duration>,
    /// What becomes of it without a connection. Default [`Offline::Refuse`].
    pub offline: Offline,
    /// What it costs. Default `None`: what a "query" costs.
    pub cost: Option<Cost>,
}

/// The lanes that are the application's; the others are the session's own.
///
/// Exhaustive on purpose: one for each of its lanes.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Traffic {
    /// Takes something back: [`Lane::Cancel`].
    Cancel,
    /// What is asked for now: [`Lane::Request`].
    #[default]
    Request,
    /// What can wait: [`Lane::Bulk`].
    Bulk,
}

impl Traffic {
    /// The lane.
    #[must_use]
    pub const fn lane(self) -> Lane {
        match self {
            Self::Cancel => Lane::Cancel,
            Self::Request => Lane::Request,
            Self::Bulk => Lane::Bulk,
        }
    }
}

/// What becomes of a message while there is no connection that is ready.
///
/// Exhaustive on purpose: it waits, or does not.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Offline {
    /// It is kept until it can leave, through any number of connections.
    Queue,
    /// It is not accepted, and one that has not left yet is lost with its connection.
    #[default]
    Refuse,
}

/// Why a message will not be sent any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Unsent {
    /// It was taken back.
    Cancelled,
    /// The session is over.
    Closed,
    /// Its connection was lost.
    Disconnected,
    /// Others had to be let in.
    Displaced,
    /// It waited longer than it may.
    Expired,
    /// The connection did not take it: it is no message that could be sent.
    Refused,
}

impl Default for SendOptions {
    fn default() -> Self {
        Self {
            lane: Traffic::Request,
            priority: 0,
            ttl: None,
            offline: Offline::Refuse,
            cost: None,
        }
    }
}

impl SendOptions {
    /// Sets [`lane`](Self#structfield.lane).
    #[must_use]
    pub const fn lane(mut self, lane: Traffic) -> Self {
        self.lane = lane;
        self
    }

    /// Sets [`priority`](Self#structfield.priority).
    #[must_use]
    pub const fn priority(mut self, priority: u8) -> Self {
        self.priority = priority;
        self
    }

    /// Sets [`ttl`](Self#structfield.ttl).
    #[must_use]
    pub const fn ttl(mut self, ttl: Option<Duration>) -> Self {
        self.ttl = ttl;
        self
    }

    /// Sets [`offline`](Self#structfield.offline).
    #[must_use]
    pub const fn offline(mut self, offline: Offline) -> Self {
        self.offline = offline;
        self
    }

    /// Sets [`cost`](Self#structfield.cost).
    #[must_use]
    pub const fn cost(mut self, cost: Option<Cost>) -> Self {
        self.cost = cost;
        self
    }
}

impl<D: Dialect> Session<D> {
    /// Sends a message, ping or pong, as soon as the limits let it. Pings and pongs never wait.
    ///
    /// Nothing is told of what becomes of it; see [`send_with`](Self::send_with).
    ///
    /// # Errors
    /// [`SendError::NotReady`] unless the session is ready, [`SendError::QueueFull`] and
    /// [`SendError::Limit`] where there are limits; otherwise as [`Sender::send`].
    #[inline]
    pub fn send<'m>(
        &mut self,
        message: impl Into<Message<'m>>,
        now: Instant,
    ) -> Result<(), SendError> {
        let message = message.into();
        self.note("send", now, |_, line| line.message(&message));
        let news = self.overheard(&message);
        if !self.outbox.is_idle() && message.kind().is_some() {
            self.queue(message, &SendOptions::default(), Token::None, now)?;
        } else {
            self.live_sender()?.send(message)?;
        }
        if !news.is_empty() {
            self.hear(news, &[], now);
        }
        Ok(())
    }

    /// What a message of the application's means to the session, if it leaves on this connection.
    #[inline]
    pub(super) fn overheard(&mut self, message: &Message<'_>) -> Vec<News> {
        if message.kind().is_some() && self.takes_traffic() {
            self.dialect.overhear(message)
        } else {
            Vec::new()
        }
    }

    /// Sends a message, ping or pong, with a place in the queue of its own. What becomes of it is
    /// told once: [`Event::MessageSent`] or [`Event::MessageLost`].
    ///
    /// # Errors
    /// As [`send`](Self::send); with [`Offline::Queue`] only a session that is over or closing is not
    /// ready.
    pub fn send_with<'m>(
        &mut self,
        message: impl Into<Message<'m>>,
        options: &SendOptions,
        now: Instant,
    ) -> Result<MessageId, SendError> {
        let message = message.into();
        self.note("send_with", now, |_, line| {
            line.message(&message);
            line.send_options(options);
        });
        let id = MessageId(self.outbox.next_message + 1);
        let news = self.overheard(&message);
        self.queue(message, options, Token::Message(id), now)?;
        self.outbox.next_message += 1;
        self.hear(news, &[], now);
        self.pump(now);
        Ok(id)
    }

    /// Takes back a message that has not left yet; `false` if there is nothing to take back.
    pub fn unsend(&mut self, id: MessageId, now: Instant) -> bool {
        self.note("unsend", now, |_, line| line.number(id.0));
        let Some(parcel) = self.outbox.take(Token::Message(id)) else {
            return false;
        };
        self.lose(parcel, Unsent::Cancelled);
        self.pump(now);
        true
    }

    /// The sending half of the connection of the moment: fragments, batches, pings. What is sent
    /// here overtakes what waits, and is not counted by the limits.
    ///
    /// # Errors
    /// [`SendError::NotReady`] unless the session is ready.
    #[inline]
    pub fn sender(&mut self) -> Result<&mut Sender, SendError> {
        self.note_gap("sender");
        self.live_sender()
    }

    #[inline]
    pub(super) fn live_sender(&mut self) -> Result<&mut Sender, SendError> {
        if !self.takes_traffic() {
            return Err(SendError::NotReady(self.state()));
        }
        match &mut self.link {
            Link::Open { connection, .. } => Ok(connection.sender()),
            Link::Down | Link::Dialing { .. } | Link::Opening { .. } => {
                Err(SendError::NotReady(State::Idle))
            }
        }
    }

    /// May the application send?
    #[inline]
    pub(super) fn takes_traffic(&self) -> bool {
        self.link.ready().is_some() && self.afterwards == Afterwards::Judge && self.drain.is_none()
    }

    /// Is something accepted now that may have to wait?
    pub(super) fn admits(&self, offline: Offline) -> Result<(), SendError> {
        let alive = self.afterwards == Afterwards::Judge && self.drain.is_none();
        let admitted = match offline {
            Offline::Refuse => self.takes_traffic(),
            Offline::Queue => alive && !matches!(self.state(), State::Terminal),
        };
        if admitted {
            Ok(())
        } else {
            Err(SendError::NotReady(self.state()))
        }
    }

    fn queue(
        &mut self,
        message: Message<'_>,
        options: &SendOptions,
        token: Token,
        now: Instant,
    ) -> Result<(), SendError> {
        self.admits(options.offline)?;
        if message.kind().is_none() && message.payload().len() > 125 {
            let len = message.payload().len();
            return Err(error::SendError::ControlTooLong { len, limit: 125 }.into());
        }
        let cost = options
            .cost
            .unwrap_or_else(|| self.config.pricing.cost("query"));
        let place = Place::default()
            .lane(options.lane.lane())
            .priority(options.priority)
            .ttl(options.ttl)
            .cost(cost);
        let parcel = Parcel {
            token,
            offline: options.offline,
            messages: vec![Kept::new(message)],
        };
        self.post(parcel, place, now)?;
        if token == Token::None {
            self.pump(now);
        }
        Ok(())
    }

    /// Tells what became of a parcel that will not be sent.
    pub(super) fn lose(&mut self, parcel: Parcel, why: Unsent) {
        if let Token::Message(id) = parcel.token {
            let sent = Sent::No;
            self.events.push_back(Event::MessageLost { id, why, sent });
        }
    }
}
