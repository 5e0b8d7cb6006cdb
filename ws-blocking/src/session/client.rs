//! A handle on a session, for threads: what waits blocks.
//!
//! Nothing is decided here: each call is the driver's.

use std::fmt;
use std::time::Duration;

use ws_core::close::CloseCode;
use ws_core::error::SendError as Refused;
use ws_core::handshake::Request;
use ws_core::message::{Message, Text};
use ws_core::options::Inbox;
#[cfg(feature = "record")]
use ws_core::pump::client::Recording;
use ws_core::pump::client::{self, Over, PingFailed, RequestFailed, SubscribeError, WaitFailed};
#[cfg(doc)]
use ws_core::session::Event;
use ws_core::session::subscriptions::{self, SubId, SubOptions};
use ws_core::session::{
    ConnId, Dialect, DrainOptions, End, Health, MessageId, Network, NoDialect, Payload,
    RequestOptions, SendError, SendOptions, Snapshot, State,
};

#[cfg(doc)]
use super::Events;
use super::{Listener, Watch, wait};
use crate::reactor::Clock;

/// A handle on a session, good through any number of connections.
///
/// Clones are handles on the same session. When the last handle and the [`Events`] are dropped, the
/// session closes with 1001.
pub struct Client<D = NoDialect>(pub(super) client::Client<D, Clock>);

