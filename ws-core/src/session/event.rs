//! What a session tells its owner.
//!
//! Nothing is decided here.

use core::time::Duration;

use bytes::Bytes;

use super::action::ConnId;
use super::auth::AuthEvent;
use super::clock::ClockJump;
use super::correlate::{self, Key, RequestId, Sent, Unmatched};
use super::lost::{End, Lost};
use super::payload::Payload;
use super::send::{MessageId, Unsent};
use super::subscriptions::{Change, Continued, Step, SubId};
use super::waiters::WaitId;
use crate::Instant;
use crate::connection::Event as Heard;
use crate::error::ProtocolError;
use crate::handshake::Agreed;
use crate::message::{Message, Text};
use crate::url::Url;

/// Something that happened, lent from the buffers of the connection until the next call.
pub type Lent<'a> = Event<&'a str, &'a [u8]>;

/// Something that happened. Owned as it stands; the session lends it as [`Lent`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Event<T = Text, B = Bytes> {
    /// The message that was [waited for](super::Session::wait_for). Nobody else is told of it.
    Awaited {
        /// By whom.
        id: WaitId,
        /// The message.
        message: Payload<T, B>,
    },
    /// A binary message.
    Binary(B),
    /// So much waits to be sent that the application should hold back, or not any more.
    Pressure(Pressure),
    /// A request of the server's. Its key names it in the answer, which is sent as a message.
    Call {
        /// The key.
        key: Key,
        /// The request.
        message: Payload<T, B>,
    },
    /// The computer was asleep, or a clock was set. What follows from it is told next.
    ClockJump(ClockJump),
    /// What was missed of a topic while its connection was down, as far as can be known. Once after
    /// each reconnect for each topic that is restored.
    Continuity {
        /// The subscription.
        id: SubId,
        /// Its topic.
        topic: Text,
        /// The verdict.
        continued: Continued,
    },
    /// A message of a topic that is subscribed to.
    Data {
        /// The subscription.
        id: SubId,
        /// How it follows the message before.
        step: Step,
        /// The message.
        message: Payload<T, B>,
    },
    /// A connection that was open, or almost, is gone. What becomes of the session is told next.
    Disconnected {
        /// Which connection.
        conn: ConnId,
        /// Why.
        lost: Lost,
    },
    /// What was to be finished before the close is finished, or its time is up.
    Drained {
        /// Requests that still wait for their answers.
        requests: usize,
        /// Messages that still wait to be sent.
        queued: usize,
    },
    /// A dial, or the handshake after it, failed.
    Failed {
        /// Which connection it would have been.
        conn: ConnId,
        /// The dials of this episode so far; see [`Backoff`](crate::policy::Backoff).
        attempt: u32,
        /// Why.
        lost: Lost,
    },
    /// So many events were dropped here, because the application was too slow. Told by what hands
    /// events out, never by a session itself.
    Lagged {
        /// How many, pings and pongs not counted.
        missed: u64,
    },
    /// Something about the login has changed.
    Login(AuthEvent),
    /// A message that was sent with options will not be sent any more, or not as a whole.
    MessageLost {
        /// Which.
        id: MessageId,
        /// Why.
        why: Unsent,
        /// How much of it had left.
        sent: Sent,
    },
    /// A message that was sent with options has left.
    MessageSent {
        /// Which.
        id: MessageId,
    },
    /// A ping of the application's was answered.
    PingAnswered {
        /// Which.
        id: PingId,
        /// From queueing it to its pong.
        round_trip: Duration,
    },
    /// A ping of the application's was not answered in time, or its connection is gone.
    PingLost {
        /// Which.
        id: PingId,
    },
    /// The opening handshake is done; what a connection begins with goes out now.
    Opened {
        /// Which connection.
        conn: ConnId,
        /// What was agreed on, the headers of the answer included.
        agreed: Agreed,
    },
    /// A ping. Its pong is already queued, as with [`Event::Ping`](crate::connection::Event::Ping).
    Ping(B),
    /// A pong, asked for or not.
    Pong(B),
    /// The peer broke the protocol or a limit. [`Disconnected`](Self::Disconnected) follows.
    ProtocolError(ProtocolError),
    /// A connection is set up: messages can be sent.
    Ready {
        /// Which connection.
        conn: ConnId,
        /// Which dial of its episode succeeded, counted from 1.
        attempt: u32,
        /// How long the session was not ready before, unless it never was.
        downtime: Option<Duration>,
    },
    /// A request ended without an answer.
    RequestEnded {
        /// Which.
        id: RequestId,
        /// Why.
        why: correlate::End,
        /// How much of it had left. If nothing had, it was certainly not executed.
        sent: Sent,
    },
    /// The answer to a request.
    Response {
        /// To which.
        id: RequestId,
        /// The message that is the answer.
        message: Payload<T, B>,
        /// Since the request was sent.
        round_trip: Duration,
    },
    /// The server sends the connection that was being made to another place, and the session goes
    /// there: the next dial is of the same attempt.
    Redirected {
        /// The connection that there will not be.
        conn: ConnId,
        /// Where to.
        to: Url,
    },
    /// The session will dial again.
    RetryScheduled {
        /// Which dial of its episode that will be, counted from 1.
        attempt: u32,
        /// How long after the failure, the dial budget included.
        delay: Duration,
        /// When.
        at: Instant,
    },
    /// Something about a subscription has changed.
    Subscription {
        /// Which.
        id: SubId,
        /// Its topic.
        topic: Text,
        /// What.
        change: Change,
    },
    /// The end. Nothing follows.
    Terminated(End),
    /// A text message.
    Text(T),
    /// An answer that no request waits for.
    Unmatched {
        /// Why not.
        why: Unmatched,
        /// The answer.
        message: Payload<T, B>,
    },
    /// The message that was [waited for](super::Session::wait_for) has not come.
    WaitEnded {
        /// Who waited.
        id: WaitId,
        /// Why it is over.
        why: correlate::End,
    },
}

