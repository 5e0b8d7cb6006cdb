//! What the session itself asks the server: logins, subscriptions, the set-up of a connection; and
//! the answers to it. Knows no application's requests.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use super::Session;
use super::auth::Purpose;
use super::correlate::RequestId;
use super::dialect::{Asked, Dialect};
use super::lost::{Lost, SetupError};
use super::order::Phase;
use super::out::News;
use super::send::Unsent;
use super::setup::Stage;
use super::subscriptions::{Item, Ticket};
use crate::Instant;
use crate::message::Text;

/// The errands of one connection.
#[derive(Debug, Default)]
pub(super) struct Errands {
    last: u64,
    under_way: BTreeMap<u64, Errand>,
    /// Which errand the answer with this number is to.
    awaited: BTreeMap<RequestId, u64>,
}

#[derive(Debug)]
struct Errand {
    what: What,
    /// Answers that are still to come.
    ids: Vec<RequestId>,
    /// It waits to be sent.
    waits: bool,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Join(Vec<Item<Text>>),
    Leave(Vec<Item<Text>>),
    Login(Purpose),
    Reply,
    Setup,
}

impl What {
    pub(super) fn asked(&self) -> Asked<'_> {
        match self {
            Self::Join(items) => Asked::Subscribe(items),
            Self::Leave(items) => Asked::Unsubscribe(items),
            Self::Login(purpose) => Asked::Login(*purpose),
            Self::Reply => Asked::Reply,
            Self::Setup => Asked::Setup,
        }
    }

    pub(super) fn items(&self) -> &[Item<Text>] {
        match self {
            Self::Join(items) | Self::Leave(items) => items,
            Self::Login(_) | Self::Reply | Self::Setup => &[],
        }
    }
}

/// Errands under way; beyond that the oldest is forgotten, and its answer becomes a stranger's.
const MAX_ERRANDS: usize = 4096;

/// How soon a command that had to make room is tried again.
const AGAIN: Duration = Duration::from_millis(100);

impl Errands {
    /// A number for something that is about to be said.
    pub(super) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Something was said, or waits to be sent.
    pub(super) fn begin(&mut self, number: u64, what: What, ids: Vec<RequestId>, waits: bool) {
        if ids.is_empty() && !waits {
            return;
        }
        if self.under_way.len() >= MAX_ERRANDS {
            if let Some((_, oldest)) = self.under_way.pop_first() {
                self.forget(&oldest.ids);
            }
        }
        self.awaited.extend(ids.iter().map(|id| (*id, number)));
        self.under_way.insert(number, Errand { what, ids, waits });
    }

    /// The errand that an answer with this number is to.
    pub(super) fn find(&self, id: u64) -> Option<(RequestId, &What)> {
        let (id, number) = self.awaited.get_key_value(&RequestId::numbered(id))?;
        Some((*id, &self.under_way.get(number)?.what))
    }

    /// One of its answers has come.
    pub(super) fn answered(&mut self, id: RequestId) {
        let Some(number) = self.awaited.remove(&id) else {
            return;
        };
        if let Some(errand) = self.under_way.get_mut(&number) {
            errand.ids.retain(|other| *other != id);
            if errand.ids.is_empty() && !errand.waits {
                self.under_way.remove(&number);
            }
        }
    }

    fn left(&mut self, number: u64) -> Option<What> {
        let errand = self.under_way.get_mut(&number)?;
        errand.waits = false;
        if errand.ids.is_empty() {
            return self.under_way.remove(&number).map(|errand| errand.what);
        }
        Some(errand.what.clone())
    }

    fn dropped(&mut self, number: u64) -> Option<What> {
        let errand = self.under_way.remove(&number)?;
        self.forget(&errand.ids);
        Some(errand.what)
    }

    /// Forgets those of which nothing can come any more.
    fn prune(&mut self, alive: impl Fn(&What) -> bool) {
        let over = self.under_way.iter();
        let over = over.filter(|(_, errand)| !errand.waits && !alive(&errand.what));
        let over: Vec<u64> = over.map(|(number, _)| *number).collect();
        for number in over {
            self.dropped(number);
        }
    }

