//! What one application protocol over WebSocket says: the only thing a session is generic over.
//!
//! A dialect is pure: it turns intents into messages and messages into what they mean. It performs
//! no I/O, knows no time, and decides nothing about connections.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::convert::Infallible;

use super::auth::Purpose;
use super::correlate::{Key, RequestId};
use super::out::{News, Out};
use super::subscriptions::{Item, Mark, Resume};
use crate::handshake::{Agreed, Request};
use crate::message::{Message, Text};

/// An application protocol over WebSocket.
///
/// Only [`request`](Self::request) has no default, so that a dialect states what its protocol has.
/// Each connection is set up in the order of the methods: [`sign`](Self::sign) before it is dialled,
/// then [`on_connect`](Self::on_connect), [`login`](Self::login),
/// [`after_login`](Self::after_login), [`subscribe`](Self::subscribe).
///
/// The session is in the middle of something while it asks. Where handles share a session behind a
/// lock, as in every binding, that lock is held: a dialect must not use a handle, or it waits for
/// itself.
pub trait Dialect {
    /// What an application asks of the server; `Infallible` if the protocol knows no requests.
    type Request;
    /// What a login needs; `Infallible` if there is none.
    type Credentials;

    /// Says a request; its answer is recognised by `id`, or by its own [`key`](Self::key).
    fn request(&mut self, id: RequestId, request: &Self::Request, out: &mut Out<'_>);

    /// A request as a [journal](super::journal) keeps it. Without it, a journal ends where one is
    /// made.
    fn save(&self, request: &Self::Request) -> Option<String> {
        let _ = request;
        None
    }

    /// The request that was [saved](Self::save) so.
    fn load(&self, saved: &str) -> Option<Self::Request> {
        let _ = saved;
        None
    }

    /// The key that a request brings along instead of a number of the session's: an id of the
    /// application's own, or a row of answers that come in order.
    fn key(&self, request: &Self::Request) -> Option<Key> {
        let _ = request;
        None
    }

    /// Puts credentials into the opening handshake, if
    /// [`SessionConfig::handshake_login`](super::SessionConfig) asks for it.
    fn sign(&mut self, credentials: &Self::Credentials, request: &mut Request) {
        let _ = (credentials, request);
    }

    /// Says what every connection begins with. It leaves before anything else is sent.
    fn on_connect(&mut self, agreed: &Agreed, out: &mut Out<'_>) {
        let _ = (agreed, out);
    }

    /// Says the login, or its renewal, if [`SessionConfig::login`](super::SessionConfig) is set. If
    /// it says nothing, none is needed.
    fn login(&mut self, credentials: &Self::Credentials, purpose: Purpose, out: &mut Out<'_>) {
        let _ = (credentials, purpose, out);
    }

    /// Says what follows a login, before any subscription: heartbeats to be switched on, options of
    /// the connection. Without a login it follows [`on_connect`](Self::on_connect).
    fn after_login(&mut self, out: &mut Out<'_>) {
        let _ = out;
    }

    /// Subscribes to topics.
    fn subscribe(&mut self, topics: &[Item<Text>], out: &mut Out<'_>) {
        let _ = (topics, out);
    }

    /// Unsubscribes from topics. If it says nothing, that is all it takes.
    fn unsubscribe(&mut self, topics: &[Item<Text>], out: &mut Out<'_>) {
        let _ = (topics, out);
    }

    /// Is there something in this message, sent or received, that no record may show? What
    /// [`login`](Self::login) says, and the answers to its numbers, are never shown.
    fn is_secret(&self, message: &Message<'_>) -> bool {
        let _ = message;
        false
    }

    /// What a message of the application's own means to the session, so that topics which it
    /// subscribes to without [`Session::subscribe`](super::Session::subscribe) are known and restored
    /// as well: [`News::Wanted`] and [`News::Unwanted`], and [`News::Subscribed`] where no answer
    /// comes. Asked for each text and binary message, those of requests among them, that is accepted
    /// while a connection is ready, before it leaves; not for what waits for a connection. By default nothing.
    fn overhear(&mut self, message: &Message<'_>) -> Vec<News> {
        let _ = message;
        Vec::new()
    }

    /// Says a heartbeat, where [`Heartbeat::app`](crate::policy::Heartbeat) asks for them.
    fn heartbeat(&mut self, out: &mut Out<'_>) {
        let _ = out;
    }

    /// What a text or binary message is. By default it is one for the application. What is said
    /// here leaves at once, past limits and queues.
    fn classify<'m>(&mut self, message: &Message<'m>, out: &mut Out<'_>) -> Class<'m> {
        let _ = (message, out);
        Class::Message
    }

    /// What the answer to something that the dialect asked with [`Out::id`] means. By default it is
    /// the good one: a subscription is confirmed, a login accepted for ever, the set-up goes on.
    fn answered(&mut self, asked: &Asked<'_>, message: &Message<'_>, out: &mut Out<'_>) {
        let _ = message;
        match asked {
            Asked::Login(_) => out.tell(News::LoggedIn { ttl: None }),
            Asked::Reply => {}
            Asked::Setup => out.tell(News::Proceed),
            Asked::Subscribe(items) => {
                for item in *items {
                    let (topic, resume) = (item.topic.clone(), Resume::Unsaid);
                    out.tell(News::Subscribed { topic, resume });
                }
            }
            Asked::Unsubscribe(items) => {
                for item in *items {
                    let topic = item.topic.clone();
                    out.tell(News::Unsubscribed { topic });
                }
            }
        }
    }
}

/// What a message is.
///
/// Exhaustive on purpose: the session has a place for each.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Class<'m> {
    /// A request of the server's; how to answer it is between the application and the dialect.
    Call(Key),
    /// A message of a topic.
    Data {
        /// The topic.
        topic: Cow<'m, str>,
        /// What it says about its place.
        mark: Option<Mark>,
    },
    /// An error that names no request: that of the only one under way, if there is just one.
    Error,
    /// Part of the protocol, and dealt with.
    Handled,
    /// Something for the application.
    Message,
    /// The answer to a request.
    Response(Key),
}

/// What a dialect itself has asked the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Asked<'a> {
    /// To be let in.
    Login(Purpose),
    /// Something while it classified a message, or as a heartbeat.
    Reply,
    /// What a connection begins with.
    Setup,
    /// To subscribe to these.
    Subscribe(&'a [Item<Text>]),
    /// To unsubscribe from these.
    Unsubscribe(&'a [Item<Text>]),
}

/// Plain messages: no login, no requests, no topics.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct NoDialect;

impl Dialect for NoDialect {
    type Request = Infallible;
    type Credentials = Infallible;

    fn request(&mut self, _: RequestId, request: &Infallible, _: &mut Out<'_>) {
        match *request {}
    }
}
