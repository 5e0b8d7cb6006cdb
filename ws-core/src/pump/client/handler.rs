//! What an application does when something happens, as one object with a method for each.
//!
//! It decides nothing itself: what the answers lead to is done by whoever calls it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::future::Future;
use core::time::Duration;

use bytes::Bytes;

use crate::close::CloseCode;
use crate::handshake::{Agreed, Request};
use crate::message::Message;
use crate::session::correlate::{Key, Unmatched};
use crate::session::subscriptions::{Step, SubId};
use crate::session::{ConnId, End, Event, Lost, Payload, SendError};

/// An application as one object: a method for everything that can happen, and what to do next as its
/// answer. On every runtime the same.
///
/// - It has a task (or a thread) of its own, and one method runs at a time. However long that takes,
///   the session goes on: pings are answered, deadlines kept, requests time out. What happens
///   meanwhile waits, bounded as the [`Inbox`](crate::options::Inbox) says.
/// - For each connection the order is [`on_connect`](Self::on_connect), messages, pings, pongs and
///   events as they came, [`on_disconnect`](Self::on_disconnect).
///   [`on_terminate`](Self::on_terminate) is the last of all, and called once.
/// - A panic ends the session, and nothing else: the connection is closed with 1011, nothing but
///   `on_terminate` is called any more, and [`Actor::ended`](super::Actor::ended) says what happened.
///
/// Every method may wait. One that blocks its thread blocks what else runs there, as in any task; on
/// `ws-blocking` that is its own.
///
/// ```
/// use ws_core::close::CloseCode;
/// use ws_core::pump::client::{Do, Handler, Source};
/// use ws_core::session::Payload;
///
/// struct Greeter;
///
/// impl Handler for Greeter {
///     type Command = String;
///
///     async fn on_message(&mut self, message: Payload, _: Source) -> Do {
///         match message {
///             Payload::Text(text) if text == "bye" => Do::close(CloseCode::NORMAL, "as you wish"),
///             Payload::Text(text) => Do::send(format!("hello, {text}")),
///             Payload::Binary(_) => Do::nothing(),
///         }
///     }
///
///     async fn on_command(&mut self, name: String) -> Do {
///         Do::send(name)
///     }
/// }
/// ```
pub trait Handler: Send {
    /// What others may tell it; [`Infallible`](core::convert::Infallible) if nothing.
    type Command: Send;

    /// A connection is ready: the first, or one after a loss.
    fn on_connect(&mut self, connected: Connected) -> impl Future<Output = Do> + Send {
        drop(connected);
        async { Do::nothing() }
    }

    /// A message has come. Ignored by default.
    fn on_message(&mut self, message: Payload, source: Source) -> impl Future<Output = Do> + Send {
        drop((message, source));
        async { Do::nothing() }
    }

    /// A command has come, from [`Actor::command`](super::Actor::command). Commands wait while there
    /// is no connection.
    fn on_command(&mut self, command: Self::Command) -> impl Future<Output = Do> + Send {
        drop(command);
        async { Do::nothing() }
    }

    /// A ping has come. It is answered without this handler, unless the connection is configured not
    /// to; see [`AutoPong`](crate::connection::AutoPong).
    fn on_ping(&mut self, payload: Bytes) -> impl Future<Output = Do> + Send {
        drop(payload);
        async { Do::nothing() }
    }

    /// A pong has come.
    fn on_pong(&mut self, payload: Bytes) -> impl Future<Output = Do> + Send {
        drop(payload);
        async { Do::nothing() }
    }

    /// A connection is lost, or an attempt at one has failed. The session does not wait for the
    /// answer, which follows the policy by default.
    fn on_disconnect(&mut self, disconnected: Disconnected) -> impl Future<Output = Again> + Send {
        drop(disconnected);
        async { Again::Policy }
    }

    /// Something else has happened: a subscription has changed, events were dropped, and so on.
    fn on_event(&mut self, event: Event) -> impl Future<Output = Do> + Send {
        drop(event);
        async { Do::nothing() }
    }

