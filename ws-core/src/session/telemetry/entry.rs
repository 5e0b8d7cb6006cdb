//! One event in plain words. The payload of a message is never among them, only how long it is.

use core::fmt;
use core::time::Duration;

use super::super::action::ConnId;
use super::super::auth::AuthEvent;
use super::super::event::{Event, Pressure};
use super::super::lost::{End, Lost};
use super::super::payload::Payload;
use super::super::subscriptions::{Bridged, Change};
use crate::url::Url;

/// How much an event matters.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Level {
    /// Each message.
    Trace,
    /// What is ordinary.
    Debug,
    /// What changes the state of the session.
    Info,
    /// What should not happen, and is dealt with.
    Warn,
    /// What is not dealt with.
    Error,
}

/// What an event is about.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Category {
    /// The login.
    Auth,
    /// The connection, or the lack of one.
    Connection,
    /// Messages of the server's.
    Data,
    /// Signs of life.
    Heartbeat,
    /// Requests and their answers.
    Request,
    /// What is sent.
    Send,
    /// Topics.
    Subscription,
}

/// An event, described. `Display` has it in one line: `info connection ready conn=3 attempt=2`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Entry<'a> {
    /// How much it matters.
    pub level: Level,
    /// What it is about.
    pub category: Category,
    /// What it is called, in small letters and underscores. Names stay as they are.
    pub name: &'static str,
    /// The connection that it names.
    pub conn: Option<ConnId>,
    /// The attempt that it names, counted from 1.
    pub attempt: Option<u32>,
    /// The bytes of the message that it brings.
    pub size: Option<usize>,
    /// The time that it tells: a round trip, a delay, or how long there was no connection.
    pub time: Option<Duration>,
    /// What else there is to say.
    pub detail: Detail<'a>,
}

/// The words of an [`Entry`]; empty if there are none.
#[derive(Clone, Copy)]
pub struct Detail<'a>(Words<'a>);

#[derive(Clone, Copy)]
enum Words<'a> {
    None,
    Place(&'a Url),
    Said(&'a dyn fmt::Display),
    Shown(&'a dyn fmt::Debug),
    Topic(&'a str, &'a dyn fmt::Debug),
}

impl Category {
    /// In small letters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Connection => "connection",
            Self::Data => "data",
            Self::Heartbeat => "heartbeat",
            Self::Request => "request",
            Self::Send => "send",
            Self::Subscription => "subscription",
        }
    }
}

impl Level {
    /// In small letters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl<'a> Entry<'a> {
    const fn new(level: Level, category: Category, name: &'static str) -> Self {
        Self {
            level,
            category,
            name,
            conn: None,
            attempt: None,
            size: None,
            time: None,
            detail: Detail(Words::None),
        }
    }

    const fn connection(level: Level, name: &'static str) -> Self {
        Self::new(level, Category::Connection, name)
    }

    const fn conn(mut self, conn: ConnId) -> Self {
        self.conn = Some(conn);
        self
    }

    const fn attempt(mut self, attempt: u32) -> Self {
        self.attempt = Some(attempt);
        self
    }

    const fn size(mut self, size: usize) -> Self {
        self.size = Some(size);
        self
    }

    const fn time(mut self, time: Option<Duration>) -> Self {
        self.time = time;
        self
    }

    const fn words(mut self, words: Words<'a>) -> Self {
        self.detail = Detail(words);
        self
    }

    const fn lost(self, lost: &'a Lost) -> Self {
        self.words(Words::Said(lost))
    }
}

impl Detail<'_> {
    /// Is there nothing to say?
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self.0, Words::None)
    }
}

impl<T: AsRef<str>, B: AsRef<[u8]>> Event<T, B> {
    /// The event in plain words, without what messages carry.
    #[must_use]
    pub fn entry(&self) -> Entry<'_> {
        use Category::{Auth, Data, Heartbeat, Request, Send, Subscription};
        use Level::{Debug, Error, Info, Trace, Warn};