impl<D: Dialect> Client<D> {
    /// Queues a message, ping or pong; it leaves as soon as the transport takes it.
    ///
    /// # Errors
    /// [`SendError::NotReady`] unless there is a connection;
    /// [`Full`](Refused::Full) while the peer does not take what is queued.
    pub fn send<'m>(&self, message: impl Into<Message<'m>>) -> Result<(), SendError> {
        self.0.send(message)
    }

    /// Asks the server something and waits for the answer, up to the timeout of the configuration.
    ///
    /// # Errors
    /// It was not accepted, or got no answer; the error says whether it may have been executed.
    pub fn request(&self, request: &D::Request) -> Result<Payload, RequestFailed> {
        wait(self.0.request(request))
    }

    /// As [`request`](Self::request), with a place in the queue, a timeout or a cost of its own.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub fn request_with(
        &self,
        request: &D::Request,
        options: &RequestOptions,
    ) -> Result<Payload, RequestFailed> {
        wait(self.0.request_with(request, options))
    }

    /// Queues a message with a place in the queue of its own. What becomes of it is told once:
    /// [`Event::MessageSent`] or [`Event::MessageLost`].
    ///
    /// # Errors
    /// As [`send`](Self::send), and those of the limits and the queue; nothing is queued then.
    pub fn send_with<'m>(
        &self,
        message: impl Into<Message<'m>>,
        options: &SendOptions,
    ) -> Result<MessageId, SendError> {
        self.0.send_with(message, options)
    }

    /// Takes back a message that has not left yet; `false` if there is nothing to take back.
    #[must_use = "the message may have left"]
    pub fn unsend(&self, id: MessageId) -> bool {
        self.0.unsend(id)
    }

    /// Wants a topic, on this connection and all that follow, until
    /// [`unsubscribe`](Self::unsubscribe). What becomes of it is told as [`Event::Subscription`],
    /// its messages are [`Event::Data`], and after a loss [`Event::Continuity`] says what was missed.
    ///
    /// # Errors
    /// The session is over, or too many topics are wanted already.
    pub fn subscribe(
        &self,
        topic: impl Into<Text>,
        options: SubOptions,
    ) -> Result<SubId, SubscribeError> {
        self.0.subscribe(topic, options)
    }

    /// Wants a topic no more, on behalf of one who did.
    pub fn unsubscribe(&self, id: SubId) {
        self.0.unsubscribe(id);
    }

    /// Leaves a topic and joins it again, such as after a gap that was noticed elsewhere.
    pub fn resubscribe(&self, id: SubId) {
        self.0.resubscribe(id);
    }

    /// Where a subscription stands; `None` if it is not remembered.
    #[must_use]
    pub fn subscription(&self, id: SubId) -> Option<subscriptions::State> {
        self.0.subscription(id)
    }

    /// Pings the peer and waits for its pong, at most so long; returns the time from queueing the
    /// one to the other. RFC 6455 §5.5.2.
    ///
    /// # Errors
    /// There is no connection, or no pong.
    pub fn ping(&self, timeout: Duration) -> Result<Duration, PingFailed> {
        wait(self.0.ping(timeout))
    }

    /// Waits for the first message from now on that `matches`, at most so long. Nobody else is told
    /// of that message. `matches` must be quick, and may neither use nor own a handle of the same
    /// session.
    ///
    /// # Errors
    /// None came, or too many wait already.
    pub fn wait_for(
        &self,
        matches: impl FnMut(&Message<'_>) -> bool + Send + 'static,
        timeout: Duration,
    ) -> Result<Payload, WaitFailed> {
        wait(self.0.wait_for(matches, timeout))
    }

    /// Ends the session in order: nothing new is accepted, what waits leaves, what was asked is
    /// answered, and then it is closed. Told by [`Event::Drained`], then as by
    /// [`close`](Self::close).
    ///
    /// # Errors
    /// As [`close`](Self::close); nothing happens then.
    pub fn drain(
        &self,
        code: CloseCode,
        reason: &str,
        options: DrainOptions,
    ) -> Result<(), Refused> {
        self.0.drain(code, reason, options)
    }

    /// Says what is known about the network: without one nothing is dialled, with another the
    /// connection is asked whether it is still there.
    pub fn network(&self, network: Network) {
        self.0.network(network);
    }

    /// Everything about the session at this moment. Holds no secrets.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.0.snapshot()
    }

    /// The signs of life.
    #[must_use]
    pub fn health(&self) -> Health {
        self.0.health()
    }

    /// Ends the session: with a Close frame if there is a connection, at once otherwise. The end is
    /// told by [`Events`] and by [`ended`](Self::ended).
    ///
    /// # Errors
    /// A code that may not be sent, or a reason over 123 bytes; nothing happens then.
    pub fn close(&self, code: CloseCode, reason: &str) -> Result<(), Refused> {
        self.0.close(code, reason)
    }

    /// Replaces the connection, or dials now instead of later.
    ///
    /// # Errors
    /// The session is over.
    pub fn reconnect(&self) -> Result<(), Over> {
        self.0.reconnect()
    }

    /// Listens to what happens from now on, beside the [`Events`] and all other listeners. What it is
    /// too slow for is dropped and told as [`Event::Lagged`]; it never holds the session up.
    #[must_use = "it listens until it is dropped"]
    pub fn listen(&self, inbox: Inbox) -> Listener<D> {
        Listener(self.0.listen(inbox))
    }

    /// How far the writing of what is recorded is.
    #[cfg(feature = "record")]
    #[must_use]
    pub fn recording(&self) -> Recording {
        self.0.recording()
    }

    /// Waits until the session is over and all that was recorded is in its files, as far as they could
    /// be written.
    #[cfg(feature = "record")]
    #[must_use]
    pub fn recorded(&self) -> Recording {
        wait(self.0.recorded())
    }

    /// Watches the state.
    #[must_use]
    pub fn watch(&self) -> Watch<D> {
        Watch(self.0.watch())
    }

    /// Replaces what connections are asked for, from the next dial on.
    pub fn set_target(&self, request: Request) {
        self.0.set_target(request);
    }

    /// Where the session stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.0.state()
    }

    /// Which connection it is, counted from 1; 0 before the first dial.
    #[must_use]
    pub fn conn(&self) -> ConnId {
        self.0.conn()
    }

    /// The time from the last answered keepalive ping of this connection to its pong.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.0.round_trip()
    }

    /// Waits until messages can be sent.
    ///
    /// # Errors
    /// The session ended instead.
    pub fn ready(&self) -> Result<(), End> {
        wait(self.0.ready())
    }

    /// Waits for the end of the session.
    #[must_use]
    pub fn ended(&self) -> End {
        wait(self.0.ended())
    }
}

impl<D> Clone for Client<D> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<D: fmt::Debug> fmt::Debug for Client<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