    /// A message that this handler wanted to send was not accepted.
    fn on_unsent(
        &mut self,
        message: Message<'static>,
        why: SendError,
    ) -> impl Future<Output = ()> + Send {
        drop((message, why));
        async {}
    }

    /// The session is over; nothing is called after this.
    fn on_terminate(&mut self, end: End) -> impl Future<Output = ()> + Send {
        drop(end);
        async {}
    }
}

/// What a [`Handler`] wants done next: messages, and then perhaps an end of the connection.
#[derive(Clone, Debug, Default)]
#[must_use = "it is done when it is returned"]
pub struct Do {
    pub(super) messages: Vec<Message<'static>>,
    pub(super) then: Then,
}

#[derive(Clone, Debug, Default)]
pub(super) enum Then {
    Close(CloseCode, Box<str>),
    #[default]
    GoOn,
    Reconnect,
}

impl Do {
    /// Nothing.
    pub const fn nothing() -> Self {
        Self {
            messages: Vec::new(),
            then: Then::GoOn,
        }
    }

    /// Sends a message, ping or pong.
    pub fn send(message: impl Into<Message<'static>>) -> Self {
        Self::nothing().and_send(message)
    }

    /// Sends these, in order.
    pub fn send_all<M: Into<Message<'static>>>(messages: impl IntoIterator<Item = M>) -> Self {
        Self {
            messages: messages.into_iter().map(Into::into).collect(),
            then: Then::GoOn,
        }
    }

    /// Ends the session: with this Close frame if there is a connection. A code or a reason that may
    /// not be sent (RFC 6455 §7.4, 123 bytes) counts as a panic.
    pub fn close(code: CloseCode, reason: impl Into<Box<str>>) -> Self {
        Self::nothing().and_close(code, reason)
    }

    /// Replaces the connection by another; see
    /// [`Session::reconnect`](crate::session::Session::reconnect).
    pub fn reconnect() -> Self {
        Self::nothing().and_reconnect()
    }

    /// Sends another message, before anything else that is wanted.
    pub fn and_send(mut self, message: impl Into<Message<'static>>) -> Self {
        self.messages.push(message.into());
        self
    }

    /// Then ends the session, as [`close`](Self::close).
    pub fn and_close(mut self, code: CloseCode, reason: impl Into<Box<str>>) -> Self {
        self.then = Then::Close(code, reason.into());
        self
    }

    /// Then replaces the connection, as [`reconnect`](Self::reconnect).
    pub fn and_reconnect(mut self) -> Self {
        self.then = Then::Reconnect;
        self
    }
}

/// What is to follow the loss of a connection. Whatever it is, the dial budget holds, and a session
/// that is over stays over.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Again {
    /// The next dial is so long from now, if it has not begun yet.
    After(Duration),
    /// What the policies of the session say.
    #[default]
    Policy,
    /// No further dial: the session ends.
    Stop,
    /// As the policies say, but elsewhere, from the next dial on.
    To(Box<Request>),
}

/// A connection that is ready.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Connected {
    /// Which connection.
    pub conn: ConnId,
    /// Which dial of its episode succeeded, counted from 1.
    pub attempt: u32,
    /// How long the session was not ready before; `None` if it never was: this is the first.
    pub downtime: Option<Duration>,
    /// What was agreed on, the headers of the answer included.
    pub agreed: Agreed,
}

/// A connection that is gone, or did not come about.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Disconnected {
    /// Which connection.
    pub conn: ConnId,
    /// Which failure it is since a connection was last ready, counted from 1.
    pub attempt: u32,
    /// Why.
    pub lost: Lost,
}

/// What a message is, as far as the dialect knows.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Source {
    /// A request of the server's; the key names it in the answer.
    Call(Key),
    /// Just a message.
    Plain,
    /// A message of a topic that is subscribed to, and how it follows the one before.
    Topic(SubId, Step),
    /// An answer that no request waits for.
    Unmatched(Unmatched),
}