/// A ping of the application's; never used twice in a session.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PingId(pub(super) u64);

/// Whether the application should hold back.
///
/// Exhaustive on purpose: it should, or need not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pressure {
    /// The queue is filled above its high watermark.
    High,
    /// It is down to its low watermark again.
    Low,
}

impl Event<&str, &[u8]> {
    /// The same event with its data copied.
    #[must_use]
    pub fn to_owned(&self) -> Event {
        self.clone().map(Into::into, Bytes::copy_from_slice)
    }
}

impl Event {
    /// The message of a text or binary event, ready to be sent on; `None` for any other event.
    #[must_use]
    pub fn into_message(self) -> Option<Message<'static>> {
        #[allow(clippy::wildcard_enum_match_arm, reason = "two of many carry messages")]
        match self {
            Self::Binary(data) => Some(Message::SharedBinary(data)),
            Self::Text(text) => Some(Message::SharedText(text)),
            _ => None,
        }
    }
}

#[cfg(feature = "pump")]
impl Event {
    /// Bytes of the message, ping or pong that it carries.
    pub(crate) fn weight(&self) -> usize {
        #[allow(clippy::wildcard_enum_match_arm, reason = "few of many carry messages")]
        match self {
            Self::Binary(data) | Self::Ping(data) | Self::Pong(data) => data.len(),
            Self::Text(text) => text.len(),
            Self::Awaited { message, .. }
            | Self::Call { message, .. }
            | Self::Data { message, .. }
            | Self::Response { message, .. }
            | Self::Unmatched { message, .. } => match message {
                Payload::Binary(data) => data.len(),
                Payload::Text(text) => text.len(),
            },
            _ => 0,
        }
    }
}