        let received = |size: usize| Entry::new(Trace, Data, "received").size(size);
        match self {
            Self::Binary(data) => received(data.as_ref().len()),
            Self::Text(text) => received(text.as_ref().len()),
            Self::Awaited { message, .. } | Self::Call { message, .. } => received(size(message)),
            Self::Data { message, .. } => received(size(message)),
            Self::ClockJump(jump) => {
                Entry::connection(Warn, "clock_jump").words(Words::Shown(jump))
            }
            Self::Continuity {
                topic, continued, ..
            } => {
                let level = match continued.verdict {
                    Bridged::Recovered => Info,
                    _ => Warn,
                };
                Entry::new(level, Subscription, "continuity")
                    .time(Some(continued.blind_for))
                    .words(Words::Topic(topic.as_str(), &continued.verdict))
            }
            Self::Disconnected { conn, lost } => Entry::connection(Warn, "disconnected")
                .conn(*conn)
                .lost(lost),
            Self::Drained { .. } => Entry::connection(Info, "drained"),
            Self::Failed {
                conn,
                attempt,
                lost,
            } => Entry::connection(Warn, "failed")
                .conn(*conn)
                .attempt(*attempt)
                .lost(lost),
            Self::Lagged { missed } => Entry::new(Warn, Data, "lagged").words(Words::Shown(missed)),
            Self::Login(event) => {
                let level = match event {
                    AuthEvent::Accepted { .. } => Info,
                    _ => Warn,
                };
                Entry::new(level, Auth, "login").words(Words::Shown(event))
            }
            Self::MessageLost { why, .. } => {
                Entry::new(Warn, Send, "unsent").words(Words::Shown(why))
            }
            Self::MessageSent { .. } => Entry::new(Debug, Send, "sent"),
            Self::Opened { conn, .. } => Entry::connection(Debug, "opened").conn(*conn),
            Self::Ping(data) => Entry::new(Trace, Heartbeat, "ping").size(data.as_ref().len()),
            Self::PingAnswered { round_trip, .. } => {
                Entry::new(Debug, Heartbeat, "ping_answered").time(Some(*round_trip))
            }
            Self::PingLost { .. } => Entry::new(Warn, Heartbeat, "ping_lost"),
            Self::Pong(data) => Entry::new(Trace, Heartbeat, "pong").size(data.as_ref().len()),
            Self::Pressure(pressure) => {
                let level = match pressure {
                    Pressure::High => Warn,
                    Pressure::Low => Debug,
                };
                Entry::new(level, Send, "pressure").words(Words::Shown(pressure))
            }
            Self::ProtocolError(error) => {
                Entry::connection(Error, "protocol_error").words(Words::Said(error))
            }
            Self::Ready {
                conn,
                attempt,
                downtime,
            } => Entry::connection(Info, "ready")
                .conn(*conn)
                .attempt(*attempt)
                .time(*downtime),
            Self::Redirected { conn, to } => Entry::connection(Info, "redirected")
                .conn(*conn)
                .words(Words::Place(to)),
            Self::RequestEnded { why, .. } => {
                Entry::new(Warn, Request, "unanswered").words(Words::Shown(why))
            }
            Self::Response {
                message,
                round_trip,
                ..
            } => Entry::new(Debug, Request, "answered")
                .size(size(message))
                .time(Some(*round_trip)),
            Self::RetryScheduled { attempt, delay, .. } => Entry::connection(Info, "retry")
                .attempt(*attempt)
                .time(Some(*delay)),
            Self::Subscription { topic, change, .. } => {
                let level = match change {
                    Change::Confirmed | Change::Restored | Change::Unsubscribed => Info,
                    _ => Warn,
                };
                Entry::new(level, Subscription, "topic").words(Words::Topic(topic.as_str(), change))
            }
            Self::Terminated(end) => {
                let level = match end {
                    End::Closed(_) => Info,
                    End::Exhausted { .. } | End::Fatal(_) => Error,
                };
                Entry::connection(level, "terminated").words(Words::Said(end))
            }
            Self::Unmatched { message, .. } => {
                Entry::new(Warn, Request, "unmatched").size(size(message))
            }
            Self::WaitEnded { why, .. } => {
                Entry::new(Debug, Request, "wait_ended").words(Words::Shown(why))
            }
        }
    }
}

fn size<T: AsRef<str>, B: AsRef<[u8]>>(message: &Payload<T, B>) -> usize {
    match message {
        Payload::Binary(data) => data.as_ref().len(),
        Payload::Text(text) => text.as_ref().len(),
    }
}

impl fmt::Display for Detail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Words::None => Ok(()),
            Words::Place(url) => url.origin().fmt(f),
            Words::Said(words) => words.fmt(f),
            Words::Shown(value) => value.fmt(f),
            Words::Topic(topic, value) => write!(f, "{topic}: {value:?}"),
        }
    }
}

impl fmt::Debug for Detail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            level, category, ..
        } = self;
        write!(f, "{} {} {}", level.name(), category.name(), self.name)?;
        if let Some(ConnId(conn)) = self.conn {
            write!(f, " conn={conn}")?;
        }
        if let Some(attempt) = self.attempt {
            write!(f, " attempt={attempt}")?;
        }
        if let Some(size) = self.size {
            write!(f, " size={size}")?;
        }
        if let Some(time) = self.time {
            write!(f, " time={time:?}")?;
        }
        match self.detail.is_empty() {
            true => Ok(()),
            false => write!(f, ": {}", self.detail),
        }
    }
}
