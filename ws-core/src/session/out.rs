//! Where a dialect says what it has to send, and what it has understood.
//!
//! It collects; the session decides when things leave and what news mean.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;

use super::auth::Rejection;
use super::correlate::{Correlator, RequestId};
use super::requests::Tag;
use super::subscriptions::Resume;
use crate::connection::Sender;
use crate::error::SendError;
use crate::message::{Message, Text};
use crate::policy::{BucketId, Cost, Pricing};

/// Something that a dialect has read in a message and that concerns the session.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum News {
    /// The login was accepted, for so long if it expires.
    LoggedIn {
        /// How long it lasts.
        ttl: Option<Duration>,
    },
    /// The login was refused.
    LoginRefused(Rejection),
    /// A heartbeat of the server's; see [`Heartbeat::expect`](crate::policy::Heartbeat).
    Heartbeat,
    /// What [`Out::wait`] waited for has come: the set-up goes on.
    Proceed,
    /// The server refuses what the connection begins with: it is of no use.
    SetupRefused,
    /// A topic is subscribed to.
    Subscribed {
        /// The topic.
        topic: Text,
        /// What the server says about what was missed.
        resume: Resume,
    },
    /// A subscription was refused.
    SubscribeRefused {
        /// The topic.
        topic: Text,
        /// The server's words.
        reason: Box<str>,
    },
    /// The server has had enough: nothing is taken from a bucket for so long.
    Throttled {
        /// The bucket.
        bucket: BucketId,
        /// From now.
        wait: Duration,
    },
    /// A topic is not subscribed to any more.
    Unsubscribed {
        /// The topic.
        topic: Text,
    },
    /// The application has unsubscribed from a topic by a message of its own.
    Unwanted {
        /// The topic.
        topic: Text,
    },
    /// The server reports what it has counted.
    Used {
        /// The bucket.
        bucket: BucketId,
        /// Units used.
        used: u64,
        /// Of so many.
        limit: u64,
    },
    /// The application has subscribed to a topic by a message of its own. It is as if it had done so
    /// with [`SubOptions`](super::subscriptions::SubOptions) as they are by default, and on the next
    /// connections the session does it. [`Subscribed`](Self::Subscribed) confirms it.
    Wanted {
        /// The topic.
        topic: Text,
    },
}

/// Where a dialect says what it has to send.
#[derive(Debug)]
pub struct Out<'a> {
    to: To<'a>,
    ids: &'a mut Correlator<Tag>,
    pricing: &'a Pricing,
    said: Said,
    /// What is said is part of a login.
    #[cfg(feature = "testing")]
    secret: bool,
}

#[derive(Debug)]
enum To<'a> {
    Parcel(&'a mut Vec<Kept>),
    Wire(&'a mut Sender),
}

/// What came of letting a dialect speak.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) failed: Option<SendError>,
    pub(super) cost: Option<Cost>,
    pub(super) ids: Vec<RequestId>,
    pub(super) news: Vec<News>,
    pub(super) waits: bool,
    /// There is a parcel in the queue.
    pub(super) posted: bool,
    /// Digests of messages that no record may show.
    #[cfg(feature = "testing")]
    pub(super) hidden: Vec<u64>,
}

impl Said {
    /// Is there anything to be done?
    #[inline]
    pub(super) fn is_news(&self) -> bool {
        self.failed.is_some()
            || self.cost.is_some()
            || !self.ids.is_empty()
            || !self.news.is_empty()
    }

    pub(super) fn add(&mut self, more: Self) {
        self.failed = self.failed.take().or(more.failed);
        self.cost = match (self.cost, more.cost) {
            (Some(one), Some(other)) => Some(one.plus(&other)),
            (one, other) => one.or(other),
        };
        self.ids.extend(more.ids);
        self.news.extend(more.news);
        #[cfg(feature = "testing")]
        self.hidden.extend(more.hidden);
    }
}

/// A message that waits to be sent.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    Message(Message<'static>),
    Ping(Bytes),
    Pong(Bytes),
}

