//! What an application does with a session through a handle, beyond messages: topics, places in the
//! queue, an end in order, and a look at everything.
//!
//! Nothing is decided here: each call is one of the [`Session`](crate::session::Session)'s, at the
//! time of the clock, and wakes the driver.

use thiserror::Error;

use super::super::runtime::Runtime;
use super::{Client, Over};
use crate::close::CloseCode;
use crate::error::{self, Explanation};
use crate::message::{Message, Text};
use crate::session::subscriptions::{State, SubId, SubOptions, TooManyTopics};
use crate::session::{
    Dialect, DrainOptions, Health, MessageId, Network, SendError, SendOptions, Snapshot,
};

/// A topic could not be subscribed to.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The session is over.
    #[error(transparent)]
    Over(#[from] Over),
    /// So many are wanted already.
    #[error(transparent)]
    TooMany(#[from] TooManyTopics),
}

impl SubscribeError {
    /// What happened and what to do about it.
    #[must_use]
    pub fn explain(&self) -> Explanation {
        match self {
            Self::Over(over) => over.explain(),
            Self::TooMany(_) => Explanation::new(
                "As many topics are wanted as the configuration allows",
                "Unsubscribe from some, or raise SessionConfig::subscriptions",
            ),
        }
    }
}

impl<D: Dialect, R: Runtime> Client<D, R> {
    /// Queues a message with a place in the queue of its own. What becomes of it is told once:
    /// [`Event::MessageSent`](crate::session::Event) or
    /// [`Event::MessageLost`](crate::session::Event).
    ///
    /// # Errors
    /// As [`Session::send_with`](crate::session::Session::send_with); nothing is queued then.
    pub fn send_with<'m>(
        &self,
        message: impl Into<Message<'m>>,
        options: &SendOptions,
    ) -> Result<MessageId, SendError> {
        self.command(|inner| {
            let now = inner.clock.now();
            inner.session.send_with(message, options, now)
        })
    }

    /// Takes back a message that has not left yet; `false` if there is nothing to take back.
    #[must_use = "the message may have left"]
    pub fn unsend(&self, id: MessageId) -> bool {
        self.command(|inner| inner.session.unsend(id, inner.clock.now()))
    }

    /// Wants a topic, on this connection and all that follow, until
    /// [`unsubscribe`](Self::unsubscribe). What becomes of it is told as
    /// [`Event::Subscription`](crate::session::Event), its messages are
    /// [`Event::Data`](crate::session::Event), and after a loss
    /// [`Event::Continuity`](crate::session::Event) says what was missed.
    ///
    /// # Errors
    /// The session is over, or too many topics are wanted already; see
    /// [`RegistryConfig::max_topics`](crate::session::subscriptions::RegistryConfig).
    pub fn subscribe(
        &self,
        topic: impl Into<Text>,
        options: SubOptions,
    ) -> Result<SubId, SubscribeError> {
        self.command(|inner| {
            inner.alive()?;
            let now = inner.clock.now();
            Ok(inner.session.subscribe(topic, options, now)?)
        })
    }

    /// Wants a topic no more, on behalf of one who did.
    pub fn unsubscribe(&self, id: SubId) {
        self.command(|inner| inner.session.unsubscribe(id, inner.clock.now()));
    }

    /// Leaves a topic and joins it again, such as after a gap that was noticed elsewhere.
    pub fn resubscribe(&self, id: SubId) {
        self.command(|inner| inner.session.resubscribe(id, inner.clock.now()));
    }

    /// Where a subscription stands; `None` if it is not remembered.
    #[must_use]
    pub fn subscription(&self, id: SubId) -> Option<State> {
        self.shared.lock().session.subscription(id)
    }

    /// Ends the session in order: nothing new is accepted, what waits leaves, what was asked is
    /// answered, and then it is closed. Told by [`Event::Drained`](crate::session::Event), then as by
    /// [`close`](Self::close).
    ///
    /// # Errors
    /// As [`close`](Self::close); nothing happens then.
    pub fn drain(
        &self,
        code: CloseCode,
        reason: &str,
        options: DrainOptions,
    ) -> Result<(), error::SendError> {
        self.command(|inner| {
            let now = inner.clock.now();
            inner.session.drain(code, reason, options, now)?;
            inner.ending = true;
            Ok(())
        })
    }

    /// Says what is known about the network: without one nothing is dialled, with another the
    /// connection is asked whether it is still there.
    pub fn network(&self, network: Network) {
        self.command(|inner| inner.session.network(network, inner.clock.now()));
    }

    /// Everything about the session at this moment. Holds no secrets.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let inner = self.shared.lock();
        inner.session.snapshot(inner.clock.now())
    }

    /// The signs of life.
    #[must_use]
    pub fn health(&self) -> Health {
        self.shared.lock().session.health()
    }
}