    fn forget(&mut self, ids: &[RequestId]) {
        for id in ids {
            self.awaited.remove(id);
        }
    }

    pub(super) fn clear(&mut self) {
        self.under_way.clear();
        self.awaited.clear();
    }
}

impl<D: Dialect> Session<D> {
    /// Acts on what the dialect has understood. `items` are those of the command that was answered.
    pub(super) fn hear(&mut self, news: Vec<News>, items: &[Item<Text>], now: Instant) {
        let conn = self.link.conn();
        for news in news {
            // What was said before may have ended the connection.
            if matches!(self.phase, Phase::Over) || self.link.conn() != conn {
                return;
            }
            match news {
                News::Heartbeat => self.vitals.beat(now),
                News::LoggedIn { ttl } => self.login_accepted(ttl, now),
                News::LoginRefused(rejection) => self.login_refused(rejection, now),
                News::Proceed => {
                    if matches!(self.stage(), Some(Stage::Hello | Stage::Arm)) {
                        self.proceed(now);
                    }
                }
                News::SetupRefused => {
                    if self.setup.is_some() {
                        self.lost_link(Lost::Setup(SetupError::Refused), now);
                    }
                }
                News::Subscribed { topic, resume } => {
                    if let Some(ticket) = self.ticket_of(&topic, items) {
                        let notice = self.topics.confirmed(ticket, resume, now);
                        self.tell_notice(notice);
                    }
                }
                News::SubscribeRefused { topic, reason } => {
                    if let Some(ticket) = self.ticket_of(&topic, items) {
                        let notice = self.topics.failed(ticket, &reason, now);
                        self.tell_notice(notice);
                    }
                }
                News::Throttled { bucket, wait } => {
                    let until = now + wait;
                    self.outbox
                        .limits
                        .lend(|limiter| limiter.freeze(bucket, until));
                }
                News::Unsubscribed { topic } => {
                    if let Some(ticket) = self.ticket_of(&topic, items) {
                        self.topics.left(ticket);
                    }
                }
                News::Unwanted { topic } => {
                    let notice = self.topics.disown(&topic);
                    self.tell_notice(notice);
                }
                News::Wanted { topic } => self.topics.adopt(topic, now),
                News::Used {
                    bucket,
                    used,
                    limit,
                } => {
                    let limits = &mut self.outbox.limits;
                    limits.lend(|limiter| limiter.observe(bucket, used, limit, now));
                }
            }
        }
    }

    /// The attempt that an answer means: that of its command, otherwise the last one for the topic.
    fn ticket_of(&self, topic: &Text, items: &[Item<Text>]) -> Option<Ticket> {
        let item = items.iter().find(|item| item.topic == *topic);
        item.map(|item| item.ticket)
            .or_else(|| self.topics.ticket(topic))
    }

    /// A command or a login has left.
    pub(super) fn errand_left(&mut self, number: u64, now: Instant) {
        match self.errands.left(number) {
            Some(What::Join(items) | What::Leave(items)) => self.topics.sent(&items, now),
            Some(What::Login(_)) => {
                if let Some(auth) = &mut self.auth {
                    auth.sent(now);
                }
            }
            Some(What::Setup) => self.set_up_left(now),
            Some(What::Reply) | None => {}
        }
    }

    /// Something will not be sent: a command is made again a little later; without the rest the
    /// connection is of no use.
    pub(super) fn errand_dropped(&mut self, number: u64, why: Unsent, now: Instant) {
        match self.errands.dropped(number) {
            Some(What::Login(_) | What::Setup) if why != Unsent::Closed => {
                self.lost_link(Lost::Setup(SetupError::NotSent), now);
            }
            Some(what) => self.topics.unsent(what.items(), now + AGAIN),
            None => {}
        }
    }

    /// Attempts have expired: nobody waits for their answers any more.
    pub(super) fn prune_errands(&mut self) {
        let topics = &self.topics;
        self.errands.prune(|what| match what {
            What::Join(items) | What::Leave(items) => topics.any_pending(items),
            What::Login(_) | What::Reply | What::Setup => true,
        });
    }
}