impl Kept {
    pub(super) fn new(message: Message<'_>) -> Self {
        match message {
            Message::Binary(data) => {
                Self::Message(Message::SharedBinary(Bytes::copy_from_slice(data)))
            }
            Message::Ping(data) => Self::Ping(Bytes::copy_from_slice(data)),
            Message::Pong(data) => Self::Pong(Bytes::copy_from_slice(data)),
            Message::Prepared(message) => Self::Message(Message::Prepared(message)),
            Message::SharedBinary(data) => Self::Message(Message::SharedBinary(data)),
            Message::SharedText(text) => Self::Message(Message::SharedText(text)),
            Message::Text(text) => Self::Message(Message::SharedText(text.into())),
        }
    }

    pub(super) fn borrowed(&self) -> Message<'_> {
        match self {
            Self::Message(message) => message.clone(),
            Self::Ping(data) => Message::Ping(data),
            Self::Pong(data) => Message::Pong(data),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.borrowed().payload().len()
    }
}

impl<'a> Out<'a> {
    /// What is said leaves at once, past whatever waits.
    pub(super) fn wire(
        sender: &'a mut Sender,
        ids: &'a mut Correlator<Tag>,
        pricing: &'a Pricing,
    ) -> Self {
        Self {
            to: To::Wire(sender),
            ids,
            pricing,
            said: Said::default(),
            #[cfg(feature = "testing")]
            secret: false,
        }
    }

    /// No record may show what is said here.
    #[cfg(feature = "testing")]
    pub(super) const fn hide(&mut self) {
        self.secret = true;
    }

    /// What is said is kept until its turn comes.
    pub(super) fn parcel(
        messages: &'a mut Vec<Kept>,
        ids: &'a mut Correlator<Tag>,
        pricing: &'a Pricing,
    ) -> Self {
        Self {
            to: To::Parcel(messages),
            ids,
            pricing,
            said: Said::default(),
            #[cfg(feature = "testing")]
            secret: false,
        }
    }

    /// Sends a message. If it can't be sent, the connection is given up for the next, with
    /// [`Lost::Setup`](super::Lost::Setup): what a protocol depends on must not go missing.
    pub fn send<'m>(&mut self, message: impl Into<Message<'m>>) {
        if self.said.failed.is_some() {
            return;
        }
        let message = message.into();
        #[cfg(feature = "testing")]
        if self.secret {
            let digest = super::log::digest(message.payload());
            self.said.hidden.push(digest);
        }
        match &mut self.to {
            To::Wire(sender) => self.said.failed = sender.send(message).err(),
            To::Parcel(messages) => messages.push(Kept::new(message)),
        }
    }

    /// What the messages said here are called where they are priced, such as the method of a
    /// request; see [`SessionConfig::pricing`](super::SessionConfig). Without a name, or a
    /// [`cost`](Self::cost), a login is "auth", a subscription "subscription", a request or a
    /// message "query", and answers given while classifying cost nothing. Several add up.
    pub fn kind(&mut self, kind: &str) {
        let cost = self.pricing.cost(kind);
        self.said.cost = Some(self.said.cost.unwrap_or(Cost::FREE).plus(&cost));
    }

    /// What the messages said here cost, whatever the pricing says.
    pub fn cost(&mut self, cost: Cost) {
        self.said.cost = Some(cost);
    }

    /// A number for a message of the dialect's own, never given to anything else in this session.
    /// The answer to it comes back to the dialect as [`Dialect::answered`](super::Dialect::answered).
    pub fn id(&mut self) -> RequestId {
        let id = self.ids.reserve();
        self.said.ids.push(id);
        id
    }

    /// Has the set-up of the connection wait here for [`News::Proceed`]. Without effect outside of
    /// it.
    pub fn wait(&mut self) {
        self.said.waits = true;
    }

    /// Tells the session what was understood.
    pub fn tell(&mut self, news: News) {
        self.said.news.push(news);
    }

    pub(super) fn done(self) -> Said {
        self.said
    }
}
