//! One line of a journal: a word, a time, and fields that are numbers or bytes.

use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use crate::Instant;
use crate::message::{Kind, Message};
use crate::policy::{BucketId, Cost};
use crate::session::correlate::Timing;
use crate::session::requests::RequestOptions;
use crate::session::send::{Offline, SendOptions, Traffic};
use crate::session::subscriptions::{
    Access, Confirm, Continuity, Remedy, Restore, Retry, SubOptions,
};

/// A line being written.
#[derive(Debug)]
pub(in crate::session) struct Line<'a>(&'a mut String);

impl<'a> Line<'a> {
    pub(super) fn new(text: &'a mut String, verb: &str, now: Instant) -> Self {
        text.push_str(verb);
        let mut line = Self(text);
        line.number(now.as_nanos());
        line
    }

    pub(super) fn end(self) {
        self.0.push('\n');
    }

    pub(in crate::session) fn number(&mut self, number: impl Into<u64>) {
        self.0.push(' ');
        self.0.push_str(&number.into().to_string());
    }

    pub(in crate::session) fn bytes(&mut self, bytes: &[u8]) {
        self.0.push_str(" x");
        hex(bytes, self.0);
    }

    pub(in crate::session) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(in crate::session) fn span(&mut self, span: Option<Duration>) {
        let nanos = |span: Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX - 1);
        self.number(span.map_or(0, |span| nanos(span).saturating_add(1)));
    }

    pub(in crate::session) fn message(&mut self, message: &Message<'_>) {
        let kind = match (message.kind(), message) {
            (Some(Kind::Binary), _) => 0u8,
            (Some(Kind::Text), _) => 1,
            (None, Message::Ping(_)) => 2,
            (None, _) => 3,
        };
        self.number(kind);
        self.bytes(message.payload());
    }

    fn cost(&mut self, cost: Option<Cost>) {
        self.number(u64::from(cost.is_some()));
        for bucket in BucketId::ALL {
            self.number(cost.map_or(0, |cost| cost.units(bucket)));
        }
    }

    pub(in crate::session) fn send_options(&mut self, options: &SendOptions) {
        self.number(options.lane as u64);
        self.number(options.priority);
        self.span(options.ttl);
        self.number(options.offline as u64);
        self.cost(options.cost);
    }

    pub(in crate::session) fn request_options(&mut self, options: &RequestOptions) {
        self.span(options.timing.timeout);
        self.span(options.timing.budget);
        self.send_options(&options.send);
    }

    pub(in crate::session) fn sub_options(&mut self, options: &SubOptions) {
        self.number(options.confirm as u64);
        self.span(Some(options.ack_timeout));
        self.span(options.retry.map(|retry| retry.after));
        self.number(options.retry.map_or(0, |retry| retry.times));
        self.number(options.restore as u64);
        self.number(options.access as u64);
        let (kind, step) = match options.continuity {
            Continuity::Chain => (1u8, 0),
            Continuity::Counter { step } => (2, step),
            Continuity::None => (0, 0),
            Continuity::Position => (3, 0),
            Continuity::Range => (4, 0),
        };
        self.number(kind);
        self.number(step);
        self.number(options.on_gap as u64);
        self.span(options.stale_after);
        self.number(options.on_stale as u64);
    }
}

/// The fields of a line being read; each in turn, `None` where one is missing or no good.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    pub(super) verb: &'a str,
    rest: VecDeque<&'a str>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        let mut words = line.split(' ');
        Self {
            verb: words.next().unwrap_or_default(),
            rest: words.collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn word(&mut self) -> Option<&'a str> {
        self.rest.pop_front()
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        self.word()?.parse().ok()
    }

    pub(super) fn small<T: TryFrom<u64>>(&mut self) -> Option<T> {
        T::try_from(self.number()?).ok()
    }

    pub(super) fn now(&mut self) -> Option<Instant> {
        Some(Instant::from_nanos(self.number()?))
    }

    pub(super) fn bytes(&mut self) -> Option<Vec<u8>> {
        unhex(self.word()?.strip_prefix('x')?)
    }

    pub(super) fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?).ok()
    }

    pub(super) fn span(&mut self) -> Option<Option<Duration>> {
        Some(self.number()?.checked_sub(1).map(Duration::from_nanos))
    }

    pub(super) fn one_of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        all.get(self.small::<usize>()?).copied()
    }

    fn cost(&mut self) -> Option<Option<Cost>> {
        let there = self.number()? == 1;
        let mut cost = Cost::FREE;
        for bucket in BucketId::ALL {
            cost = cost.and(bucket, self.small()?);
        }
        Some(there.then_some(cost))
    }

    fn traffic(&mut self) -> Option<Traffic> {
        self.one_of(&[Traffic::Cancel, Traffic::Request, Traffic::Bulk])
    }

    fn offline(&mut self) -> Option<Offline> {
        self.one_of(&[Offline::Queue, Offline::Refuse])
    }

    pub(super) fn send_options(&mut self) -> Option<SendOptions> {
        Some(SendOptions {
            lane: self.traffic()?,
            priority: self.small()?,
            ttl: self.span()?,
            offline: self.offline()?,
            cost: self.cost()?,
        })
    }

    pub(super) fn request_options(&mut self) -> Option<RequestOptions> {
        let timing = Timing::default().timeout(self.span()?).budget(self.span()?);
        Some(
            RequestOptions::default()
                .timing(timing)
                .send(self.send_options()?),
        )
    }

    pub(super) fn sub_options(&mut self) -> Option<SubOptions> {
        const REMEDIES: &[Remedy] = &[Remedy::Report, Remedy::Resubscribe];
        let confirm = self.one_of(&[Confirm::Ack, Confirm::Either, Confirm::FirstData])?;
        let ack_timeout = self.span()??;
        let after = self.span()?;
        let times = self.small()?;
        let restore = self.one_of(&[Restore::Always, Restore::Never])?;
        let access = self.one_of(&[Access::Private, Access::Public])?;
        let (kind, step) = (self.number()?, self.number()?);
        let continuity = match kind {
            0 => Continuity::None,
            1 => Continuity::Chain,
            2 => Continuity::Counter { step },
            3 => Continuity::Position,
            4 => Continuity::Range,
            _ => return None,
        };
        let on_gap = self.one_of(REMEDIES)?;
        let stale_after = self.span()?;
        let on_stale = self.one_of(REMEDIES)?;
        Some(
            SubOptions::default()
                .confirm(confirm)
                .ack_timeout(ack_timeout)
                .retry(after.map(|after| Retry { after, times }))
                .restore(restore)
                .access(access)
                .continuity(continuity, on_gap)
                .stale_after(stale_after, on_stale),
        )
    }
}

pub(super) fn hex(bytes: &[u8], out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            out.push(char::from(DIGITS[usize::from(half)]));
        }
    }
}

pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| char::from(c).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    let pair = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
        _ => None,
    };
    pairs.map(pair).collect()
}