impl<T, B> Event<T, B> {
    /// Is it a message, a ping or a pong of the peer's?
    #[must_use]
    pub const fn is_data(&self) -> bool {
        matches!(
            self,
            Self::Awaited { .. }
                | Self::Binary(_)
                | Self::Ping(_)
                | Self::Pong(_)
                | Self::Text(_)
                | Self::Unmatched { .. }
                | Self::Call { .. }
                | Self::Data { .. }
        )
    }

    /// The same event with other kinds of text and bytes.
    pub(super) fn map<U, C>(
        self,
        text: impl FnOnce(T) -> U,
        bytes: impl FnOnce(B) -> C,
    ) -> Event<U, C> {
        match self {
            Self::Awaited { id, message } => Event::Awaited {
                id,
                message: message.map(text, bytes),
            },
            Self::Binary(data) => Event::Binary(bytes(data)),
            Self::Call { key, message } => Event::Call {
                key,
                message: message.map(text, bytes),
            },
            Self::ClockJump(jump) => Event::ClockJump(jump),
            Self::Continuity {
                id,
                topic,
                continued,
            } => Event::Continuity {
                id,
                topic,
                continued,
            },
            Self::Data { id, step, message } => Event::Data {
                id,
                step,
                message: message.map(text, bytes),
            },
            Self::Drained { requests, queued } => Event::Drained { requests, queued },
            Self::Lagged { missed } => Event::Lagged { missed },
            Self::Login(event) => Event::Login(event),
            Self::MessageLost { id, why, sent } => Event::MessageLost { id, why, sent },
            Self::MessageSent { id } => Event::MessageSent { id },
            Self::PingAnswered { id, round_trip } => Event::PingAnswered { id, round_trip },
            Self::PingLost { id } => Event::PingLost { id },
            Self::Pressure(pressure) => Event::Pressure(pressure),
            Self::Subscription { id, topic, change } => Event::Subscription { id, topic, change },
            Self::Disconnected { conn, lost } => Event::Disconnected { conn, lost },
            Self::Failed {
                conn,
                attempt,
                lost,
            } => Event::Failed {
                conn,
                attempt,
                lost,
            },
            Self::Opened { conn, agreed } => Event::Opened { conn, agreed },
            Self::Ping(data) => Event::Ping(bytes(data)),
            Self::Pong(data) => Event::Pong(bytes(data)),
            Self::ProtocolError(error) => Event::ProtocolError(error),
            Self::Ready {
                conn,
                attempt,
                downtime,
            } => Event::Ready {
                conn,
                attempt,
                downtime,
            },
            Self::Redirected { conn, to } => Event::Redirected { conn, to },
            Self::RequestEnded { id, why, sent } => Event::RequestEnded { id, why, sent },
            Self::Response {
                id,
                message,
                round_trip,
            } => Event::Response {
                id,
                message: message.map(text, bytes),
                round_trip,
            },
            Self::RetryScheduled { attempt, delay, at } => {
                Event::RetryScheduled { attempt, delay, at }
            }
            Self::Terminated(end) => Event::Terminated(end),
            Self::Text(data) => Event::Text(text(data)),
            Self::Unmatched { why, message } => Event::Unmatched {
                why,
                message: message.map(text, bytes),
            },
            Self::WaitEnded { id, why } => Event::WaitEnded { id, why },
        }
    }
}

/// What the application is told of a connection's event as it is; `None` for its end, which becomes
/// an event of the session, and for pieces of messages, which a session never asks for.
pub(super) fn passed_on(event: Heard<'_>) -> Option<Lent<'_>> {
    match event {
        Heard::Binary(data) => Some(Event::Binary(data)),
        Heard::Ping(data) => Some(Event::Ping(data)),
        Heard::Pong(data) => Some(Event::Pong(data)),
        Heard::Text(text) => Some(Event::Text(text)),
        Heard::ProtocolError(error) => Some(Event::ProtocolError(error.clone())),
        Heard::Chunk(_) | Heard::Closed(_) => None,
    }
}
